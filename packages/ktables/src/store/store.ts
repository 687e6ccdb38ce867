import type { RecordBatch } from "@ktables/record-batch";

/** Why a record did not reach the store. */
export type SkipReason = "keyless" | "key_undecodable" | "value_undecodable";

/** What a store has done with the records that it was given. */
export interface StoreCounters {
  /** Values stored, overwritten ones included. */
  readonly recordsApplied: number;
  /** Tombstones, those for absent keys included. */
  readonly tombstonesApplied: number;
  readonly keylessRecords: number;
  readonly keyDecodeErrors: number;
  readonly valueDecodeErrors: number;
}

/** What a store reports while it applies a batch, record by record and after the change is made. Must not throw. */
export interface StoreObserver<V> {
  /** `oldValue` is undefined for a key that was not there. Undefined while nobody listens, which is cheaper. */
  readonly onSet:
    | ((key: string, value: V, oldValue: V | undefined, partition: number, offset: number) => void)
    | undefined;
  readonly onDelete: ((key: string, oldValue: V | undefined, partition: number, offset: number) => void) | undefined;
  readonly onSkip: (reason: SkipReason, partition: number, offset: number, error: unknown) => void;
}

/**
 * Where a table keeps its contents. Fed with whole batches of data in offset order; what the table's positions are, and
 * which batches count, is none of its business.
 */
export interface Store<V> {
  readonly size: number;
  readonly counters: StoreCounters;
  get(key: string): V | undefined;
  has(key: string): boolean;
  keys(): MapIterator<string>;
  values(): MapIterator<V>;
  entries(): MapIterator<[string, V]>;
  /** A copy that later batches do not change; the values are shared. */
  snapshot(): Map<string, V>;
  /**
   * Applies the records from `fromOffset` on; those before were applied earlier, because brokers answer with whole
   * batches.
   *
   * @throws TableFullError
   * @throws RecordBatchError for a batch that is corrupt inside; the records before have been applied by then.
   */
  apply(partition: number, batch: RecordBatch, fromOffset: number): void;
}
