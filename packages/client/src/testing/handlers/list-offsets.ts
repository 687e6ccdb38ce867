import { ErrorCode } from "../../broker-errors.ts";
import type {
  ListOffsetsRequest,
  ListOffsetsRequestPartition,
  ListOffsetsResponse,
  ListOffsetsResponsePartition,
} from "../../protocol/generated/list-offsets.ts";
import type { PartitionLog } from "../partition-log.ts";
import type { RequestContext } from "../request-context.ts";
import type { Topic } from "../topic.ts";
import { leadershipError } from "./leadership.ts";

const latest = -1;
const earliest = -2;
/** First version whose answer has the field. */
const leaderEpochFrom = 4;

export function handleListOffsets(request: ListOffsetsRequest, context: RequestContext): ListOffsetsResponse {
  return {
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => {
      const topic = context.cluster.topic(name);
      return {
        name,
        partitions: partitions.map((partition) => answerPartition(topic, partition, request.isolationLevel, context)),
      };
    }),
  };
}

function answerPartition(
  topic: Topic | undefined,
  { partitionIndex, currentLeaderEpoch, timestamp }: ListOffsetsRequestPartition,
  isolationLevel: number,
  context: RequestContext,
): ListOffsetsResponsePartition {
  const answer = (errorCode: number): ListOffsetsResponsePartition => ({
    partitionIndex,
    errorCode,
    timestamp: -1,
    offset: -1,
    leaderEpoch: -1,
  });
  const partition = topic?.partitions[partitionIndex];
  if (partition === undefined) return answer(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const errorCode = leadershipError(partition, currentLeaderEpoch, context);
  if (errorCode !== ErrorCode.NONE) return answer(errorCode);
  // Other special times belong to versions of the API that this broker does not offer.
  if (timestamp < earliest) return answer(ErrorCode.UNSUPPORTED_VERSION);
  const { log } = partition;
  const leaderEpoch = context.version >= leaderEpochFrom ? partition.leaderEpoch : -1;
  const end = isolationLevel === 1 ? log.lastStableOffset : log.highWatermark;
  if (timestamp === latest) return { ...answer(ErrorCode.NONE), offset: end, leaderEpoch };
  if (timestamp === earliest) return { ...answer(ErrorCode.NONE), offset: log.startOffset, leaderEpoch };
  const found = firstNotBefore(log, timestamp, end);
  if (found === undefined) return answer(ErrorCode.NONE);
  return { ...answer(ErrorCode.NONE), ...found, leaderEpoch: leaderEpoch === -1 ? -1 : found.leaderEpoch };
}

interface Found {
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** The first record with this timestamp or a later one. */
function firstNotBefore(log: PartitionLog, timestamp: number, end: number): Found | undefined {
  for (const batch of log.batches) {
    if (batch.baseOffset >= end) return undefined;
    if (batch.isControl || batch.maxTimestamp < timestamp) continue;
    let found: Found | undefined;
    batch.visit((record) => {
      const time = record.timestamp();
      if (found !== undefined || time < timestamp || record.offset < log.startOffset) return;
      found = { timestamp: time, offset: record.offset, leaderEpoch: batch.partitionLeaderEpoch };
    });
    if (found !== undefined) return found;
  }
  return undefined;
}
