import { ErrorCode } from "../broker-errors.ts";
import { Partition } from "./partition.ts";
import { rememberedBatches } from "./producer-state.ts";
import { randomUuid } from "./random-uuid.ts";
import { invalidArgument, Refusal } from "./refusal.ts";
import { isValidTopicName, type Topic } from "./topic.ts";
import { TopicConfigs } from "./topic-configs.ts";

/** Where a node can be reached. */
export interface ClusterNode {
  readonly id: number;
  readonly host: string;
  /** Null: in no rack. */
  readonly rack: string | null;
  port: number;
  isUp: boolean;
}

export interface ClusterOptions {
  readonly nodes: readonly ClusterNode[];
  readonly autoCreateTopics: boolean;
  /** For topics that are created without a number of partitions. */
  readonly defaultPartitions: number;
  /** Whether nodes other than the controller refuse to change topics, as before KRaft, rather than pass it on. */
  readonly usesZooKeeper?: boolean;
  /** How many batches of a producer a partition recognises when they are repeated. Default 5. */
  readonly rememberedBatches?: number;
}

export interface TopicPlan {
  readonly name: string;
  /** Default: the cluster's `defaultPartitions`. */
  readonly partitions?: number | undefined;
  /** Default: the cluster's. */
  readonly replicationFactor?: number | undefined;
  readonly configs?: Iterable<readonly [string, string]> | undefined;
}

/**
 * The state that all nodes share. There is one copy of each log: a replica is only a node that may lead, so that
 * nothing is ever lost or behind when leadership moves.
 */
export class Cluster {
  readonly id: string = randomUuid();
  #nodes: readonly ClusterNode[];
  readonly autoCreateTopics: boolean;
  readonly defaultPartitions: number;
  readonly defaultReplicationFactor: number;
  readonly rememberedBatches: number;
  readonly #usesZooKeeper: boolean;
  #controllerId: number;
  readonly #topics = new Map<string, Topic>();
  readonly #topicsById = new Map<string, Topic>();
  #producerIds = 0;
  /** Where the leaders of the next topic start, so that topics of one partition are spread too. */
  #nextLeader = 0;

  constructor(options: ClusterOptions) {
    this.#nodes = options.nodes;
    this.autoCreateTopics = options.autoCreateTopics;
    this.defaultPartitions = options.defaultPartitions;
    this.rememberedBatches = options.rememberedBatches ?? rememberedBatches;
    this.#usesZooKeeper = options.usesZooKeeper ?? false;
    this.#controllerId = options.nodes[0]?.id ?? -1;
    this.defaultReplicationFactor = Math.min(3, options.nodes.length);
  }

  /** All that belong to the cluster, whether they are up or not. */
  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  get liveNodes(): readonly ClusterNode[] {
    return this.nodes.filter(({ isUp }) => isUp);
  }

  /** -1 while no node is up. */
  get controllerId(): number {
    return this.#controllerId;
  }

  moveController(nodeId: number): void {
    this.#controllerId = nodeId;
  }

  /** @throws Refusal 41 where only the controller may do what a node was asked */
  checkController(nodeId: number): void {
    if (!this.#usesZooKeeper || nodeId === this.#controllerId) return;
    throw new Refusal(ErrorCode.NOT_CONTROLLER, `the controller is node ${this.#controllerId}`);
  }

  topics(): Iterable<Topic> {
    return this.#topics.values();
  }

  topic(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  topicById(id: string): Topic | undefined {
    return this.#topicsById.get(id);
  }

  /** The replica to read from in a rack (KIP-392): the leader unless only others are there. */
  closestReplica({ leaderId, replicas }: Partition, rack: string): number {
    const close = this.liveNodes.filter((node) => node.rack === rack && replicas.includes(node.id)).map(({ id }) => id);
    return close.includes(leaderId) ? leaderId : (close[0] ?? leaderId);
  }

  isUp(nodeId: number): boolean {
    return this.nodes.some(({ id, isUp }) => id === nodeId && isUp);
  }

  /** A producer id that nobody has. */
  nextProducerId(): number {
    return this.#producerIds++;
  }

  /** Returns the new topic; with `validateOnly` it is not kept. @throws Refusal 17, 36, 37, 38, 40 */
  createTopic(plan: TopicPlan, validateOnly = false): Topic {
    const { name } = plan;
    const partitions = plan.partitions ?? this.defaultPartitions;
    const replicationFactor = plan.replicationFactor ?? this.defaultReplicationFactor;
    if (!isValidTopicName(name)) {
      throw new Refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, `topic name ${JSON.stringify(name)} is not valid`);
    }
    if (this.#topics.has(name)) throw new Refusal(ErrorCode.TOPIC_ALREADY_EXISTS, `topic ${name} already exists`);
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
      throw new Refusal(
        ErrorCode.INVALID_PARTITIONS,
        `number of partitions ${partitions} is not in 1..${maxPartitions}`,
      );
    }
    const live = this.liveNodes.length;
    if (!Number.isInteger(replicationFactor) || replicationFactor < 1 || replicationFactor > live) {
      throw new Refusal(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        `replication factor ${replicationFactor} is not possible with ${live} live nodes`,
      );
    }
    const topic: Topic = {
      name,
      id: randomUuid(),
      configs: new TopicConfigs(plan.configs),
      replicationFactor,
      partitions: [],
    };
    this.#grow(topic, partitions);
    if (validateOnly) return topic;
    this.#nextLeader += partitions;
    this.#topics.set(name, topic);
    this.#topicsById.set(topic.id, topic);
    return topic;
  }

  deleteTopic(topic: Topic): void {
    this.#topics.delete(topic.name);
    this.#topicsById.delete(topic.id);
    for (const partition of topic.partitions) partition.announce();
  }

  /** @param count the total afterwards. @throws Refusal 37 */
  createPartitions(topic: Topic, count: number, validateOnly = false): void {
    const { length } = topic.partitions;
    if (count <= length || count > maxPartitions) {
      throw new Refusal(
        ErrorCode.INVALID_PARTITIONS,
        `${topic.name} has ${length} partitions, cannot change to ${count}`,
      );
    }
    if (!validateOnly) this.#grow(topic, count);
  }

  /** Hands what a stopped node has led to other replicas, or to nobody. */
  nodeStopped(nodeId: number): void {
    for (const partition of this.#partitions()) {
      if (partition.leaderId === nodeId) partition.lead(this.#liveReplica(partition));
    }
    if (nodeId === this.#controllerId) this.#controllerId = this.liveNodes[0]?.id ?? -1;
  }

  /** Gives partitions without a leader to a node that has come back. */
  nodeStarted(nodeId: number): void {
    if (this.#controllerId === -1) this.#controllerId = nodeId;
    for (const partition of this.#partitions()) {
      if (partition.leaderId === -1 && partition.replicas.includes(nodeId)) partition.lead(nodeId);
    }
  }

  /**
   * Takes a running node out for good: other nodes hold its partitions, and lead those that it has led.
   * @throws KafkaError `INVALID_ARGUMENT` where no other node is up
   */
  decommission(nodeId: number): void {
    if (this.liveNodes.every(({ id }) => id === nodeId)) throw invalidArgument(`no other node than ${nodeId} is up`);
    this.#nodes = this.#nodes.filter(({ id }) => id !== nodeId);
    for (const partition of this.#partitions()) {
      const substitute = this.liveNodes.find(({ id }) => !partition.replicas.includes(id));
      partition.replaceReplica(nodeId, substitute?.id);
    }
    this.nodeStopped(nodeId);
  }

  /** Gives a partition to another replica than its leader where there is one, whatever it lacks. */
  electUncleanly(partition: Partition): void {
    const { replicas, leaderId } = partition;
    partition.lead(replicas.find((replica) => replica !== leaderId && this.isUp(replica)) ?? leaderId);
  }

  *#partitions(): Iterable<Partition> {
    for (const topic of this.#topics.values()) yield* topic.partitions;
  }

  #grow(topic: Topic, count: number): void {
    const { nodes } = this;
    for (let index = topic.partitions.length; index < count; index++) {
      const first = this.#nextLeader + index;
      const replicas: number[] = [];
      for (let step = 0; step < topic.replicationFactor; step++) {
        const node = nodes[(first + step) % nodes.length];
        if (node !== undefined) replicas.push(node.id);
      }
      const leader = replicas.find((replica) => this.isUp(replica)) ?? -1;
      topic.partitions.push(new Partition(topic.name, index, replicas, leader));
    }
  }

  #liveReplica(partition: Partition): number {
    return partition.replicas.find((replica) => this.isUp(replica)) ?? -1;
  }
}

/** Far above what tests need, and far below what a hostile request could use to exhaust the memory. */
const maxPartitions = 10_000;
