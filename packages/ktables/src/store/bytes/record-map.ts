import type { RecordBatch } from "@ktables/record-batch";
import { Heap, type HeapSizes } from "./heap.ts";
import { chunkCapacity } from "./heap-layout.ts";
import { hashOfProcess, KeyHash } from "./key-hash.ts";
import { type KeyComparison, KeyIndex } from "./key-index.ts";
import type { RecordChunk } from "./record-chunk.ts";
import { RecordKernel } from "./record-kernel.ts";
import { RecordSlabs, type Residents } from "./record-slabs.ts";
import { SlotAddresses } from "./slot-addresses.ts";

/** What a key takes in the index, with its slot, at most; and what is lost at the ends of pages. */
const bytesOfPlace = 32;

/** How much a table takes in one piece, and of what; for tests. Each has a default. */
export interface RecordMapSizes extends HeapSizes {
  readonly hash?: Pick<KeyHash, "of" | "bits">;
  readonly segmentSize?: number;
  readonly slotChunkBits?: number;
}

export interface RecordMapMemory {
  readonly liveBytes: number;
  readonly allocatedBytes: number;
  readonly takenBytes: number;
}

/**
 * Records by the bytes of their keys, one each. A key's slot stands for it as long as it is there, and the order of the slots
 * is that in which keys came, except that new ones take the slots of those that were removed.
 */
export class RecordMap implements KeyComparison<RecordChunk>, Residents {
  readonly slabs: RecordSlabs;
  readonly #heap: Heap;
  readonly #hash: Pick<KeyHash, "of" | "bits">;
  readonly #slots: SlotAddresses;
  readonly #index: KeyIndex<RecordChunk>;
  readonly #kernel: RecordKernel | undefined;
  /** Whether the chunk that was prepared last is known to the kernel. */
  #isInKernel = false;
  readonly #candidates = new Int32Array(chunkCapacity);

  constructor({ hash = hashOfProcess(), segmentSize, slotChunkBits, ...sizes }: RecordMapSizes = {}) {
    const heap = new Heap(sizes);
    this.#heap = heap;
    this.#hash = hash;
    this.#slots = new SlotAddresses(heap, slotChunkBits);
    this.#kernel = hash instanceof KeyHash ? RecordKernel.for(heap, hash) : undefined;
    this.#index = new KeyIndex(heap, this, segmentSize, this.#kernel?.distribute);
    this.slabs = new RecordSlabs(heap, this);
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Bytes of the records that are alive, of the slabs with them, and of everything. */
  get memory(): RecordMapMemory {
    const { liveBytes, allocatedBytes } = this.slabs;
    return { liveBytes, allocatedBytes, takenBytes: this.#heap.takenBytes };
  }

  /** How many keys there will probably be, with records like those that are there. */
  expect(keys: number): void {
    this.#index.expect(keys);
    const recordSize = this.slabs.liveBytes / Math.max(1, this.size);
    this.#heap.expect(keys * (recordSize + bytesOfPlace));
  }

  /**
   * Calls `apply` for one chunk of a batch's records after the other. Returns the offset from which on they are left to be
   * read one by one; -1 when that is none.
   */
  read(batch: RecordBatch, fromOffset: number, isPlaced: boolean, chunk: RecordChunk, apply: () => void): number {
    return this.#kernel?.read(batch, fromOffset, isPlaced, chunk, apply) ?? fromOffset;
  }

  /**
   * Hashes the keys of all records, then looks where each might be, then at what is there: steps that do not wait for each
   * other, so that the processor fetches from memory for many keys at a time.
   */
  prepare(chunk: RecordChunk): void {
    this.#isInKernel = this.#kernel?.prepare(chunk) ?? false;
    if (this.#isInKernel) return;
    const { length, hash, isBeyondAscii, keyStart, keyLength, view } = chunk;
    const hasher = this.#hash;
    for (let index = 0; index < length; index++) {
      if (keyLength[index]! < 0) continue;
      hash[index] = hasher.of(view, keyStart[index]!, keyLength[index]!);
      isBeyondAscii[index] = hasher.bits >>> 7;
    }
    if (length < 8) return;
    const candidates = this.#candidates;
    for (let index = 0; index < length; index++) candidates[index] = this.#index.firstCandidate(hash[index]!);
    for (let index = 0; index < length; index++) {
      const address = candidates[index]!;
      // It is kept for nothing, but an engine could leave out what nobody wants.
      if (address > 0) candidates[index] = this.slabs.touch(address);
    }
  }

  /** To be called before anything is read from a chunk that may have come from {@link read}; it was prepared. */
  fetch(chunk: RecordChunk): void {
    if (chunk.isElsewhere) this.#kernel?.fetch(chunk);
  }

  /** The slot of a record's key; -1 if it has none. The chunk was prepared. */
  find(chunk: RecordChunk, index: number): number {
    const address = this.#index.find(chunk.hash[index]!, chunk, index);
    return address < 0 ? -1 : this.slabs.slot(address);
  }

  /** The address of the key that the chunk's bytes begin with, until something changes; -1 if it has none. */
  findKey(chunk: RecordChunk, length: number): number {
    chunk.keyLength[0] = length;
    return this.#index.find(this.#hash.of(chunk.view, 0, length), chunk, 0);
  }

  /**
   * Sets what is nothing but a value for its key: those from `index` to `until`, up to one that needs more than that; returns
   * which one that is, or `until`. The chunk was prepared.
   */
  setOrdinary(chunk: RecordChunk, index: number, until: number, isPlaced: boolean): number {
    return this.#kernel !== undefined && this.#isInKernel ? this.#kernel.upsert(chunk, index, until, isPlaced) : index;
  }

  /** That of a record which {@link setOrdinary} has just set. */
  slotOf(index: number): number {
    return this.#kernel?.slot(index) ?? -1;
  }

  hasKey(address: number, chunk: RecordChunk, index: number): boolean {
    return this.slabs.hasKey(address, chunk, index);
  }

  /** For a key that is not there. Returns its slot; -1 when there is no room left for anything. */
  insert(chunk: RecordChunk, index: number, isPlaced: boolean): number {
    const slot = this.#slots.take(0);
    if (slot < 0) return -1;
    const address = this.slabs.append(slot, chunk, index, isPlaced);
    if (address < 0) {
      this.#slots.release(slot);
      return -1;
    }
    this.#slots.set(slot, address);
    if (this.#index.insert(chunk.hash[index]!, address)) return slot;
    this.slabs.free(address);
    this.#slots.release(slot);
    return -1;
  }

  /** For the key of the slot. False when there is no room left. */
  replace(slot: number, chunk: RecordChunk, index: number, isPlaced: boolean): boolean {
    const before = this.#slots.get(slot);
    const address = this.slabs.replace(before, slot, chunk, index, isPlaced);
    if (address < 0) return false;
    if (address !== before) this.moved(slot, before, address);
    return true;
  }

  remove(slot: number): void {
    const address = this.address(slot);
    this.#index.remove(this.hash(address), address);
    this.slabs.free(address);
    this.#slots.release(slot);
  }

  moved(slot: number, from: number, to: number): void {
    this.#index.move(this.hash(to), from, to);
    this.#slots.set(slot, to);
  }

  /** Of the key of the record at an address. */
  hash(address: number): number {
    return this.slabs.hash(address, this.#hash);
  }

  /** Where the record of a slot lies, until something changes; negative for a slot that is not taken. */
  address(slot: number): number {
    return this.#slots.get(slot);
  }

  /** The first slot from `from` on that is taken; -1 behind the last one. */
  next(from: number): number {
    return this.#slots.next(from);
  }
}
