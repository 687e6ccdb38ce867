import { ErrorCode } from "../../broker-errors.ts";
import type {
  DeleteTopicsRequest,
  DeleteTopicsRequestTopic,
  DeleteTopicsResponse,
  DeleteTopicsResponseTopic,
} from "../../protocol/generated/delete-topics.ts";
import { zeroUuid } from "../../protocol/uuid.ts";
import { Refusal, refusalOf } from "../refusal.ts";
import type { RequestContext } from "../request-context.ts";

export function handleDeleteTopics(request: DeleteTopicsRequest, context: RequestContext): DeleteTopicsResponse {
  const { version } = context;
  const wanted = version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: zeroUuid }));
  return { throttleTimeMs: 0, responses: wanted.map((topic) => deleteTopic(topic, context)) };
}

function deleteTopic(
  { name, topicId }: DeleteTopicsRequestTopic,
  { version, cluster, node }: RequestContext,
): DeleteTopicsResponseTopic {
  const answer = (errorCode: number, message: string | null): DeleteTopicsResponseTopic => ({
    name,
    topicId,
    errorCode,
    errorMessage: version >= 5 ? message : null,
  });
  const refusal = refusalOf(() => cluster.checkController(node.id));
  if (refusal instanceof Refusal) return answer(refusal.errorCode, refusal.message);
  if ((name === null) === (topicId === zeroUuid)) {
    return answer(ErrorCode.INVALID_REQUEST, "exactly one of name and id must be given");
  }
  const topic = name === null ? cluster.topicById(topicId) : cluster.topic(name);
  if (topic === undefined) {
    return name === null
      ? answer(ErrorCode.UNKNOWN_TOPIC_ID, "no topic has this id")
      : answer(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${name} does not exist`);
  }
  cluster.deleteTopic(topic);
  return { name: topic.name, topicId: topic.id, errorCode: ErrorCode.NONE, errorMessage: null };
}
