import { check, checkOptions } from "@ktables/client/internal";
import type {
  CaughtUpChange,
  Change,
  ChangeFeed,
  ChangesOptions,
  DeleteChange,
  ResyncChange,
  SetChange,
} from "../change-feed.ts";

/** A member got a value. */
export interface GroupedSetChange<V> extends Omit<SetChange<V>, "key"> {
  readonly group: string;
  readonly member: string;
}

/** A member was removed, or a tombstone came for a member that was not there: then `oldValue` is undefined. */
export interface GroupedDeleteChange<V> extends Omit<DeleteChange<V>, "key"> {
  readonly group: string;
  readonly member: string;
}

export type GroupedChange<V> = GroupedSetChange<V> | GroupedDeleteChange<V> | CaughtUpChange | ResyncChange;

export interface GroupedChangesOptions extends Omit<ChangesOptions, "prefix"> {
  /** Only members of this group. */
  readonly group?: string | undefined;
}

const checkedByFeed = { initial: () => undefined, maxBuffered: () => undefined, signal: () => undefined };

/** @throws InvalidOptionError */
export function checkGroupedChangesOptions(options: GroupedChangesOptions): void {
  checkOptions("changes", options, { ...checkedByFeed, group: check.string });
}

/** A {@link ChangeFeed} that tells groups and members instead of keys; the changes of other keys are left out. */
export class GroupedChangeFeed<V> implements AsyncIterableIterator<GroupedChange<V>> {
  readonly #feed: ChangeFeed<V>;
  readonly #toGrouped: (change: Change<V>) => GroupedChange<V> | undefined;
  #lastTaken: Promise<unknown> = Promise.resolve();

  constructor(feed: ChangeFeed<V>, toGrouped: (change: Change<V>) => GroupedChange<V> | undefined) {
    this.#feed = feed;
    this.#toGrouped = toGrouped;
  }

  /** Concurrent calls are served one after the other, since any of them may have to leave changes out. */
  next(): Promise<IteratorResult<GroupedChange<V>>> {
    const taken = this.#lastTaken.then(() => this.#take());
    this.#lastTaken = taken.catch(() => undefined);
    return taken;
  }

  async return(): Promise<IteratorResult<GroupedChange<V>>> {
    await this.#feed.return();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#feed.return();
  }

  async #take(): Promise<IteratorResult<GroupedChange<V>>> {
    for (;;) {
      const result = await this.#feed.next();
      if (result.done === true) return { done: true, value: undefined };
      const change = this.#toGrouped(result.value);
      if (change !== undefined) return { done: false, value: change };
    }
  }
}
