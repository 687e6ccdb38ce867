import { headerSize, maxPages } from "./heap-layout.ts";
import { newMemory, type WebAssemblyMemory } from "./web-assembly.ts";

const defaultPageBits = 20;
/** Memory is given away in parts of a page. */
const partsOfPage = 16;
const webAssemblyPage = 2 ** 16;
/** The kernel reads a little beyond a record, to have its key at hand. */
const readAhead = 64;
/** By so much it grows, in bytes. */
const leastStep = 2 ** 21;
const largestStep = 2 ** 28;
/** Up to so much it becomes on trust; beyond, several times as large as it is. */
const trustedSize = 2 ** 28;

/** JavaScriptCore lets as much garbage pile up as it knows of memory in use, used or not: in Bun that is what is received. */
const collectsBySize = "Bun" in globalThis;

export interface HeapSizes {
  /** The logarithm of a page's size in bytes; 20, which is 1 MiB, by default. */
  readonly pageBits?: number | undefined;
  /** No more than 4095, so that the end of each can be counted in 32 bits. */
  readonly pages?: number | undefined;
  /** Whether WebAssembly may be used. */
  readonly allowWebAssembly?: boolean | undefined;
}

/** ES2024, which every supported runtime has, and the packages' `lib` not yet. */
interface ResizableArrayBuffer extends ArrayBuffer {
  resize(size: number): void;
}
type ResizableArrayBufferConstructor = new (
  size: number,
  options: { readonly maxByteLength: number },
) => ResizableArrayBuffer;

/**
 * The memory of a byte store: one range, so that WebAssembly reaches all of it, which grows at its end. Growing replaces the
 * views, so whoever allocates reads them again. What is freed is used again, but never given back.
 */
export class Heap {
  /** Of the whole range, as are the other two. */
  bytes: Uint8Array = new Uint8Array(0);
  words: Int32Array = new Int32Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  readonly pageSize: number;
  readonly pageBits: number;
  /** Undefined without WebAssembly. */
  readonly memory: WebAssemblyMemory | undefined;
  readonly #buffer: ResizableArrayBuffer | undefined;
  readonly #partSize: number;
  readonly #maxParts: number;
  /** By number of the part. */
  readonly #isTaken: boolean[] = [];
  /** Of blocks smaller than a page, by their size. */
  readonly #freeBlocks = new Map<number, number[]>();
  /** Where blocks are cut off next. */
  #blocksAt = 0;
  #blocksEnd = 0;

  constructor({ pageBits = defaultPageBits, pages = maxPages, allowWebAssembly = true }: HeapSizes = {}) {
    this.pageBits = pageBits;
    this.pageSize = 2 ** pageBits;
    this.#partSize = this.pageSize / partsOfPage;
    const reserved = Math.ceil(headerSize / this.pageSize);
    this.#maxParts = Math.min(reserved + pages, maxPages) * partsOfPage;
    for (let part = 0; part < reserved * partsOfPage; part++) this.#isTaken.push(true);
    this.memory = allowWebAssembly ? newMemory(headerSize / webAssemblyPage) : undefined;
    this.#buffer = this.memory === undefined ? newBuffer(headerSize) : undefined;
    this.#renew();
  }

  /** Bytes. */
  get size(): number {
    return this.bytes.length;
  }

  /** Bytes that are in use. */
  get takenBytes(): number {
    return this.#isTaken.reduce((count, isTaken) => count + Number(isTaken), 0) * this.#partSize;
  }

  /** So much will probably be needed: to grow once takes less than to grow time and again, and what nobody touches costs nothing. */
  expect(size: number): void {
    if (collectsBySize) return;
    const most = this.#maxParts * this.#partSize;
    this.#reach(Math.min(size, Math.max(4 * this.size, trustedSize), most));
  }

  /** What memory of this size takes, given by {@link takeRange}. */
  rangeSize(size: number): number {
    return Math.ceil(size / this.#partSize) * this.#partSize;
  }

  /** The number of a page; -1 when there is none left. What is in it is undefined. */
  takePage(): number {
    const at = this.takeRange(this.pageSize, this.pageSize);
    return at < 0 ? -1 : at / this.pageSize;
  }

  freePage(page: number): void {
    this.freeRange(page * this.pageSize, this.pageSize);
  }

  /** The byte at which memory of this size begins, a multiple of `alignment`; -1 when there is none left. What is in it is undefined. */
  takeRange(size: number, alignment: number = this.#partSize): number {
    const taken = this.#isTaken;
    const count = Math.ceil(size / this.#partSize);
    const step = alignment / this.#partSize;
    let first = 0;
    for (let part = 0; part < first + count; part++) {
      if (first + count > this.#maxParts) return -1;
      if (taken[part] !== true) continue;
      first = Math.ceil((part + 1) / step) * step;
      part = first - 1;
    }
    const at = first * this.#partSize;
    if (!this.#reach(at + count * this.#partSize)) return -1;
    for (let part = first; part < first + count; part++) taken[part] = true;
    return at;
  }

  freeRange(at: number, size: number): void {
    const first = at / this.#partSize;
    const end = first + Math.ceil(size / this.#partSize);
    for (let part = first; part < end; part++) this.#isTaken[part] = false;
  }

  /** The byte at which a block begins, a multiple of 64; -1 when there is no memory left. It is zero throughout. */
  take(size: number): number {
    if (size > this.pageSize) return this.#takeZeroRange(size);
    const free = this.#freeBlocks.get(size)?.pop();
    if (free !== undefined) {
      this.bytes.fill(0, free, free + size);
      return free;
    }
    if (this.#blocksAt + size > this.#blocksEnd) {
      const start = this.#takeZeroRange(this.pageSize);
      if (start < 0) return -1;
      this.#blocksAt = start;
      this.#blocksEnd = start + this.pageSize;
    }
    const at = this.#blocksAt;
    this.#blocksAt += Math.ceil(size / 64) * 64;
    return at;
  }

  free(at: number, size: number): void {
    if (size > this.pageSize) {
      this.freeRange(at, size);
      return;
    }
    const free = this.#freeBlocks.get(size);
    if (free === undefined) this.#freeBlocks.set(size, [at]);
    else free.push(at);
  }

  /** What was never taken is zero, and so remains untouched. */
  #takeZeroRange(size: number): number {
    const known = this.#isTaken.length * this.#partSize;
    const at = this.takeRange(size);
    if (at >= 0 && at < known) this.bytes.fill(0, at, Math.min(at + size, known));
    return at;
  }

  /** Makes the range at least as long; false when that cannot be. */
  #reach(end: number): boolean {
    const { size } = this;
    const least = end + readAhead;
    if (least <= size) return true;
    // Memory that nobody has touched costs nothing. Growing does: engines take the whole range for new, and look for garbage.
    const step = Math.min(Math.max(size, leastStep), largestStep);
    const generous = Math.min(size + step, this.#maxParts * this.#partSize + webAssemblyPage);
    if (!this.#grow(Math.max(least, generous)) && !this.#grow(least)) return false;
    this.#renew();
    return true;
  }

  #grow(size: number): boolean {
    try {
      if (this.memory !== undefined) this.memory.grow(Math.ceil((size - this.size) / webAssemblyPage));
      else this.#buffer?.resize(size);
      return true;
    } catch {
      return false;
    }
  }

  #renew(): void {
    const buffer = this.memory?.buffer ?? this.#buffer ?? new ArrayBuffer(0);
    // With lengths of their own, views of a buffer that can grow are as fast as others.
    const length = buffer.byteLength;
    this.bytes = new Uint8Array(buffer, 0, length);
    this.words = new Int32Array(buffer, 0, Math.floor(length / 4));
    this.view = new DataView(buffer, 0, length);
  }
}

function newBuffer(size: number): ResizableArrayBuffer {
  const Resizable = ArrayBuffer as unknown as ResizableArrayBufferConstructor;
  for (const maxByteLength of [2 ** 32, 2 ** 30, 2 ** 28]) {
    try {
      return new Resizable(size, { maxByteLength });
    } catch {
      // Less, then: it is reserved at once.
    }
  }
  return new Resizable(size, { maxByteLength: 2 ** 26 });
}
