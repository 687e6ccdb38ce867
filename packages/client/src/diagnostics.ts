import { KafkaError } from "@ktables/record-batch";

/** What every event tells. */
interface ClientEvent {
  /** The client's option `clientId`. */
  readonly clientId: string;
}

/** An error, reduced to what may be logged and sent anywhere: no cause, which may be somebody else's. */
export interface DiagnosticError {
  readonly name: string;
  /** As of `KafkaError.code`; undefined for an error of somebody else, such as an abort. */
  readonly code: string | undefined;
  readonly message: string;
  readonly retriable: boolean;
}

/** An attempt to connect is over: TCP, TLS, the exchange of versions and authentication included. */
export interface ConnectEvent extends ClientEvent {
  /** `host:port`. */
  readonly broker: string;
  readonly purpose: "control" | "produce" | "fetch";
  readonly durationMs: number;
  /** Why it failed; undefined when connected. */
  readonly error: DiagnosticError | undefined;
}

/** A request was answered, or its answer will not come. An answer may still hold a broker's error code. */
export interface RequestEvent extends ClientEvent {
  readonly broker: string;
  /** Kafka's name, such as `Fetch`. */
  readonly api: string;
  readonly version: number;
  readonly correlationId: number;
  /** Length fields not included. */
  readonly requestBytes: number;
  /** Undefined where no answer came. */
  readonly responseBytes: number | undefined;
  /** From handing it to the socket to its answer, what the broker was asked to wait included. */
  readonly durationMs: number;
  readonly error: DiagnosticError | undefined;
}

/** What is known of the cluster or a topic has changed, or was learnt for the first time since somebody listens. */
export interface MetadataEvent extends ClientEvent {
  readonly clusterId: string | undefined;
  readonly brokers: readonly { readonly host: string; readonly port: number }[];
  readonly topic: string;
  readonly topicId: string | undefined;
  /** Leader -1 means none. */
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly leaderEpoch: number;
  }[];
}

/** A broker answered Fetch. The answer may be dropped all the same, for instance where a reader has moved on. */
export interface FetchEvent extends ClientEvent {
  readonly broker: string;
  readonly version: number;
  /** The broker's wait for records included. */
  readonly durationMs: number;
  /** Bytes of record batches. */
  readonly bytes: number;
  /** Kafka's name of the error for the whole answer. */
  readonly error: string | undefined;
  readonly partitions: readonly {
    /** Undefined for a topic that was not asked for. */
    readonly topic: string | undefined;
    readonly partition: number;
    readonly bytes: number;
    readonly highWatermark: number;
    /** Kafka's name of the error, such as `NOT_LEADER_OR_FOLLOWER`. */
    readonly error: string | undefined;
  }[];
}

/** A broker answered Produce. With `acks: 0` it never does. */
export interface ProduceEvent extends ClientEvent {
  readonly broker: string;
  readonly version: number;
  /** The broker's wait for its replicas included. */
  readonly durationMs: number;
  /** Bytes of record batches. */
  readonly bytes: number;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly bytes: number;
    /** Offset of the first record; -1 where the broker tells none. */
    readonly baseOffset: number;
    /** Kafka's name of the error, such as `NOT_ENOUGH_REPLICAS`. */
    readonly error: string | undefined;
  }[];
}

/** Something failed and will be tried again. */
export interface RetryEvent extends ClientEvent {
  /** For people, such as `Metadata of topic "t"`. */
  readonly operation: string;
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  /** The attempt that failed, counted from 1; undefined where attempts are not counted. */
  readonly attempt: number | undefined;
  readonly error: DiagnosticError;
}

/** A broker has had enough of this client (quotas, KIP-219). */
export interface ThrottleEvent extends ClientEvent {
  readonly broker: string;
  readonly api: string;
  readonly throttleMs: number;
  /** Whether this client keeps silent for that time; otherwise the broker had waited before it answered. */
  readonly isSilent: boolean;
}

/** Something ended with an error and is not tried again by itself. */
export interface FailureEvent extends ClientEvent {
  /** A connection that was in use, a call, a reader, or the records of a batch. */
  readonly what: "connection" | "call" | "reader" | "records";
  /** For people. */
  readonly operation: string;
  readonly broker: string | undefined;
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  readonly error: DiagnosticError;
}

/** Payloads by event; the channel of an event is in {@link diagnosticChannels}. */
export interface DiagnosticEvents {
  readonly connect: ConnectEvent;
  readonly request: RequestEvent;
  readonly metadata: MetadataEvent;
  readonly fetch: FetchEvent;
  readonly produce: ProduceEvent;
  readonly retry: RetryEvent;
  readonly throttle: ThrottleEvent;
  readonly failure: FailureEvent;
}

/** Names to subscribe to with `node:diagnostics_channel`, which Node, Deno and Bun have. */
export const diagnosticChannels: { readonly [Name in keyof DiagnosticEvents]: `ktables:client:${Name}` } = {
  connect: "ktables:client:connect",
  request: "ktables:client:request",
  metadata: "ktables:client:metadata",
  fetch: "ktables:client:fetch",
  produce: "ktables:client:produce",
  retry: "ktables:client:retry",
  throttle: "ktables:client:throttle",
  failure: "ktables:client:failure",
};

interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/** Undefined outside of Node, Deno and Bun, which is why it is asked for with typeof. */
declare const process: {
  readonly getBuiltinModule?: (
    id: "node:diagnostics_channel",
  ) => { readonly channel: (name: string) => Channel } | undefined;
};

let channels: { readonly [Name in keyof DiagnosticEvents]: Channel } | undefined | "none";

function channelOf(name: keyof DiagnosticEvents): Channel | undefined {
  if (channels === undefined) {
    // Not imported, so that the package can be bundled for and loaded by a runtime without it.
    const found = typeof process === "undefined" ? undefined : process.getBuiltinModule?.("node:diagnostics_channel");
    const open = (event: keyof DiagnosticEvents): Channel | undefined => found?.channel(diagnosticChannels[event]);
    const entries = (Object.keys(diagnosticChannels) as (keyof DiagnosticEvents)[]).map((event) => [
      event,
      open(event),
    ]);
    channels = found === undefined ? "none" : Object.fromEntries(entries);
  }
  return channels === "none" ? undefined : channels?.[name];
}

/** Whether anybody listens, for whoever has to work for an event before it can be made. */
export function isObserved(name: keyof DiagnosticEvents): boolean {
  return channelOf(name)?.hasSubscribers === true;
}

/** Makes and publishes an event if anybody listens; otherwise it costs a look. */
export function publish<Name extends keyof DiagnosticEvents>(name: Name, event: () => DiagnosticEvents[Name]): void {
  const channel = channelOf(name);
  if (channel?.hasSubscribers === true) channel.publish(event());
}

/** What a retry or failure is about. */
export interface Trouble {
  readonly clientId: string;
  readonly operation: string;
  readonly error: unknown;
  readonly topic?: string | undefined;
  readonly partition?: number | undefined;
  readonly attempt?: number | undefined;
}

export function publishRetry({ clientId, operation, error, topic, partition, attempt }: Trouble): void {
  publish("retry", () => ({
    clientId,
    operation,
    topic: topic ?? textField(error, "topic"),
    partition: partition ?? numberField(error, "partition"),
    attempt,
    error: diagnosticError(error),
  }));
}

export function publishFailure(what: FailureEvent["what"], trouble: Trouble): void {
  const { clientId, operation, error, topic, partition } = trouble;
  publish("failure", () => ({
    clientId,
    what,
    operation,
    broker: textField(error, "broker"),
    topic: topic ?? textField(error, "topic"),
    partition: partition ?? numberField(error, "partition"),
    error: diagnosticError(error),
  }));
}

function textField(error: unknown, name: "broker" | "topic"): string | undefined {
  const value = error instanceof KafkaError && (error as unknown as Record<string, unknown>)[name];
  return typeof value === "string" ? value : undefined;
}

function numberField(error: unknown, name: "partition"): number | undefined {
  const value = error instanceof KafkaError && (error as unknown as Record<string, unknown>)[name];
  return typeof value === "number" ? value : undefined;
}

export function diagnosticError(error: unknown): DiagnosticError {
  if (!(error instanceof Error)) return { name: "Error", code: undefined, message: String(error), retriable: false };
  const isOurs = error instanceof KafkaError;
  return {
    name: error.name,
    code: isOurs ? error.code : undefined,
    message: error.message,
    retriable: isOurs && error.retriable,
  };
}
