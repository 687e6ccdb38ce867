import {
  type AbortSignalLike,
  AbortSource,
  type CallOptions,
  CallScope,
  sleep,
  throwIfAborted,
  untilAborted,
} from "./abort.ts";
import { backoffMs } from "./backoff.ts";
import { type BrokerAddress, formatAddress } from "./broker-address.ts";
import { BrokerCandidates } from "./broker-candidates.ts";
import { ErrorCode } from "./broker-errors.ts";
import { type KafkaClientConfig, type ResolvedConfig, resolveConfig } from "./config.ts";
import type { Connection } from "./connection.ts";
import { ConnectionPool, type ConnectionPurpose } from "./connection-pool.ts";
import { isObserved, publish, publishFailure, publishRetry } from "./diagnostics.ts";
import {
  AuthenticationError,
  BrokerError,
  ClosedError,
  ConnectionError,
  isRetriable,
  noteAttempt,
  TimeoutError,
  toError,
} from "./errors.ts";
import { type BrokerEndpoint, ClusterMetadata, type LeaderHint, type TopicMetadata } from "./metadata.ts";
import { printable } from "./printable.ts";
import { ProcessHold } from "./process-hold.ts";
import { type MetadataRequest, type MetadataResponse, metadataApi } from "./protocol/generated/metadata.ts";
import { zeroUuid } from "./protocol/uuid.ts";

/** The first version of Metadata that can ask about a topic without creating it. */
const firstVersionWithoutTopicCreation = 4;

/** One attempt of an operation: `signal` ends with the call, `remainingMs` is what is left of its time. */
export interface Attempt {
  readonly signal: AbortSignalLike;
  readonly remainingMs: number;
}

/**
 * A connection to a Kafka cluster, to be shared by any number of tables, writers, readers and producers. Constructing
 * checks the config and connects to nothing; connections are opened when they are first needed.
 */
export class KafkaClient {
  readonly #config: ResolvedConfig;
  readonly #pool: ConnectionPool;
  readonly #candidates: BrokerCandidates;
  readonly #metadata = new ClusterMetadata();
  readonly #refreshing = new Map<string, Promise<TopicMetadata>>();
  readonly #closing = new AbortSource();
  /** What was last published of each topic, as text. */
  readonly #publishedMetadata = new Map<string, string>();

  /** @throws InvalidOptionError */
  constructor(config: string | readonly string[] | KafkaClientConfig) {
    this.#config = resolveConfig(config);
    const { sasl, tls, connector, logger } = this.#config;
    if (sasl?.reveal().mechanism === "PLAIN" && tls === undefined && connector === undefined) {
      logger.warn("SASL PLAIN without TLS shows the password to everybody on the way to the broker");
    }
    this.#pool = new ConnectionPool(this.#config);
    this.#candidates = new BrokerCandidates(this.#config, this.#pool);
  }

  /** The checked config with its defaults. @internal */
  get config(): ResolvedConfig {
    return this.#config;
  }

  /** Aborted by {@link close}. @internal */
  get closing(): AbortSignalLike {
    return this.#closing.signal;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** The cluster's id, once a broker has told it. */
  get clusterId(): string | undefined {
    return this.#metadata.clusterId;
  }

  /** Ends every connection at once; whatever still waits is rejected with code `CLOSED`. Idempotent. */
  close(): void {
    if (this.isClosed) return;
    this.#closing.abort(new ClosedError("The Kafka client"));
    this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /**
   * Asks the cluster for a topic's partitions and leaders; never creates the topic where the broker can promise that
   * (Metadata version 4, Kafka 0.11). Retries while the answer may still
   * change. Rejects with {@link BrokerError} `UNKNOWN_TOPIC_OR_PARTITION` when the topic does not exist.
   */
  async topicMetadata(topic: string, options: CallOptions = {}): Promise<TopicMetadata> {
    return this.retrying(`Metadata of topic "${topic}"`, options, ({ signal }) => this.refreshTopic(topic, signal));
  }

  /** What is known of a topic without asking. @internal */
  knownTopic(topic: string): TopicMetadata | undefined {
    return this.#metadata.topic(topic);
  }

  /** Takes in what a broker says about leaders beside its answer; see {@link ClusterMetadata.noteLeaders}. @internal */
  noteLeaders(
    topic: string,
    topicId: string | undefined,
    hints: readonly LeaderHint[],
    endpoints: readonly BrokerEndpoint[],
  ): void {
    this.#metadata.noteLeaders(topic, topicId, hints, endpoints);
    const known = this.#metadata.topic(topic);
    if (known !== undefined) this.#publishMetadata(known);
  }

  /** Whether the address of a broker is known. @internal */
  knowsBroker(brokerId: number): boolean {
    return this.#metadata.broker(brokerId) !== undefined;
  }

  /** One attempt to learn the truth about a topic; concurrent callers share it. @internal */
  async refreshTopic(topic: string, signal: AbortSignalLike): Promise<TopicMetadata> {
    let refresh = this.#refreshing.get(topic);
    if (refresh === undefined) {
      refresh = this.#fetchMetadata(topic).finally(() => this.#refreshing.delete(topic));
      this.#refreshing.set(topic, refresh);
    }
    return untilAborted(refresh, signal);
  }

  async #fetchMetadata(topic: string): Promise<TopicMetadata> {
    const question = [{ topicId: zeroUuid, name: topic }];
    const { connection, response } = await this.#askForMetadata(question, this.#closing.signal);
    const version = connection.versionFor(metadataApi) ?? -1;
    const found = this.#metadata.update(response, version, topic, connection.broker);
    this.#publishMetadata(found);
    return found;
  }

  /** Asks one broker, and takes note of whether that was of use. */
  async #askForMetadata(
    topics: MetadataRequest["topics"],
    signal: AbortSignalLike,
  ): Promise<{ readonly connection: Connection; readonly response: MetadataResponse }> {
    this.#candidates.asking();
    const connection = await this.anyConnection(signal);
    try {
      const response = await this.#metadataOf(connection, topics, signal);
      const isUseful = response.errorCode === ErrorCode.NONE && response.brokers.length > 0;
      if (isUseful) this.#candidates.answered(connection.broker);
      else this.#candidates.wasUseless(connection.broker);
      return { connection, response };
    } catch (error) {
      if (!signal.aborted) this.#candidates.wasUseless(connection.broker);
      throw error;
    }
  }

  async #metadataOf(
    connection: Connection,
    topics: MetadataRequest["topics"],
    signal: AbortSignalLike,
  ): Promise<MetadataResponse> {
    const version = connection.versionFor(metadataApi) ?? -1;
    const response = await connection.request(
      metadataApi,
      {
        topics,
        // Versions that lack the field mean true.
        allowAutoTopicCreation: version >= 0 && version < firstVersionWithoutTopicCreation,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      },
      { signal },
    );
    if (response.errorCode === ErrorCode.REBOOTSTRAP_REQUIRED) {
      // KIP-1102: what this broker knows of the cluster is no longer true, though it can still be reached.
      this.#metadata.forgetBrokers();
      connection.close();
      const message = `${connection.broker} asks clients to start over from their bootstrap servers`;
      throw new ConnectionError("NO_BROKER_AVAILABLE", connection.broker, message);
    }
    this.#requireSameCluster(connection, response.clusterId);
    return response;
  }

  /**
   * A name may come to lead to another cluster. What that one calls by the same name is another topic: reading or writing
   * on as if nothing had happened would mix the two. At the address of a bootstrap server that is for the owner to put
   * right; at one that only metadata has told, the broker is gone, and the bootstrap servers know where to.
   */
  #requireSameCluster(connection: Connection, clusterId: string | null): void {
    const known = this.#metadata.clusterId;
    if (known === undefined || clusterId === null || clusterId === known) return;
    const message = `${connection.broker} belongs to cluster "${printable(clusterId)}", but this client is connected to cluster "${known}"`;
    const retriable = !this.#candidates.isBootstrapServer(connection.broker);
    const error = new ConnectionError("WRONG_CLUSTER", connection.broker, message, { retriable });
    connection.close(error);
    throw error;
  }

  /** Says what is known of a topic now, if that is not what was said last. */
  #publishMetadata({ name, topicId, partitions }: TopicMetadata): void {
    if (!isObserved("metadata")) {
      this.#publishedMetadata.clear();
      return;
    }
    const { clientId } = this.#config;
    const brokers = this.#metadata.brokers();
    const event = { clientId, clusterId: this.clusterId, brokers, topic: name, topicId, partitions };
    const text = JSON.stringify(event);
    if (this.#publishedMetadata.get(name) === text) return;
    this.#publishedMetadata.set(name, text);
    publish("metadata", () => event);
  }

  /**
   * A control connection to the controller, which alone changes topics before KRaft; under KRaft to some broker, any of
   * which passes it on. Asks who that is each time: nothing tells a client that the controller has moved. @internal
   */
  async controllerConnection(signal: AbortSignalLike): Promise<Connection> {
    const { connection, response } = await this.#askForMetadata([], signal);
    this.#metadata.updateBrokers(response);
    // While there is none, whoever is asked refuses with NOT_CONTROLLER, which is tried again.
    if (this.#metadata.broker(response.controllerId) === undefined) return connection;
    return this.brokerConnection(response.controllerId, "control", signal);
  }

  /** A connection to one broker, by the address that metadata gave. @internal */
  async brokerConnection(brokerId: number, purpose: ConnectionPurpose, signal: AbortSignalLike): Promise<Connection> {
    return this.#pool.get(this.#address(brokerId), purpose, signal);
  }

  /** That connection if it is open already, so that a request can be written in the same turn. @internal */
  openBrokerConnection(brokerId: number, purpose: ConnectionPurpose): Connection | undefined {
    const address = this.#metadata.broker(brokerId);
    return address && this.#pool.peek(address, purpose);
  }

  /** Ends the connections of a purpose, so that what waits on them is rejected at once. @internal */
  dropConnections(purpose: ConnectionPurpose): void {
    this.#pool.drop(purpose);
  }

  /** A control connection to the first of the {@link BrokerCandidates} that can be reached. @internal */
  async anyConnection(signal: AbortSignalLike): Promise<Connection> {
    const candidates = this.#candidates.inTurn(this.#metadata.brokers());
    const failures: Error[] = [];
    for (const address of candidates) {
      try {
        return await this.#pool.get(address, "control", signal);
      } catch (error) {
        throwIfAborted(signal);
        // All brokers of a cluster know the same credentials, and some lock an account after a few wrong passwords.
        if (error instanceof AuthenticationError && !error.retriable) throw error;
        failures.push(toError(error));
      }
    }
    const [only] = failures;
    if (only !== undefined && failures.length === 1) throw only;
    throw new ConnectionError(
      "NO_BROKER_AVAILABLE",
      candidates.map(formatAddress).join(","),
      `None of the brokers could be reached: ${failures.map((failure) => failure.message).join("; ")}`,
      { cause: new AggregateError(failures), retriable: failures.some(isRetriable) },
    );
  }

  /**
   * Repeats an operation, with growing pauses, while it fails retriably and the call's time lasts. When time is up the
   * last failure is thrown, because it names what is wrong; only a call that never failed gets a plain timeout.
   * @internal
   */
  async retrying<T>(what: string, options: CallOptions, operation: (attempt: Attempt) => Promise<T>): Promise<T> {
    const timeoutMs = options.timeoutMs ?? this.#config.requestTimeoutMs;
    const { clientId } = this.#config;
    let lastFailure: unknown;
    let attempts = 0;
    const scope = new CallScope(
      [options.signal, this.#closing.signal],
      timeoutMs,
      () => new TimeoutError(`${what} did not succeed within ${timeoutMs} ms`, timeoutMs),
    );
    const alive = new ProcessHold();
    alive.hold();
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          throwIfAborted(scope.signal);
          attempts++;
          return await untilAborted(operation({ signal: scope.signal, remainingMs: scope.remainingMs }), scope.signal);
        } catch (error) {
          if (scope.signal.aborted) throw error;
          if (!isRetriable(error)) throw error;
          lastFailure = error;
          publishRetry({ clientId, operation: what, error, attempt: attempts });
        }
        await sleep(backoffMs(attempt, this.#config.retryBackoffMs, this.#config.maxRetryBackoffMs), scope.signal);
      }
    } catch (error) {
      const isOutOfTime = error instanceof TimeoutError && error === scope.signal.reason;
      const failure = isOutOfTime && lastFailure !== undefined ? lastFailure : error;
      noteAttempt(failure, attempts);
      publishFailure("call", { clientId, operation: what, error: failure });
      throw failure;
    } finally {
      alive.release();
      scope.end();
    }
  }

  #address(brokerId: number): BrokerAddress {
    const address = this.#metadata.broker(brokerId);
    if (address === undefined) {
      throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, { api: "Metadata", broker: String(brokerId) });
    }
    return address;
  }
}
