import { KafkaError } from "@ktables/record-batch";
import { type AbortSignalLike, CallScope, maximumTimerMs, throwIfAborted, untilAborted } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import { type BrokerAddress, formatAddress, type ResolvedConfig } from "./config.ts";
import { BrokerError, ConnectionError, TimeoutError, toError, UnsupportedApiError } from "./errors.ts";
import { FrameAssembler, FrameError } from "./frames.ts";
import type { Api } from "./protocol/api.ts";
import { apiVersionsApi } from "./protocol/generated/api-versions.ts";
import { readResponseHeader, writeRequestHeader } from "./protocol/headers.ts";
import { ProtocolReader } from "./protocol/reader.ts";
import { ProtocolWriter } from "./protocol/writer.ts";
import { connectTransport, type Transport } from "./transport.ts";

export interface RequestOptions {
  /** How long the broker itself may take before it answers (long poll, topic creation); added to the timeout. */
  readonly serverWaitMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
  /** Highest version to use, where the content rules out newer ones. */
  readonly maxVersion?: number | undefined;
}

interface Pending {
  readonly correlationId: number;
  readonly what: string;
  readonly timer: ReturnType<typeof setTimeout>;
  /** Decodes the frame and settles the caller's promise. */
  readonly settle: (frame: Uint8Array) => void;
  readonly fail: (error: Error) => void;
}

/**
 * One connection to one broker. The broker answers strictly in order, one request at a time, so answers are matched
 * with a queue; whatever breaks that order ends the connection, because a late or half-read answer would be taken for
 * the next one's.
 */
export class Connection {
  readonly broker: string;
  readonly #config: ResolvedConfig;
  readonly #pending: Pending[] = [];
  readonly #versions = new Map<number, { readonly min: number; readonly max: number }>();
  #transport: Transport | undefined;
  #correlationId = 0;
  #failure: Error | undefined;
  #received = false;

  private constructor(broker: string, config: ResolvedConfig) {
    this.broker = broker;
    this.#config = config;
  }

  /** Connects and learns which API versions this broker speaks, within `connectTimeoutMs`. */
  static async open(address: BrokerAddress, config: ResolvedConfig, signal: AbortSignalLike): Promise<Connection> {
    const broker = formatAddress(address);
    const connection = new Connection(broker, config);
    const scope = new CallScope([signal], config.connectTimeoutMs, () =>
      connection.#received
        ? new TimeoutError(`${broker} did not answer within ${config.connectTimeoutMs} ms`, config.connectTimeoutMs)
        : new ConnectionError(
            "CONNECTION_FAILED",
            broker,
            `Cannot connect to ${broker} within ${config.connectTimeoutMs} ms` +
              (connection.#transport === undefined
                ? ""
                : ": it accepted the connection but never answered; is it a Kafka listener of this kind (plain or TLS)?"),
          ),
    );
    try {
      const frames = new FrameAssembler(config.maxResponseBytes, (frame) => connection.#onFrame(frame));
      connection.#transport = await connectTransport(
        address,
        config.tls,
        {
          onData: (chunk) => {
            try {
              frames.push(chunk);
            } catch (error) {
              connection.#fail(connection.#unreadable(error));
            }
          },
          onClose: (error) => connection.#fail(connection.#closedByPeer(error)),
        },
        scope.signal,
      );
      await connection.#negotiate(scope.signal);
      return connection;
    } catch (error) {
      connection.#fail(toError(error));
      // Where the peer spoke first, the connection had failed before its transport was known here.
      connection.#transport?.destroy();
      throw error;
    } finally {
      scope.end();
    }
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /** The highest version that both sides speak, or undefined when there is none. */
  versionFor(api: Api<unknown, unknown> | Api<never, unknown>, maxVersion = 32_767): number | undefined {
    const range = this.#versions.get(api.key);
    if (range === undefined) return undefined;
    return api.versions.findLast((version) => version >= range.min && version <= range.max && version <= maxVersion);
  }

  /**
   * Sends a request and resolves with its answer. Rejects with {@link UnsupportedApiError}, {@link TimeoutError} or
   * {@link ConnectionError}; when the signal ends the wait, the answer is still read and dropped.
   */
  async request<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    options: RequestOptions = {},
  ): Promise<Response> {
    throwIfAborted(options.signal);
    const version = this.versionFor(api, options.maxVersion);
    if (version === undefined) throw this.#unsupported(api, options.maxVersion);
    return untilAborted(this.#send(api, version, request, options.serverWaitMs ?? 0), options.signal);
  }

  /** Sends a request that the broker does not answer: Produce with acks 0. */
  sendWithoutAnswer<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    maxVersion: number | undefined,
  ): void {
    const version = this.versionFor(api, maxVersion);
    if (version === undefined) throw this.#unsupported(api, maxVersion);
    if (this.#failure !== undefined) throw this.#notSent(this.#failure);
    this.#write(api, version, request);
  }

  /** Ends the connection; requests in flight are rejected with the given error. */
  close(
    error: Error = new ConnectionError("CONNECTION_CLOSED", this.broker, `Connection to ${this.broker} closed`, {
      maybeSent: true,
    }),
  ): void {
    this.#fail(error);
  }

  async #negotiate(signal: AbortSignalLike): Promise<void> {
    const request = { clientSoftwareName: "ktables", clientSoftwareVersion: "0.1.0" };
    let response = await untilAborted(this.#send(apiVersionsApi, 3, request, 0), signal);
    // A broker that does not know version 3 says so in the layout of version 0 (KIP-511).
    if (response.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      response = await untilAborted(this.#send(apiVersionsApi, 0, request, 0), signal);
    }
    if (response.errorCode !== ErrorCode.NONE) {
      throw new BrokerError(response.errorCode, { api: "ApiVersions", broker: this.broker });
    }
    if (response.apiKeys.length === 0) {
      throw new ConnectionError("PROTOCOL_VIOLATION", this.broker, `${this.broker} announces no API at all`);
    }
    for (const { apiKey, minVersion, maxVersion } of response.apiKeys) {
      this.#versions.set(apiKey, { min: minVersion, max: maxVersion });
    }
  }

  #send<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
    serverWaitMs: number,
  ): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#notSent(this.#failure);
      const correlationId = this.#write(api, version, request);
      const timeoutMs = Math.min(this.#config.requestTimeoutMs + serverWaitMs, maximumTimerMs);
      this.#pending.push({
        correlationId,
        what: `${api.name} v${version}`,
        timer: setTimeout(() => this.#onTimeout(api.name, timeoutMs), timeoutMs),
        settle: (frame) => resolve(decodeAnswer(api, version, frame)),
        fail: reject,
      });
    });
  }

  /** Returns the correlation id. */
  #write<Request, Response>(api: Api<Request, Response>, version: number, request: Request): number {
    const correlationId = this.#correlationId;
    const writer = new ProtocolWriter();
    writer.int32(0);
    writeRequestHeader(
      writer,
      { apiKey: api.key, apiVersion: version, correlationId, clientId: this.#config.clientId },
      version >= api.flexibleFrom,
    );
    api.encodeRequest(writer, request, version);
    writer.setInt32(0, writer.length - 4);
    const frame = writer.finish();
    this.#correlationId = (correlationId + 1) & 0x7fff_ffff;
    this.#transport?.write(frame);
    return correlationId;
  }

  #onFrame(frame: Uint8Array): void {
    this.#received = true;
    const pending = this.#pending.shift();
    const correlationId = new ProtocolReader(frame).int32();
    if (pending === undefined || pending.correlationId !== correlationId) {
      if (pending !== undefined) this.#pending.unshift(pending);
      const expected = pending === undefined ? "none was expected" : `${pending.correlationId} was expected`;
      throw new KafkaError(`it sent an answer with correlation id ${correlationId} where ${expected}`, {
        code: "PROTOCOL_VIOLATION",
      });
    }
    clearTimeout(pending.timer);
    try {
      pending.settle(frame);
    } catch (error) {
      const failure = new ConnectionError(
        "PROTOCOL_VIOLATION",
        this.broker,
        `Cannot read the answer of ${this.broker} to ${pending.what}: ${toError(error).message}`,
        { cause: error, maybeSent: true },
      );
      pending.fail(failure);
      this.#fail(failure);
    }
  }

  #onTimeout(api: string, timeoutMs: number): void {
    this.#fail(
      new TimeoutError(`${this.broker} did not answer ${api} within ${timeoutMs} ms`, timeoutMs, { maybeSent: true }),
    );
  }

  #unreadable(error: unknown): ConnectionError {
    const code =
      error instanceof FrameError && (error.code === "NOT_KAFKA" || error.code === "FRAME_TOO_LARGE")
        ? error.code
        : "PROTOCOL_VIOLATION";
    return new ConnectionError(code, this.broker, `Cannot talk to ${this.broker}: ${toError(error).message}`, {
      cause: error,
      retriable: code === "PROTOCOL_VIOLATION",
      maybeSent: true,
    });
  }

  #closedByPeer(cause: Error | undefined): ConnectionError {
    const early = this.#received ? "" : " before answering; is this listener plain, TLS or SASL as configured?";
    return new ConnectionError(
      "CONNECTION_CLOSED",
      this.broker,
      `${this.broker} closed the connection${early}${cause === undefined ? "" : ` (${cause.message})`}`,
      { cause, maybeSent: true },
    );
  }

  /** What ended the connection may have left earlier requests undecided, but this one was certainly not sent. */
  #notSent(failure: Error): Error {
    if (!(failure instanceof ConnectionError || failure instanceof TimeoutError)) return failure;
    return new ConnectionError("CONNECTION_CLOSED", this.broker, failure.message, {
      cause: failure,
      retriable: failure.retriable,
    });
  }

  #unsupported<Request, Response>(api: Api<Request, Response>, maxVersion: number | undefined): UnsupportedApiError {
    const range = this.#versions.get(api.key);
    const ours = api.versions.filter((version) => maxVersion === undefined || version <= maxVersion).join(", ");
    const theirs = range === undefined ? "does not offer it" : `speaks versions ${range.min} to ${range.max}`;
    return new UnsupportedApiError(
      api.name,
      this.broker,
      `${this.broker} ${theirs}, but ${api.name} is needed in one of the versions ${ours}; is the broker too old?`,
    );
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#transport?.destroy();
    for (const pending of this.#pending.splice(0)) {
      clearTimeout(pending.timer);
      pending.fail(error);
    }
  }
}

const correlationIdBytes = 4;

function decodeAnswer<Request, Response>(api: Api<Request, Response>, version: number, frame: Uint8Array): Response {
  const reader = new ProtocolReader(frame);
  readResponseHeader(reader, api.key, version >= api.flexibleFrom);
  // A broker that does not know the version of ApiVersions answers in the layout of version 0 (KIP-511), and some
  // answer with a body that nothing can parse: the error code at the front is all that counts.
  if (api.key === apiVersionsApi.key && version > 0) {
    const peek = new ProtocolReader(frame.subarray(correlationIdBytes));
    if (peek.int16() === ErrorCode.UNSUPPORTED_VERSION) {
      return { ...noApiVersions, errorCode: ErrorCode.UNSUPPORTED_VERSION } as Response;
    }
  }
  return api.decodeResponse(reader, version);
}

const noApiVersions = { apiKeys: [], throttleTimeMs: 0 };
