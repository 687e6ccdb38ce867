import type { Heap } from "./heap.ts";
import {
  firstFreeSlot,
  maxSlotChunks,
  slotChunkBits,
  slotChunksAt,
  slotsCapacity,
  slotsEnd,
  slotsTaken,
} from "./heap-layout.ts";

const defaultChunkBits = 16;
/** In place of a free slot's successor in the list of free slots: there is none. */
const none = -1;
const chunks = slotChunksAt >>> 2;

/**
 * Numbers that stand for keys, each with the address of the key's record. A number stays with its key for as long as the key
 * is there, and the next new key takes that of the key that was removed last.
 */
export class SlotAddresses {
  readonly #heap: Heap;
  readonly #chunkBits: number;
  readonly #mask: number;

  constructor(heap: Heap, chunkBits: number = defaultChunkBits) {
    this.#heap = heap;
    this.#chunkBits = chunkBits;
    this.#mask = 2 ** chunkBits - 1;
    heap.words[slotChunkBits] = chunkBits;
    heap.words[firstFreeSlot] = none;
  }

  /** Slots that are taken. */
  get size(): number {
    return this.#heap.words[slotsTaken]!;
  }

  /** The address, which is not negative; in a free slot the next free one, as `~(next + 1)`. */
  get(slot: number): number {
    const { words } = this.#heap;
    return words[words[chunks + (slot >>> this.#chunkBits)]! + (slot & this.#mask)]!;
  }

  set(slot: number, address: number): void {
    const { words } = this.#heap;
    words[words[chunks + (slot >>> this.#chunkBits)]! + (slot & this.#mask)] = address;
  }

  /** A free slot; -1 when there is none any more. */
  take(address: number): number {
    let slot = this.#heap.words[firstFreeSlot]!;
    if (slot === none) {
      slot = this.#heap.words[slotsEnd]!;
      if (slot === this.#heap.words[slotsCapacity] && !this.#makeRoom()) return -1;
      this.#heap.words[slotsEnd]!++;
    } else {
      this.#heap.words[firstFreeSlot] = ~this.get(slot) - 1;
    }
    this.#heap.words[slotsTaken]!++;
    this.set(slot, address);
    return slot;
  }

  release(slot: number): void {
    const { words } = this.#heap;
    this.set(slot, ~(words[firstFreeSlot]! + 1));
    words[firstFreeSlot] = slot;
    words[slotsTaken]!--;
  }

  /** The first slot from `from` on that is taken; -1 behind the last one. */
  next(from: number): number {
    const end = this.#heap.words[slotsEnd]!;
    for (let slot = from; slot < end; slot++) {
      if (this.get(slot) >= 0) return slot;
    }
    return -1;
  }

  #makeRoom(): boolean {
    const number = this.#heap.words[slotsCapacity]! >>> this.#chunkBits;
    const at = number === maxSlotChunks ? -1 : this.#heap.take(4 * 2 ** this.#chunkBits);
    if (at < 0) return false;
    this.#heap.words[chunks + number] = at / 4;
    this.#heap.words[slotsCapacity]! += 2 ** this.#chunkBits;
    return true;
  }
}
