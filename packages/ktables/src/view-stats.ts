import type { StoreCounters } from "./store/store.ts";
import type { StoreKind } from "./store/store-choice.ts";

/**
 * - `unstarted`: `start()` was not called yet.
 * - `loading`: catching up.
 * - `caught_up`: has reached the end offsets that the topic had at the start, and follows the topic since.
 * - `resyncing`: what was read has turned out to belong to a log that is gone; serves it while the topic is read anew.
 * - `stale`: the same, but the contents are frozen (`onReset: "freeze"`).
 * - `degraded`: `start()` gave up waiting for that; the table goes on loading.
 * - `failed`: the reader has died, see `failure`; the contents are frozen.
 * - `stopped`: the contents are frozen.
 */
export type TableStatus =
  | "unstarted"
  | "loading"
  | "caught_up"
  | "degraded"
  | "resyncing"
  | "stale"
  | "failed"
  | "stopped";

/** What a table has done so far; frozen. */
export interface ViewStats extends StoreCounters {
  /** Where values are kept right now; undefined before reading has begun, when `store: "auto"` has not decided. */
  readonly store: StoreKind | undefined;
  /** Keys whose latest record could not be decoded, right now; see `poisoned()`. */
  readonly poisonedKeys: number;
  /** Keys that have values in several partitions, right now. */
  readonly crossPartitionKeys: number;
  /** Calls of `onSet`, `onDelete`, `onResync` and a poison policy that threw. */
  readonly callbackErrors: number;
  /** Milliseconds from the first fetch until the table had caught up; undefined before. */
  readonly catchUpMs: number | undefined;
  /** Records and tombstones applied until then, skipped ones not included; undefined before. */
  readonly replayedAtCatchUp: number | undefined;
  /** How often the contents were rebuilt because the log they came from was gone. */
  readonly resyncs: number;
  /** Calls of `barrier()` and `waitUntilCaughtUp()` that wait for records right now. */
  readonly pendingWaits: number;
}

/** What two stores have counted, one after the other. */
export function addCounters(a: StoreCounters, b: StoreCounters): StoreCounters {
  return {
    recordsApplied: a.recordsApplied + b.recordsApplied,
    tombstonesApplied: a.tombstonesApplied + b.tombstonesApplied,
    keylessRecords: a.keylessRecords + b.keylessRecords,
    keyDecodeErrors: a.keyDecodeErrors + b.keyDecodeErrors,
    valueDecodeErrors: a.valueDecodeErrors + b.valueDecodeErrors,
    crossPartitionRecords: a.crossPartitionRecords + b.crossPartitionRecords,
    recordsExpired: a.recordsExpired + b.recordsExpired,
  };
}
