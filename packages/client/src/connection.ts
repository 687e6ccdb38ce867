import { KafkaError } from "@ktables/record-batch";
import { type AbortSignalLike, abortReason, CallScope, onAbort, throwIfAborted, untilAborted } from "./abort.ts";
import { type BrokerAddress, formatAddress } from "./broker-address.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { ResolvedConfig } from "./config.ts";
import { DeadlineTimer } from "./deadline-timer.ts";
import { diagnosticError, publish, publishFailure } from "./diagnostics.ts";
import { BrokerError, ConnectionError, endOfRequest, TimeoutError, toError, UnsupportedApiError } from "./errors.ts";
import { type ExchangeFacts, publishExchange } from "./exchange-events.ts";
import { FrameAssembler, FrameError, isWorthGivingBack } from "./frames.ts";
import { decodeAnswer, RequestEncoder } from "./messages.ts";
import { checkBrokerAge } from "./oldest-broker.ts";
import { openTransport } from "./open-transport.ts";
import type { Api } from "./protocol/api.ts";
import { apiVersionsApi } from "./protocol/generated/api-versions.ts";
import { correlationIdOf } from "./protocol/headers.ts";
import { RequestGate } from "./request-gate.ts";
import { authenticate, type SaslChannel } from "./sasl.ts";
import type { SaslConfig } from "./sasl-config.ts";
import { SaslSession } from "./sasl-session.ts";
import { silenceAfter, throttleTimeOf } from "./throttle.ts";
import type { Transport } from "./transport.ts";

export interface RequestOptions {
  /** How long the broker itself may take before it answers (long poll, topic creation); added to the timeout. */
  readonly serverWaitMs?: number | undefined;
  readonly signal?: AbortSignalLike | undefined;
  /** Highest version to use, where the content rules out newer ones. */
  readonly maxVersion?: number | undefined;
}

/** A request and whoever waits for its answer. */
interface Exchange {
  readonly api: Api<unknown, unknown>;
  readonly version: number;
  readonly request: unknown;
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly resolve: (response: unknown) => void;
  readonly reject: (failure: unknown) => void;
}

/** An exchange of which the request is being sent, or has been. */
interface Pending {
  readonly exchange: Exchange;
  readonly correlationId: number;
  readonly requestBytes: number;
  /** As of `performance.now()`. */
  readonly startedAt: number;
  readonly deadline: number;
}

/**
 * One connection to one broker. The broker answers strictly in order, one request at a time, so answers are matched
 * with a queue; whatever breaks that order ends the connection, because a late or half-read answer would be taken for
 * the next one's.
 *
 * While the broker wants silence (KIP-219), or the connection is being authenticated again (KIP-368), requests wait in
 * the order in which they came.
 */
export class Connection {
  readonly broker: string;
  readonly #config: ResolvedConfig;
  readonly #encoder: RequestEncoder;
  readonly #frames: FrameAssembler;
  /** The memory of answers that may be given back. */
  readonly #memory = new WeakMap<object, Uint8Array>();
  readonly #pending: Pending[] = [];
  readonly #deadlines = new DeadlineTimer(() => this.#onDeadline());
  readonly #gate = new RequestGate();
  readonly #versions = new Map<number, { readonly min: number; readonly max: number }>();
  #transport: Transport | undefined;
  #failure: Error | undefined;
  #received = false;
  #session: SaslSession | undefined;
  #isAuthenticating = false;
  /** Whether the broker has answered a request that it answers only to those whom it knows. */
  #isAccepted = false;
  #onIdle: (() => void) | undefined;
  /** Whether it has been in use: before that, its failure is that of connecting. */
  #isOpened = false;
  /** The error with which this side ends it. */
  #ownEnd: Error | undefined;

  private constructor(broker: string, config: ResolvedConfig) {
    this.broker = broker;
    this.#config = config;
    this.#encoder = new RequestEncoder(config.clientId);
    this.#frames = new FrameAssembler(config.maxResponseBytes, (frame) => this.#onFrame(frame));
  }

  /**
   * Connects, learns which API versions this broker speaks and authenticates, within `connectTimeoutMs`. Rejects with
   * {@link ConnectionError}, {@link TimeoutError}, `AuthenticationError` or {@link BrokerError}.
   */
  static async open(address: BrokerAddress, config: ResolvedConfig, signal: AbortSignalLike): Promise<Connection> {
    const broker = formatAddress(address);
    const connection = new Connection(broker, config);
    const scope = new CallScope([signal], config.connectTimeoutMs, () =>
      connection.#received
        ? new TimeoutError(
            connection.#isAuthenticating
              ? `Authentication at ${broker} took longer than ${config.connectTimeoutMs} ms`
              : `${broker} did not answer within ${config.connectTimeoutMs} ms`,
            config.connectTimeoutMs,
            { broker },
          )
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
      const events = {
        onData: (chunk: Uint8Array): void => {
          try {
            connection.#frames.push(chunk);
          } catch (error) {
            connection.#fail(connection.#unreadable(error));
          }
        },
        onClose: (error: Error | undefined): void => connection.#fail(connection.#closedByPeer(error)),
      };
      connection.#transport = await openTransport(address, config, events, scope.signal);
      await connection.#negotiate(scope.signal);
      const sasl = config.sasl?.reveal();
      if (sasl !== undefined) await connection.#startSession(sasl, scope.signal);
      connection.#isOpened = true;
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

  /** Whether the broker still owes an answer, whether or not anybody waits for it. */
  get isBusy(): boolean {
    return this.#pending.length > 0;
  }

  /** What an error of the broker's answer to a request is to tell about where it comes from. */
  context(
    api: Api<unknown, unknown> | Api<never, unknown>,
    maxVersion?: number,
  ): { readonly api: string; readonly version: number | undefined; readonly broker: string } {
    return { api: api.name, version: this.versionFor(api, maxVersion), broker: this.broker };
  }

  /** The highest version that both sides speak, or undefined when there is none. */
  versionFor(api: Api<unknown, unknown> | Api<never, unknown>, maxVersion = 32_767): number | undefined {
    const range = this.#versions.get(api.key);
    if (range === undefined) return undefined;
    return api.versions.findLast((version) => version >= range.min && version <= range.max && version <= maxVersion);
  }

  /**
   * Sends a request and resolves with its answer. Rejects with {@link UnsupportedApiError}, {@link TimeoutError} or
   * {@link ConnectionError}; when the signal ends the wait, the answer is still read and dropped. What was never sent
   * because the broker wanted silence is not sent either.
   */
  request<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    { signal, maxVersion, serverWaitMs = 0 }: RequestOptions = {},
  ): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      throwIfAborted(signal);
      const version = this.versionFor(api, maxVersion);
      if (version === undefined) throw this.#unsupported(api, maxVersion);
      const unsubscribe = signal && onAbort(signal, () => reject(abortReason(signal)));
      const exchange = this.#exchangeOf(
        api,
        version,
        request,
        serverWaitMs,
        (response) => {
          unsubscribe?.();
          resolve(response);
        },
        (failure) => {
          unsubscribe?.();
          reject(failure);
        },
      );
      this.#gate.pass(() => {
        if (signal?.aborted !== true) this.#begin(exchange);
      });
    });
  }

  /** Nobody needs the answer any more, nor the bytes in it: what comes next may be received into their memory. */
  giveBack(answer: object): void {
    const frame = this.#memory.get(answer);
    if (frame === undefined) return;
    this.#memory.delete(answer);
    this.#frames.giveBack(frame);
  }

  /** Sends a request that the broker does not answer: Produce with acks 0. Resolves when it was sent. */
  async sendWithoutAnswer<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    maxVersion: number | undefined,
  ): Promise<void> {
    const version = this.versionFor(api, maxVersion);
    if (version === undefined) throw this.#unsupported(api, maxVersion);
    return new Promise((resolve, reject) => {
      this.#gate.pass(() => {
        if (this.#failure !== undefined) {
          reject(this.#notSent(this.#failure));
          return;
        }
        this.#transport?.write(this.#encoder.encode(api, version, request).frame);
        resolve();
      });
    });
  }

  /** Ends the connection; requests in flight are rejected with the given error. */
  close(
    error: Error = new ConnectionError("CONNECTION_CLOSED", this.broker, `Connection to ${this.broker} closed`, {
      maybeSent: true,
    }),
  ): void {
    this.#ownEnd = error;
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
      throw new BrokerError(response.errorCode, { api: apiVersionsApi.name, broker: this.broker });
    }
    if (response.apiKeys.length === 0) {
      throw new ConnectionError("PROTOCOL_VIOLATION", this.broker, `${this.broker} announces no API at all`);
    }
    for (const { apiKey, minVersion, maxVersion } of response.apiKeys) {
      this.#versions.set(apiKey, { min: minVersion, max: maxVersion });
    }
    checkBrokerAge(this.broker, this.#versions);
  }

  /** Authenticates, and keeps doing so for as long as the broker wants that. */
  async #startSession(sasl: SaslConfig, signal: AbortSignalLike): Promise<void> {
    const channel: SaslChannel = {
      broker: this.broker,
      send: async (api, request) => {
        const version = this.versionFor(api);
        if (version === undefined) throw this.#unsupported(api, undefined);
        return this.#send(api, version, request, 0);
      },
    };
    this.#isAuthenticating = true;
    const lifetimeMs = await untilAborted(authenticate(channel, sasl, signal), signal);
    // It may have ended with the last answer: a session without a connection would keep its timer.
    if (this.#failure !== undefined) throw this.#failure;
    this.#isAuthenticating = false;
    this.#isAccepted = true;
    const owner = {
      hold: () => this.#gate.hold(),
      whenIdle: () => this.#whenIdle(),
      authenticate: (until: AbortSignalLike) => authenticate(channel, sasl, until),
      fail: (error: Error) => this.#fail(this.#sessionLost(error)),
    };
    this.#session = new SaslSession(owner, this.#config.connectTimeoutMs);
    this.#session.begin(lifetimeMs);
  }

  async #whenIdle(): Promise<void> {
    if (this.#pending.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #send<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
    serverWaitMs: number,
  ): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      this.#begin(this.#exchangeOf(api, version, request, serverWaitMs, resolve, reject));
    });
  }

  #exchangeOf<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
    serverWaitMs: number,
    resolve: (response: Response) => void,
    reject: (failure: unknown) => void,
  ): Exchange {
    const timeoutMs = this.#config.requestTimeoutMs + serverWaitMs;
    return { api, version, request, timeoutMs, resolve: resolve as Exchange["resolve"], reject };
  }

  /** Sends the request; the exchange is settled with its answer. */
  #begin(exchange: Exchange): void {
    const { api, version, request, timeoutMs, reject } = exchange;
    try {
      if (this.#failure !== undefined) throw this.#notSent(this.#failure);
      const startedAt = performance.now();
      const { correlationId, frame } = this.#encoder.encode(api, version, request);
      const deadline = startedAt + timeoutMs;
      this.#pending.push({ exchange, correlationId, requestBytes: frame.length - 4, startedAt, deadline });
      this.#deadlines.add(deadline);
      // Last, since what a connector gives may answer, or end, within the call.
      this.#transport?.write(frame);
    } catch (error) {
      // Where writing threw, no answer will come.
      if (this.#pending.at(-1)?.exchange === exchange) this.#pending.pop();
      reject(error);
    }
  }

  /** Throws what is wrong with the frame. */
  #settle(pending: Pending, frame: Uint8Array): void {
    const { api, version, request, resolve } = pending.exchange;
    const response = decodeAnswer(api, version, frame);
    this.#publishEnd(pending, frame.length);
    publishExchange(api.key, () => this.#factsOf(pending), request, response);
    this.#heedThrottle(api.name, version, response);
    this.#isAccepted ||= api.key !== apiVersionsApi.key;
    if (isWorthGivingBack(frame) && typeof response === "object" && response !== null)
      this.#memory.set(response, frame);
    resolve(response);
  }

  #failExchange(pending: Pending, error: Error): void {
    const { api, version, reject } = pending.exchange;
    const failure = endOfRequest(error, { api: api.name, version });
    this.#publishEnd(pending, undefined, failure);
    reject(failure);
  }

  #factsOf({ exchange, startedAt }: Pending): ExchangeFacts {
    const { clientId } = this.#config;
    return { clientId, broker: this.broker, version: exchange.version, durationMs: performance.now() - startedAt };
  }

  #publishEnd(pending: Pending, responseBytes: number | undefined, error?: Error): void {
    publish("request", () => ({
      ...this.#factsOf(pending),
      api: pending.exchange.api.name,
      correlationId: pending.correlationId,
      requestBytes: pending.requestBytes,
      responseBytes,
      error: error && diagnosticError(error),
    }));
  }

  #onFrame(frame: Uint8Array): void {
    this.#received = true;
    const pending = this.#pending[0];
    const correlationId = correlationIdOf(frame);
    if (pending?.correlationId !== correlationId) {
      const expected = pending === undefined ? "none was expected" : `${pending.correlationId} was expected`;
      throw new KafkaError(`it sent an answer with correlation id ${correlationId} where ${expected}`, {
        code: "PROTOCOL_VIOLATION",
      });
    }
    this.#pending.shift();
    try {
      this.#settle(pending, frame);
    } catch (error) {
      const { api, version } = pending.exchange;
      const failure = new ConnectionError(
        "PROTOCOL_VIOLATION",
        this.broker,
        `Cannot read the answer of ${this.broker} to ${api.name} v${version}: ${toError(error).message}`,
        { cause: error, maybeSent: true },
      );
      this.#failExchange(pending, failure);
      this.#fail(failure);
    }
    if (this.#pending.length === 0) this.#onIdle?.();
  }

  #heedThrottle(api: string, version: number, response: unknown): void {
    const throttleMs = throttleTimeOf(response);
    if (throttleMs === 0) return;
    const silenceMs = silenceAfter(api, version, response);
    this.#config.logger.debug(`${this.broker} throttles this client for ${throttleMs} ms`);
    publish("throttle", () => {
      return { clientId: this.#config.clientId, broker: this.broker, api, throttleMs, isSilent: silenceMs > 0 };
    });
    if (silenceMs > 0) this.#gate.holdFor(silenceMs);
  }

  #onDeadline(): void {
    const now = performance.now();
    const late = this.#pending.find(({ deadline }) => deadline <= now);
    if (late === undefined) for (const { deadline } of this.#pending) this.#deadlines.add(deadline);
    else this.#onTimeout(late.exchange);
  }

  #onTimeout({ api, timeoutMs }: Exchange): void {
    this.#fail(
      new TimeoutError(`${this.broker} did not answer ${api.name} within ${timeoutMs} ms`, timeoutMs, {
        broker: this.broker,
        maybeSent: true,
      }),
    );
  }

  #unreadable(error: unknown): ConnectionError {
    const code =
      error instanceof FrameError && (error.code === "NOT_KAFKA" || error.code === "FRAME_TOO_LARGE")
        ? error.code
        : "PROTOCOL_VIOLATION";
    // Who has spoken Kafka's protocol before will do so again: what stood between us has damaged the stream.
    const isGarbled = code === "PROTOCOL_VIOLATION" || (code === "NOT_KAFKA" && this.#received);
    return new ConnectionError(code, this.broker, `Cannot talk to ${this.broker}: ${toError(error).message}`, {
      cause: error,
      retriable: isGarbled,
      maybeSent: true,
    });
  }

  #closedByPeer(cause: Error | undefined): ConnectionError {
    // A certificate that is missing or refused does not become right by trying again.
    if (!this.#received && cause instanceof ConnectionError && cause.code === "TLS_FAILED") return cause;
    let early = "";
    if (!this.#received) early = " before answering; is this listener plain, TLS or SASL as configured?";
    else if (!this.#isAccepted && this.#config.sasl === undefined && this.#pending.length > 0) {
      early = " instead of answering; does this listener want SASL?";
    }
    return new ConnectionError(
      "CONNECTION_CLOSED",
      this.broker,
      `${this.broker} closed the connection${early}${cause === undefined ? "" : ` (${cause.message})`}`,
      { cause, maybeSent: true },
    );
  }

  /** A new connection may do better, and if not, its failure says why. */
  #sessionLost(cause: Error): ConnectionError {
    return new ConnectionError(
      "CONNECTION_CLOSED",
      this.broker,
      `The connection to ${this.broker} could not be authenticated again: ${cause.message}`,
      { cause },
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
    if (this.#isOpened && error !== this.#ownEnd) {
      const operation = `Connection to ${this.broker}`;
      publishFailure("connection", { clientId: this.#config.clientId, operation, error });
    }
    this.#transport?.destroy();
    this.#session?.end();
    this.#deadlines.stop();
    for (const pending of this.#pending.splice(0)) this.#failExchange(pending, error);
    this.#gate.end();
  }
}
