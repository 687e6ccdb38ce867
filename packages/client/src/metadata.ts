import type { BrokerAddress } from "./broker-address.ts";
import { ErrorCode } from "./broker-errors.ts";
import { BrokerError } from "./errors.ts";
import type { MetadataResponse, MetadataResponsePartition } from "./protocol/generated/metadata.ts";
import { zeroUuid } from "./protocol/uuid.ts";

export interface PartitionMetadata {
  readonly partition: number;
  /** Broker id, or -1 while the partition has no leader. */
  readonly leader: number;
  /** -1 where the broker tells none that can be relied on. */
  readonly leaderEpoch: number;
}

export interface TopicMetadata {
  readonly name: string;
  /** As Kafka's tools print it; undefined on brokers without topic ids (before 2.8). */
  readonly topicId: string | undefined;
  /** Sorted by partition, without gaps. */
  readonly partitions: readonly PartitionMetadata[];
}

/** What a broker that does not lead a partition any more says about who does (KIP-951). */
export interface LeaderHint {
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface BrokerEndpoint extends BrokerAddress {
  readonly nodeId: number;
}

const unknownEpoch = -1;
/** Brokers before 2.4 (Metadata below version 9) report stale leader epochs during reassignments (KIP-320 notes). */
const firstVersionWithReliableEpochs = 9;

/**
 * So many outdated answers in a row are the truth: the log was truncated in an unclean way, or the topic was created
 * again on brokers without topic ids.
 */
const convincingRepeats = 5;

/** What is known of the cluster: brokers by id, topics by name. */
export class ClusterMetadata {
  readonly #brokers = new Map<number, BrokerAddress>();
  readonly #topics = new Map<string, TopicMetadata>();
  /** How many answers in a row knew less of a topic than we do. */
  readonly #outdatedAnswers = new Map<string, number>();
  clusterId: string | undefined;

  broker(id: number): BrokerAddress | undefined {
    return this.#brokers.get(id);
  }

  brokers(): BrokerAddress[] {
    return [...this.#brokers.values()];
  }

  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  /**
   * Takes in an answer. Returns the topic, or throws {@link BrokerError} when the answer has none to offer. What is
   * known already survives an answer that knows less.
   */
  update(response: MetadataResponse, version: number, topicName: string, broker?: string): TopicMetadata {
    const context = { api: "Metadata", version, broker };
    if (response.errorCode !== ErrorCode.NONE) throw new BrokerError(response.errorCode, context);
    this.updateBrokers(response);
    const answer = response.topics.find((topic) => topic.name === topicName);
    if (answer === undefined || answer.errorCode !== ErrorCode.NONE || answer.partitions.length === 0) {
      throw new BrokerError(answer?.errorCode || ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, {
        ...context,
        topic: topicName,
      });
    }
    const topicId = answer.topicId === zeroUuid ? undefined : answer.topicId;
    const leaderEpochOf = (leaderEpoch: number): number =>
      version >= firstVersionWithReliableEpochs ? leaderEpoch : unknownEpoch;
    const latest = this.#topics.get(topicName);
    const known = latest?.topicId === topicId ? latest : undefined;
    // A broker that lags behind may answer with fewer partitions or older leaders. In truth there are never fewer, and
    // epochs only grow.
    const hasFewer = known !== undefined && answer.partitions.length < known.partitions.length;
    const isOlder = ({ partitionIndex, leaderEpoch }: MetadataResponsePartition): boolean => {
      const before = known?.partitions[partitionIndex]?.leaderEpoch ?? unknownEpoch;
      return leaderEpochOf(leaderEpoch) !== unknownEpoch && leaderEpoch < before;
    };
    const isOutdated = hasFewer || answer.partitions.some(isOlder);
    const repeats = isOutdated ? (this.#outdatedAnswers.get(topicName) ?? 0) + 1 : 0;
    const isBelieved = repeats >= convincingRepeats;
    this.#outdatedAnswers.set(topicName, isBelieved ? 0 : repeats);
    // A topic with an id never has fewer; believing it would send keys to wrong partitions.
    if (hasFewer && (topicId !== undefined || !isBelieved)) return known;
    const partitions = answer.partitions
      .map((partition): PartitionMetadata => {
        const before = known?.partitions[partition.partitionIndex];
        if (before !== undefined && isOlder(partition) && !isBelieved) return before;
        const leader = this.#brokers.has(partition.leaderId) ? partition.leaderId : -1;
        const told = leaderEpochOf(partition.leaderEpoch);
        // Without a leader there may be no epoch either; the last one still tells what is old news.
        const leaderEpoch = leader < 0 && told === unknownEpoch ? (before?.leaderEpoch ?? unknownEpoch) : told;
        return { partition: partition.partitionIndex, leader, leaderEpoch };
      })
      .toSorted((a, b) => a.partition - b.partition);
    if (partitions.some((partition, index) => partition.partition !== index)) {
      throw new BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, {
        ...context,
        topic: topicName,
        brokerMessage: "the partitions of the answer are not numbered 0, 1, 2, …",
      });
    }
    const topic: TopicMetadata = { name: topicName, topicId, partitions };
    this.#topics.set(topicName, topic);
    return topic;
  }

  /**
   * Takes in hints about leaders. One counts only if its epoch is newer than what is known of this incarnation of the
   * topic, and if it leads to a broker with an address. No other broker is touched.
   */
  noteLeaders(
    topicName: string,
    topicId: string | undefined,
    hints: readonly LeaderHint[],
    endpoints: readonly BrokerEndpoint[],
  ): void {
    const known = this.#topics.get(topicName);
    if (known === undefined || known.topicId !== topicId) return;
    const partitions = [...known.partitions];
    for (const { partitionIndex, leaderId, leaderEpoch } of hints) {
      const before = partitions[partitionIndex];
      if (before === undefined || leaderId < 0 || leaderEpoch <= before.leaderEpoch) continue;
      const endpoint = endpoints.find(({ nodeId }) => nodeId === leaderId);
      if (endpoint !== undefined && isUsable(endpoint)) {
        this.#brokers.set(leaderId, { host: endpoint.host, port: endpoint.port });
      }
      if (!this.#brokers.has(leaderId)) continue;
      partitions[partitionIndex] = { partition: partitionIndex, leader: leaderId, leaderEpoch };
    }
    this.#topics.set(topicName, { ...known, partitions });
  }

  /** Leaves the bootstrap servers as the only ones to ask. */
  forgetBrokers(): void {
    this.#brokers.clear();
  }

  /** An answer without brokers is a broker that has just started: the known ones stay. */
  updateBrokers(response: MetadataResponse): void {
    const usable = response.brokers.filter(isUsable);
    if (usable.length === 0) return;
    this.clusterId = response.clusterId ?? this.clusterId;
    this.#brokers.clear();
    for (const { nodeId, host, port } of usable) this.#brokers.set(nodeId, { host, port });
  }
}

function isUsable({ host, port }: BrokerAddress): boolean {
  return host !== "" && port >= 1 && port <= 65_535;
}
