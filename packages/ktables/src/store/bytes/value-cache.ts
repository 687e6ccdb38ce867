const defaultSize = 4096;
/** What the cached values take as bytes; larger ones as objects. */
const maxBytes = 16 * 2 ** 20;
const free = -1;

/**
 * Values that were asked for lately. Each slot has one place here, which it shares with others; values that are asked for
 * again are found by their keys from then on, without a look at the records.
 */
export class ValueCache<V> {
  readonly #mask: number;
  readonly #slots: Int32Array;
  readonly #sizes: Int32Array;
  readonly #values: (V | undefined)[];
  /** Undefined where the value has not been asked for again. */
  readonly #keys: (string | undefined)[];
  readonly #byKey = new Map<string, V>();
  #bytes = 0;

  /** `size`: a power of two. */
  constructor(size: number = defaultSize) {
    this.#mask = size - 1;
    this.#slots = new Int32Array(size).fill(free);
    this.#sizes = new Int32Array(size);
    this.#values = Array.from({ length: size }, () => undefined);
    this.#keys = Array.from({ length: size }, () => undefined);
  }

  /** Of a key that was asked for before; undefined where it is not here. */
  get(key: string): V | undefined {
    return this.#byKey.get(key);
  }

  /** Undefined where it is not here. */
  ofSlot(slot: number, key: string): V | undefined {
    const at = slot & this.#mask;
    if (this.#slots[at] !== slot) return undefined;
    const value = this.#values[at];
    if (value !== undefined) {
      this.#keys[at] = key;
      this.#byKey.set(key, value);
    }
    return value;
  }

  /** `size`: bytes that the value was made of. */
  set(slot: number, value: V, size: number): void {
    if (size > maxBytes >>> 4) return;
    const at = slot & this.#mask;
    this.#empty(at);
    if (this.#bytes + size > maxBytes) this.#clear();
    this.#slots[at] = slot;
    this.#sizes[at] = size;
    this.#values[at] = value;
    this.#bytes += size;
  }

  /** The slot has another value now, or none. */
  forget(slot: number): void {
    const at = slot & this.#mask;
    if (this.#slots[at] === slot) this.#empty(at);
  }

  #empty(at: number): void {
    if (this.#slots[at] === free) return;
    this.#slots[at] = free;
    this.#bytes -= this.#sizes[at]!;
    this.#values[at] = undefined;
    const key = this.#keys[at];
    if (key === undefined) return;
    this.#keys[at] = undefined;
    this.#byKey.delete(key);
  }

  #clear(): void {
    for (let at = 0; at <= this.#mask; at++) this.#empty(at);
  }
}
