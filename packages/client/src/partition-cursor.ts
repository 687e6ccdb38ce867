import { backoffMs } from "./backoff.ts";
import type { FetchResponsePartition } from "./protocol/generated/fetch.ts";

/** Where a reader stands in one partition. */
export class PartitionCursor {
  readonly partition: number;
  /** Broker id, or -1 while the partition has no leader. */
  leader: number;
  /** As of the metadata that named the leader; -1 if unknown. */
  leaderEpoch: number;
  /** The next offset to apply: every record below it was handed over, or is gone from the log. */
  position: number;
  /** The next offset to ask for; ahead of `position` while fetched batches wait to be applied. */
  fetchOffset: number;
  /** Whether a batch was applied since the position was last taken from the log's start. */
  hasApplied = false;
  /** End of what is replicated and may be read; -1 before the first answer. */
  highWatermark = -1;
  /** First offset that still exists; -1 where the broker does not tell. */
  logStartOffset = -1;
  /** Failures, or answers without progress, since the last progress. */
  failures = 0;
  /** Answers in a row that held a damaged batch. */
  damagedAnswers = 0;
  /** No request before this time, as of `performance.now()`. */
  retryAt = 0;

  constructor(partition: number, leader: number, leaderEpoch: number, position: number) {
    this.partition = partition;
    this.leader = leader;
    this.leaderEpoch = leaderEpoch;
    this.position = position;
    this.fetchOffset = position;
  }

  /** Forgets what was fetched but not applied; answers still on their way no longer match and are dropped. */
  rewind(): void {
    this.fetchOffset = this.position;
  }

  noteWatermarks(answer: FetchResponsePartition): void {
    this.highWatermark = answer.highWatermark;
    this.logStartOffset = answer.logStartOffset;
  }

  /** The partition is left out of requests for a while that grows with every failure in a row. */
  pause(config: { readonly retryBackoffMs: number; readonly maxRetryBackoffMs: number }): void {
    this.retryAt = performance.now() + backoffMs(this.failures++, config.retryBackoffMs, config.maxRetryBackoffMs);
  }
}
