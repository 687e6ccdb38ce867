import { ErrorCode } from "../../broker-errors.ts";
import type {
  CreateTopicsRequest,
  CreateTopicsRequestTopic,
  CreateTopicsResponse,
  CreateTopicsResponseTopic,
} from "../../protocol/generated/create-topics.ts";
import { zeroUuid } from "../../protocol/uuid.ts";
import { Refusal, refusalOf } from "../refusal.ts";
import type { RequestContext } from "../request-context.ts";
import type { Topic } from "../topic.ts";
import { topicConfigEntries } from "../topic-config-entries.ts";

const invalidReplicaAssignment = 39;
/** Stands for the broker's default in both numbers. */
const brokerDefault = -1;

/** First version in which partitions and replication factor may be left to the broker (KIP-464). */
const brokerDefaultFrom = 4;

export function handleCreateTopics(request: CreateTopicsRequest, context: RequestContext): CreateTopicsResponse {
  const names = request.topics.map(({ name }) => name);
  const repeated = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  const topics = request.topics
    .filter(({ name }, index) => names.indexOf(name) === index)
    .map((wanted) => {
      const result = refusalOf(() => {
        if (repeated.has(wanted.name)) {
          throw new Refusal(ErrorCode.INVALID_REQUEST, `${wanted.name} appears more than once in the request`);
        }
        context.cluster.checkController(context.node.id);
        return create(wanted, request.validateOnly, context);
      });
      return answerTopic(wanted.name, result, request.validateOnly);
    });
  return { throttleTimeMs: 0, topics };
}

function create(wanted: CreateTopicsRequestTopic, validateOnly: boolean, { cluster, version }: RequestContext): Topic {
  if (wanted.assignments.length > 0) {
    throw new Refusal(invalidReplicaAssignment, "the embedded broker assigns replicas itself");
  }
  if (version < brokerDefaultFrom && wanted.numPartitions === brokerDefault) {
    throw new Refusal(ErrorCode.INVALID_PARTITIONS, "the number of partitions must be larger than 0");
  }
  if (version < brokerDefaultFrom && wanted.replicationFactor === brokerDefault) {
    throw new Refusal(ErrorCode.INVALID_REPLICATION_FACTOR, "the replication factor must be larger than 0");
  }
  const configs = wanted.configs.map(({ name, value }): [string, string] => {
    if (value !== null) return [name, value];
    throw new Refusal(ErrorCode.INVALID_CONFIG, `configuration ${name} has no value`);
  });
  return cluster.createTopic(
    {
      name: wanted.name,
      partitions: wanted.numPartitions === brokerDefault ? undefined : wanted.numPartitions,
      replicationFactor: wanted.replicationFactor === brokerDefault ? undefined : wanted.replicationFactor,
      configs,
    },
    validateOnly,
  );
}

function answerTopic(name: string, result: Topic | Refusal, validateOnly: boolean): CreateTopicsResponseTopic {
  if (result instanceof Refusal) {
    return {
      name,
      topicId: zeroUuid,
      errorCode: result.errorCode,
      errorMessage: result.message,
      numPartitions: -1,
      replicationFactor: -1,
      configs: [],
    };
  }
  return {
    name,
    topicId: validateOnly ? zeroUuid : result.id,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions: result.partitions.length,
    replicationFactor: result.replicationFactor,
    configs: topicConfigEntries(result),
  };
}
