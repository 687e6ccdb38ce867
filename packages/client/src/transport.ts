import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { AbortSignalLike } from "./abort.ts";
import { abortReason, nativeSignal, onAbort, throwIfAborted, untilAborted } from "./abort.ts";
import { type BrokerAddress, formatAddress } from "./broker-address.ts";
import { ConnectionError, toError } from "./errors.ts";
import { firstToConnect } from "./first-to-connect.ts";
import type { TlsConfig } from "./tls-config.ts";

/*
 * The runtime's modules are looked up when a connection needs them, and not imported: loading node:tls takes half as long
 * as everything here together.
 */
const netModule = () => process.getBuiltinModule("node:net");
const tlsModule = () => process.getBuiltinModule("node:tls");
const dnsModule = () => process.getBuiltinModule("node:dns/promises");

/** Kernels hand over about as much at a time. */
const receiveBufferBytes = 64 * 1024;

/** A connected stream of bytes. */
export interface Transport {
  /** Queues bytes; they must not be changed afterwards. */
  write(bytes: Uint8Array): void;
  /** Ends the stream at once; `onClose` follows. */
  destroy(): void;
}

export interface TransportEvents {
  /** The chunk may be overwritten after the call. */
  onData(chunk: Uint8Array): void;
  /** Called exactly once after the stream was connected; `error` is why it ended, where that is known. */
  onClose(error: Error | undefined): void;
}

/**
 * Opens a stream to a broker. The signal aborts when nobody waits for the connection any more; it should then be given
 * up. Where it fails, connecting is tried again later.
 */
export type Connector = (
  address: BrokerAddress,
  events: TransportEvents,
  signal: AbortSignalLike,
) => Promise<Transport>;

/**
 * Resolves a host name to its IP addresses, in the order in which they are to be tried. The signal aborts when nobody
 * waits for them any more.
 */
export type HostLookup = (host: string, signal: AbortSignalLike) => Promise<readonly string[]>;

export interface TransportOptions {
  readonly tls: TlsConfig | undefined;
  readonly lookup: HostLookup | undefined;
  /** Whether the process may end in spite of it. */
  readonly unref: boolean;
}

/**
 * Opens a TCP or TLS connection. The host name is resolved each time, and all its addresses are tried (KIP-302). Rejects
 * with {@link ConnectionError} (`CONNECTION_FAILED` or `TLS_FAILED`), or with the signal's reason. TLS checks the
 * certificate against the host name unless `rejectUnauthorized` is false.
 */
export async function connectTransport(
  address: BrokerAddress,
  { tls, lookup, unref }: TransportOptions,
  events: TransportEvents,
  signal: AbortSignalLike,
): Promise<Transport> {
  throwIfAborted(signal);
  const ipAddresses = await resolveHost(address, lookup, signal);
  let tcp: Socket;
  try {
    tcp = await firstToConnect(
      ipAddresses,
      {
        connect: (host, until) => openTcp(host, address.port, until, tls === undefined ? events : undefined),
        discard: (socket) => void socket.destroy(),
      },
      signal,
    );
  } catch (error) {
    throwIfAborted(signal);
    throw unreachable(address, error);
  }
  const socket = tls === undefined ? tcp : await openTls(tcp, address, tls, signal);
  if (unref) {
    tcp.unref();
    socket.unref();
  }
  let failure: Error | undefined;
  socket.on("error", (error) => {
    failure = error;
  });
  socket.once("close", () => {
    events.onClose(failure && refusesCertificate(failure) ? tlsFailure(address, failure) : failure);
  });
  if (tls !== undefined) socket.on("data", (chunk: Uint8Array) => events.onData(chunk));
  return {
    write: (bytes) => void socket.write(bytes),
    destroy: () => void socket.destroy(),
  };
}

async function resolveHost(
  address: BrokerAddress,
  lookup: HostLookup | undefined,
  signal: AbortSignalLike,
): Promise<readonly string[]> {
  if (netModule().isIP(address.host) !== 0) return [address.host];
  try {
    if (lookup === undefined) return await untilAborted(lookupBySystem(address.host), signal);
    const found = await untilAborted(lookup(address.host, nativeSignal(signal)), signal);
    // A name among them would be resolved behind the back of whoever gave the function.
    const isUsable = Array.isArray(found) && found.length > 0 && found.every((item) => netModule().isIP(item) !== 0);
    if (!isUsable) throw new Error("the function lookup must give an array of IP addresses");
    return found;
  } catch (cause) {
    throwIfAborted(signal);
    const broker = formatAddress(address);
    const message = `Cannot connect to ${broker}: ${toError(cause).message}`;
    throw new ConnectionError("CONNECTION_FAILED", broker, message, { cause });
  }
}

/** In the order of the system, but IPv6 and IPv4 by turns, so that one family without a route costs little (RFC 8305). */
async function lookupBySystem(host: string): Promise<readonly string[]> {
  const found = await dnsModule().lookup(host, { all: true });
  const firstFamily = found[0]?.family;
  const first = found.filter(({ family }) => family === firstFamily);
  const second = found.filter(({ family }) => family !== firstFamily);
  return found
    .flatMap((_, index) => [first[index], second[index]])
    .flatMap((entry) => (entry === undefined ? [] : [entry.address]));
}

/** With `events`, what arrives is read into one buffer and told to them; otherwise the socket is a stream as ever. */
function openTcp(
  host: string,
  port: number,
  signal: AbortSignalLike,
  events: TransportEvents | undefined,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const onread = events && {
      buffer: new Uint8Array(receiveBufferBytes),
      callback: (count: number, buffer: Uint8Array): boolean => {
        events.onData(buffer.subarray(0, count));
        return true;
      },
    };
    const socket = netModule().connect({ host, port, noDelay: true, ...(onread && { onread }) });
    untilReady(socket, "connect", signal).then(() => {
      socket.setNoDelay(true);
      resolve(socket);
    }, reject);
  });
}

async function openTls(tcp: Socket, address: BrokerAddress, tls: TlsConfig, signal: AbortSignalLike): Promise<Socket> {
  let socket: Socket | undefined;
  try {
    socket = tlsModule().connect({ ...tlsOptions(address, tls), socket: tcp });
    await untilReady(socket, "secureConnect", signal);
    return socket;
  } catch (cause) {
    tcp.destroy();
    throwIfAborted(signal);
    // Keys and certificates that cannot be used are refused before there is a TLS socket.
    if (socket === undefined) throw tlsFailure(address, toError(cause));
    throw handshakeFailure(address, cause instanceof SilentEnd ? undefined : toError(cause));
  }
}

/** The peer closed the connection and gave no reason. */
class SilentEnd extends Error {
  constructor() {
    super("the connection was closed");
  }
}

/** Resolves with the event; rejects when the socket closes first, or when the signal aborts, which destroys it. */
function untilReady(socket: Socket, event: "connect" | "secureConnect", signal: AbortSignalLike): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    const onError = (error: Error): void => {
      failure = error;
    };
    const onClose = (): void => {
      unsubscribe();
      reject(failure ?? new SilentEnd());
    };
    const giveUp = (): void => {
      socket.destroy();
      reject(abortReason(signal));
    };
    socket.on("error", onError);
    socket.once("close", onClose);
    const unsubscribe = signal.aborted ? () => undefined : onAbort(signal, giveUp);
    if (signal.aborted) giveUp();
    socket.once(event, () => {
      unsubscribe();
      socket.off("close", onClose);
      resolve();
    });
  });
}

function tlsOptions(address: BrokerAddress, tls: TlsConfig): ConnectionOptions {
  // A trailing dot makes a host name absolute, but no certificate carries it.
  const serverName = tls.serverName ?? address.host.replace(/\.$/, "");
  // The name that the certificate must carry, where it is no name that may be asked for.
  const options: ConnectionOptions = { host: serverName };
  // SNI must not carry an IP address (RFC 6066 §3).
  if (!/^[\d.]+$|:/.test(serverName)) options.servername = serverName;
  if (tls.ca !== undefined) options.ca = (Array.isArray(tls.ca) ? tls.ca : [tls.ca]).map(toPem);
  if (tls.cert !== undefined) options.cert = toPem(tls.cert);
  if (tls.key !== undefined) options.key = toPem(tls.key);
  if (tls.passphrase !== undefined) options.passphrase = tls.passphrase;
  if (tls.rejectUnauthorized !== undefined) options.rejectUnauthorized = tls.rejectUnauthorized;
  return options;
}

function toPem(value: string | Uint8Array): string {
  return typeof value === "string" ? value : new TextDecoder().decode(value);
}

const tlsProblem =
  /certificate|cert_|ssl|tls|altname|handshake|wrong version number|self.signed|unable to (verify|get)/i;

/** With TLS 1.3 a client learns only after its own handshake that its certificate is missing or refused. */
function refusesCertificate(error: Error): boolean {
  return /alert.*(certificate|unknown.?ca|access.?denied)/i.test(error.message);
}

function unreachable(address: BrokerAddress, error: unknown): ConnectionError {
  const broker = formatAddress(address);
  const failures: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const reasons = failures.map((failure) => toError(failure).message || "unknown cause");
  const cause = failures.length === 1 ? failures[0] : error;
  const message = `Cannot connect to ${broker}: ${reasons.join("; ")}`;
  return new ConnectionError("CONNECTION_FAILED", broker, message, { cause });
}

function handshakeFailure(address: BrokerAddress, cause: Error | undefined): ConnectionError {
  const broker = formatAddress(address);
  const code = cause !== undefined && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const why = cause === undefined ? "the connection was closed" : cause.message || code || "unknown cause";
  // A peer that hangs up during the handshake may be on its way down or up; it says nothing about its TLS.
  if (code !== "ECONNRESET" && tlsProblem.test(`${code} ${why}`)) return tlsFailure(address, cause ?? new Error(why));
  const hint =
    cause === undefined || code === "ECONNRESET" ? " during the TLS handshake; does this port expect TLS?" : "";
  return new ConnectionError("CONNECTION_FAILED", broker, `Cannot connect to ${broker}: ${why}${hint}`, { cause });
}

function tlsFailure(address: BrokerAddress, cause: Error): ConnectionError {
  const broker = formatAddress(address);
  // OpenSSL's messages are full of its own source files; the reason in them is for people.
  const isOpenSsl = cause.message.includes(":SSL routines:");
  const reason = isOpenSsl && "reason" in cause && typeof cause.reason === "string" ? cause.reason : cause.message;
  const message = `TLS to ${broker} failed: ${reason}`;
  return new ConnectionError("TLS_FAILED", broker, message, { cause, retriable: false });
}
