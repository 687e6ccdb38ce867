import type { RecordBatch } from "@ktables/record-batch";
import { recordKernelModule } from "./generated/record-kernel.ts";
import type { Heap } from "./heap.ts";
import {
  baseOffsetAt,
  baseTimestampAt,
  firstDelta,
  hashAt,
  hashKey0,
  hashKey1,
  inputAt,
  inputCapacity,
  isBeyondAsciiAt,
  keyLengthAt,
  keyStartAt,
  lastDelta,
  offsetAt,
  previousDelta,
  readAt,
  readEnd,
  recordsLeft,
  sharedTimestamp,
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
  read(shift: number, isPlaced: boolean): number;
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

  /**
   * Finds the records of a batch from an offset on, and calls `apply` for one chunk of them after the other. Returns the offset
   * from which on JavaScript is to read, because there is something of that kind or something wrong; -1 when that is all.
   */
  read(batch: RecordBatch, fromOffset: number, isPlaced: boolean, chunk: RecordChunk, apply: () => void): number {
    const heap = this.#heap;
    const { baseOffset, recordCount } = batch;
    if (recordCount < leastRecords || fromOffset > batch.lastOffset) return fromOffset;
    const first = Math.max(0, fromOffset - baseOffset);
    heap.words[recordsLeft] = recordCount;
    heap.words[previousDelta] = -1;
    heap.words[firstDelta] = first;
    heap.words[lastDelta] = batch.lastOffset - baseOffset;
    heap.view.setFloat64(baseOffsetAt, baseOffset, true);
    if (isPlaced) {
      heap.words[sharedTimestamp] = Number(batch.timestampType === "LogAppendTime");
      heap.view.setFloat64(baseTimestampAt, timestampOfBatch(batch), true);
    }
    let isWhole = false;
    batch.visitBytes((bytes, start, end) => {
      chunk.setBytes(bytes);
      let at = start;
      for (let size = -1; size !== 0; at += size) {
        isWhole = at === end && heap.words[recordsLeft] === 0;
        if (heap.words[recordsLeft] === 0) return;
        this.#load(bytes, at, Math.min(end, at + inputCapacity));
        while ((chunk.length = this.#exports.read(this.#shift, isPlaced)) > 0) {
          chunk.isElsewhere = true;
          this.#hasPlaces = true;
          apply();
        }
        size = heap.words[readAt]!;
      }
    });
    chunk.isElsewhere = false;
    return isWhole ? -1 : Math.max(fromOffset, baseOffset + heap.words[previousDelta] + 1);
  }

  /** Hashes the keys of a chunk. False for a chunk that is better left to JavaScript. */
  prepare(chunk: RecordChunk): boolean {
    const { length, start, end } = chunk;
    if (chunk.isElsewhere) {
      this.#exports.prepare(length, this.#shift);
      return true;
    }
    if (length < leastRecords || end - start > inputCapacity) return false;
    const { words } = this.#heap;
    this.#load(chunk.bytes, start, end);
    words.set(chunk.keyStart.subarray(0, length), keyStartAt >>> 2);
    words.set(chunk.keyLength.subarray(0, length), keyLengthAt >>> 2);
    this.#hasPlaces = false;
    this.#exports.prepare(length, this.#shift);
    this.#fetchHashes(chunk);
    return true;
  }

  /** Has JavaScript know of a prepared chunk what WebAssembly does. */
  fetch(chunk: RecordChunk): void {
    const { length } = chunk;
    const { words } = this.#heap;
    const copy = (target: Int32Array, at: number): void => target.set(words.subarray(at >>> 2, (at >>> 2) + length));
    copy(chunk.keyStart, keyStartAt);
    copy(chunk.keyLength, keyLengthAt);
    copy(chunk.valueStart, valueStartAt);
    copy(chunk.valueLength, valueLengthAt);
    chunk.offset.set(new Float64Array(words.buffer, offsetAt, length));
    chunk.timestamp.set(new Float64Array(words.buffer, timestampAt, length));
    this.#fetchHashes(chunk);
    chunk.isElsewhere = false;
  }

  /**
   * Takes over the values of a prepared chunk from `index` to `until`, up to one that needs more than that; returns which one
   * that is, or `until`.
   */
  upsert(chunk: RecordChunk, index: number, until: number, isPlaced: boolean): number {
    const { length } = chunk;
    const { words } = this.#heap;
    if (!this.#hasPlaces) {
      words.set(chunk.valueStart.subarray(0, length), valueStartAt >>> 2);
      words.set(chunk.valueLength.subarray(0, length), valueLengthAt >>> 2);
      new Float64Array(words.buffer, offsetAt, length).set(chunk.offset.subarray(0, length));
      if (isPlaced) new Float64Array(words.buffer, timestampAt, length).set(chunk.timestamp.subarray(0, length));
      this.#hasPlaces = true;
    }
    return this.#exports.upsert(index, until, this.#shift, isPlaced, chunk.partition);
  }

  /** That of a record's key, when {@link upsert} has just taken it over. */
  slot(index: number): number {
    return this.#heap.words[(slotAt >>> 2) + index]!;
  }

  #load(bytes: Uint8Array, start: number, end: number): void {
    const heap = this.#heap;
    heap.bytes.set(bytes.subarray(start, end), inputAt);
    heap.words[readAt] = 0;
    heap.words[readEnd] = end - start;
    this.#shift = -start;
  }

  #fetchHashes(chunk: RecordChunk): void {
    const { length } = chunk;
    const { bytes, words } = this.#heap;
    chunk.hash.set(words.subarray(hashAt >>> 2, (hashAt >>> 2) + length));
    chunk.isBeyondAscii.set(bytes.subarray(isBeyondAsciiAt, isBeyondAsciiAt + length));
  }
}

/** NaN for one that no number can hold. */
function timestampOfBatch(batch: RecordBatch): number {
  try {
    return batch.timestampType === "LogAppendTime" ? batch.maxTimestamp : batch.baseTimestamp;
  } catch {
    return Number.NaN;
  }
}
