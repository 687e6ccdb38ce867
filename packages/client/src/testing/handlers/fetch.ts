import type { AbortSignalLike } from "../../abort.ts";
import { ErrorCode } from "../../broker-errors.ts";
import type {
  FetchRequest,
  FetchRequestPartition,
  FetchResponse,
  FetchResponsePartition,
  FetchResponseTopic,
} from "../../protocol/generated/fetch.ts";
import type { Partition } from "../partition.ts";
import type { RequestContext } from "../request-context.ts";
import type { Topic } from "../topic.ts";
import { LeaderHints, leadershipError } from "./leadership.ts";

const sessionNotFound = 70;
/** First version of Fetch that replicas serve too (KIP-392). */
const replicasFrom = 11;
/** First version of Fetch whose answer names the leader (KIP-951). */
const hintsFrom = 16;
const readCommitted = 1;
/** Timers take no longer delay. */
const longestWaitMs = 0x7fff_ffff;

/** Answers at once if there is enough to read or anything to report; otherwise waits for news (long poll). */
export async function handleFetch(request: FetchRequest, context: RequestContext): Promise<FetchResponse> {
  // Sessions are never granted, so that nobody can go on with one; 0 begins one, -1 does without (KIP-227).
  if (request.sessionEpoch > 0) {
    return { throttleTimeMs: 0, errorCode: sessionNotFound, sessionId: 0, responses: [] };
  }
  const deadline = performance.now() + request.maxWaitMs;
  for (;;) {
    const { response, isFinal, partitions } = read(request, context);
    const leftMs = deadline - performance.now();
    if (isFinal || leftMs <= 0 || context.signal.aborted) return response;
    await newsOf(partitions, leftMs, context.signal);
  }
}

/** Resolves when one of the partitions has changed, when the time is up, or when the connection ends. */
async function newsOf(partitions: readonly Partition[], timeoutMs: number, signal: AbortSignalLike): Promise<void> {
  const stops: (() => void)[] = [];
  await new Promise<void>((resolve) => {
    const done = (): void => resolve();
    const timer = setTimeout(done, Math.min(Math.ceil(timeoutMs), longestWaitMs));
    signal.addEventListener("abort", done);
    stops.push(
      () => clearTimeout(timer),
      () => signal.removeEventListener("abort", done),
      ...partitions.map((partition) => partition.watch(done)),
    );
  });
  for (const stop of stops) stop();
}

interface Reading {
  readonly response: FetchResponse;
  /** Nothing to wait for. */
  readonly isFinal: boolean;
  /** All that exist of those asked for. */
  readonly partitions: readonly Partition[];
}

function read(request: FetchRequest, context: RequestContext): Reading {
  const { cluster, version } = context;
  const hints = new LeaderHints(context);
  const partitions: Partition[] = [];
  let size = 0;
  let hasNews = false;
  const responses: FetchResponseTopic[] = request.topics.map((asked) => {
    const topic = version >= 13 ? cluster.topicById(asked.topicId) : cluster.topic(asked.topic);
    return {
      topic: asked.topic,
      topicId: asked.topicId,
      partitions: asked.partitions.map((wanted) => {
        const partition = topic?.partitions[wanted.partition];
        if (partition !== undefined) partitions.push(partition);
        const room = Math.max(0, Math.min(wanted.partitionMaxBytes, request.maxBytes - size));
        const answer = readPartition(topic, partition, wanted, request, room, size === 0, context);
        size += answer.records?.length ?? 0;
        hasNews ||= answer.divergingEpoch !== undefined || answer.preferredReadReplica !== -1;
        if (answer.errorCode === ErrorCode.NONE) return answer;
        hasNews = true;
        const moved =
          answer.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || answer.errorCode === ErrorCode.FENCED_LEADER_EPOCH;
        if (!moved || partition === undefined || version < hintsFrom) return answer;
        return { ...answer, currentLeader: hints.hint(partition) };
      }),
    };
  });
  const response: FetchResponse = {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    sessionId: 0,
    responses,
    nodeEndpoints: version >= hintsFrom ? hints.endpoints() : [],
  };
  return { response, isFinal: hasNews || size >= request.minBytes || request.topics.length === 0, partitions };
}

function readPartition(
  topic: Topic | undefined,
  partition: Partition | undefined,
  wanted: FetchRequestPartition,
  { isolationLevel, rackId }: FetchRequest,
  maxBytes: number,
  isFirstWithData: boolean,
  context: RequestContext,
): FetchResponsePartition {
  const { version, cluster, node } = context;
  const failure = (errorCode: number): FetchResponsePartition => ({
    partitionIndex: wanted.partition,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: new Uint8Array(0),
  });
  if (topic === undefined && version >= 13) return failure(ErrorCode.UNKNOWN_TOPIC_ID);
  if (topic === undefined || partition === undefined) return failure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const leadership = leadershipError(partition, wanted.currentLeaderEpoch, context, version < replicasFrom);
  if (leadership !== ErrorCode.NONE) return failure(leadership);
  const { log } = partition;
  const { fetchOffset, lastFetchedEpoch } = wanted;
  const { highWatermark, lastStableOffset, startOffset } = log;
  const isInRange = fetchOffset >= startOffset && fetchOffset <= highWatermark;
  const nothing: FetchResponsePartition = {
    ...failure(ErrorCode.NONE),
    highWatermark,
    lastStableOffset,
    logStartOffset: startOffset,
  };
  if (version >= replicasFrom && rackId !== "" && partition.leaderId === node.id && isInRange) {
    const preferredReadReplica = cluster.closestReplica(partition, rackId);
    if (preferredReadReplica !== node.id) return { ...nothing, preferredReadReplica };
  }
  if (lastFetchedEpoch >= 0) {
    const end = log.endOfEpoch(lastFetchedEpoch);
    if (end.epoch === -1 || fetchOffset < startOffset) return failure(ErrorCode.OFFSET_OUT_OF_RANGE);
    if (end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset) return { ...nothing, divergingEpoch: end };
  }
  if (!isInRange) return failure(ErrorCode.OFFSET_OUT_OF_RANGE);
  const committed = isolationLevel === readCommitted;
  const end = committed ? lastStableOffset : highWatermark;
  const { bytes, readTo } = log.read(fetchOffset, end, maxBytes, isFirstWithData);
  const abortedTransactions = committed ? log.abortedBetween(fetchOffset, readTo) : null;
  return { ...nothing, abortedTransactions, records: bytes };
}
