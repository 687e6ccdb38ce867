import { ErrorCode } from "./broker-errors.ts";
import type { BrokerAddress } from "./config.ts";
import { BrokerError } from "./errors.ts";
import type { MetadataResponse } from "./protocol/generated/metadata.ts";
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

/** Brokers before 2.4 (Metadata below version 9) report stale leader epochs during reassignments (KIP-320 notes). */
const firstVersionWithReliableEpochs = 9;

/** What is known of the cluster: brokers by id, topics by name. */
export class ClusterMetadata {
  readonly #brokers = new Map<number, BrokerAddress>();
  readonly #topics = new Map<string, TopicMetadata>();
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
  update(response: MetadataResponse, version: number, topicName: string): TopicMetadata {
    if (response.errorCode !== ErrorCode.NONE) throw new BrokerError(response.errorCode, { api: "Metadata" });
    this.updateBrokers(response);
    const answer = response.topics.find((topic) => topic.name === topicName);
    if (answer === undefined || answer.errorCode !== ErrorCode.NONE || answer.partitions.length === 0) {
      throw new BrokerError(answer?.errorCode || ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, {
        api: "Metadata",
        topic: topicName,
      });
    }
    const topicId = answer.topicId === zeroUuid ? undefined : answer.topicId;
    const known = this.#topics.get(topicName);
    const sameTopic = known !== undefined && known.topicId === topicId;
    // A broker that lags behind may still answer with fewer partitions; they never become fewer in truth.
    if (sameTopic && answer.partitions.length < known.partitions.length) return known;
    const partitions = answer.partitions
      .map((partition): PartitionMetadata => {
        const before = sameTopic ? known.partitions[partition.partitionIndex] : undefined;
        const leaderEpoch = version >= firstVersionWithReliableEpochs ? partition.leaderEpoch : -1;
        // An older epoch is an older truth.
        if (before !== undefined && leaderEpoch !== -1 && leaderEpoch < before.leaderEpoch) return before;
        const leader = this.#brokers.has(partition.leaderId) ? partition.leaderId : -1;
        return { partition: partition.partitionIndex, leader, leaderEpoch };
      })
      .toSorted((a, b) => a.partition - b.partition);
    if (partitions.some((partition, index) => partition.partition !== index)) {
      throw new BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, {
        api: "Metadata",
        topic: topicName,
        brokerMessage: "the partitions of the answer are not numbered 0, 1, 2, …",
      });
    }
    const topic: TopicMetadata = { name: topicName, topicId, partitions };
    this.#topics.set(topicName, topic);
    return topic;
  }

  /** An answer without brokers is a broker that has just started: the known ones stay. */
  updateBrokers(response: MetadataResponse): void {
    const usable = response.brokers.filter(({ host, port }) => host !== "" && port >= 1 && port <= 65_535);
    if (usable.length === 0) return;
    this.clusterId = response.clusterId ?? this.clusterId;
    this.#brokers.clear();
    for (const { nodeId, host, port } of usable) this.#brokers.set(nodeId, { host, port });
  }
}
