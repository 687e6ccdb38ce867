import type { RecordPosition } from "@ktables/record-batch";
import { TableFullError } from "../errors.ts";
import type { PlacedValue, StoreObserver } from "./store.ts";

/**
 * Decoded values by key. Tells the observer of every change that a reader can see. With places or without: what nobody
 * asks for is not kept.
 */
export interface Contents<V> {
  readonly size: number;
  readonly keySetVersion: number;
  get(key: string): V | undefined;
  has(key: string): boolean;
  keys(): MapIterator<string>;
  values(): MapIterator<V>;
  entries(): MapIterator<[string, V]>;
  place(key: string): PlacedValue<V> | undefined;
  /** The record gives its partition's value for the key. @throws TableFullError */
  set(key: string, value: V, partition: number, record: RecordPosition): void;
  /** The record removes its partition's value for the key. */
  delete(key: string, partition: number, offset: number): void;
}

/** A plain `Map`: all that a table of one partition needs. */
export class PlainContents<V> implements Contents<V> {
  readonly #values = new Map<string, V>();
  readonly #observer: StoreObserver<V>;
  #keySetVersion = 0;

  constructor(observer: StoreObserver<V>) {
    this.#observer = observer;
  }

  get size(): number {
    return this.#values.size;
  }

  get keySetVersion(): number {
    return this.#keySetVersion;
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

  place(): undefined {
    return undefined;
  }

  set(key: string, value: V, partition: number, record: RecordPosition): void {
    const { onSet } = this.#observer;
    const oldValue = onSet && this.#values.get(key);
    const sizeBefore = this.#values.size;
    insert(this.#values, key, value);
    if (this.#values.size !== sizeBefore) this.#keySetVersion++;
    onSet?.(key, value, oldValue, partition, record.offset);
  }

  delete(key: string, partition: number, offset: number): void {
    const { onDelete } = this.#observer;
    const oldValue = onDelete && this.#values.get(key);
    if (this.#values.delete(key)) this.#keySetVersion++;
    onDelete?.(key, oldValue, partition, offset, "live");
  }
}

/** @throws TableFullError for the engine's RangeError; where its limit lies differs between engines and releases. */
export function insert<V>(map: Map<string, V>, key: string, value: V): void {
  try {
    map.set(key, value);
  } catch (cause) {
    throw new TableFullError(map.size, cause);
  }
}
