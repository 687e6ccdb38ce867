import type { AbortSignalLike } from "./abort.ts";
import type { KafkaClient } from "./client.ts";
import type { PartitionCursor } from "./partition-cursor.ts";
import type { TopicReaderOptions } from "./reader-options.ts";

/** What a reader gives to the fetcher of each leader. */
export interface FetchContext {
  readonly client: KafkaClient;
  readonly topic: string;
  readonly topicId: string | undefined;
  readonly leader: number;
  readonly purpose: `fetch ${number}`;
  /** All partitions of the reader; those led by `leader` are this fetcher's. */
  readonly cursors: ReadonlyMap<number, PartitionCursor>;
  readonly options: TopicReaderOptions;
  readonly signal: AbortSignalLike;
  staleMetadata(): void;
  /** Reports a failure; one that is not retriable ends the reader. */
  trouble(error: unknown): void;
  fail(error: Error): void;
}
