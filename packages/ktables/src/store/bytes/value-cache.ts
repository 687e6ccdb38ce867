const defaultSize = 4096;
/** What the cached values take as bytes; larger ones as objects. */
const maxBytes = 16 * 2 ** 20;
const free = 0;

/** A slot's value has so many places, which it shares with others: with one, two keys in use could take turns. */
const ways = 4;

/**
 * Values that were asked for lately. Each slot has a few places here, which it shares with others; values that are asked
 * for again are found by their keys from then on, without a look at the records.
 */
export class ValueCache<V> {
  /** Of the slot's bits, those that choose the places. */
  readonly #mask: number;
  /** By group of places: the one that is emptied next. */
  readonly #hands: Uint8Array;
  /** Each + 1. */
  readonly #slots: Int32Array;
  readonly #sizes: Int32Array;
  #values: (V | undefined)[] = [];
  /** Undefined where the value has not been asked for again. */
  #keys: (string | undefined)[] = [];
  readonly #byKey = new Map<string, V>();
  #bytes = 0;
  #count = 0;

  /** `size`: a power of two, no less than 4. */
  constructor(size: number = defaultSize) {
    this.#mask = size / ways - 1;
    this.#hands = new Uint8Array(size / ways);
    this.#slots = new Int32Array(size);
    this.#sizes = new Int32Array(size);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Of a key that was asked for before; undefined where it is not here. */
  get(key: string): V | undefined {
    return this.#byKey.get(key);
  }

  /** Undefined where it is not here. */
  ofSlot(slot: number, key: string): V | undefined {
    const at = this.#placeOf(slot);
    if (at < 0) return undefined;
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
    if (this.#values.length === 0) this.#makeRoom();
    const group = slot & this.#mask;
    const hand = this.#hands[group]!;
    this.#hands[group] = (hand + 1) % ways;
    const at = group * ways + hand;
    this.#empty(at);
    if (this.#bytes + size > maxBytes) this.#clear();
    this.#slots[at] = slot + 1;
    this.#sizes[at] = size;
    this.#values[at] = value;
    this.#bytes += size;
    this.#count++;
  }

  /** The slot has another value now, or none. */
  forget(slot: number): void {
    const at = this.#placeOf(slot);
    if (at >= 0) this.#empty(at);
  }

  /** Whole arrays are faster than such as grow here and there, but many tables are never read like that. */
  #makeRoom(): void {
    const { length } = this.#slots;
    this.#values = Array.from({ length });
    this.#keys = Array.from({ length });
  }

  /** -1 for a slot that has none. */
  #placeOf(slot: number): number {
    const first = (slot & this.#mask) * ways;
    for (let at = first; at < first + ways; at++) if (this.#slots[at] === slot + 1) return at;
    return -1;
  }

  #empty(at: number): void {
    if (this.#slots[at] === free) return;
    this.#slots[at] = free;
    this.#count--;
    this.#bytes -= this.#sizes[at]!;
    this.#values[at] = undefined;
    const key = this.#keys[at];
    if (key === undefined) return;
    this.#keys[at] = undefined;
    this.#byKey.delete(key);
  }

  #clear(): void {
    for (let at = 0; at < this.#slots.length; at++) this.#empty(at);
  }
}
