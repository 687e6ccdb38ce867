import type { RecordBatch, RecordPosition } from "@ktables/record-batch";
// From there, so that the bundle keeps to few files: see DESIGN.md.
import { AsyncSchemaError } from "../../index.ts";
import { headersOf, timestampOf } from "../placed-contents.ts";
import { type PoisonedKey, PoisonedKeys, PoisonJudge } from "../poison.ts";
import type { PlacedValue, SkipReason, Store, StoreCounters, StoreObserver, StoreOptions } from "../store.ts";
import { ByteContents, nothing } from "./byte-contents.ts";
import { chunkCapacity } from "./heap-layout.ts";
import { KeyForecast } from "./key-forecast.ts";
import { RecordChunk } from "./record-chunk.ts";
import type { RecordMapMemory, RecordMapSizes } from "./record-map.ts";

export interface ByteStoreOptions<V> extends StoreOptions<V> {
  /**
   * Whether values are decoded when they arrive, to be judged, or when they are read first; then the policy is `drop`.
   * Of a codec that decodes everything there is nothing to judge.
   */
  readonly validate: "eager" | "lazy";
  /** Offsets that are to be read when the store begins, at most. Default 0: unknown. */
  readonly totalOffsets?: number;
}

/**
 * Records are kept as bytes, and taken over by the thousand. This class reads records and keeps count; what a key has is
 * up to its contents.
 */
export class ByteStore<V> implements Store<V> {
  readonly #options: ByteStoreOptions<V>;
  readonly #observer: StoreObserver<V>;
  readonly #poisoned = new PoisonedKeys();
  readonly #judge: PoisonJudge<V>;
  readonly #contents: ByteContents<V>;
  readonly #chunk = new RecordChunk(chunkCapacity);
  readonly #judgesAtArrival: boolean;
  readonly #forecast: KeyForecast;
  /** Hashes of all keys that are poisoned, and of some that were: their records are not for WebAssembly. */
  readonly #suspects = new Set<number>();
  #recordsApplied = 0;
  #tombstonesApplied = 0;
  #keylessRecords = 0;
  #keyDecodeErrors = 0;
  #valueDecodeErrors = 0;
  #recordsExpired = 0;

  constructor(options: ByteStoreOptions<V>, observer: StoreObserver<V>, sizes?: RecordMapSizes) {
    this.#options = options;
    this.#observer = observer;
    this.#forecast = new KeyForecast(options.totalOffsets ?? 0);
    this.#judge = new PoisonJudge(options.topic, options.onPoison, observer);
    const { key, value, validate } = options;
    const decodesEverything = value.decodesEverything ?? false;
    this.#judgesAtArrival = validate === "eager" && !decodesEverything;
    const isJudged = validate === "eager" || decodesEverything;
    const onUndecodable = (key: string, hash: number, partition: number, offset: number, error: unknown): void => {
      this.#valueDecodeErrors++;
      this.#suspects.add(hash);
      this.#poisoned.note(partition, key, { offset, error, isReplaced: false });
      this.#observer.onSkip("value_dropped", partition, offset, error);
    };
    this.#contents = new ByteContents({ key, value, isJudged, onUndecodable, sizes }, observer);
    if (options.metadata || options.expireWithLog) this.#contents.keepPlaces(0);
  }

  get size(): number {
    return this.#contents.size;
  }

  get keySetVersion(): number {
    return this.#contents.keySetVersion;
  }

  get crossPartitionKeys(): number {
    return this.#contents.crossPartitionKeys;
  }

  get poisonedKeys(): number {
    return this.#poisoned.size;
  }

  get counters(): StoreCounters {
    return {
      recordsApplied: this.#recordsApplied,
      tombstonesApplied: this.#tombstonesApplied,
      keylessRecords: this.#keylessRecords,
      keyDecodeErrors: this.#keyDecodeErrors,
      valueDecodeErrors: this.#valueDecodeErrors,
      crossPartitionRecords: this.#contents.crossPartitionRecords,
      recordsExpired: this.#recordsExpired,
    };
  }

  get memory(): RecordMapMemory {
    return this.#contents.memory;
  }

  get(key: string): V | undefined {
    return this.#contents.get(key);
  }

  has(key: string): boolean {
    return this.#contents.has(key);
  }

  keys(): MapIterator<string> {
    return this.#contents.keys();
  }

  values(): MapIterator<V> {
    return this.#contents.values();
  }

  entries(): MapIterator<[string, V]> {
    return this.#contents.entries();
  }

  snapshot(): Map<string, V> {
    return new Map(this.#contents.entries());
  }

  place(key: string): PlacedValue<V> | undefined {
    return this.#contents.place(key);
  }

  poisoned(): PoisonedKey<V>[] {
    return this.#poisoned.list(this.#contents);
  }

  expectSeveralPartitions(): void {
    if (!this.#contents.keepsPlaces) this.#contents.keepPlaces(this.#chunk.partition);
  }

  apply(partition: number, batch: RecordBatch, fromOffset: number): void {
    const chunk = this.#chunk;
    chunk.begin(partition);
    try {
      // Whoever wants headers reads record by record.
      const next = this.#options.metadata
        ? fromOffset
        : this.#contents.read(batch, fromOffset, chunk, () => this.#applyChunk());
      if (next >= 0) this.#applyOneByOne(batch, next);
    } finally {
      chunk.clear();
    }
    this.#contents.compact();
    const expected = this.#forecast.note(batch.nextOffset - fromOffset, this.size);
    if (expected !== undefined) this.#contents.expect(expected);
  }

  expire(partition: number, logStartOffset: number): void {
    this.#poisoned.expire(partition, logStartOffset);
    this.#recordsExpired += this.#contents.expire(partition, logStartOffset);
  }

  #applyOneByOne(batch: RecordBatch, fromOffset: number): void {
    const chunk = this.#chunk;
    // The bytes of a compressed batch are there as long as it is visited.
    let left = batch.recordCount;
    batch.visit((record) => {
      left--;
      if (record.offset >= fromOffset) this.#take(record);
      if (left === 0 && chunk.length > 0) this.#applyChunk();
    });
  }

  #take(record: RecordPosition): void {
    const chunk = this.#chunk;
    if (chunk.length > 0 && !chunk.takes(record)) this.#applyChunk();
    const index = chunk.add(record);
    if (!this.#contents.keepsPlaces) return;
    chunk.timestamp[index] = timestampOf(record);
    if (!this.#options.metadata) return;
    chunk.headers[index] = headersOf(record);
    if (record.headerCount > 0) chunk.hasHeaders = true;
  }

  #applyChunk(): void {
    const chunk = this.#chunk;
    this.#contents.prepare(chunk);
    const isUnheard = this.#observer.onSet === undefined;
    const isOrdinary = isUnheard && (!this.#judgesAtArrival || this.#areAllGood(chunk));
    let suspect = -1;
    for (let index = 0; index < chunk.length; index++) {
      if (isOrdinary) {
        // What a record shows to be bad meanwhile is of its own key, and replaced or removed by it.
        if (suspect < index) suspect = this.#firstSuspect(chunk, index);
        const end = this.#contents.setOrdinary(chunk, index, suspect);
        this.#recordsApplied += end - index;
        index = end;
        if (index === chunk.length) break;
      }
      this.#contents.fetch(chunk);
      this.#applyRecord(chunk, index);
    }
    chunk.clear();
  }

  /** From an index on; the chunk's length if there is none. */
  #firstSuspect(chunk: RecordChunk, from: number): number {
    if (this.#poisoned.isEmpty) this.#suspects.clear();
    if (this.#suspects.size === 0) return chunk.length;
    this.#contents.fetch(chunk);
    let index = from;
    while (index < chunk.length && !this.#suspects.has(chunk.hash[index]!)) index++;
    return index;
  }

  /** Whether all values can be decoded; they have come to be judged. */
  #areAllGood(chunk: RecordChunk): boolean {
    const { value } = this.#options;
    this.#contents.fetch(chunk);
    try {
      for (let index = 0; index < chunk.length; index++) {
        if (chunk.keyLength[index]! >= 0 && chunk.valueLength[index]! >= 0) value.decode(chunk.value(index));
      }
      return true;
    } catch {
      // One by one they are decoded once more, so that each failure is reported where it belongs.
      return false;
    }
  }

  #applyRecord(chunk: RecordChunk, index: number): void {
    if (chunk.keyLength[index]! < 0) {
      this.#keylessRecords++;
      this.#skip("keyless", chunk, index, undefined);
      return;
    }
    if (chunk.isBeyondAscii[index] !== 0 && !this.#isKeyDecodable(chunk, index)) return;
    if (chunk.valueLength[index]! < 0) {
      this.#clearPoison(chunk, index);
      this.#tombstonesApplied++;
      this.#contents.delete(chunk, index);
      this.#clearPoison(chunk, index);
      return;
    }
    let value: V | typeof nothing = nothing;
    if (this.#judgesAtArrival || this.#observer.onSet !== undefined) {
      try {
        value = this.#options.value.decode(chunk.value(index));
      } catch (error) {
        if (error instanceof AsyncSchemaError) throw error;
        this.#valueDecodeErrors++;
        this.#applyPoison(chunk, index, error);
        return;
      }
    }
    this.#clearPoison(chunk, index);
    this.#recordsApplied++;
    this.#contents.set(chunk, index, value);
    this.#clearPoison(chunk, index);
  }

  #isKeyDecodable(chunk: RecordChunk, index: number): boolean {
    if (this.#contents.hasRecord(chunk, index)) return true;
    try {
      this.#contents.keyOf(chunk, index);
      return true;
    } catch (error) {
      this.#keyDecodeErrors++;
      this.#skip("key_undecodable", chunk, index, error);
      return false;
    }
  }

  /** Before its change is told, and after it: the old value may have been read for that, and been found bad. */
  #clearPoison(chunk: RecordChunk, index: number): void {
    if (!this.#poisoned.isEmpty) this.#poisoned.clear(chunk.partition, this.#contents.keyOf(chunk, index));
  }

  #applyPoison(chunk: RecordChunk, index: number, error: unknown): void {
    const { partition } = chunk;
    const key = this.#contents.keyOf(chunk, index);
    const offset = chunk.offset[index]!;
    const previous = this.#contents.previous(chunk, index);
    const bytes = chunk.value(index);
    const decision = this.#judge.judge({ key, partition, offset, error, previous, bytes });
    this.#poisoned.note(partition, key, { offset, error, isReplaced: typeof decision === "object" });
    this.#suspects.add(chunk.hash[index]!);
    if (decision === "keep-previous") {
      this.#skip("value_undecodable", chunk, index, error);
    } else if (decision === "drop") {
      this.#contents.delete(chunk, index);
      this.#skip("value_dropped", chunk, index, error);
    } else {
      this.#contents.set(chunk, index, decision.value, decision);
      this.#skip("value_replaced", chunk, index, error);
    }
  }

  #skip(reason: SkipReason, chunk: RecordChunk, index: number, error: unknown): void {
    this.#observer.onSkip(reason, chunk.partition, chunk.offset[index]!, error);
  }
}
