import type { PositionLostError } from "@ktables/client";
import { toError } from "@ktables/client/internal";
import { ChangeFeed, type ChangesOptions } from "./change-feed.ts";
import type { LogLimiter } from "./log-limiter.ts";
import type { Differences } from "./store/differences.ts";
import type { DeletePhase, SkipReason, StoreObserver } from "./store/store.ts";
import type { ResolvedTableOptions } from "./table-options.ts";

const skipTexts: Readonly<Record<SkipReason, string>> = {
  keyless: "skipped a record without a key",
  key_undecodable: "skipped a record whose key could not be decoded",
  value_undecodable: "kept the previous value of a key, because the new one could not be decoded",
  value_dropped: "dropped a key, because its new value could not be decoded",
  value_replaced: "took another value instead of one that could not be decoded",
};

/** Of a store that is filled in the shadow: complaints are passed on, and what it holds when it has been revealed. */
export class ShadowObserver<V> implements StoreObserver<V> {
  readonly #observer: TableObserver<V>;
  #isRevealed = false;

  constructor(observer: TableObserver<V>) {
    this.#observer = observer;
  }

  get wantsOldValues(): boolean {
    return this.#isRevealed && this.#observer.wantsOldValues;
  }

  get onSet(): StoreObserver<V>["onSet"] {
    return this.#isRevealed ? this.#observer.onSet : undefined;
  }

  get onDelete(): StoreObserver<V>["onDelete"] {
    return this.#isRevealed ? this.#observer.onDelete : undefined;
  }

  onSkip(reason: SkipReason, partition: number, offset: number, error: unknown): void {
    this.#observer.onSkip(reason, partition, offset, error);
  }

  onCrossPartition(key: string, partition: number, offset: number, other: number): void {
    this.#observer.onCrossPartition(key, partition, offset, other);
  }

  onCallbackError(name: string, error: unknown): void {
    this.#observer.onCallbackError(name, error);
  }

  reveal(): void {
    this.#isRevealed = true;
  }
}

/** Stands between the store and those who listen to it, hooks and change feeds: whatever they do, the reader goes on. */
export class TableObserver<V> implements StoreObserver<V> {
  wantsOldValues = false;
  onSet: StoreObserver<V>["onSet"];
  onDelete: StoreObserver<V>["onDelete"];
  readonly #hooks: Pick<ResolvedTableOptions<V>, "onSet" | "onDelete" | "onResync">;
  readonly #feeds = new Set<ChangeFeed<V>>();
  readonly #topic: string;
  readonly #log: LogLimiter;
  #callbackErrors = 0;

  constructor(options: ResolvedTableOptions<V>, log: LogLimiter) {
    this.#topic = options.topic;
    this.#log = log;
    this.#hooks = options;
    this.#listen();
  }

  get callbackErrors(): number {
    return this.#callbackErrors;
  }

  /** A feed that gets nothing before {@link openFeeds}, unless the table has caught up: then it opens at once. */
  changes(options: ChangesOptions, contents: Iterable<readonly [string, V]> | undefined): ChangeFeed<V> {
    const feed = new ChangeFeed<V>(options, (ended) => {
      this.#feeds.delete(ended);
      this.#listen();
    });
    if (options.signal?.aborted === true) return feed;
    this.#feeds.add(feed);
    this.#listen();
    if (contents !== undefined) feed.open(contents);
    return feed;
  }

  /** The table has caught up. */
  openFeeds(contents: () => Iterable<readonly [string, V]>): void {
    for (const feed of this.#feeds) feed.open(contents());
  }

  /** The contents were replaced by others, which `differences` leads to. */
  resync(loss: PositionLostError, { removed, set }: Differences<V>): void {
    const { onSet, onDelete, onResync } = this.#hooks;
    if (onResync !== undefined) this.#call("onResync", () => onResync(loss));
    const feeds = [...this.#feeds];
    for (const feed of feeds) feed.resync({ type: "resync", loss });
    const place = { phase: "resync", partition: undefined, offset: undefined } as const;
    for (const { key, oldValue } of removed) {
      if (onDelete !== undefined) this.#call("onDelete", () => onDelete(key));
      for (const feed of feeds) feed.push({ type: "delete", key, oldValue, ...place });
    }
    for (const { key, value, oldValue } of set) {
      if (onSet !== undefined) this.#call("onSet", () => onSet(key, value));
      for (const feed of feeds) feed.push({ type: "set", key, value, oldValue, ...place });
    }
  }

  endFeeds(failure?: Error): void {
    for (const feed of this.#feeds) feed.end(failure);
  }

  onSkip(reason: SkipReason, partition: number, offset: number, error: unknown): void {
    this.#log.warn(
      reason,
      () => {
        const place = `Table of topic "${this.#topic}": partition ${partition} offset ${offset}`;
        return `${place}: ${skipTexts[reason]}${error === undefined ? "" : `: ${toError(error).message}`}`;
      },
      { topic: this.#topic, partition, offset, error },
    );
  }

  onCrossPartition(key: string, partition: number, offset: number, other: number): void {
    this.#log.warn(
      "cross_partition",
      () =>
        `Table of topic "${this.#topic}": partition ${partition} offset ${offset}: key ${JSON.stringify(key)} has a value ` +
        `in partition ${other}, too; the newest by timestamp is served, and a tombstone removes its own partition's only`,
      { topic: this.#topic, partition, offset, other },
    );
  }

  /** A function of the user's has thrown: logged and counted. */
  onCallbackError(name: string, error: unknown): void {
    this.#callbackErrors++;
    const message = (): string => `Table of topic "${this.#topic}": ${name} threw: ${toError(error).message}`;
    this.#log.warn(`${name} threw`, message, { topic: this.#topic, error });
  }

  /** The store is told to report only what somebody listens to: the old value of every record costs a lookup. */
  #listen(): void {
    const { onSet, onDelete } = this.#hooks;
    const feeds = this.#feeds.size > 0 ? this.#feeds : undefined;
    // Hooks are told new values only.
    this.wantsOldValues = feeds !== undefined;
    this.onSet =
      onSet === undefined && feeds === undefined
        ? undefined
        : (key, value, oldValue, partition, offset) => {
            if (onSet !== undefined) this.#call("onSet", () => onSet(key, value));
            if (feeds === undefined) return;
            const change = { type: "set", key, value, oldValue, phase: "live", partition, offset } as const;
            for (const feed of feeds) feed.push(change);
          };
    this.onDelete =
      onDelete === undefined && feeds === undefined
        ? undefined
        : (key, oldValue, partition, offset, phase: DeletePhase) => {
            if (onDelete !== undefined) this.#call("onDelete", () => onDelete(key));
            if (feeds === undefined) return;
            const change = { type: "delete", key, oldValue, phase, partition, offset } as const;
            for (const feed of feeds) feed.push(change);
          };
  }

  #call(name: "onSet" | "onDelete" | "onResync", hook: () => unknown): void {
    try {
      const result = hook();
      // An async function fits the hook's type; its rejection must not end the process.
      if (result instanceof Promise) result.catch((error: unknown) => this.onCallbackError(name, error));
    } catch (error) {
      this.onCallbackError(name, error);
    }
  }
}
