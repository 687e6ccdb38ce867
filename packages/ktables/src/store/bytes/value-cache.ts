const defaultSize = 4096;
/** What the cached values take as bytes; larger ones as objects. */
const maxBytes = 16 * 2 ** 20;

/** In place of a value where there is none: a codec may well give undefined. */
export const nothing: unique symbol = Symbol("nothing");

/** Values that were decoded lately, by slot: each has one place where it can be. */
export class ValueCache<V> {
  readonly #mask: number;
  readonly #slots: Int32Array;
  readonly #sizes: Int32Array;
  readonly #values: (V | undefined)[];
  #bytes = 0;

  /** `size`: a power of two. */
  constructor(size: number = defaultSize) {
    this.#mask = size - 1;
    this.#slots = new Int32Array(size).fill(-1);
    this.#sizes = new Int32Array(size);
    this.#values = Array.from({ length: size }, () => undefined);
  }

  get(slot: number): V | typeof nothing {
    const at = slot & this.#mask;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return this.#slots[at] === slot ? (this.#values[at] as V) : nothing;
  }

  /** `size`: bytes that the value was made of. */
  set(slot: number, value: V, size: number): void {
    if (size > maxBytes >>> 4) return;
    this.#empty(slot & this.#mask);
    if (this.#bytes + size > maxBytes) this.#clear();
    const at = slot & this.#mask;
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
    if (this.#slots[at] === -1) return;
    this.#slots[at] = -1;
    this.#bytes -= this.#sizes[at]!;
    this.#values[at] = undefined;
  }

  #clear(): void {
    this.#slots.fill(-1);
    this.#values.fill(undefined);
    this.#bytes = 0;
  }
}
