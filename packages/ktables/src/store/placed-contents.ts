import type { RecordHeader, RecordPosition } from "@ktables/record-batch";
import { type Contents, insert } from "./contents.ts";
import type { DeletePhase, PlacedValue, StoreObserver } from "./store.ts";

/** Older than any timestamp, that of a record without one (-1) included: of records whose timestamps were not kept. */
export const unknownTimestamp: number = Number.NEGATIVE_INFINITY;
export const unknownOffset: number = -1;
export const noHeaders: readonly RecordHeader[] = Object.freeze([]);

/**
 * Values with their places, for topics of several partitions and whoever asks for places.
 *
 * A key belongs into one partition, but partitions that were added, and writers that partition differently, put it into
 * several. Each partition's log then has a value of its own, and compaction removes neither. The newest of them by
 * timestamp is served, of equally old ones that of the highest partition. A tombstone removes the value of its own
 * partition only: anything else could not be told any more once the tombstone is gone from the log. So what is served
 * depends on the last value of each partition alone: neither on the order in which partitions are read, nor on what
 * compaction has removed.
 */
export class PlacedContents<V> implements Contents<V> {
  readonly #served = new Map<string, PlacedValue<V>>();
  /** What further partitions have, for keys that have values in several. */
  readonly #others = new Map<string, PlacedValue<V>[]>();
  readonly #keepsHeaders: boolean;
  readonly #observer: StoreObserver<V>;
  #keySetVersion = 0;
  #crossPartitionRecords = 0;

  constructor(observer: StoreObserver<V>, keepsHeaders: boolean) {
    this.#observer = observer;
    this.#keepsHeaders = keepsHeaders;
  }

  /** Takes over values that all came from one partition, whose places nobody has kept. */
  adopt(values: Contents<V>, partition: number): void {
    for (const [key, value] of values.entries()) {
      const place = { partition, offset: unknownOffset, timestamp: unknownTimestamp, headers: noHeaders };
      this.#served.set(key, { value, ...place });
    }
    this.#keySetVersion = values.keySetVersion;
  }

  get size(): number {
    return this.#served.size;
  }

  get keySetVersion(): number {
    return this.#keySetVersion;
  }

  /** Keys that have values in several partitions. */
  get crossPartitionKeys(): number {
    return this.#others.size;
  }

  get crossPartitionRecords(): number {
    return this.#crossPartitionRecords;
  }

  get(key: string): V | undefined {
    return this.#served.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#served.has(key);
  }

  keys(): MapIterator<string> {
    return this.#served.keys();
  }

  values(): MapIterator<V> {
    return mapped(this.#served.values(), ({ value }) => value);
  }

  entries(): MapIterator<[string, V]> {
    return mapped(this.#served.entries(), ([key, { value }]) => [key, value]);
  }

  place(key: string): PlacedValue<V> | undefined {
    return this.#served.get(key);
  }

  set(key: string, value: V, partition: number, record: RecordPosition): void {
    const placed: PlacedValue<V> = {
      value,
      partition,
      offset: record.offset,
      timestamp: timestampOf(record),
      headers: this.#keepsHeaders ? headersOf(record) : noHeaders,
    };
    const served = this.#served.get(key);
    if (served === undefined || (served.partition === partition && !this.#others.has(key))) {
      insert(this.#served, key, placed);
      if (served === undefined) this.#keySetVersion++;
      this.#observer.onSet?.(key, value, served?.value, partition, record.offset);
      return;
    }
    this.#noteOther(key, partition, record.offset, served);
    const candidates = this.#valuesOf(key, served).filter((candidate) => candidate.partition !== partition);
    this.#serveNewest(key, served, [...candidates, placed]);
  }

  delete(key: string, partition: number, offset: number): void {
    const served = this.#served.get(key);
    if (served === undefined) {
      this.#observer.onDelete?.(key, undefined, partition, offset, "live");
      return;
    }
    this.#noteOther(key, partition, offset, served);
    this.#remove(key, served, (value) => value.partition === partition, partition, offset, "live");
  }

  /** Removes what came with records below an offset of the partition; returns how many values that were. */
  expire(partition: number, logStartOffset: number): number {
    const isGone = (value: PlacedValue<V>): boolean => value.partition === partition && value.offset < logStartOffset;
    let count = 0;
    for (const [key, served] of this.#served) {
      const gone = isGone(served) ? served : this.#others.get(key)?.find(isGone);
      if (gone === undefined) continue;
      count++;
      this.#remove(key, served, (value) => value === gone, partition, gone.offset, "expired");
    }
    return count;
  }

  #remove(
    key: string,
    served: PlacedValue<V>,
    isGone: (value: PlacedValue<V>) => boolean,
    partition: number,
    offset: number,
    phase: DeletePhase,
  ): void {
    const candidates = this.#valuesOf(key, served).filter((value) => !isGone(value));
    if (candidates.length > 0) {
      this.#serveNewest(key, served, candidates);
      return;
    }
    this.#served.delete(key);
    this.#others.delete(key);
    this.#keySetVersion++;
    this.#observer.onDelete?.(key, served.value, partition, offset, phase);
  }

  /** What the partitions have for a key. */
  #valuesOf(key: string, served: PlacedValue<V>): readonly PlacedValue<V>[] {
    const others = this.#others.get(key);
    return others === undefined ? [served] : [served, ...others];
  }

  #serveNewest(key: string, served: PlacedValue<V>, candidates: readonly PlacedValue<V>[]): void {
    const newest = candidates.reduce((a, b) => (isNewer(b, a) ? b : a));
    if (candidates.length === 1) this.#others.delete(key);
    else
      this.#others.set(
        key,
        candidates.filter((candidate) => candidate !== newest),
      );
    if (newest === served) return;
    this.#served.set(key, newest);
    this.#observer.onSet?.(key, newest.value, served.value, newest.partition, newest.offset);
  }

  #noteOther(key: string, partition: number, offset: number, served: PlacedValue<V>): void {
    if (served.partition === partition) return;
    this.#crossPartitionRecords++;
    this.#observer.onCrossPartition(key, partition, offset, served.partition);
  }
}

export function isNewer(a: RecordOrder, b: RecordOrder): boolean {
  return a.timestamp === b.timestamp ? a.partition > b.partition : a.timestamp > b.timestamp;
}

export type RecordOrder = Pick<PlacedValue<unknown>, "timestamp" | "partition">;

/** As live as the iterator of the map. */
function* mapped<T, U>(iterator: MapIterator<T>, map: (item: T) => U): Generator<U, undefined> {
  for (const item of iterator) yield map(item);
}

/** A timestamp beyond 2^53 counts as none: it is no reason to end a table. */
export function timestampOf(record: RecordPosition): number {
  try {
    return record.timestamp();
  } catch {
    return -1;
  }
}

/** Copies: a view would keep the whole receive buffer alive. */
export function headersOf(record: RecordPosition): readonly RecordHeader[] {
  if (record.headerCount === 0) return noHeaders;
  const copies = record
    .headers()
    .map(({ key, value }) => Object.freeze({ key, value: value && new Uint8Array(value) }));
  return Object.freeze(copies);
}
