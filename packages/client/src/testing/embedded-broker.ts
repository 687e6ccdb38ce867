import type { RecordInput } from "@ktables/record-batch";
import { ErrorCode } from "../broker-errors.ts";
import { type ApiName, apiNameOf, type RequestOf, type ResponseOf, serverApis } from "./apis.ts";
import { usesZooKeeper } from "./broker-lines.ts";
import { Cluster, type ClusterNode } from "./cluster.ts";
import { compact } from "./compaction.ts";
import { type BrokerState, dispatch } from "./dispatch.ts";
import {
  checkBrokerOptions,
  type EmbeddedBrokerOptions,
  type EmbeddedTopic,
  offeredVersions,
  topicPlan,
} from "./embedded-broker-options.ts";
import { type InterceptHandler, type InterceptOptions, Interceptors } from "./interceptors.ts";
import { NodeListeners } from "./node-listeners.ts";
import type { Partition } from "./partition.ts";
import { invalidArgument, Refusal } from "./refusal.ts";
import { type LoggedRequest, RequestLog } from "./request-log.ts";
import { SaslServerSession } from "./sasl-server.ts";
import type { Topic } from "./topic.ts";
import { beginTransaction, endTransaction } from "./write-transaction.ts";

/** A transaction that was written in process. */
export interface WrittenTransaction {
  /** Nobody else's. */
  readonly producerId: number;
  /** Offset of the first of its records, which follow each other. */
  readonly firstOffset: number;
  /** Offset of the commit or abort marker; undefined while the transaction is open. */
  readonly markerOffset: number | undefined;
}

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
  readonly #listeners: NodeListeners;

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
    const state: BrokerState = {
      cluster: this.#cluster,
      interceptors: new Interceptors(),
      requests: new RequestLog(),
      offeredVersions: offeredVersions(options.asVersion, options.maxVersions ?? {}),
    };
    this.#state = state;
    this.#listeners = new NodeListeners((node) => {
      const sasl = options.sasl && new SaslServerSession(options.sasl);
      return (frame, signal) => dispatch(frame, node, state, sasl, signal);
    });
  }

  /** Resolves when all nodes accept connections and the topics exist. @throws InvalidOptionError */
  static async start(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
    checkBrokerOptions(options);
    const broker = new EmbeddedBroker(options);
    try {
      for (const topic of options.topics ?? []) broker.#cluster.createTopic(topicPlan(topic));
      for (const node of broker.#cluster.nodes) await broker.#listeners.open(node);
    } catch (error) {
      await broker.close();
      throw error;
    }
    return broker;
  }

  /** `host:port` of every node that belongs to the cluster, with commas between them. */
  get bootstrapServers(): string {
    return this.#cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(",");
  }

  /** The latest requests of all nodes, oldest first, at most 10 000. */
  get requests(): readonly LoggedRequest[] {
    return this.#state.requests.list();
  }

  /** Why connections were cut by this side, the latest 100: broken requests, and errors that interceptors threw. */
  get errors(): readonly Error[] {
    return this.#listeners.errors;
  }

  /** Rejects with a `KafkaError` whose code is Kafka's, such as `TOPIC_ALREADY_EXISTS`. */
  async createTopic(name: string, options: Omit<EmbeddedTopic, "name"> = {}): Promise<void> {
    this.#cluster.createTopic(topicPlan({ ...options, name }));
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

  /** The id of the topic's present incarnation, as Kafka's tools print it. */
  topicId(topic: string): string {
    return this.#topic(topic).id;
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
    await this.#listeners.close(node);
  }

  /** Starts a stopped node again, on its old port unless somebody else has taken that. */
  async startNode(id: number): Promise<void> {
    const node = this.#node(id);
    if (node.isUp || this.#listeners.isClosed) return;
    await this.#listeners.open(node);
    node.isUp = true;
    this.#cluster.nodeStarted(id);
  }

  /**
   * Takes a running node out of the cluster for good: its partitions have other replicas and leaders from then on, as
   * after a reassignment, its connections are cut, its port is free. Throws `INVALID_ARGUMENT` where no other node runs.
   */
  async decommissionNode(id: number): Promise<void> {
    const node = this.#node(id);
    if (!node.isUp) throw invalidArgument(`node ${id} is not running`);
    this.#cluster.decommission(id);
    node.isUp = false;
    await this.#listeners.close(node);
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
    await this.#listeners.closeAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
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
    const node = this.#cluster.nodes.find((one) => one.id === id);
    if (node !== undefined) return node;
    throw invalidArgument(`there is no node ${id}`);
  }
}
