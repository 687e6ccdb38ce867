import { InvalidOptionError } from "@ktables/client";
import { type RecordHeader } from "@ktables/record-batch";
import { checkScanOptions, rangeOf, type ScanOptions, SortedKeys } from "./sorted-keys.ts";
import type { PoisonedKey } from "./store/poison.ts";
import type { Store } from "./store/store.ts";

/** A key's value and the record that it came with; frozen. */
export interface TableEntry<V> {
  readonly key: string;
  readonly value: V;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970, the writer's clock or the broker's, as the topic says; -1 if the record has none. */
  readonly timestamp: number;
  readonly headers: readonly RecordHeader[];
}

/** What a table lets read. All of it @throws NotStartedError before the start. */
export class TableContents<V> implements ReadonlyMap<string, V> {
  /** Throws before the start; another one when the contents were rebuilt. */
  readonly #store: () => Store<V>;
  readonly #owner: string;
  readonly #keepsMetadata: boolean;
  readonly #sortedKeys = new SortedKeys();

  constructor(store: () => Store<V>, owner: string, keepsMetadata: boolean) {
    this.#store = store;
    this.#owner = owner;
    this.#keepsMetadata = keepsMetadata;
  }

  /** Keys in the table. */
  get size(): number {
    return this.#store().size;
  }

  get(key: string): V | undefined {
    return this.#store().get(key);
  }

  has(key: string): boolean {
    return this.#store().has(key);
  }

  keys(): MapIterator<string> {
    return this.#store().keys();
  }

  values(): MapIterator<V> {
    return this.#store().values();
  }

  entries(): MapIterator<[string, V]> {
    return this.#store().entries();
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.#store().entries();
  }

  forEach(callback: (value: V, key: string, map: ReadonlyMap<string, V>) => void, thisArg?: unknown): void {
    for (const [key, value] of this.#store().entries()) callback.call(thisArg, value, key, this);
  }

  /** A copy of the map that stands still; the values are shared with the table. */
  snapshot(): Map<string, V> {
    return this.#store().snapshot();
  }

  /**
   * A value with the partition, offset, timestamp and headers of its record; undefined for a key that is not there. Needs
   * the option `metadata: true`.
   *
   * @throws InvalidOptionError without that option.
   */
  entry(key: string): TableEntry<V> | undefined {
    const store = this.#store();
    if (!this.#keepsMetadata) {
      throw new InvalidOptionError(
        "metadata",
        `${this.#owner} keeps no metadata: entry() needs the option metadata: true when the table is made`,
      );
    }
    const placed = store.place(key);
    if (placed === undefined) return undefined;
    const { value, partition, offset, timestamp, headers } = placed;
    return Object.freeze({ key, value, partition, offset, timestamp, headers });
  }

  /**
   * Keys and values in the order of the keys' UTF-8 bytes, which is that of their code points: `from` included, `to` not,
   * and both narrow down `prefix`. Which keys there are is settled at the call; each value is the one of when its turn
   * comes, and keys that are gone by then are left out.
   *
   * The first scan after keys were added or removed sorts all keys; until then, scans take a binary search and their result.
   *
   * @throws InvalidOptionError
   */
  scan(options: ScanOptions = {}): IterableIterator<[string, V]> {
    checkScanOptions(options);
    const keys = this.#sortedKeys.of(this.#store());
    return this.#entriesOf(keys, rangeOf(keys, options), options);
  }

  /**
   * The keys whose latest record could not be decoded, in no particular order: where that record is, why it is of no use,
   * and what the table gives instead. A good record or a tombstone takes a key off the list.
   */
  poisoned(): readonly PoisonedKey<V>[] {
    return this.#store().poisoned();
  }

  *#entriesOf(
    keys: readonly string[],
    [start, end]: readonly [number, number],
    { limit = Number.POSITIVE_INFINITY, reverse = false }: ScanOptions,
  ): Generator<[string, V], undefined> {
    let left = limit;
    for (let index = start; index < end && left > 0; index++) {
      const key = keys[reverse ? end - 1 - (index - start) : index];
      if (key === undefined) continue;
      const value = this.get(key);
      // A codec may well give undefined.
      if (value === undefined && !this.has(key)) continue;
      left--;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      yield [key, value as V];
    }
  }
}
