import { recordKernelModule } from "./generated/record-kernel.ts";
import type { Heap } from "./heap.ts";
import {
  hashAt,
  hashKey0,
  hashKey1,
  inputAt,
  inputCapacity,
  isBeyondAsciiAt,
  keyLengthAt,
  keyStartAt,
  offsetAt,
  slotAt,
  timestampAt,
  valueLengthAt,
  valueStartAt,
} from "./heap-layout.ts";
import type { KeyHash } from "./key-hash.ts";
import type { Distribute } from "./key-index.ts";
import type { RecordChunk } from "./record-chunk.ts";
import { SharedModule } from "./web-assembly.ts";

/** What it takes to hand a chunk over is as much as to take over some records. */
const leastRecords = 8;

const kernel: SharedModule = /* @__PURE__ */ new SharedModule(recordKernelModule);

interface KernelExports {
  readonly distribute: Distribute;
  prepare(count: number, shift: number): void;
  upsert(index: number, count: number, shift: number, isPlaced: boolean, partition: number): number;
}

/** Does what `RecordMap` does with most records in WebAssembly, on the same memory. */
export class RecordKernel {
  readonly #heap: Heap;
  readonly #exports: KernelExports;
  /** From a byte of the chunk to the same one in the input. */
  #shift = 0;
  /** Whether the chunk's places have been handed over, and not only where its keys are. */
  #hasPlaces = false;

  private constructor(heap: Heap, exports: KernelExports) {
    this.#heap = heap;
    this.#exports = exports;
  }

  /** Undefined where there is no WebAssembly. */
  static for(heap: Heap, hash: KeyHash): RecordKernel | undefined {
    const exports = heap.memory && kernel.on(heap.memory);
    if (exports === undefined) return undefined;
    heap.words[hashKey0] = hash.key0;
    heap.words[hashKey1] = hash.key1;
    return new RecordKernel(heap, exports as KernelExports);
  }

  /** For `KeyIndex`. */
  get distribute(): Distribute {
    return this.#exports.distribute;
  }

  /** Hashes the keys of a chunk. False for a chunk that is better left to JavaScript. */
  prepare(chunk: RecordChunk): boolean {
    const { length, start, end } = chunk;
    if (length < leastRecords || end - start > inputCapacity) return false;
    const { bytes, words } = this.#heap;
    bytes.set(chunk.bytes.subarray(start, end), inputAt);
    words.set(chunk.keyStart.subarray(0, length), keyStartAt >>> 2);
    words.set(chunk.keyLength.subarray(0, length), keyLengthAt >>> 2);
    this.#shift = -start;
    this.#hasPlaces = false;
    this.#exports.prepare(length, this.#shift);
    chunk.hash.set(words.subarray(hashAt >>> 2, (hashAt >>> 2) + length));
    chunk.isBeyondAscii.set(bytes.subarray(isBeyondAsciiAt, isBeyondAsciiAt + length));
    return true;
  }

  /**
   * Takes over the values of a prepared chunk from `index` on, up to one that needs more than that; returns which one that
   * is, or the chunk's length. The slots of the others stand in the chunk then.
   */
  upsert(chunk: RecordChunk, index: number, isPlaced: boolean): number {
    const { length } = chunk;
    const heap = this.#heap;
    if (!this.#hasPlaces) {
      heap.words.set(chunk.valueStart.subarray(0, length), valueStartAt >>> 2);
      heap.words.set(chunk.valueLength.subarray(0, length), valueLengthAt >>> 2);
      new Float64Array(heap.words.buffer, offsetAt, length).set(chunk.offset.subarray(0, length));
      if (isPlaced) new Float64Array(heap.words.buffer, timestampAt, length).set(chunk.timestamp.subarray(0, length));
      this.#hasPlaces = true;
    }
    const end = this.#exports.upsert(index, length, this.#shift, isPlaced, chunk.partition);
    const slots = slotAt >>> 2;
    chunk.slot.set(heap.words.subarray(slots + index, slots + end), index);
    return end;
  }
}
