import { ErrorCode } from "../../broker-errors.ts";
import type {
  DeleteRecordsRequest,
  DeleteRecordsRequestPartition,
  DeleteRecordsResponse,
} from "../../protocol/generated/delete-records.ts";
import { Refusal, refusalOf } from "../refusal.ts";
import type { RequestContext } from "../request-context.ts";
import type { Topic } from "../topic.ts";
import { leadershipError } from "./leadership.ts";

/** Stands for the end of the log. */
const highWatermark = -1;

export function handleDeleteRecords(request: DeleteRecordsRequest, context: RequestContext): DeleteRecordsResponse {
  const topics = request.topics.map(({ name, partitions }) => {
    const topic = context.cluster.topic(name);
    return {
      name,
      partitions: partitions.map((wanted) => {
        const result = refusalOf(() => deleteRecords(topic, wanted, context));
        return result instanceof Refusal
          ? { partitionIndex: wanted.partitionIndex, lowWatermark: -1, errorCode: result.errorCode }
          : { partitionIndex: wanted.partitionIndex, lowWatermark: result, errorCode: ErrorCode.NONE };
      }),
    };
  });
  return { throttleTimeMs: 0, topics };
}

/** Returns where the log starts then. */
function deleteRecords(
  topic: Topic | undefined,
  { partitionIndex, offset }: DeleteRecordsRequestPartition,
  context: RequestContext,
): number {
  const partition = topic?.partitions[partitionIndex];
  if (topic === undefined || partition === undefined) {
    throw new Refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "no such topic or partition");
  }
  const leadership = leadershipError(partition, -1, context);
  if (leadership !== ErrorCode.NONE) throw new Refusal(leadership, `the leader is node ${partition.leaderId}`);
  if (!topic.configs.deletes) throw new Refusal(ErrorCode.POLICY_VIOLATION, "the topic's records are only compacted");
  const { log } = partition;
  const before = offset === highWatermark ? log.highWatermark : offset;
  if (before < 0 || before > log.highWatermark) {
    throw new Refusal(ErrorCode.OFFSET_OUT_OF_RANGE, `offset ${offset} is beyond the end of the log`);
  }
  log.deleteBefore(before);
  partition.announce();
  return log.startOffset;
}
