import { endOfBatches } from "@ktables/record-batch";
import { ErrorCode } from "./broker-errors.ts";
import { type Delivery, maximumCorruptAnswers } from "./delivery.ts";
import { BrokerError } from "./errors.ts";
import type { FetchContext } from "./fetch-context.ts";
import type { Asked } from "./fetch-request.ts";
import { explainOutOfRange, hasMissedTombstones, tombstonesMissed, truncatedAt } from "./lost-position.ts";
import type { LeaderHint } from "./metadata.ts";
import type { Moment } from "./moment.ts";
import type { PartitionCursor } from "./partition-cursor.ts";
import type { FetchResponse, FetchResponsePartition } from "./protocol/generated/fetch.ts";

/** Sorts an answer into what can be applied and what failed, and moves the fetch offsets past what can be applied. */
export function inspect(
  context: FetchContext,
  broker: number,
  asked: readonly Asked[],
  response: FetchResponse,
  arrivedAt: Moment,
): Delivery[] {
  if (response.errorCode !== ErrorCode.NONE) throw new BrokerError(response.errorCode, { api: "Fetch" });
  const answers = answersOf(context, response);
  noteLeaders(context, answers.values(), response);
  const deliveries: Delivery[] = [];
  for (const entry of asked) {
    const { cursor, generation } = entry;
    // The cursor may have been rewound, or its source may have changed, while the request was on its way.
    if (cursor.generation !== generation) continue;
    const answer = answers.get(cursor.partition);
    if (answer === undefined) cursor.pause(context.client.config);
    else if (answer.errorCode !== ErrorCode.NONE) handleError(context, broker, entry, answer.errorCode);
    else if (isDiverging(answer, entry)) handleDivergence(context, broker, entry, answer);
    else if (isSentElsewhere(answer, broker, cursor)) followPreference(context, cursor, answer.preferredReadReplica);
    else if (hasMissedTombstones(context, entry, answer))
      context.positionLost(cursor, tombstonesMissed(context, entry));
    else {
      cursor.answeredAt = arrivedAt;
      cursor.wasAnswered = true;
      takeRecords(context, cursor, answer, deliveries);
    }
  }
  return deliveries;
}

/** The answers by partition; of repeated ones the first, and none that was not asked for. */
function answersOf(context: FetchContext, response: FetchResponse): Map<number, FetchResponsePartition> {
  const answers = new Map<number, FetchResponsePartition>();
  for (const topic of response.responses) {
    if (topic.topic !== context.topic && topic.topicId !== context.topicId) continue;
    for (const answer of topic.partitions) {
      if (!answers.has(answer.partitionIndex)) answers.set(answer.partitionIndex, answer);
    }
  }
  return answers;
}

function takeRecords(
  context: FetchContext,
  cursor: PartitionCursor,
  answer: FetchResponsePartition,
  deliveries: Delivery[],
): void {
  if (answer.records === null || answer.records.length === 0) {
    cursor.failures = 0;
    cursor.noteWatermarks(answer);
    context.options.onProgress?.(cursor.partition);
    return;
  }
  const end = endOfBatches(answer.records);
  if (end !== undefined && end.nextOffset > cursor.fetchOffset) {
    cursor.fetchOffset = end.nextOffset;
    cursor.fetchEpoch = end.partitionLeaderEpoch;
  }
  const wholeBytes = end?.sizeInBytes ?? 0;
  deliveries.push({ cursor, generation: cursor.generation, answer, records: answer.records, wholeBytes });
}

/** Whoever does not lead any more may name the new leader (KIP-951). */
function noteLeaders(context: FetchContext, answers: Iterable<FetchResponsePartition>, response: FetchResponse): void {
  const hints: LeaderHint[] = [];
  for (const { partitionIndex, errorCode, currentLeader } of answers) {
    if (currentLeader !== undefined && movedCodes.has(errorCode)) hints.push({ partitionIndex, ...currentLeader });
  }
  if (hints.length > 0) context.client.noteLeaders(context.topic, context.topicId, hints, response.nodeEndpoints ?? []);
}

const movedCodes: ReadonlySet<number> = new Set([ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH]);

/** Follows a newer leader that is known already, by a hint or because somebody else has asked. */
function followNewerLeader(context: FetchContext, cursor: PartitionCursor): boolean {
  const topic = context.client.knownTopic(context.topic);
  const known = topic?.topicId === context.topicId ? topic?.partitions[cursor.partition] : undefined;
  if (known === undefined || known.leader < 0 || known.leaderEpoch <= cursor.leaderEpoch) return false;
  cursor.follow(known.leader, known.leaderEpoch);
  // Once at once; leaders that keep sending us away are asked less and less often.
  if (cursor.failures > 0) cursor.pause(context.client.config);
  else cursor.failures++;
  context.moved();
  return true;
}

/** A partition's error stays with the partition: the others of the answer are used. */
function handleError(context: FetchContext, broker: number, asked: Asked, errorCode: number): void {
  const { cursor } = asked;
  const { topic, client } = context;
  if (movedCodes.has(errorCode) && followNewerLeader(context, cursor)) return;
  const error = new BrokerError(errorCode, {
    api: "Fetch",
    broker: String(broker),
    topic,
    partition: cursor.partition,
  });
  if (error.refreshMetadata) context.staleMetadata();
  if (cursor.source !== cursor.leader) {
    // A replica may lag behind, which is no reason to doubt the position: only the leader's word counts.
    replicaFailed(context, cursor);
    context.options.onTrouble?.(error);
    context.moved();
    return;
  }
  cursor.pause(client.config);
  if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
    explainOutOfRange(context, asked, error);
  } else if (errorCode === ErrorCode.CORRUPT_MESSAGE && ++cursor.damagedAnswers >= maximumCorruptAnswers) {
    context.fail(error);
  } else if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
    // The broker may recover, though Kafka does not call that retriable.
    context.options.onTrouble?.(error);
  } else {
    context.trouble(error);
  }
}

/** Without the leader's replica for as long as metadata may be old, so that one that fails again and again costs little. */
export function replicaFailed({ client }: FetchContext, cursor: PartitionCursor): void {
  cursor.leaveReplica(performance.now() + client.config.metadataMaxAgeMs);
}

/** Undefined (-1) is a broker that cannot tell, which is no loss. */
function isDiverging({ divergingEpoch }: FetchResponsePartition, { fetchEpoch }: Asked): boolean {
  return divergingEpoch !== undefined && divergingEpoch.endOffset >= 0 && divergingEpoch.epoch >= 0 && fetchEpoch >= 0;
}

function handleDivergence(
  context: FetchContext,
  broker: number,
  { cursor }: Asked,
  { divergingEpoch }: FetchResponsePartition,
): void {
  if (broker !== cursor.leader) {
    // A replica that lags behind ends before the position, and says the same.
    replicaFailed(context, cursor);
    context.moved();
    return;
  }
  context.positionLost(cursor, truncatedAt(context, cursor, divergingEpoch?.endOffset ?? -1));
}

function isSentElsewhere(
  { preferredReadReplica }: FetchResponsePartition,
  broker: number,
  cursor: PartitionCursor,
): boolean {
  return preferredReadReplica >= 0 && preferredReadReplica !== broker && broker === cursor.leader;
}

/** KIP-392: the leader has named a replica that is closer. */
function followPreference(context: FetchContext, cursor: PartitionCursor, replica: number): void {
  const now = performance.now();
  const { metadataMaxAgeMs } = context.client.config;
  if (context.client.knowsBroker(replica)) {
    cursor.readFrom(replica, now + metadataMaxAgeMs);
  } else {
    // The leader serves as long as nobody knows where the replica is.
    cursor.leaveReplica(now + context.client.config.maxRetryBackoffMs);
    context.staleMetadata();
  }
  context.moved();
}
