const defaultChunkBits = 16;
const smallestChunk = 64;
/** In place of a free slot's successor in the list of free slots: there is none. */
const none = -1;
export const maxSlots: number = 2 ** 31 - 2;

/**
 * Numbers that stand for keys, each with the address of the key's record. A number stays with its key for as long as the key
 * is there, and the next new key takes that of the key that was removed last.
 */
export class SlotAddresses {
  readonly #chunkBits: number;
  readonly #mask: number;
  /** Addresses, which are not negative; in a free slot the next free one, as `~(next + 1)`. */
  readonly #chunks: Int32Array[] = [];
  #firstFree = none;
  #end = 0;
  #size = 0;

  constructor(chunkBits: number = defaultChunkBits) {
    this.#chunkBits = chunkBits;
    this.#mask = 2 ** chunkBits - 1;
  }

  /** Slots that are taken. */
  get size(): number {
    return this.#size;
  }

  /** The address; negative for a slot that is free. */
  get(slot: number): number {
    return this.#chunks[slot >>> this.#chunkBits]![slot & this.#mask]!;
  }

  set(slot: number, address: number): void {
    this.#chunks[slot >>> this.#chunkBits]![slot & this.#mask] = address;
  }

  /** A free slot; -1 when there is none any more. */
  take(address: number): number {
    let slot = this.#firstFree;
    if (slot === none) {
      if (this.#end > maxSlots) return -1;
      slot = this.#end++;
      this.#makeRoom(slot);
    } else {
      this.#firstFree = ~this.get(slot) - 1;
    }
    this.#size++;
    this.set(slot, address);
    return slot;
  }

  release(slot: number): void {
    this.set(slot, ~(this.#firstFree + 1));
    this.#firstFree = slot;
    this.#size--;
  }

  /** The first slot from `from` on that is taken; -1 behind the last one. */
  next(from: number): number {
    for (let slot = from; slot < this.#end; slot++) {
      if (this.get(slot) >= 0) return slot;
    }
    return -1;
  }

  #makeRoom(slot: number): void {
    const number = slot >>> this.#chunkBits;
    const chunk = this.#chunks[number];
    const length = slot & this.#mask;
    if (chunk !== undefined && length < chunk.length) return;
    // Only the first one grows: small tables are small, and large ones copy nothing.
    const size = number === 0 ? Math.max(2 * length, Math.min(smallestChunk, this.#mask + 1)) : this.#mask + 1;
    const larger = new Int32Array(size);
    if (chunk !== undefined) larger.set(chunk);
    this.#chunks[number] = larger;
  }
}
