import { ErrorCode } from "../../broker-errors.ts";
import type {
  CreatePartitionsRequest,
  CreatePartitionsRequestTopic,
  CreatePartitionsResponse,
} from "../../protocol/generated/create-partitions.ts";
import { Refusal, refusalOf } from "../refusal.ts";
import type { RequestContext } from "../request-context.ts";

const invalidReplicaAssignment = 39;

export function handleCreatePartitions(
  request: CreatePartitionsRequest,
  context: RequestContext,
): CreatePartitionsResponse {
  const results = request.topics.map((wanted) => {
    const refusal = refusalOf(() => grow(wanted, request.validateOnly, context));
    return {
      name: wanted.name,
      errorCode: refusal?.errorCode ?? ErrorCode.NONE,
      errorMessage: refusal?.message ?? null,
    };
  });
  return { throttleTimeMs: 0, results };
}

function grow(
  { name, count, assignments }: CreatePartitionsRequestTopic,
  validateOnly: boolean,
  { cluster, node }: RequestContext,
): undefined {
  cluster.checkController(node.id);
  const topic = cluster.topic(name);
  if (topic === undefined) throw new Refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${name} does not exist`);
  if (assignments !== null) {
    throw new Refusal(invalidReplicaAssignment, "the embedded broker assigns replicas itself");
  }
  cluster.createPartitions(topic, count, validateOnly);
}
