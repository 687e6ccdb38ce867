import { ErrorCode } from "../../broker-errors.ts";
import type {
  MetadataRequest,
  MetadataRequestTopic,
  MetadataResponse,
  MetadataResponsePartition,
  MetadataResponseTopic,
} from "../../protocol/generated/metadata.ts";
import { zeroUuid } from "../../protocol/uuid.ts";
import type { Cluster } from "../cluster.ts";
import type { Partition } from "../partition.ts";
import { Refusal, refusalOf } from "../refusal.ts";
import type { RequestContext } from "../request-context.ts";
import { isValidTopicName, type Topic } from "../topic.ts";

/** Means that the permissions were not asked for. */
const noOperations = -2147483648;

export function handleMetadata(request: MetadataRequest, context: RequestContext): MetadataResponse {
  const { cluster } = context;
  const topics =
    request.topics === null
      ? [...cluster.topics()].map((topic) => describeTopic(topic, cluster))
      : request.topics.map((topic) => answerTopic(topic, request.allowAutoTopicCreation, context));
  return {
    throttleTimeMs: 0,
    brokers: cluster.liveNodes.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: cluster.id,
    controllerId: cluster.controllerId,
    topics,
    clusterAuthorizedOperations: noOperations,
    errorCode: ErrorCode.NONE,
  };
}

function answerTopic(
  asked: MetadataRequestTopic,
  allowAutoTopicCreation: boolean,
  { cluster, version }: RequestContext,
): MetadataResponseTopic {
  const { name, topicId } = asked;
  if (name === null || topicId !== zeroUuid) {
    // Versions 10 and 11 have the field, but brokers serve requests by id from 12 on only.
    if (version < 12) return topicError(name ?? "", topicId, ErrorCode.INVALID_REQUEST);
    const topic = cluster.topicById(topicId);
    return topic === undefined ? topicError(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID) : describeTopic(topic, cluster);
  }
  const topic = cluster.topic(name);
  if (topic !== undefined) return describeTopic(topic, cluster);
  if (!isValidTopicName(name)) return topicError(name, zeroUuid, ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (!allowAutoTopicCreation || !cluster.autoCreateTopics) {
    return topicError(name, zeroUuid, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  }
  const created = refusalOf(() => cluster.createTopic({ name }));
  return created instanceof Refusal ? topicError(name, zeroUuid, created.errorCode) : describeTopic(created, cluster);
}

function topicError(name: string | null, topicId: string, errorCode: number): MetadataResponseTopic {
  return { errorCode, name, topicId, isInternal: false, partitions: [], topicAuthorizedOperations: noOperations };
}

function describeTopic(topic: Topic, cluster: Cluster): MetadataResponseTopic {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: false,
    partitions: topic.partitions.map((partition) => describePartition(partition, cluster)),
    topicAuthorizedOperations: noOperations,
  };
}

function describePartition(partition: Partition, cluster: Cluster): MetadataResponsePartition {
  const { index, leaderId, leaderEpoch, replicas } = partition;
  return {
    errorCode: leaderId === -1 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
    partitionIndex: index,
    leaderId,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: replicas.filter((replica) => cluster.isUp(replica)),
    offlineReplicas: replicas.filter((replica) => !cluster.isUp(replica)),
  };
}
