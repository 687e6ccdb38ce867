import { headerSize, maxPages } from "./heap-layout.ts";
import { newMemory, type WebAssemblyMemory } from "./web-assembly.ts";

const defaultPageBits = 20;
const webAssemblyPage = 2 ** 16;
/** By so much it grows, in bytes. */
const leastStep = 2 ** 21;
const largestStep = 2 ** 28;
export interface HeapSizes {
  /** The logarithm of a page's size in bytes; 20, which is 1 MiB, by default. */
  readonly pageBits?: number | undefined;
  /** No more than 4096. */
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
  readonly #maxPages: number;
  /** By number of the page. */
  readonly #isTaken: boolean[] = [];
  /** Of blocks smaller than a page, by their size. */
  readonly #freeBlocks = new Map<number, number[]>();
  /** Where blocks are cut off next. */
  #blocksAt = 0;
  #blocksEnd = 0;

  constructor({ pageBits = defaultPageBits, pages = maxPages, allowWebAssembly = true }: HeapSizes = {}) {
    this.pageBits = pageBits;
    this.pageSize = 2 ** pageBits;
    const reserved = Math.ceil(headerSize / this.pageSize);
    this.#maxPages = Math.min(reserved + pages, maxPages);
    for (let page = 0; page < reserved; page++) this.#isTaken.push(true);
    this.memory = allowWebAssembly ? newMemory(headerSize / webAssemblyPage) : undefined;
    this.#buffer = this.memory === undefined ? newBuffer(headerSize) : undefined;
    this.#renew();
  }

  /** Bytes. */
  get size(): number {
    return this.bytes.length;
  }

  /** Bytes of the pages that are in use. */
  get takenBytes(): number {
    return this.#isTaken.reduce((count, isTaken) => count + Number(isTaken), 0) * this.pageSize;
  }

  /** The number of the first one of `count` pages in a row; -1 when there are none left. What is in them is undefined. */
  takePages(count: number): number {
    const taken = this.#isTaken;
    let first = 0;
    for (let page = 0; page - first < count; page++) {
      if (page === this.#maxPages) return -1;
      if (taken[page] === true) first = page + 1;
    }
    if (!this.#reach((first + count) * this.pageSize)) return -1;
    for (let page = first; page < first + count; page++) taken[page] = true;
    return first;
  }

  freePages(first: number, count: number): void {
    for (let page = first; page < first + count; page++) this.#isTaken[page] = false;
  }

  /** The byte at which a block begins, a multiple of 64; -1 when there is no memory left. It is zero throughout. */
  take(size: number): number {
    if (size > this.pageSize) {
      const page = this.#takeZeroPages(Math.ceil(size / this.pageSize));
      return page < 0 ? -1 : page * this.pageSize;
    }
    const free = this.#freeBlocks.get(size)?.pop();
    if (free !== undefined) {
      this.bytes.fill(0, free, free + size);
      return free;
    }
    if (this.#blocksAt + size > this.#blocksEnd) {
      const page = this.#takeZeroPages(1);
      if (page < 0) return -1;
      this.#blocksAt = page * this.pageSize;
      this.#blocksEnd = this.#blocksAt + this.pageSize;
    }
    const at = this.#blocksAt;
    this.#blocksAt += Math.ceil(size / 64) * 64;
    return at;
  }

  free(at: number, size: number): void {
    if (size > this.pageSize) {
      this.freePages(at / this.pageSize, Math.ceil(size / this.pageSize));
      return;
    }
    const free = this.#freeBlocks.get(size);
    if (free === undefined) this.#freeBlocks.set(size, [at]);
    else free.push(at);
  }

  /** What was never taken is zero, and so remains untouched. */
  #takeZeroPages(count: number): number {
    const known = this.#isTaken.length;
    const first = this.takePages(count);
    if (first < 0) return -1;
    const used = Math.min(first + count, known);
    if (first < used) this.bytes.fill(0, first * this.pageSize, used * this.pageSize);
    return first;
  }

  /** Makes the range at least as long; false when that cannot be. */
  #reach(end: number): boolean {
    const { size } = this;
    if (end <= size) return true;
    // Memory that nobody has touched costs nothing. Growing does: engines take the whole range for new, and look for garbage.
    const step = Math.min(Math.max(size, leastStep), largestStep);
    const generous = Math.min(size + step, this.#maxPages * this.pageSize);
    if (!this.#grow(Math.max(end, generous)) && !this.#grow(end)) return false;
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
    this.words = new Int32Array(buffer, 0, length >>> 2);
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
