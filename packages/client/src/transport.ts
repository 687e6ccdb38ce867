import { connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { AbortSignalLike } from "./abort.ts";
import { abortReason, onAbort } from "./abort.ts";
import { type BrokerAddress, formatAddress, type TlsConfig } from "./config.ts";
import { ConnectionError, toError } from "./errors.ts";

/** A connected stream of bytes. */
export interface Transport {
  /** Queues bytes; they must not be changed afterwards. */
  write(bytes: Uint8Array): void;
  /** Ends the stream at once; `onClose` follows. */
  destroy(): void;
}

export interface TransportEvents {
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
 * Opens a TCP or TLS connection. Rejects with {@link ConnectionError} (`CONNECTION_FAILED` or `TLS_FAILED`), or with
 * the signal's reason. TLS checks the certificate against the host name unless `rejectUnauthorized` is false.
 */
export async function connectTransport(
  address: BrokerAddress,
  tls: TlsConfig | undefined,
  events: TransportEvents,
  signal: AbortSignalLike,
): Promise<Transport> {
  if (signal.aborted) throw abortReason(signal);
  return new Promise<Transport>((resolve, reject) => {
    let socket: Socket;
    try {
      socket =
        tls === undefined
          ? connectTcp({ host: address.host, port: address.port, noDelay: true })
          : connectTls(tlsOptions(address, tls));
    } catch (cause) {
      // Keys and certificates that cannot be used are refused before there is a socket.
      reject(tlsFailure(address, toError(cause)));
      return;
    }
    let connected = false;
    let failure: Error | undefined;
    const unsubscribe = onAbort(signal, () => {
      socket.destroy();
      reject(abortReason(signal));
    });
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      unsubscribe();
      connected = true;
      socket.setNoDelay(true);
      socket.on("data", (chunk: Uint8Array) => events.onData(chunk));
      resolve({
        write: (bytes) => void socket.write(bytes),
        destroy: () => void socket.destroy(),
      });
    });
    socket.on("error", (error) => {
      failure = error;
    });
    socket.once("close", () => {
      unsubscribe();
      if (connected) events.onClose(failure && refusesCertificate(failure) ? tlsFailure(address, failure) : failure);
      else reject(connectFailure(address, tls !== undefined, failure));
    });
  });
}

function tlsOptions(address: BrokerAddress, tls: TlsConfig): ConnectionOptions {
  // A trailing dot makes a host name absolute, but no certificate carries it.
  const serverName = tls.serverName ?? address.host.replace(/\.$/, "");
  const options: ConnectionOptions = { host: address.host, port: address.port };
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

function connectFailure(address: BrokerAddress, tls: boolean, cause: Error | undefined): ConnectionError {
  const broker = formatAddress(address);
  const code = cause !== undefined && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const why = cause === undefined ? "the connection was closed" : cause.message || code || "unknown cause";
  // A peer that hangs up during the handshake may be on its way down or up; it says nothing about its TLS.
  if (tls && code !== "ECONNRESET" && tlsProblem.test(`${code} ${why}`)) {
    return tlsFailure(address, cause ?? new Error(why));
  }
  const hint =
    tls && (cause === undefined || code === "ECONNRESET")
      ? " during the TLS handshake; does this port expect TLS?"
      : "";
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
