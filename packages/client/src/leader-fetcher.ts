import { nextOffsetOf } from "@ktables/record-batch";
import { sleep } from "./abort.ts";
import { backoffMs } from "./backoff.ts";
import { ErrorCode } from "./broker-errors.ts";
import { apply, type Delivery, maximumCorruptAnswers } from "./delivery.ts";
import { BrokerError } from "./errors.ts";
import type { FetchContext } from "./fetch-context.ts";
import { isolationCode, listOffsets } from "./offsets.ts";
import type { PartitionCursor } from "./partition-cursor.ts";
import { type FetchResponse, type FetchResponsePartition, fetchApi } from "./protocol/generated/fetch.ts";
import { zeroUuid } from "./protocol/uuid.ts";

/** What was asked of one partition, so that an answer that no longer fits can be told. */
interface Asked {
  readonly cursor: PartitionCursor;
  readonly fetchOffset: number;
}

interface Flight {
  readonly asked: readonly Asked[];
  readonly response: Promise<FetchResponse>;
}

/** The last version that names topics; later ones know them by id only. */
const lastVersionWithNames = 12;
const defaultMaxBytes = 16 * 1024 * 1024;

/**
 * Fetches the partitions that one broker leads, until it leads none or the reader is closed. The next request is on
 * the wire while the last answer is applied; never more than that, so memory stays bounded by two answers.
 */
export async function runLeaderFetcher(context: FetchContext): Promise<void> {
  let flight: Flight | undefined;
  let failures = 0;
  const { config } = context.client;
  while (!context.signal.aborted) {
    try {
      flight ??= startFetch(context);
      if (flight === undefined) {
        const pause = pauseOf(context);
        if (pause === undefined) return;
        await sleep(pause, context.signal);
        continue;
      }
      const { asked, response }: Flight = flight;
      flight = undefined;
      const deliveries = await inspect(context, asked, await response);
      failures = 0;
      if (deliveries.length > 0) flight = startFetch(context);
      await apply(context, deliveries);
    } catch (error) {
      if (context.signal.aborted) return;
      flight = undefined;
      for (const cursor of ownCursors(context)) cursor.rewind();
      report(context, error);
      if (context.signal.aborted) return;
      context.staleMetadata();
      await sleep(backoffMs(failures++, config.retryBackoffMs, config.maxRetryBackoffMs), context.signal).catch(
        () => undefined,
      );
    }
  }
}

/** A broker that failed in a way it has no code for may recover, though Kafka does not call that retriable. */
function report(context: FetchContext, error: unknown): void {
  if (error instanceof BrokerError && error.errorCode === ErrorCode.UNKNOWN_SERVER_ERROR) {
    context.options.onTrouble?.(error);
  } else {
    context.trouble(error);
  }
}

function ownCursors(context: FetchContext): PartitionCursor[] {
  return [...context.cursors.values()].filter(({ leader }) => leader === context.leader);
}

/** How long every partition of this leader has to wait; undefined when it leads none. */
function pauseOf(context: FetchContext): number | undefined {
  const own = ownCursors(context);
  if (own.length === 0) return undefined;
  return Math.max(1, Math.min(...own.map(({ retryAt }) => retryAt)) - performance.now());
}

/** Sends a request for every partition that is not pausing; undefined when there is none. */
function startFetch(context: FetchContext): Flight | undefined {
  const now = performance.now();
  const asked = ownCursors(context)
    .filter(({ retryAt }) => retryAt <= now)
    .map((cursor): Asked => ({ cursor, fetchOffset: cursor.fetchOffset }));
  if (asked.length === 0) return undefined;
  const response = send(context, asked);
  // The answer may fail while nobody waits for it yet; whoever awaits it next still sees the failure.
  response.catch(() => undefined);
  return { asked, response };
}

async function send(context: FetchContext, asked: readonly Asked[]): Promise<FetchResponse> {
  const { client, options, signal } = context;
  // Half, because an answer also holds headers, and a first batch of any size.
  const maxBytes = Math.min(options.maxBytes ?? defaultMaxBytes, client.config.maxResponseBytes >>> 1);
  const maxWaitMs = Math.ceil(options.maxWaitMs ?? 500);
  const connection = await client.brokerConnection(context.leader, context.purpose, signal);
  return connection.request(
    fetchApi,
    {
      replicaId: -1,
      maxWaitMs,
      minBytes: 1,
      maxBytes,
      isolationLevel: isolationCode(options.isolation ?? "read_committed"),
      // No fetch session (KIP-227): id 0 with epoch -1 asks for a full answer and opens none.
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: context.topic,
          topicId: context.topicId ?? zeroUuid,
          partitions: asked.map(({ cursor, fetchOffset }) => ({
            partition: cursor.partition,
            currentLeaderEpoch: cursor.leaderEpoch,
            fetchOffset,
            lastFetchedEpoch: -1,
            logStartOffset: -1,
            partitionMaxBytes: maxBytes,
          })),
        },
      ],
      forgottenTopicsData: [],
      rackId: "",
    },
    {
      serverWaitMs: maxWaitMs,
      signal,
      maxVersion: context.topicId === undefined ? lastVersionWithNames : undefined,
    },
  );
}

/** Sorts an answer into what can be applied and what failed, and moves the fetch offsets past what can be applied. */
async function inspect(context: FetchContext, asked: readonly Asked[], response: FetchResponse): Promise<Delivery[]> {
  if (response.errorCode !== ErrorCode.NONE) throw new BrokerError(response.errorCode, { api: "Fetch" });
  const answers = new Map<number, FetchResponsePartition>();
  for (const topic of response.responses) {
    if (topic.topic !== context.topic && topic.topicId !== context.topicId) continue;
    for (const answer of topic.partitions) {
      if (!answers.has(answer.partitionIndex)) answers.set(answer.partitionIndex, answer);
    }
  }
  const deliveries: Delivery[] = [];
  for (const { cursor, fetchOffset } of asked) {
    // The cursor may have been rewound, or its leader may have changed, while the request was on its way.
    if (cursor.fetchOffset !== fetchOffset || cursor.leader !== context.leader) continue;
    const answer = answers.get(cursor.partition);
    if (answer === undefined) {
      cursor.pause(context.client.config);
    } else if (answer.errorCode !== ErrorCode.NONE) {
      await handleError(context, cursor, answer.errorCode);
    } else {
      if (answer.records === null || answer.records.length === 0) {
        cursor.failures = 0;
        cursor.noteWatermarks(answer);
        context.options.onProgress?.(cursor.partition);
        continue;
      }
      const nextOffset = nextOffsetOf(answer.records);
      if (nextOffset !== undefined && nextOffset > fetchOffset) cursor.fetchOffset = nextOffset;
      deliveries.push({ cursor, answer, records: answer.records });
    }
  }
  return deliveries;
}

/** A partition's error stays with the partition: the others of the answer are used. */
async function handleError(context: FetchContext, cursor: PartitionCursor, errorCode: number): Promise<void> {
  const error = new BrokerError(errorCode, {
    api: "Fetch",
    broker: String(context.leader),
    topic: context.topic,
    partition: cursor.partition,
  });
  cursor.pause(context.client.config);
  if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && !cursor.hasApplied) {
    // Retention moved the log's start between looking it up and reading it: nothing was read, so nothing is lost.
    const earliest = await listOffsets(context.client, context.topic, "earliest", {
      partitions: [cursor.partition],
      signal: context.signal,
    });
    cursor.position = earliest.get(cursor.partition) ?? cursor.position;
    cursor.rewind();
    return;
  }
  if (errorCode === ErrorCode.CORRUPT_MESSAGE && ++cursor.damagedAnswers >= maximumCorruptAnswers) {
    context.fail(error);
    return;
  }
  report(context, error);
  if (error.refreshMetadata) context.staleMetadata();
}
