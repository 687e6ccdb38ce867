import { KafkaError, type KafkaErrorOptions } from "@ktables/record-batch";
import { type BrokerErrorFacts, brokerErrorFacts } from "./broker-errors.ts";
import { printable } from "./printable.ts";

/** An option has a wrong type or value, or is unknown; thrown before the network is touched. Code `INVALID_OPTION`. */
export class InvalidOptionError extends KafkaError {
  /** The option's name as the caller wrote it. */
  readonly option: string;

  constructor(option: string, message: string) {
    super(message, { code: "INVALID_OPTION" });
    this.option = option;
  }
}

/** Codes of {@link ConnectionError}. */
export type ConnectionErrorCode =
  /** No TCP or TLS connection could be made. */
  | "CONNECTION_FAILED"
  /** An established connection ended before the answer came. */
  | "CONNECTION_CLOSED"
  /** The peer does not speak Kafka's protocol in clear: an HTTP server, or a listener that expects TLS. */
  | "NOT_KAFKA"
  /** TLS could not be negotiated, or a certificate was refused. */
  | "TLS_FAILED"
  /** A frame is longer than `maxResponseBytes`, or its length is impossible. */
  | "FRAME_TOO_LARGE"
  /** The answer could not be matched or decoded. */
  | "PROTOCOL_VIOLATION"
  /** None of the bootstrap servers could be used. */
  | "NO_BROKER_AVAILABLE"
  /** The address leads to another cluster than the one that this client has talked to before. Final at a bootstrap server. */
  | "WRONG_CLUSTER";

/** The request that an error is about; undefined where it is about none, or about all of a connection. */
export interface RequestContext {
  /** Kafka's name of the API. */
  readonly api?: string | undefined;
  /** The version of the API that was used. */
  readonly version?: number | undefined;
}

/** Something went wrong with the connection to a broker. */
export class ConnectionError extends KafkaError {
  declare readonly code: ConnectionErrorCode;
  /** `host:port`. */
  readonly broker: string;
  readonly api: string | undefined;
  readonly version: number | undefined;
  /** How often the call had tried when it gave up with this error; undefined where nothing is tried again. */
  readonly attempt: number | undefined;
  /** Whether bytes of the request may have reached the broker, so that it may have been carried out. */
  readonly maybeSent: boolean;

  constructor(
    code: ConnectionErrorCode,
    broker: string,
    message: string,
    options: RequestContext & { cause?: unknown; retriable?: boolean; maybeSent?: boolean } = {},
  ) {
    super(message, { code, retriable: options.retriable ?? true, cause: options.cause });
    this.broker = broker;
    this.api = options.api;
    this.version = options.version;
    this.attempt = undefined;
    this.maybeSent = options.maybeSent ?? false;
  }
}

/** Codes of {@link AuthenticationError}. */
export type AuthenticationErrorCode =
  /** The broker refuses the credentials. */
  | "SASL_AUTHENTICATION_FAILED"
  /** The listener does not enable the mechanism; {@link AuthenticationError.enabledMechanisms} tells which it does. */
  | "UNSUPPORTED_SASL_MECHANISM"
  /** The listener does not use SASL. */
  | "ILLEGAL_SASL_STATE"
  /** The broker broke the rules of the mechanism, or did not prove that it knows the password. */
  | "SASL_SERVER_UNTRUSTED"
  /** The function that gives tokens failed, which is tried again, or gave what is no token. */
  | "SASL_TOKEN_UNAVAILABLE";

/** This client could not authenticate itself to a broker. Never holds a secret, except in what a token function threw. */
export class AuthenticationError extends KafkaError {
  declare readonly code: AuthenticationErrorCode;
  /** `host:port`. */
  readonly broker: string;
  /** The SASL mechanism that was tried. */
  readonly mechanism: string;
  /** What the listener enables, where it does not enable `mechanism`; otherwise empty. */
  readonly enabledMechanisms: readonly string[];

  constructor(
    code: AuthenticationErrorCode,
    message: string,
    options: {
      broker: string;
      mechanism: string;
      enabledMechanisms?: readonly string[];
      retriable?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, { code, retriable: options.retriable ?? false, cause: options.cause });
    this.broker = options.broker;
    this.mechanism = options.mechanism;
    this.enabledMechanisms = options.enabledMechanisms ?? [];
  }
}

/** A call did not finish in time. Code `TIMEOUT`. */
export class TimeoutError extends KafkaError {
  readonly timeoutMs: number;
  /** As in {@link ConnectionError.maybeSent}. */
  readonly maybeSent: boolean;
  /** `host:port` of the broker that did not answer; undefined where it was no single one. */
  readonly broker: string | undefined;
  readonly api: string | undefined;
  readonly version: number | undefined;
  /** As in {@link ConnectionError.attempt}. */
  readonly attempt: number | undefined;

  constructor(
    message: string,
    timeoutMs: number,
    options: RequestContext & { broker?: string | undefined; cause?: unknown; maybeSent?: boolean } = {},
  ) {
    super(message, { code: "TIMEOUT", retriable: true, cause: options.cause });
    this.timeoutMs = timeoutMs;
    this.broker = options.broker;
    this.api = options.api;
    this.version = options.version;
    this.attempt = undefined;
    this.maybeSent = options.maybeSent ?? false;
  }
}

/** The client, reader or producer was closed while, or before, the call was made. Code `CLOSED`. */
export class ClosedError extends KafkaError {
  constructor(what: string) {
    super(`${what} is closed`, { code: "CLOSED" });
  }
}

/** The broker and this client share no version of an API. Code `UNSUPPORTED_API`. */
export class UnsupportedApiError extends KafkaError {
  readonly api: string;
  readonly broker: string;

  constructor(api: string, broker: string, message: string) {
    super(message, { code: "UNSUPPORTED_API" });
    this.api = api;
    this.broker = broker;
  }
}

/** Where a broker's error code was found. */
export interface BrokerErrorContext extends RequestContext {
  readonly api: string;
  readonly broker?: string | undefined;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  /** The text that the broker sent along, if any. */
  readonly brokerMessage?: string | null | undefined;
}

/** A broker answered with an error code. `code` is Kafka's own name for it, e.g. `TOPIC_AUTHORIZATION_FAILED`. */
export class BrokerError extends KafkaError {
  readonly errorCode: number;
  /** Whether the metadata that led to this request should be fetched again before the next attempt. */
  readonly refreshMetadata: boolean;
  readonly api: string;
  readonly version: number | undefined;
  /** `host:port`, or a broker id where only that is known; undefined where no broker was asked. */
  readonly broker: string | undefined;
  /** As in {@link ConnectionError.attempt}. */
  readonly attempt: number | undefined;
  readonly topic: string | undefined;
  readonly partition: number | undefined;

  constructor(errorCode: number, context: BrokerErrorContext) {
    const facts: BrokerErrorFacts = brokerErrorFacts(errorCode);
    const place =
      context.topic === undefined
        ? ""
        : ` for topic "${context.topic}"${context.partition === undefined ? "" : ` partition ${context.partition}`}`;
    const detail = context.brokerMessage ? `: ${printable(context.brokerMessage)}` : `: ${facts.description}`;
    super(`${context.api}${place} failed with ${facts.name} (${errorCode})${detail}`, {
      code: facts.name,
      retriable: facts.retriable,
    });
    this.errorCode = errorCode;
    this.refreshMetadata = facts.refreshMetadata;
    this.api = context.api;
    this.version = context.version;
    this.broker = context.broker;
    this.attempt = undefined;
    this.topic = context.topic;
    this.partition = context.partition;
  }
}

/** Codes of {@link PositionLostError}. */
export type PositionLostCode =
  /** Records were removed (retention, DeleteRecords) before they were read: the log starts above the position now. */
  | "OFFSET_OUT_OF_RANGE"
  /**
   * No broker has answered for longer than the topic keeps tombstones, and records were written meanwhile: keys that
   * were deleted may have left no trace.
   */
  | "TOMBSTONES_MISSED"
  /** An unclean election has cut the log below the position: records that were read may not exist any more (KIP-320). */
  | "LOG_TRUNCATED"
  /** The topic was deleted and created again: nothing that was read belongs to it (KIP-516). */
  | "TOPIC_RECREATED";

/** What a reader has read does not lead to where it would read next: whatever was derived from it must be made anew. */
export class PositionLostError extends KafkaError {
  declare readonly code: PositionLostCode;
  readonly topic: string;
  /** Undefined: all of them. */
  readonly partition: number | undefined;
  /** The next offset that was to be read. Undefined where `partition` is. */
  readonly position: number | undefined;
  /**
   * With `OFFSET_OUT_OF_RANGE` the first offset that still exists. With `LOG_TRUNCATED` an offset from which on the log
   * is certainly another one; it may be another one below too. Undefined with `TOPIC_RECREATED`.
   */
  readonly divergingOffset: number | undefined;

  constructor(
    code: PositionLostCode,
    message: string,
    details: { topic: string; partition?: number; position?: number; divergingOffset?: number; cause?: unknown },
  ) {
    super(message, { code, cause: details.cause });
    this.topic = details.topic;
    this.partition = details.partition;
    this.position = details.position;
    this.divergingOffset = details.divergingOffset;
  }
}

/** A record was not acknowledged. */
export class ProduceError extends KafkaError {
  readonly topic: string;
  readonly partition: number | undefined;
  /**
   * `false`: the record is certainly not in the log. `true`: it may or may not be, because the broker never gave a
   * definite answer.
   */
  readonly maybeWritten: boolean;
  /** In how many requests the record was sent. */
  readonly attempt: number;

  constructor(
    message: string,
    options: KafkaErrorOptions & {
      topic: string;
      partition?: number | undefined;
      maybeWritten: boolean;
      attempt?: number | undefined;
    },
  ) {
    super(message, options);
    this.attempt = options.attempt ?? 0;
    this.topic = options.topic;
    this.partition = options.partition;
    this.maybeWritten = options.maybeWritten;
  }
}

/** The end of a connection, as one of the requests saw it that were under way. */
export function endOfRequest(error: Error, context: RequestContext): Error {
  if (error instanceof ConnectionError) {
    const { cause, retriable, maybeSent } = error;
    return new ConnectionError(error.code, error.broker, error.message, { ...context, cause, retriable, maybeSent });
  }
  if (error instanceof TimeoutError) {
    const { cause, broker, maybeSent } = error;
    return new TimeoutError(error.message, error.timeoutMs, { ...context, broker, cause, maybeSent });
  }
  return error;
}

/** Notes on an error that it ended a call at its nth attempt. Calls that shared the attempt share the error. */
export function noteAttempt(error: unknown, attempt: number): void {
  if (error instanceof ConnectionError || error instanceof TimeoutError || error instanceof BrokerError) {
    (error as { attempt: number | undefined }).attempt = attempt;
  }
}

/** Any thrown value as an Error, for `cause` chains and logs. */
export function toError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}

/** Whether an operation that failed with this error may succeed when repeated. */
export function isRetriable(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable;
}
