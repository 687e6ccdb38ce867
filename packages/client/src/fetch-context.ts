import { type AbortSignalLike, sleep } from "./abort.ts";
import type { KafkaClient } from "./client.ts";
import type { PositionLostError } from "./errors.ts";
import type { PartitionCursor } from "./partition-cursor.ts";
import type { TopicReaderOptions } from "./reader-options.ts";

/** What a reader gives to its fetchers. */
export interface FetchContext {
  readonly client: KafkaClient;
  readonly topic: string;
  /** Undefined where the topic goes by its name. */
  readonly topicId: string | undefined;
  /** All partitions of the reader; each fetcher has those whose source is its broker. */
  readonly cursors: ReadonlyMap<number, PartitionCursor>;
  readonly options: TopicReaderOptions;
  readonly signal: AbortSignalLike;
  staleMetadata(): void;
  /** Partitions are to be fetched from another broker than before, or again: none of them may wait for a long poll. */
  moved(): void;
  /** Does work that nobody waits for, so that one partition does not hold up the others; its failure is reported. */
  inBackground(work: () => Promise<void>): void;
  /** Reports a failure; one that is not retriable ends the reader. */
  trouble(error: unknown): void;
  fail(error: Error): void;
  /** The owner decides whether the reader ends or the partition starts over. */
  positionLost(cursor: PartitionCursor, loss: PositionLostError): void;
}

/**
 * Waits for the end of a partition's pause that began while a request was under way: such a request was sent to be held
 * back for longer.
 */
export async function resumeAfterPause(context: FetchContext, { retryAt }: PartitionCursor): Promise<void> {
  // A timer may fire a little early.
  await sleep(Math.max(0, Math.ceil(retryAt - performance.now())) + 1, context.signal);
  context.moved();
}
