import type { RecordInput } from "@ktables/record-batch";
import { ErrorCode } from "../broker-errors.ts";
import { InvalidOptionError } from "../errors.ts";
import { check, checkOptions, describe } from "../options.ts";
import { type ApiName, apiNameOf, type RequestOf, type ResponseOf, serverApis } from "./apis.ts";
import { type BrokerLine, brokerLines, commonVersions, usesZooKeeper } from "./broker-lines.ts";
import { Cluster, type ClusterNode } from "./cluster.ts";
import { compact } from "./compaction.ts";
import { BrokerConnection } from "./connection.ts";
import { type BrokerState, dispatch } from "./dispatch.ts";
import { type InterceptHandler, type InterceptOptions, Interceptors } from "./interceptors.ts";
import { type Listener, listen, type ServerStream } from "./listener.ts";
import type { Partition } from "./partition.ts";
import { invalidArgument, Refusal } from "./refusal.ts";
import type { VersionRange } from "./request-context.ts";
import { type LoggedRequest, RequestLog } from "./request-log.ts";
import { type EmbeddedSasl, SaslServerSession, saslChecks } from "./sasl-server.ts";
import type { Topic } from "./topic.ts";
import { beginTransaction, endTransaction } from "./write-transaction.ts";

export interface EmbeddedTopic {
  readonly name: string;
  /** Default 1. */
  readonly partitions?: number;
  /** How many nodes hold each partition. Default: all nodes, at most 3. */
  readonly replicationFactor?: number;
  /** Topic configuration, over Kafka's defaults. */
  readonly configs?: Readonly<Record<string, string>>;
}

export interface EmbeddedBrokerOptions {
  /** How many nodes; their ids count from 0. Default 1. */
  readonly nodes?: number;
  /**
   * The rack of each node. Leaders then send clients that name their rack to a replica there, as Kafka does with
   * `RackAwareReplicaSelector`. Default: none.
   */
  readonly racks?: readonly string[];
  /** Topics that exist from the start. */
  readonly topics?: readonly EmbeddedTopic[];
  /** Whether Metadata creates missing topics for a client that asks so. Default false. */
  readonly autoCreateTopics?: boolean;
  /**
   * Stands for a broker of another release or service: offers the versions that such a broker offers, as far as this one
   * speaks them, and up to 2.8 lets the controller alone change topics. Default: every version that this broker speaks.
   */
  readonly asVersion?: BrokerLine;
  /** Offers single APIs up to an older version only, whatever `asVersion` says; -1 leaves an API out. */
  readonly maxVersions?: Readonly<Partial<Record<ApiName, number>>>;
  /** Asks every client to authenticate. Default: nobody. */
  readonly sasl?: EmbeddedSasl;
}

/** A transaction that was written in process. */
export interface WrittenTransaction {
  /** Nobody else's. */
  readonly producerId: number;
  /** Offset of the first of its records, which follow each other. */
  readonly firstOffset: number;
  /** Offset of the commit or abort marker; undefined while the transaction is open. */
  readonly markerOffset: number | undefined;
}

const keptErrors = 100;
const maxNodes = 100;

const brokerChecks = {
  nodes: check.integer(1, maxNodes),
  racks: (value: unknown): string | undefined =>
    Array.isArray(value) && value.every((rack) => typeof rack === "string") ? undefined : "an array of strings",
  topics: (value: unknown): string | undefined => (Array.isArray(value) ? undefined : "an array"),
  autoCreateTopics: check.boolean,
  asVersion: check.oneOf(...brokerLines),
  maxVersions: check.object,
  sasl: check.object,
};

const topicChecks = {
  name: check.string,
  partitions: check.integer(1),
  replicationFactor: check.integer(1),
  configs: check.object,
};

/**
 * A Kafka cluster in the memory of this process, for tests: real TCP on free ports of 127.0.0.1, the real protocol,
 * nothing to install. Any Kafka client can use it. Nothing is written to disk, and everything is gone after `close()`.
 *
 * Out of its scope: consumer groups, transactions by clients (see `writeTransaction`), TLS, authorization, fetch
 * sessions.
 */
export class EmbeddedBroker {
  readonly #cluster: Cluster;
  readonly #state: BrokerState;
  readonly #listeners = new Map<number, Listener>();
  readonly #connections = new Set<BrokerConnection>();
  readonly #errors: Error[] = [];
  readonly #sasl: EmbeddedSasl | undefined;
  #closed = false;

  private constructor(options: EmbeddedBrokerOptions) {
    const nodes = Array.from({ length: options.nodes ?? 1 }, (_, id) => ({
      id,
      host: "127.0.0.1",
      rack: options.racks?.[id] ?? null,
      port: 0,
      isUp: true,
    }));
    this.#cluster = new Cluster({
      nodes,
      autoCreateTopics: options.autoCreateTopics ?? false,
      defaultPartitions: 1,
      usesZooKeeper: usesZooKeeper(options.asVersion),
      // Since 1.0 (KAFKA-5494).
      ...(options.asVersion === "0.11" ? { rememberedBatches: 1 } : {}),
    });
    if (options.sasl !== undefined) checkOptions("sasl", options.sasl, saslChecks);
    this.#sasl = options.sasl;
    this.#state = {
      cluster: this.#cluster,
      interceptors: new Interceptors(),
      requests: new RequestLog(),
      offeredVersions: offeredVersions(options.asVersion, options.maxVersions ?? {}),
    };
  }

  /** Resolves when all nodes accept connections and the topics exist. @throws InvalidOptionError */
  static async start(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
    checkOptions("EmbeddedBroker", options, brokerChecks);
    const broker = new EmbeddedBroker(options);
    try {
      for (const topic of options.topics ?? []) broker.#createTopic(topic);
      for (const node of broker.#cluster.nodes) await broker.#listen(node);
    } catch (error) {
      await broker.close();
      throw error;
    }
    return broker;
  }

  /** `host:port` of every node, with commas between them. */
  get bootstrapServers(): string {
    return this.#cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(",");
  }

  /** The latest requests of all nodes, oldest first, at most 10 000. */
  get requests(): readonly LoggedRequest[] {
    return this.#state.requests.list();
  }

  /** Why connections were cut by this side, the latest 100: broken requests, and errors that interceptors threw. */
  get errors(): readonly Error[] {
    return [...this.#errors];
  }

  /** Rejects with a `KafkaError` whose code is Kafka's, such as `TOPIC_ALREADY_EXISTS`. */
  async createTopic(name: string, options: Omit<EmbeddedTopic, "name"> = {}): Promise<void> {
    this.#createTopic({ ...options, name });
  }

  /** Rejects with code `UNKNOWN_TOPIC_OR_PARTITION` for a topic that does not exist. */
  async deleteTopic(name: string): Promise<void> {
    this.#cluster.deleteTopic(this.#topic(name));
  }

  /** Adds partitions up to `count`, the total afterwards. */
  async createPartitions(topic: string, count: number): Promise<void> {
    this.#cluster.createPartitions(this.#topic(topic), count);
  }

  /**
   * Appends one encoded record batch without a producer's checks, even a damaged one, and returns its base offset. It
   * is placed at the log's end; with `keepOffsets` at its own offsets, which must not be below, so that holes and
   * compacted batches can be made. Throws `INVALID_ARGUMENT` for bytes that are not one whole batch, and
   * `LEADER_NOT_AVAILABLE` while no replica is up, as everything does that changes a log: nobody would take it.
   */
  append(
    topic: string,
    partition: number,
    batch: Uint8Array,
    options: { readonly keepOffsets?: boolean } = {},
  ): number {
    return this.#partition(topic, partition).append(batch, options).baseOffset;
  }

  /**
   * Appends records as one transaction of a new producer, with its marker. `"open"` leaves the marker out, which holds
   * the last stable offset until `endTransaction`.
   */
  writeTransaction(
    topic: string,
    partition: number,
    records: readonly RecordInput[],
    outcome: "commit" | "abort" | "open",
  ): WrittenTransaction {
    const target = this.#partition(topic, partition);
    const producerId = this.#cluster.nextProducerId();
    const firstOffset = beginTransaction(target, records, producerId);
    const markerOffset = outcome === "open" ? undefined : endTransaction(target, producerId, outcome);
    return { producerId, firstOffset, markerOffset };
  }

  /** Ends a transaction that `writeTransaction` has left open; returns the offset of the marker. */
  endTransaction(topic: string, partition: number, producerId: number, outcome: "commit" | "abort"): number {
    const target = this.#partition(topic, partition);
    if (target.log.hasOpenTransaction(producerId)) return endTransaction(target, producerId, outcome);
    throw invalidArgument(`producer ${producerId} has no open transaction in partition ${partition} of ${topic}`);
  }

  /**
   * Runs the log cleaner once over a compacted topic, whatever its age. What it does with offsets, empty batches and
   * tombstones is what the real one does; a tombstone therefore goes at the second call, after `delete.retention.ms`. Partitions that
   * no running node holds are left as they are.
   */
  compact(topic: string): void {
    const { configs, partitions } = this.#topic(topic);
    if (!configs.isCompacted) throw invalidArgument(`cleanup.policy of ${topic} does not contain "compact"`);
    const now = Date.now();
    for (const { log, leaderId } of partitions) {
      if (leaderId !== -1) compact(log, configs.getNumber("delete.retention.ms"), now);
    }
  }

  /** Removes the records below `beforeOffset`, as retention does: the log starts there then. */
  deleteRecords(topic: string, partition: number, beforeOffset: number): void {
    const target = this.#partition(topic, partition);
    target.requireLeader();
    const { highWatermark } = target.log;
    if (!(beforeOffset >= 0 && beforeOffset <= highWatermark)) {
      throw invalidArgument(`offset ${beforeOffset} is not within 0..${highWatermark}`);
    }
    target.log.deleteBefore(beforeOffset);
    target.announce();
  }

  /** The first offset that the log still has. */
  startOffset(topic: string, partition: number): number {
    return this.#partition(topic, partition).log.startOffset;
  }

  /** The offset that the next record gets. */
  endOffset(topic: string, partition: number): number {
    return this.#partition(topic, partition).log.highWatermark;
  }

  /** Who leads a partition; node -1 means nobody, because no replica is up. */
  leader(topic: string, partition: number): { readonly node: number; readonly epoch: number } {
    const { leaderId, leaderEpoch } = this.#partition(topic, partition);
    return { node: leaderId, epoch: leaderEpoch };
  }

  /** Makes a running node the leader, in a new leader epoch. */
  moveLeader(topic: string, partition: number, node: number): void {
    const target = this.#partition(topic, partition);
    if (!this.#cluster.isUp(node)) throw invalidArgument(`node ${node} is not running`);
    target.lead(node);
  }

  /**
   * Elects a leader uncleanly: another replica, whose log ends at `offset`, and what was acknowledged beyond is gone. A
   * batch around the offset goes as a whole.
   */
  truncate(topic: string, partition: number, offset: number): void {
    const target = this.#partition(topic, partition);
    target.requireLeader();
    const { startOffset, highWatermark } = target.log;
    if (!(offset >= startOffset && offset <= highWatermark)) {
      throw invalidArgument(`offset ${offset} is not within ${startOffset}..${highWatermark}`);
    }
    target.log.truncate(offset);
    this.#cluster.electUncleanly(target);
  }

  /** The node that is the controller; -1 while no node is up. */
  get controller(): number {
    return this.#cluster.controllerId;
  }

  /** Makes a running node the controller. When the controller stops, another node takes over by itself. */
  moveController(node: number): void {
    if (!this.#cluster.isUp(node)) throw invalidArgument(`node ${node} is not running`);
    this.#cluster.moveController(node);
  }

  /** Cuts all connections of a node and frees its port; other replicas take over what it led. */
  async stopNode(id: number): Promise<void> {
    const node = this.#node(id);
    if (!node.isUp) return;
    node.isUp = false;
    this.#cluster.nodeStopped(id);
    const listener = this.#listeners.get(id);
    this.#listeners.delete(id);
    await listener?.close();
  }

  /** Starts a stopped node again, on its old port unless somebody else has taken that. */
  async startNode(id: number): Promise<void> {
    const node = this.#node(id);
    if (node.isUp || this.#closed) return;
    await this.#listen(node);
    node.isUp = true;
    this.#cluster.nodeStarted(id);
  }

  /**
   * Lets `handler` see each request of one API before the broker does, and answer in its place; see `InterceptAnswer`.
   * Interceptors of one API are asked in the order in which they were added. Returns the function that removes it.
   */
  intercept<Name extends ApiName>(
    api: Name,
    handler: InterceptHandler<RequestOf<Name>, ResponseOf<Name>>,
    options?: InterceptOptions,
  ): () => void;
  /** The same by Kafka's number of the API. */
  intercept(api: number, handler: InterceptHandler<unknown, unknown>, options?: InterceptOptions): () => void;
  intercept(
    api: ApiName | number,
    handler: InterceptHandler<never, unknown>,
    options: InterceptOptions = {},
  ): () => void {
    const name = typeof api === "number" ? apiNameOf(api) : api;
    if (name === undefined || !Object.hasOwn(serverApis, name))
      throw invalidArgument(`the embedded broker has no API ${api}`);
    const { key } = serverApis[name];
    return this.#state.interceptors.add(key, handler as InterceptHandler<unknown, unknown>, options);
  }

  /** Ends all connections, also where requests are waiting, and frees the ports. Safe to call again. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    await Promise.all([...this.#connections].map((connection) => connection.ended));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #createTopic(topic: EmbeddedTopic): void {
    checkOptions("topic", topic, topicChecks);
    const { name, partitions, replicationFactor, configs = {} } = topic;
    for (const [key, value] of Object.entries(configs)) {
      if (typeof value === "string") continue;
      throw new InvalidOptionError(
        `configs.${key}`,
        `topic: "configs.${key}" must be a string, got ${describe(value)}`,
      );
    }
    this.#cluster.createTopic({ name, partitions, replicationFactor, configs: Object.entries(configs) });
  }

  async #listen(node: ClusterNode): Promise<void> {
    const onStream = (stream: ServerStream): BrokerConnection => {
      const sasl = this.#sasl && new SaslServerSession(this.#sasl);
      const connection = new BrokerConnection(
        stream,
        (frame, signal) => dispatch(frame, node, this.#state, sasl, signal),
        (error) => this.#note(error),
      );
      this.#connections.add(connection);
      void connection.ended.then(() => this.#connections.delete(connection));
      return connection;
    };
    const listener = await listen(node.port, onStream).catch((error: unknown) => {
      if (node.port === 0) throw error;
      return listen(0, onStream);
    });
    if (this.#closed) {
      await listener.close();
      return;
    }
    node.port = listener.port;
    this.#listeners.set(node.id, listener);
  }

  #topic(name: string): Topic {
    const topic = this.#cluster.topic(name);
    if (topic !== undefined) return topic;
    throw new Refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${name} does not exist`);
  }

  #partition(topic: string, index: number): Partition {
    const partition = this.#topic(topic).partitions[index];
    if (partition !== undefined) return partition;
    throw new Refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${topic} has no partition ${index}`);
  }

  #node(id: number): ClusterNode {
    const node = this.#cluster.nodes[id];
    if (node !== undefined) return node;
    throw invalidArgument(`there is no node ${id}`);
  }

  #note(error: Error): void {
    this.#errors.push(error);
    if (this.#errors.length > keptErrors) this.#errors.shift();
  }
}

function offeredVersions(
  line: BrokerLine | undefined,
  maxVersions: Readonly<Partial<Record<ApiName, number>>>,
): ReadonlyMap<number, VersionRange> {
  const offered = commonVersions(line);
  for (const [name, limit = -1] of Object.entries(maxVersions)) {
    const key = serverApis[name as ApiName]?.key;
    const range = offered.get(key);
    if (range === undefined) continue;
    if (limit < range.min) offered.delete(key);
    else offered.set(key, { min: range.min, max: Math.min(range.max, limit) });
  }
  return offered;
}
