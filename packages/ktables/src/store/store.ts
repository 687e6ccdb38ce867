import type { RecordBatch, RecordHeader } from "@ktables/record-batch";
import type { Codec } from "../codec.ts";
import type { PoisonedKey, PoisonPolicy } from "./poison.ts";

export interface StoreOptions<V> {
  /** For errors. */
  readonly topic: string;
  readonly key: Codec<string>;
  readonly value: Codec<V>;
  readonly onPoison: PoisonPolicy<V>;
  /** Keep the places of records, headers included. */
  readonly metadata: boolean;
  /** Keep places so that {@link Store.expire} can be called. */
  readonly expireWithLog: boolean;
}

/**
 * Why a record did not reach the store as it is: it has no key, its key or its value could not be decoded. What became of
 * a value that could not is the poison policy's word: the previous one was kept, the key dropped, the value replaced.
 */
export type SkipReason = "keyless" | "key_undecodable" | "value_undecodable" | "value_dropped" | "value_replaced";

/** What a store has done with the records that it was given. */
export interface StoreCounters {
  /** Values stored, overwritten ones included, and those that another partition's value hides. */
  readonly recordsApplied: number;
  /** Tombstones, those for absent keys included. */
  readonly tombstonesApplied: number;
  readonly keylessRecords: number;
  readonly keyDecodeErrors: number;
  readonly valueDecodeErrors: number;
  /** Records and tombstones for keys that were known from another partition. */
  readonly crossPartitionRecords: number;
  /** Values evicted because the log had let go of their records (`expireWithLog`). */
  readonly recordsExpired: number;
}

/** Where a record is, and what came with its value. */
export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970; -1 if the record has none. */
  readonly timestamp: number;
  /** Empty unless the store was asked to keep them. */
  readonly headers: readonly RecordHeader[];
}

/** A value and the record that it came with. */
export interface PlacedValue<V> extends RecordPlace {
  readonly value: V;
}

/** Why a key was removed: `live` for what the log says, `expired` for what the log has let go of. */
export type DeletePhase = "live" | "expired";

/** What a store reports while it changes, record by record and after the change is made. Must not throw. */
export interface StoreObserver<V> {
  /** Whether those who listen are to be told old values, which may have to be decoded for that. */
  readonly wantsOldValues: boolean;
  /**
   * `oldValue` is undefined for a key that was not there, and may be where nobody wants it. Undefined while nobody listens,
   * which is cheaper.
   */
  readonly onSet:
    | ((key: string, value: V, oldValue: V | undefined, partition: number, offset: number) => void)
    | undefined;
  readonly onDelete:
    | ((key: string, oldValue: V | undefined, partition: number, offset: number, phase: DeletePhase) => void)
    | undefined;
  readonly onSkip: (reason: SkipReason, partition: number, offset: number, error: unknown) => void;
  /** A record for a key that is known from another partition. */
  readonly onCrossPartition: (key: string, partition: number, offset: number, other: number) => void;
  /** A function of the user's has thrown. */
  readonly onCallbackError: (name: string, error: unknown) => void;
}

/**
 * Where a table keeps its contents. Fed with whole batches of data, those of a partition in offset order; what the
 * table's positions are, and which batches count, is none of its business.
 */
export interface Store<V> {
  readonly size: number;
  readonly counters: StoreCounters;
  /** Another number whenever keys were added or removed. */
  readonly keySetVersion: number;
  /** Keys that have values in several partitions right now. */
  readonly crossPartitionKeys: number;
  /** Length of {@link poisoned}. */
  readonly poisonedKeys: number;
  get(key: string): V | undefined;
  has(key: string): boolean;
  keys(): MapIterator<string>;
  values(): MapIterator<V>;
  entries(): MapIterator<[string, V]>;
  /** A copy that later batches do not change; the values are shared. */
  snapshot(): Map<string, V>;
  /** The value and its record; undefined for a key that is not there, and where no places are kept. */
  place(key: string): PlacedValue<V> | undefined;
  /** The keys whose latest record could not be decoded. */
  poisoned(): PoisonedKey<V>[];
  /**
   * From now on records of several partitions arrive: where each one is must be kept. Records from before are taken to
   * be older than any that comes. Called before the first batch, unless there was one partition only until now.
   */
  expectSeveralPartitions(): void;
  /**
   * Applies the records from `fromOffset` on; those before were applied earlier, because brokers answer with whole
   * batches.
   *
   * @throws TableFullError
   * @throws PoisonedRecordError where the poison policy says so, and AsyncSchemaError
   * @throws RecordBatchError for a batch that is corrupt inside; records before may have been applied by then.
   */
  apply(partition: number, batch: RecordBatch, fromOffset: number): void;
  /** Evicts what came with records below `logStartOffset`. Needs kept places; looks at every key. */
  expire(partition: number, logStartOffset: number): void;
}
