import type { RecordBatch, RecordPosition } from "@ktables/record-batch";
import type { Codec } from "../codec.ts";
import { TableFullError } from "../errors.ts";
import type { SkipReason, Store, StoreCounters, StoreObserver } from "./store.ts";

/**
 * A plain `Map` of decoded values: every value is decoded when it arrives, so that one that cannot be decoded leaves
 * its predecessor in place.
 */
export class DecodedStore<V> implements Store<V> {
  readonly #values = new Map<string, V>();
  readonly #key: Codec<string>;
  readonly #value: Codec<V>;
  readonly #observer: StoreObserver<V>;
  #recordsApplied = 0;
  #tombstonesApplied = 0;
  #keylessRecords = 0;
  #keyDecodeErrors = 0;
  #valueDecodeErrors = 0;

  constructor(key: Codec<string>, value: Codec<V>, observer: StoreObserver<V>) {
    this.#key = key;
    this.#value = value;
    this.#observer = observer;
  }

  get size(): number {
    return this.#values.size;
  }

  get counters(): StoreCounters {
    return {
      recordsApplied: this.#recordsApplied,
      tombstonesApplied: this.#tombstonesApplied,
      keylessRecords: this.#keylessRecords,
      keyDecodeErrors: this.#keyDecodeErrors,
      valueDecodeErrors: this.#valueDecodeErrors,
    };
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  keys(): MapIterator<string> {
    return this.#values.keys();
  }

  values(): MapIterator<V> {
    return this.#values.values();
  }

  entries(): MapIterator<[string, V]> {
    return this.#values.entries();
  }

  snapshot(): Map<string, V> {
    return new Map(this.#values);
  }

  apply(partition: number, batch: RecordBatch, fromOffset: number): void {
    batch.visit((record) => {
      if (record.offset >= fromOffset) this.#applyRecord(partition, record);
    });
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
      key = this.#key.decode(keyBytes);
    } catch (error) {
      this.#keyDecodeErrors++;
      this.#skip("key_undecodable", partition, record, error);
      return;
    }
    const valueBytes = record.value();
    if (valueBytes === null) {
      const { onDelete } = this.#observer;
      const oldValue = onDelete && this.#values.get(key);
      this.#values.delete(key);
      this.#tombstonesApplied++;
      onDelete?.(key, oldValue, partition, record.offset);
      return;
    }
    let value: V;
    try {
      value = this.#value.decode(valueBytes);
    } catch (error) {
      this.#valueDecodeErrors++;
      this.#skip("value_undecodable", partition, record, error);
      return;
    }
    const { onSet } = this.#observer;
    const oldValue = onSet && this.#values.get(key);
    this.#set(key, value);
    this.#recordsApplied++;
    onSet?.(key, value, oldValue, partition, record.offset);
  }

  #set(key: string, value: V): void {
    try {
      this.#values.set(key, value);
    } catch (cause) {
      // A RangeError of the engine; where its limit lies differs between engines and releases.
      throw new TableFullError(this.#values.size, cause);
    }
  }

  #skip(reason: SkipReason, partition: number, record: RecordPosition, error: unknown): void {
    this.#observer.onSkip(reason, partition, record.offset, error);
  }
}
