import type { StoreCounters } from "./store/store.ts";

/**
 * - `unstarted`: `start()` was not called yet.
 * - `loading`: catching up.
 * - `caught_up`: has reached the end offsets that the topic had at the start, and follows the topic since.
 * - `degraded`: `start()` gave up waiting for that; the table goes on loading.
 * - `failed`: the reader has died, see `failure`; the contents are frozen.
 * - `stopped`: the contents are frozen.
 */
export type TableStatus = "unstarted" | "loading" | "caught_up" | "degraded" | "failed" | "stopped";

/** What a table has done so far; frozen. */
export interface ViewStats extends StoreCounters {
  /** Calls of `onSet` and `onDelete` that threw. */
  readonly callbackErrors: number;
  /** Milliseconds from the first fetch until the table had caught up; undefined before. */
  readonly catchUpMs: number | undefined;
  /** Records and tombstones applied until then, skipped ones not included; undefined before. */
  readonly replayedAtCatchUp: number | undefined;
  /** Calls of `barrier()` and `waitUntilCaughtUp()` that wait for records right now. */
  readonly pendingWaits: number;
}
