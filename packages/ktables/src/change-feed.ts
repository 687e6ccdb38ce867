import type { AbortSignalLike, PositionLostError } from "@ktables/client";
import { check, checkOptions, onAbort } from "@ktables/client/internal";
import { ChangesOverflowError } from "./errors.ts";

/** A key got a value. */
export interface SetChange<V> {
  readonly type: "set";
  readonly key: string;
  readonly value: V;
  /** What the key had when the previous change was taken; undefined if nothing. */
  readonly oldValue: V | undefined;
  /**
   * `initial` for the contents that the feed began with, `live` for what came after, `resync` for what the rebuilt
   * contents have differently.
   */
  readonly phase: "initial" | "live" | "resync";
  /** Where the record is; undefined unless `live`. */
  readonly partition: number | undefined;
  readonly offset: number | undefined;
}

/**
 * A key was removed: by a tombstone, by a value that could not be decoded (`onPoison: "drop"`), or because the log has let
 * go of it (`expireWithLog`). Or a tombstone came for a key that was not there: then `oldValue` is undefined.
 */
export interface DeleteChange<V> {
  readonly type: "delete";
  readonly key: string;
  readonly oldValue: V | undefined;
  /** `expired` for what the log has let go of; the others as for {@link SetChange}. */
  readonly phase: "live" | "expired" | "resync";
  /** Where the tombstone is, with `expired` where the value was; undefined with `resync`. */
  readonly partition: number | undefined;
  readonly offset: number | undefined;
}

/** The table has caught up, and the initial contents were delivered if they were asked for. Comes once, and first of all if not. */
export interface CaughtUpChange {
  readonly type: "caught-up";
}

/**
 * The log that the contents came from is gone, and they were rebuilt from what there is now. What leads from the old
 * contents to the new ones follows as changes; nothing has changed for a key without one.
 */
export interface ResyncChange {
  readonly type: "resync";
  /** What had happened. */
  readonly loss: PositionLostError;
}

export type Change<V> = SetChange<V> | DeleteChange<V> | CaughtUpChange | ResyncChange;

export interface ChangesOptions {
  /** `snapshot` delivers the contents first, as `set` changes. Default `none`. */
  readonly initial?: "none" | "snapshot" | undefined;
  /** Only keys that begin with this. */
  readonly prefix?: string | undefined;
  /**
   * How many keys with changes that were not taken yet are kept. One more ends the feed with `CHANGES_OVERFLOW`, and the
   * table goes on. Default 1 000 000.
   */
  readonly maxBuffered?: number | undefined;
  /** Ends the feed; the iteration then ends normally. */
  readonly signal?: AbortSignalLike | undefined;
}

const defaultMaxBuffered = 1_000_000;

const feedChecks = {
  initial: check.oneOf("none", "snapshot"),
  prefix: check.string,
  maxBuffered: check.integer(1),
  signal: check.object,
};

/** @throws InvalidOptionError */
export function checkChangesOptions(options: ChangesOptions): void {
  checkOptions("changes", options, feedChecks);
}

/**
 * The changes of a table from one moment on, for one consumer. Changes of a key that were not taken yet are merged into
 * one, with the first one's old value and the last one's outcome, and into none where a key has come and gone: a slow
 * consumer sees fewer changes, never a wrong one. The buffer holds one entry for each key with an outcome that was not
 * taken, and at most `maxBuffered`; beyond that the feed ends with `CHANGES_OVERFLOW`, since leaving some out would make
 * the rest wrong. Nothing is delivered while the table catches up.
 */
export class ChangeFeed<V> implements AsyncIterableIterator<Change<V>> {
  readonly #prefix: string;
  readonly #maxBuffered: number;
  readonly #withSnapshot: boolean;
  readonly #signal: AbortSignalLike | undefined;
  readonly #onEnd: (feed: ChangeFeed<V>) => void;
  readonly #changes = new Map<string, SetChange<V> | DeleteChange<V>>();
  readonly #initial: SetChange<V>[] = [];
  readonly #takers: { resolve: (result: IteratorResult<Change<V>>) => void; reject: (error: Error) => void }[] = [];
  #isOpen = false;
  #announceCaughtUp = false;
  #resync: ResyncChange | undefined;
  #hasEnded = false;
  #failure: Error | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: ChangesOptions, onEnd: (feed: ChangeFeed<V>) => void) {
    this.#prefix = options.prefix ?? "";
    this.#maxBuffered = options.maxBuffered ?? defaultMaxBuffered;
    this.#withSnapshot = options.initial === "snapshot";
    this.#signal = options.signal;
    this.#onEnd = onEnd;
    if (this.#signal?.aborted === true) this.end();
    else this.#unsubscribe = this.#signal && onAbort(this.#signal, () => this.#drop());
  }

  /** The table has caught up: from now on changes count. */
  open(contents: Iterable<readonly [string, V]>): void {
    if (this.#isOpen || this.#hasEnded) return;
    this.#isOpen = true;
    this.#announceCaughtUp = true;
    if (this.#withSnapshot) {
      for (const [key, value] of contents) {
        if (!key.startsWith(this.#prefix)) continue;
        this.#initial.push({
          type: "set",
          key,
          value,
          oldValue: undefined,
          phase: "initial",
          partition: undefined,
          offset: undefined,
        });
      }
      this.#initial.reverse();
    }
    this.#deliver();
  }

  push(change: SetChange<V> | DeleteChange<V>): void {
    if (!this.#isOpen || !change.key.startsWith(this.#prefix)) return;
    const untaken = this.#changes.get(change.key);
    if (untaken === undefined) {
      if (this.#changes.size === this.#maxBuffered) return this.#overflow();
      this.#changes.set(change.key, change);
    } else if (change.type === "delete" && untaken.type === "set" && untaken.oldValue === undefined) {
      this.#changes.delete(change.key);
    } else {
      this.#changes.set(change.key, { ...change, oldValue: untaken.oldValue });
    }
    this.#deliver();
  }

  /** The contents were rebuilt; changes that lead there follow. */
  resync(change: ResyncChange): void {
    if (!this.#isOpen) return;
    this.#resync = change;
    this.#deliver();
  }

  /** No change follows: what was not taken yet can still be taken, then the iteration ends, or throws the failure. */
  end(failure?: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#failure = failure;
    this.#unsubscribe?.();
    this.#onEnd(this);
    this.#deliver();
  }

  next(): Promise<IteratorResult<Change<V>>> {
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      this.#deliver();
    });
  }

  async return(): Promise<IteratorResult<Change<V>>> {
    this.#drop();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#drop();
  }

  /** The consumer wants no more. */
  #drop(): void {
    this.#discard();
    this.end();
  }

  /** What was not taken yet is a part of the truth at best. */
  #overflow(): void {
    this.#discard();
    this.end(new ChangesOverflowError(this.#maxBuffered));
  }

  #discard(): void {
    this.#initial.length = 0;
    this.#changes.clear();
    this.#announceCaughtUp = false;
    this.#resync = undefined;
  }

  #deliver(): void {
    while (this.#takers.length > 0) {
      const change = this.#take();
      if (change === undefined && !this.#hasEnded) return;
      const taker = this.#takers.shift();
      if (change !== undefined) {
        taker?.resolve({ done: false, value: change });
      } else if (this.#failure !== undefined) {
        taker?.reject(this.#failure);
        this.#failure = undefined;
      } else {
        taker?.resolve({ done: true, value: undefined });
      }
    }
  }

  #take(): Change<V> | undefined {
    const initial = this.#initial.pop();
    if (initial !== undefined) return initial;
    if (this.#announceCaughtUp) {
      this.#announceCaughtUp = false;
      return { type: "caught-up" };
    }
    if (this.#resync !== undefined) {
      const resync = this.#resync;
      this.#resync = undefined;
      return resync;
    }
    for (const [key, change] of this.#changes) {
      this.#changes.delete(key);
      return change;
    }
    return undefined;
  }
}
