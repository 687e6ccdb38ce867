import type { CallOptions } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { KafkaClient } from "./client.ts";
import { BrokerError } from "./errors.ts";
import { metadataApi } from "./protocol/generated/metadata.ts";
import { zeroUuid } from "./protocol/uuid.ts";

/** Broker ids. */
export interface PartitionReplicas {
  readonly partition: number;
  /** -1: none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
}

/** The first version of Metadata that can ask about a topic without creating it. */
const firstVersionWithoutTopicCreation = 4;

/**
 * Which brokers hold a topic, as any broker sees it now, and how many brokers the cluster has.
 *
 * @throws BrokerError, `UNKNOWN_TOPIC_OR_PARTITION` for a topic that does not exist; TimeoutError
 */
export async function describeReplicas(
  client: KafkaClient,
  topic: string,
  options: CallOptions = {},
): Promise<{ readonly brokers: number; readonly partitions: readonly PartitionReplicas[] }> {
  return client.retrying(`Metadata of topic "${topic}"`, options, async ({ signal }) => {
    const connection = await client.anyConnection(signal);
    const version = connection.versionFor(metadataApi) ?? -1;
    const response = await connection.request(
      metadataApi,
      {
        topics: [{ topicId: zeroUuid, name: topic }],
        // Versions that lack the field mean true.
        allowAutoTopicCreation: version >= 0 && version < firstVersionWithoutTopicCreation,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      },
      { signal },
    );
    const answer = response.topics.find(({ name }) => name === topic);
    const errorCode = response.errorCode || (answer?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    if (answer === undefined || errorCode !== ErrorCode.NONE) {
      throw new BrokerError(errorCode, { ...connection.context(metadataApi), topic });
    }
    const partitions = answer.partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
      partition: partitionIndex,
      leader: leaderId,
      replicas: replicaNodes,
      inSyncReplicas: isrNodes,
    }));
    return { brokers: response.brokers.length, partitions };
  });
}
