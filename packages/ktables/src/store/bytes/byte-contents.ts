import type { RecordBatch } from "@ktables/record-batch";
import { type Codec, encodeUtf8 } from "../../codec.ts";
import { AsyncSchemaError, TableFullError } from "../../errors.ts";
import { isNewer, noHeaders, type RecordOrder, unknownOffset, unknownTimestamp } from "../placed-contents.ts";
import type { DeletePhase, PlacedValue, RecordPlace, StoreObserver } from "../store.ts";
import { type Aside, copyOfChunk, copyOfStored, type PartitionRecord } from "./partition-records.ts";
import { RecordChunk } from "./record-chunk.ts";
import { RecordMap, type RecordMapMemory, type RecordMapSizes } from "./record-map.ts";
import { ValueCache } from "./value-cache.ts";

/** In place of a value where there is none: a codec may well give undefined. */
export const nothing: unique symbol = Symbol("nothing");

export interface ByteContentsOptions<V> {
  readonly key: Codec<string>;
  readonly value: Codec<V>;
  /** Whether values count as good: they were decoded before they came here, or the codec decodes everything. */
  readonly isJudged: boolean;
  /** A value that is stored, and was not known to be bad, could not be decoded; it has been removed. */
  readonly onUndecodable: (key: string, hash: number, partition: number, offset: number, error: unknown) => void;
  readonly sizes?: RecordMapSizes | undefined;
}

/**
 * Values as the bytes of their records, decoded when they are read. What a key has, in one partition or several, is as
 * `PlainContents` and `PlacedContents` say. A value that turns out undecodable when it is read is removed then, as by a
 * tombstone; nobody is told of a change, since nobody was told of the value.
 */
export class ByteContents<V> {
  readonly #options: ByteContentsOptions<V>;
  readonly #observer: StoreObserver<V>;
  readonly #records: RecordMap;
  readonly #cache = new ValueCache<V>();
  readonly #asides = new Map<number, Aside<V>>();
  /** What further partitions have, by slot, for keys that have values in several. */
  readonly #others = new Map<number, readonly PartitionRecord<V>[]>();
  /** A key that is looked up. */
  readonly #wanted = new RecordChunk(1);
  #keepsPlaces = false;
  /** That of the records without a place. */
  #partition = 0;
  #keySetVersion = 0;
  #crossPartitionRecords = 0;

  constructor(options: ByteContentsOptions<V>, observer: StoreObserver<V>) {
    this.#options = options;
    this.#observer = observer;
    this.#records = new RecordMap(options.sizes);
    this.#wanted.setBytes(new Uint8Array(256));
  }

  get size(): number {
    return this.#records.size;
  }

  get keySetVersion(): number {
    return this.#keySetVersion;
  }

  get keepsPlaces(): boolean {
    return this.#keepsPlaces;
  }

  /** Keys that have values in several partitions. */
  get crossPartitionKeys(): number {
    return this.#others.size;
  }

  get crossPartitionRecords(): number {
    return this.#crossPartitionRecords;
  }

  get memory(): RecordMapMemory {
    return this.#records.memory;
  }

  /** From now on; what is there is taken to come from the partition, and to be older than all that comes. */
  keepPlaces(partition: number): void {
    this.#partition = partition;
    this.#keepsPlaces = true;
  }

  get(key: string): V | undefined {
    const cached = this.#cache.get(key);
    return cached === undefined ? something(this.#valueOf(key)) : cached;
  }

  has(key: string): boolean {
    if (this.#cache.get(key) !== undefined) return true;
    return this.#options.isJudged ? this.#addressOf(key) >= 0 : this.#valueOf(key) !== nothing;
  }

  *keys(): Generator<string, undefined> {
    const records = this.#records;
    for (let slot = records.next(0); slot >= 0; slot = records.next(slot + 1)) yield this.#key(slot);
  }

  *values(): Generator<V, undefined> {
    const records = this.#records;
    for (let slot = records.next(0); slot >= 0; slot = records.next(slot + 1)) {
      const value = this.#read(slot);
      if (value !== nothing) yield value;
    }
  }

  *entries(): Generator<[string, V], undefined> {
    const records = this.#records;
    for (let slot = records.next(0); slot >= 0; slot = records.next(slot + 1)) {
      const key = this.#key(slot);
      const value = this.#read(slot);
      if (value !== nothing) yield [key, value];
    }
  }

  place(key: string): PlacedValue<V> | undefined {
    if (!this.#keepsPlaces) return undefined;
    const value = this.#valueOf(key);
    return value === nothing ? undefined : { value, ...this.#placeOf(this.#slotOf(key)) };
  }

  /** As `RecordMap.expect`. */
  expect(keys: number): void {
    this.#records.expect(keys);
  }

  /** As `RecordMap.read`. */
  read(batch: RecordBatch, fromOffset: number, chunk: RecordChunk, apply: () => void): number {
    return this.#records.read(batch, fromOffset, this.#keepsPlaces, chunk, apply);
  }

  /** To be called before a chunk's records are given one by one. */
  prepare(chunk: RecordChunk): void {
    this.#records.prepare(chunk);
  }

  /** As `RecordMap.fetch`. */
  fetch(chunk: RecordChunk): void {
    this.#records.fetch(chunk);
  }

  hasRecord(chunk: RecordChunk, index: number): boolean {
    return this.#records.find(chunk, index) >= 0;
  }

  /** What is served for a record's key. */
  previous(chunk: RecordChunk, index: number): V | undefined {
    const slot = this.#records.find(chunk, index);
    return slot < 0 ? undefined : something(this.#read(slot));
  }

  /**
   * The record gives its partition's value for the key, which has been decoded where somebody listens.
   *
   * @throws TableFullError
   */
  set(chunk: RecordChunk, index: number, value: V | typeof nothing, replacement?: { readonly value: V }): void {
    const { onSet } = this.#observer;
    const oldValue = this.#oldValue(chunk, index);
    const slot = this.#records.find(chunk, index);
    const headers = chunk.headers[index] ?? noHeaders;
    const aside = replacement !== undefined || headers.length > 0 ? { replacement, headers } : undefined;
    if (slot >= 0 && this.#keepsPlaces && this.#isElsewhere(slot, chunk.partition)) {
      this.#noteOther(slot, chunk, index);
      const [served, ...others] = this.#recordsOf(slot);
      const candidates = [served, ...others].filter((record) => record.chunk.partition !== chunk.partition);
      this.#serveNewest(slot, served, [...candidates, copyOfChunk(chunk, index, aside)], oldValue);
      return;
    }
    this.#put(slot, chunk, index, aside);
    if (onSet === undefined || value === nothing) return;
    onSet(this.keyOf(chunk, index), value, something(oldValue), chunk.partition, chunk.offset[index]!);
  }

  /**
   * The same for records from `index` to `until`, as long as nobody listens and there is nothing to be decided or kept but the
   * value; returns where that ended.
   */
  setOrdinary(chunk: RecordChunk, index: number, until: number): number {
    if (this.#observer.onSet !== undefined || chunk.hasHeaders) return index;
    const before = this.size;
    const end = this.#records.setOrdinary(chunk, index, until, this.#keepsPlaces);
    this.#keySetVersion += this.size - before;
    if (!this.#cache.isEmpty) for (let at = index; at < end; at++) this.#cache.forget(this.#records.slotOf(at));
    return end;
  }

  /** The record removes its partition's value for the key. */
  delete(chunk: RecordChunk, index: number): void {
    const { onDelete } = this.#observer;
    const oldValue = this.#oldValue(chunk, index);
    const slot = this.#records.find(chunk, index);
    const offset = chunk.offset[index]!;
    if (slot >= 0 && this.#keepsPlaces && this.#isElsewhere(slot, chunk.partition)) {
      this.#noteOther(slot, chunk, index);
      const isGone = (record: PartitionRecord<V>): boolean => record.chunk.partition === chunk.partition;
      this.#removeWhere(slot, isGone, oldValue, chunk.partition, offset, "live");
      return;
    }
    if (slot >= 0) this.#remove(slot);
    if (onDelete !== undefined)
      onDelete(this.keyOf(chunk, index), something(oldValue), chunk.partition, offset, "live");
  }

  /** Removes what came with records below an offset of the partition; returns how many values that were. */
  expire(partition: number, logStartOffset: number): number {
    const isGone = (record: PartitionRecord<V>): boolean =>
      record.chunk.partition === partition && offsetOf(record) < logStartOffset;
    const records = this.#records;
    let count = 0;
    for (let slot = records.next(0); slot >= 0; slot = records.next(slot + 1)) {
      const served = this.#placeOf(slot);
      const isServedGone = served.partition === partition && served.offset < logStartOffset;
      const other = isServedGone ? undefined : this.#others.get(slot)?.find(isGone);
      if (!isServedGone && other === undefined) continue;
      const gone = other === undefined ? served.offset : offsetOf(other);
      const oldValue = this.#observer.wantsOldValues ? this.#read(slot) : nothing;
      count++;
      // Its value may have turned out undecodable, and be gone with it.
      if (records.address(slot) >= 0) this.#removeWhere(slot, isGone, oldValue, partition, gone, "expired");
    }
    return count;
  }

  /** Some work on holes that changes have left, to be done after each batch. */
  compact(): void {
    this.#records.slabs.compact();
  }

  keyOf(chunk: RecordChunk, index: number): string {
    return this.#options.key.decode(chunk.key(index));
  }

  #key(slot: number): string {
    return this.#options.key.decode(this.#records.slabs.key(this.#records.address(slot)));
  }

  #valueOf(key: string): V | typeof nothing {
    const { slabs } = this.#records;
    const address = this.#addressOf(key);
    if (address < 0) return nothing;
    const slot = slabs.slot(address);
    const cached = this.#cache.ofSlot(slot, key);
    if (cached !== undefined) return cached;
    const size = slabs.valueLength(address);
    const value = this.#readAt(slot, address);
    if (value !== nothing) this.#cache.set(slot, value, size);
    return value;
  }

  #slotOf(key: string): number {
    const address = this.#addressOf(key);
    return address < 0 ? -1 : this.#records.slabs.slot(address);
  }

  #addressOf(key: string): number {
    const chunk = this.#wanted;
    let { bytes } = chunk;
    const { length } = key;
    let size = length;
    if (length <= bytes.length) {
      for (let at = 0; at < length; at++) {
        const code = key.charCodeAt(at);
        if (code >= 0x80) {
          size = -1;
          break;
        }
        bytes[at] = code;
      }
    }
    if (size < 0 || size > bytes.length) {
      // Such a string is no key; as bytes it would look like another one.
      if (!key.isWellFormed()) return -1;
      const encoded = encodeUtf8(key);
      size = encoded.length;
      if (size > bytes.length) chunk.setBytes((bytes = new Uint8Array(2 * size)));
      bytes.set(encoded);
    }
    return this.#records.findKey(chunk, size);
  }

  /** The value, unless it turns out undecodable: then it is removed, and what another partition has is next. */
  #read(slot: number): V | typeof nothing {
    return this.#readAt(slot, this.#records.address(slot));
  }

  #readAt(slot: number, address: number): V | typeof nothing {
    if (this.#asides.size > 0) {
      const replacement = this.#asides.get(slot)?.replacement;
      if (replacement !== undefined) return replacement.value;
    }
    const { slabs } = this.#records;
    try {
      return this.#options.value.decode(slabs.value(address));
    } catch (error) {
      if (error instanceof AsyncSchemaError) throw error;
      const { partition } = this.#placeOf(slot);
      const offset = slabs.offset(address);
      const key = this.#key(slot);
      const hash = this.#records.hash(address);
      const others = this.#others.get(slot);
      if (others === undefined) this.#remove(slot);
      else this.#serve(slot, others, undefined);
      this.#options.onUndecodable(key, hash, partition, offset, error);
      return others === undefined ? nothing : this.#read(slot);
    }
  }

  #oldValue(chunk: RecordChunk, index: number): V | typeof nothing {
    if (!this.#observer.wantsOldValues) return nothing;
    const slot = this.#records.find(chunk, index);
    return slot < 0 ? nothing : this.#read(slot);
  }

  #placeOf(slot: number): RecordPlace {
    const { slabs } = this.#records;
    const address = this.#records.address(slot);
    if (!slabs.isPlaced(address)) {
      return { partition: this.#partition, offset: unknownOffset, timestamp: unknownTimestamp, headers: noHeaders };
    }
    return {
      partition: slabs.partition(address),
      offset: slabs.offset(address),
      timestamp: slabs.timestamp(address),
      headers: this.#asides.get(slot)?.headers ?? noHeaders,
    };
  }

  /** Whether a key has a value in a partition other than this one. */
  #isElsewhere(slot: number, partition: number): boolean {
    return this.#servedPartition(slot) !== partition || this.#others.has(slot);
  }

  #servedPartition(slot: number): number {
    const address = this.#records.address(slot);
    const { slabs } = this.#records;
    return slabs.isPlaced(address) ? slabs.partition(address) : this.#partition;
  }

  #put(slot: number, chunk: RecordChunk, index: number, aside: Aside<V> | undefined): void {
    const isPlaced = this.#keepsPlaces && chunk.timestamp[index] !== unknownTimestamp;
    let taken = slot;
    if (slot >= 0) {
      if (!this.#records.replace(slot, chunk, index, isPlaced)) throw this.#full();
      this.#cache.forget(slot);
    } else {
      taken = this.#records.insert(chunk, index, isPlaced);
      if (taken < 0) throw this.#full();
      this.#keySetVersion++;
    }
    if (aside !== undefined) this.#asides.set(taken, aside);
    else if (this.#asides.size > 0) this.#asides.delete(taken);
    if (this.#asides.size > 0 || this.#others.size > 0) this.#noteAside(taken);
  }

  /** Whatever is not in the records has to be thought of when they are replaced. */
  #noteAside(slot: number): void {
    this.#records.slabs.setAside(this.#records.address(slot), this.#asides.has(slot) || this.#others.has(slot));
  }

  #full(): TableFullError {
    return new TableFullError(this.size, undefined, "its records and their keys take 4 GiB");
  }

  #remove(slot: number): void {
    this.#records.remove(slot);
    this.#cache.forget(slot);
    this.#asides.delete(slot);
    this.#others.delete(slot);
    this.#keySetVersion++;
  }

  /** What the partitions have for a key; what is served comes first. */
  #recordsOf(slot: number): readonly [served: PartitionRecord<V>, ...others: PartitionRecord<V>[]] {
    const address = this.#records.address(slot);
    const served = copyOfStored(this.#records.slabs, address, this.#placeOf(slot), this.#asides.get(slot));
    return [served, ...(this.#others.get(slot) ?? [])];
  }

  #removeWhere(
    slot: number,
    isGone: (record: PartitionRecord<V>) => boolean,
    oldValue: V | typeof nothing,
    partition: number,
    offset: number,
    phase: DeletePhase,
  ): void {
    const records = this.#recordsOf(slot);
    const candidates = records.filter((record) => !isGone(record));
    if (candidates.length > 0) {
      this.#serveNewest(slot, records[0], candidates, oldValue);
      return;
    }
    const key = this.#observer.onDelete && this.#key(slot);
    this.#remove(slot);
    if (key !== undefined) this.#observer.onDelete?.(key, something(oldValue), partition, offset, phase);
  }

  #serveNewest(
    slot: number,
    served: PartitionRecord<V>,
    candidates: readonly PartitionRecord<V>[],
    oldValue: V | typeof nothing,
  ): void {
    const { onSet, onDelete } = this.#observer;
    const key = this.#key(slot);
    if (this.#serve(slot, candidates, served) === served || onSet === undefined) return;
    const { partition, offset } = this.#placeOf(slot);
    const value = this.#read(slot);
    if (value === nothing) onDelete?.(key, something(oldValue), partition, offset, "live");
    else onSet(key, value, something(oldValue), partition, offset);
  }

  /** The newest of the records is what the slot has from now on, in place of the one served; returns it. */
  #serve(
    slot: number,
    candidates: readonly PartitionRecord<V>[],
    served: PartitionRecord<V> | undefined,
  ): PartitionRecord<V> {
    const newest = candidates.reduce((a, b) => (isNewer(orderOf(b), orderOf(a)) ? b : a));
    const others = candidates.filter((candidate) => candidate !== newest);
    if (others.length === 0) this.#others.delete(slot);
    else this.#others.set(slot, others);
    if (newest === served) this.#noteAside(slot);
    else this.#put(slot, newest.chunk, 0, newest.aside);
    return newest;
  }

  #noteOther(slot: number, chunk: RecordChunk, index: number): void {
    const served = this.#servedPartition(slot);
    if (served === chunk.partition) return;
    this.#crossPartitionRecords++;
    this.#observer.onCrossPartition(this.keyOf(chunk, index), chunk.partition, chunk.offset[index]!, served);
  }
}

function orderOf<V>({ chunk }: PartitionRecord<V>): RecordOrder {
  return { timestamp: chunk.timestamp[0]!, partition: chunk.partition };
}

function offsetOf<V>({ chunk }: PartitionRecord<V>): number {
  return chunk.timestamp[0] === unknownTimestamp ? unknownOffset : chunk.offset[0]!;
}

function something<V>(value: V | typeof nothing): V | undefined {
  return value === nothing ? undefined : value;
}
