import { ErrorCode } from "../../broker-errors.ts";
import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochRequestPartition,
  OffsetForLeaderEpochResponse,
  OffsetForLeaderEpochResponsePartition,
} from "../../protocol/generated/offset-for-leader-epoch.ts";
import type { Partition } from "../partition.ts";
import type { RequestContext } from "../request-context.ts";
import { leadershipError } from "./leadership.ts";

export function handleOffsetForLeaderEpoch(
  request: OffsetForLeaderEpochRequest,
  context: RequestContext,
): OffsetForLeaderEpochResponse {
  return {
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((asked) => {
        return answerPartition(context.cluster.topic(topic)?.partitions[asked.partition], asked, context);
      }),
    })),
  };
}

function answerPartition(
  partition: Partition | undefined,
  asked: OffsetForLeaderEpochRequestPartition,
  context: RequestContext,
): OffsetForLeaderEpochResponsePartition {
  const errorCode =
    partition === undefined
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : leadershipError(partition, asked.currentLeaderEpoch, context);
  const { epoch, endOffset } =
    partition !== undefined && errorCode === ErrorCode.NONE
      ? partition.log.endOfEpoch(asked.leaderEpoch)
      : { epoch: -1, endOffset: -1 };
  return { errorCode, partition: asked.partition, leaderEpoch: epoch, endOffset };
}
