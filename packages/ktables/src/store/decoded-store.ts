import type { RecordBatch, RecordPosition } from "@ktables/record-batch";
import { AsyncSchemaError } from "../errors.ts";
import { type Contents, PlainContents } from "./contents.ts";
import { PlacedContents } from "./placed-contents.ts";
import { type PoisonedKey, PoisonedKeys, PoisonJudge } from "./poison.ts";
import type { PlacedValue, SkipReason, Store, StoreCounters, StoreObserver, StoreOptions } from "./store.ts";

/**
 * Values are decoded when they arrive, so that the poison policy can judge those that cannot be. This class reads records
 * and keeps count; what a key has is up to its contents.
 */
export class DecodedStore<V> implements Store<V> {
  readonly #options: StoreOptions<V>;
  readonly #observer: StoreObserver<V>;
  readonly #poisoned = new PoisonedKeys();
  readonly #judge: PoisonJudge<V>;
  #contents: Contents<V>;
  /** The same, if it keeps places. */
  #placed: PlacedContents<V> | undefined;
  /** The partition of the last batch; the only one as long as no places are kept. */
  #partition = 0;
  #recordsApplied = 0;
  #tombstonesApplied = 0;
  #keylessRecords = 0;
  #keyDecodeErrors = 0;
  #valueDecodeErrors = 0;
  #recordsExpired = 0;

  constructor(options: StoreOptions<V>, observer: StoreObserver<V>) {
    this.#options = options;
    this.#observer = observer;
    this.#judge = new PoisonJudge(options.topic, options.onPoison, observer);
    this.#contents = new PlainContents(observer);
    if (options.metadata || options.expireWithLog) this.#keepPlaces();
  }

  get size(): number {
    return this.#contents.size;
  }

  get keySetVersion(): number {
    return this.#contents.keySetVersion;
  }

  get crossPartitionKeys(): number {
    return this.#placed?.crossPartitionKeys ?? 0;
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
      crossPartitionRecords: this.#placed?.crossPartitionRecords ?? 0,
      recordsExpired: this.#recordsExpired,
    };
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
    if (this.#placed === undefined) this.#keepPlaces();
  }

  apply(partition: number, batch: RecordBatch, fromOffset: number): void {
    this.#partition = partition;
    batch.visit((record) => {
      if (record.offset >= fromOffset) this.#applyRecord(partition, record);
    });
  }

  expire(partition: number, logStartOffset: number): void {
    this.#poisoned.expire(partition, logStartOffset);
    this.#recordsExpired += this.#placed?.expire(partition, logStartOffset) ?? 0;
  }

  #keepPlaces(): void {
    const placed = new PlacedContents(this.#observer, this.#options.metadata);
    placed.adopt(this.#contents, this.#partition);
    this.#placed = placed;
    this.#contents = placed;
  }

  #applyRecord(partition: number, record: RecordPosition): void {
    const keyBytes = record.key();
    if (keyBytes === null) {
      this.#keylessRecords++;
      this.#skip("keyless", partition, record, undefined);
      return;
    }
    let key: string;
    try {
      key = this.#options.key.decode(keyBytes);
    } catch (error) {
      this.#keyDecodeErrors++;
      this.#skip("key_undecodable", partition, record, error);
      return;
    }
    const valueBytes = record.value();
    if (valueBytes === null) {
      this.#poisoned.clear(partition, key);
      this.#tombstonesApplied++;
      this.#contents.delete(key, partition, record.offset);
      return;
    }
    let value: V;
    try {
      value = this.#options.value.decode(valueBytes);
    } catch (error) {
      if (error instanceof AsyncSchemaError) throw error;
      this.#valueDecodeErrors++;
      this.#applyPoison(key, partition, record, valueBytes, error);
      return;
    }
    this.#poisoned.clear(partition, key);
    this.#recordsApplied++;
    this.#contents.set(key, value, partition, record);
  }

  #applyPoison(key: string, partition: number, record: RecordPosition, bytes: Uint8Array, error: unknown): void {
    const { offset } = record;
    const decision = this.#judge.judge({ key, partition, offset, error, previous: this.#contents.get(key), bytes });
    this.#poisoned.note(partition, key, { offset, error, isReplaced: typeof decision === "object" });
    if (decision === "keep-previous") {
      this.#skip("value_undecodable", partition, record, error);
    } else if (decision === "drop") {
      this.#contents.delete(key, partition, offset);
      this.#skip("value_dropped", partition, record, error);
    } else {
      this.#contents.set(key, decision.value, partition, record);
      this.#skip("value_replaced", partition, record, error);
    }
  }

  #skip(reason: SkipReason, partition: number, record: RecordPosition, error: unknown): void {
    this.#observer.onSkip(reason, partition, record.offset, error);
  }
}
