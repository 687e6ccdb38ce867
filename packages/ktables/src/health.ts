import type { TableStatus } from "./view-stats.ts";

/** Where a table stands in one partition. */
export interface PartitionHealth {
  readonly partition: number;
  /** The next offset to apply. */
  readonly position: number;
  /** End of the partition as of the broker's last answer (its high watermark); undefined before the first. */
  readonly endOffset: number | undefined;
  /** First offset that still exists as of the last answer; undefined before the first, or where the broker is silent. */
  readonly logStartOffset: number | undefined;
}

/** How far a table has come that is still catching up. */
export interface CatchUpProgress {
  /** Offsets passed since the start. */
  readonly done: number;
  /** Offsets to pass in all; an upper bound of the records, since compaction leaves holes. */
  readonly total: number;
  /** Average since the start; 0 before anything was passed. */
  readonly offsetsPerSecond: number;
  /** Milliseconds left at that rate; undefined while the rate is 0. */
  readonly etaMs: number | undefined;
}

/** What a readiness probe, a dashboard or a log line needs to know of a table; frozen. */
export interface TableHealth {
  readonly status: TableStatus;
  /** Offsets that are known to exist and are not applied yet, over all partitions. */
  readonly lag: number;
  /** Milliseconds since a broker last answered, to what the start asks or to a fetch; undefined before the first answer. */
  readonly lastContactMs: number | undefined;
  /** Undefined when the table is not catching up. */
  readonly progress: CatchUpProgress | undefined;
  readonly partitions: readonly PartitionHealth[];
  /** Keys whose latest record could not be decoded; see `poisoned()`. */
  readonly poisonedKeys: number;
  /** The last trouble that was retried, or the failure that ended the table. */
  readonly lastError: Error | undefined;
}
