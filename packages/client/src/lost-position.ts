import type { AbortSignalLike } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import { type BrokerError, PositionLostError } from "./errors.ts";
import { type FetchContext, resumeAfterPause } from "./fetch-context.ts";
import type { Asked } from "./fetch-request.ts";
import { listOffsets } from "./offsets.ts";
import type { PartitionCursor } from "./partition-cursor.ts";
import type { FetchResponsePartition } from "./protocol/generated/fetch.ts";
import {
  type OffsetForLeaderEpochResponsePartition,
  offsetForLeaderEpochApi,
} from "./protocol/generated/offset-for-leader-epoch.ts";

/** The log was truncated below the position, as an unclean election does; it differs from `logEndOffset` on at the latest. */
export function truncatedAt(
  { topic }: FetchContext,
  { partition, position }: PartitionCursor,
  endOffset: number,
): PositionLostError {
  const divergingOffset = Math.min(endOffset, position);
  return new PositionLostError(
    "LOG_TRUNCATED",
    `Topic "${topic}" partition ${partition} was truncated at offset ${divergingOffset}, below position ${position}: ` +
      "records that were read are not in the log any more",
    { topic, partition, position, divergingOffset },
  );
}

/**
 * Whether nobody answered for the partition for longer than tombstones are kept, while it grew: the log cleaner may have
 * removed a key's last value and its tombstone before either was read here.
 */
export function hasMissedTombstones(
  { options }: FetchContext,
  { cursor, fetchOffset, absenceMs }: Asked,
  { highWatermark }: FetchResponsePartition,
): boolean {
  const { tombstoneRetentionMs = Number.POSITIVE_INFINITY } = options;
  const retentionMs = typeof tombstoneRetentionMs === "function" ? tombstoneRetentionMs() : tombstoneRetentionMs;
  return absenceMs > retentionMs && cursor.hasApplied && highWatermark > fetchOffset;
}

export function tombstonesMissed({ topic }: FetchContext, { cursor, absenceMs }: Asked): PositionLostError {
  const { partition, position } = cursor;
  const message =
    `Topic "${topic}" partition ${partition} was out of reach for ${Math.round(absenceMs / 1000)} s, which is longer than ` +
    "it keeps tombstones: deletions may have been missed";
  return new PositionLostError("TOMBSTONES_MISSED", message, { topic, partition, position });
}

/** The leader says that the position is out of range: finds out why, while the partition waits. */
export function explainOutOfRange(context: FetchContext, asked: Asked, error: BrokerError): void {
  const { cursor, generation } = asked;
  const resumeAt = cursor.retryAt;
  cursor.retryAt = Number.POSITIVE_INFINITY;
  context.inBackground(async () => {
    try {
      const range = await rangeOf(context, cursor.partition);
      if (cursor.generation === generation) judge(context, cursor, range, error);
    } finally {
      cursor.retryAt = resumeAt;
      context.inBackground(() => resumeAfterPause(context, cursor));
    }
  });
}

interface Range {
  readonly start: number;
  readonly end: number;
}

async function rangeOf({ client, topic, signal }: FetchContext, partition: number): Promise<Range> {
  const options = { partitions: [partition], signal };
  const [earliest, latest] = await Promise.all([
    listOffsets(client, topic, "earliest", options),
    listOffsets(client, topic, "latest", options),
  ]);
  return { start: earliest.get(partition) ?? 0, end: latest.get(partition) ?? 0 };
}

function judge(context: FetchContext, cursor: PartitionCursor, { start, end }: Range, error: BrokerError): void {
  const { topic } = context;
  const { partition, position } = cursor;
  if (!cursor.hasApplied) {
    // Retention moved the log's start between looking it up and reading it: nothing was read, so nothing is lost.
    cursor.restart(start);
  } else if (position < start) {
    const message =
      `Topic "${topic}" partition ${partition} starts at offset ${start} now, above position ${position}: ` +
      "records were removed before they were read";
    const details = { topic, partition, position, divergingOffset: start, cause: error };
    context.positionLost(cursor, new PositionLostError("OFFSET_OUT_OF_RANGE", message, details));
  } else if (position > end) {
    context.positionLost(cursor, truncatedAt(context, cursor, end));
  } else {
    // The position is within the log after all. A leader that cannot place the epoch says the same, and that is no
    // loss, so the next request goes without.
    cursor.positionEpoch = -1;
    cursor.rewind();
    context.options.onTrouble?.(error);
  }
}

/**
 * On brokers whose Fetch does not compare epochs (before Kafka 2.7): asks the leader by OffsetForLeaderEpoch, once
 * under each leader epoch, whether what was read last is still in its log (KIP-320).
 */
export async function compareEpochs(
  context: FetchContext,
  broker: number,
  asked: readonly Asked[],
  signal: AbortSignalLike,
): Promise<void> {
  const open = asked.filter(
    ({ cursor, fetchEpoch, leaderEpoch }) =>
      fetchEpoch >= 0 && cursor.leader === broker && cursor.comparedUnder !== leadership(broker, leaderEpoch),
  );
  if (open.length === 0) return;
  const { client, topic } = context;
  const connection = await client.brokerConnection(broker, "control", signal);
  if (connection.versionFor(offsetForLeaderEpochApi) === undefined) return;
  const partitions = open.map(({ cursor, leaderEpoch, fetchEpoch }) => {
    return { partition: cursor.partition, currentLeaderEpoch: leaderEpoch, leaderEpoch: fetchEpoch };
  });
  const request = { replicaId: -1, topics: [{ topic, partitions }] };
  const response = await connection.request(offsetForLeaderEpochApi, request, { signal });
  const answers = response.topics.find((answer) => answer.topic === topic)?.partitions ?? [];
  for (const entry of open) {
    const answer = answers.find(({ partition }) => partition === entry.cursor.partition);
    if (answer !== undefined && entry.cursor.generation === entry.generation)
      takeEpochEnd(context, broker, entry, answer);
  }
}

/** A broker that answers with an error will say the same to Fetch, or does not let us ask; then it stays unknown. */
function takeEpochEnd(
  context: FetchContext,
  broker: number,
  { cursor, leaderEpoch, fetchEpoch, fetchOffset }: Asked,
  answer: OffsetForLeaderEpochResponsePartition,
): void {
  const isKnown = answer.errorCode === ErrorCode.NONE && answer.endOffset >= 0 && answer.leaderEpoch >= 0;
  if (isKnown && (answer.endOffset < fetchOffset || answer.leaderEpoch < fetchEpoch)) {
    context.positionLost(cursor, truncatedAt(context, cursor, answer.endOffset));
  } else if (!staleLeaderCodes.has(answer.errorCode)) {
    cursor.comparedUnder = leadership(broker, leaderEpoch);
  }
}

const staleLeaderCodes: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
]);

function leadership(broker: number, leaderEpoch: number): string {
  return `${broker} ${leaderEpoch}`;
}
