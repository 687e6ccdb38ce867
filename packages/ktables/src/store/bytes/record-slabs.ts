import type { Heap } from "./heap.ts";
import {
  asideBit,
  farBit,
  farHeader,
  largestShared,
  liveAt,
  liveUnits,
  pageUnitBits,
  placedBit,
  placedHeader,
  plainHeader,
  recordOffsetHigh,
  recordOffsetLow,
  recordPartition,
  recordSlot,
  recordTimestamp,
  roomEnd,
  roomStart,
  slotMask,
  unitBits,
} from "./heap-layout.ts";
import type { KeyHash } from "./key-hash.ts";
import type { RecordChunk } from "./record-chunk.ts";

const unit = 2 ** unitBits;
const live = liveAt >>> 2;
/** What slabs may hold for every byte that is alive. More costs memory, less costs copying. */
const occupancy = 1.75;
/** Slabs that are cleared in one go: about 1 ms each. */
const maxClearedAtOnce = 4;
/** Bytes. */
const longestLoop = 512;
const twoTo32 = 2 ** 32;

/** Whose records these are. */
export interface Residents {
  /** Where the record of a slot is; negative for a slot that has none. */
  address(slot: number): number;
  /** A record is elsewhere now. */
  moved(slot: number, from: number, to: number): void;
}

/**
 * Records as bytes, in slabs that are filled one after the other; a slab is a page of the heap. A record that has been
 * replaced or removed leaves a hole; when there is too much of that, the slab with the most of it is cleared: what is alive
 * moves on, and the page is used again. Records that are large compared with a slab have memory of their own.
 */
export class RecordSlabs {
  readonly #heap: Heap;
  readonly #residents: Residents;
  readonly #slabSize: number;
  /** From an address to a page, and to the byte. */
  readonly #pageBits: number;
  readonly #largest: number;
  /** By page: where the records of a slab that is full end, in bytes from its begin; 0 for what is no such slab. */
  readonly #used: number[] = [];
  #current = -1;
  #slabs = 0;
  /** Of the records that have memory of their own. */
  #ownLive = 0;
  #ownAllocated = 0;

  constructor(heap: Heap, residents: Residents) {
    this.#heap = heap;
    this.#residents = residents;
    this.#slabSize = heap.pageSize;
    this.#pageBits = heap.pageBits - unitBits;
    this.#largest = this.#slabSize / 4;
    heap.words[pageUnitBits] = this.#pageBits;
    heap.words[largestShared] = this.#largest;
  }

  /** Bytes that records take which are alive. */
  get liveBytes(): number {
    return this.#heap.words[liveUnits]! * unit;
  }

  /** Bytes of all slabs, and of what records have of their own. */
  get allocatedBytes(): number {
    return this.#slabs * this.#slabSize + this.#ownAllocated;
  }

  /** A record's place in memory, with `placed` for the partition and timestamp; -1 when there is no address left. */
  append(slot: number, chunk: RecordChunk, index: number, isPlaced: boolean): number {
    const address = this.#room(sizeOf(chunk, index, isPlaced));
    if (address >= 0) this.#write(address, slot, chunk, index, isPlaced);
    return address;
  }

  /** The same in place of another record, where that has room for it. */
  replace(address: number, slot: number, chunk: RecordChunk, index: number, isPlaced: boolean): number {
    const size = sizeOf(chunk, index, isPlaced);
    if (size === this.#sizeAt(address)) {
      this.#write(address, slot, chunk, index, isPlaced);
      return address;
    }
    const other = this.#room(size);
    if (other < 0) return other;
    this.#write(other, slot, chunk, index, isPlaced);
    this.free(address);
    return other;
  }

  free(address: number): void {
    const size = this.#sizeAt(address);
    const page = address >>> this.#pageBits;
    if (size > this.#largest) this.#freeOwn(address, size);
    else if (this.#kill(page, size) > 0) return;
    else if (page === this.#current) this.#heap.words[roomStart] = page << this.#pageBits;
    else this.#release(page);
  }

  hasKey(address: number, chunk: RecordChunk, index: number): boolean {
    const { bytes, view } = this.#heap;
    const body = this.#bodyOf(address);
    const length = chunk.keyLength[index]!;
    if (lengthAt(bytes, body) !== length) return false;
    const own = endOfLength(bytes, body);
    const other = chunk.view;
    const start = chunk.keyStart[index]!;
    if (length < 4) {
      for (let at = 0; at < length; at++) {
        if (view.getUint8(own + at) !== other.getUint8(start + at)) return false;
      }
      return true;
    }
    const last = length - 4;
    for (let at = 0; at < last; at += 4) {
      if (view.getInt32(own + at, true) !== other.getInt32(start + at, true)) return false;
    }
    return view.getInt32(own + last, true) === other.getInt32(start + last, true);
  }

  /** Of the key. */
  hash(address: number, hasher: Pick<KeyHash, "of">): number {
    const { bytes, view } = this.#heap;
    const body = this.#bodyOf(address);
    return hasher.of(view, endOfLength(bytes, body), lengthAt(bytes, body));
  }

  /** Notes on a record whether something belongs to it that is not here: {@link append} and {@link replace} say no. */
  setAside(address: number, hasAside: boolean): void {
    const { words } = this.#heap;
    const word = (address << 1) + recordSlot;
    words[word] = hasAside ? words[word]! | asideBit : words[word]! & ~asideBit;
  }

  slot(address: number): number {
    return this.#heap.words[(address << 1) + recordSlot]! & slotMask;
  }

  /** Brings the begin of a record, with the key if that is short, into the processor's cache. */
  touch(address: number): number {
    const { words } = this.#heap;
    return words[address << 1]! ^ words[(address << 1) + 9]!;
  }

  /** A view, valid until something changes. */
  key(address: number): Uint8Array {
    const { bytes } = this.#heap;
    const body = this.#bodyOf(address);
    const start = endOfLength(bytes, body);
    return bytes.subarray(start, start + lengthAt(bytes, body));
  }

  /** A view, valid until something changes. */
  value(address: number): Uint8Array {
    const { bytes } = this.#heap;
    const length = this.#valueLengthAt(address);
    const start = endOfLength(bytes, length);
    return bytes.subarray(start, start + lengthAt(bytes, length));
  }

  valueLength(address: number): number {
    return lengthAt(this.#heap.bytes, this.#valueLengthAt(address));
  }

  offset(address: number): number {
    const { words } = this.#heap;
    const word = address << 1;
    const high = (words[word + recordSlot]! & (farBit | placedBit)) === 0 ? 0 : words[word + recordOffsetHigh]!;
    return high * twoTo32 + (words[word + recordOffsetLow]! >>> 0);
  }

  isPlaced(address: number): boolean {
    return (this.#heap.words[(address << 1) + recordSlot]! & placedBit) !== 0;
  }

  /** Of a record that is placed. */
  partition(address: number): number {
    return this.#heap.words[(address << 1) + recordPartition]!;
  }

  /** Of a record that is placed. */
  timestamp(address: number): number {
    return this.#heap.view.getFloat64(address * unit + 4 * recordTimestamp, true);
  }

  /** Clears slabs, a few at a time, while there is too much room that nothing alive takes. */
  compact(): void {
    for (let cleared = 0; cleared < maxClearedAtOnce && this.#isTooLoose(); cleared++) {
      const page = this.#emptiest();
      if (page < 0) return;
      this.#clear(page);
    }
  }

  /** Where the length of the key is, which the key follows. */
  #bodyOf(address: number): number {
    return address * unit + headerSize(this.#heap.words[(address << 1) + recordSlot]!);
  }

  /** Where the length of the value is, which the value follows. */
  #valueLengthAt(address: number): number {
    const { bytes } = this.#heap;
    const body = this.#bodyOf(address);
    return endOfLength(bytes, body) + lengthAt(bytes, body);
  }

  #sizeAt(address: number): number {
    const { bytes } = this.#heap;
    const length = this.#valueLengthAt(address);
    return roundedUp(endOfLength(bytes, length) + lengthAt(bytes, length) - address * unit);
  }

  #write(address: number, slot: number, chunk: RecordChunk, index: number, isPlaced: boolean): void {
    const { words, view } = this.#heap;
    const word = address << 1;
    const offset = chunk.offset[index]!;
    const kind = kindOf(offset, isPlaced);
    words[word + recordSlot] = slot | kind;
    words[word + recordOffsetLow] = offset | 0;
    if (kind !== 0) words[word + recordOffsetHigh] = Math.floor(offset / twoTo32);
    if (isPlaced) {
      words[word + recordPartition] = chunk.partition;
      view.setFloat64(address * unit + 4 * recordTimestamp, chunk.timestamp[index]!, true);
    }
    const at = address * unit + headerSize(kind);
    const start = chunk.bodyStart(index);
    copy(chunk, start, this.#heap, at, chunk.valueStart[index]! + chunk.valueLength[index]! - start);
  }

  /** An address with room for a record; -1 when there is none left. */
  #room(size: number): number {
    if (size > this.#largest) return this.#roomOfItsOwn(size);
    const units = size / unit;
    const { words } = this.#heap;
    let address = words[roomStart]!;
    if (address + units > words[roomEnd]!) {
      const page = this.#heap.takePage();
      if (page < 0) return -1;
      if (this.#current >= 0) this.#retire();
      this.#current = page;
      this.#slabs++;
      address = page << this.#pageBits;
      this.#heap.words[roomEnd] = (page + 1) << this.#pageBits;
    }
    this.#heap.words[roomStart] = address + units;
    this.#revive(address >>> this.#pageBits, size);
    return address;
  }

  /** From now on the current slab is one of those that may be cleared. */
  #retire(): void {
    const page = this.#current;
    this.#used[page] = this.#heap.words[roomStart]! * unit - page * this.#slabSize;
    if (this.#heap.words[live + page] === 0) this.#release(page);
  }

  #roomOfItsOwn(size: number): number {
    const at = this.#heap.takeRange(size);
    if (at < 0) return -1;
    this.#countOwn(size, 1);
    return at / unit;
  }

  #freeOwn(address: number, size: number): void {
    this.#heap.freeRange(address * unit, size);
    this.#countOwn(size, -1);
  }

  #countOwn(size: number, sign: 1 | -1): void {
    this.#ownLive += sign * size;
    this.#ownAllocated += sign * this.#heap.rangeSize(size);
    this.#heap.words[liveUnits]! += (sign * size) / unit;
  }

  #release(page: number): void {
    this.#used[page] = 0;
    this.#slabs--;
    this.#heap.freePage(page);
  }

  #revive(page: number, size: number): void {
    const { words } = this.#heap;
    words[live + page]! += size;
    words[liveUnits]! += size / unit;
  }

  /** Returns what is alive in the page now, in bytes. */
  #kill(page: number, size: number): number {
    const { words } = this.#heap;
    words[liveUnits]! -= size / unit;
    return (words[live + page]! -= size);
  }

  #isTooLoose(): boolean {
    return this.#slabs * this.#slabSize > occupancy * (this.liveBytes - this.#ownLive) + 2 * this.#slabSize;
  }

  #emptiest(): number {
    const { words } = this.#heap;
    let found = -1;
    let least = this.#slabSize;
    for (let page = 0; page < this.#used.length; page++) {
      const alive = words[live + page]!;
      if (!(this.#used[page]! > 0) || alive >= least || page === this.#current) continue;
      found = page;
      least = alive;
    }
    return found;
  }

  #clear(page: number): void {
    const residents = this.#residents;
    const start = page * this.#slabSize;
    const end = start + this.#used[page]!;
    for (let at = start; at < end; ) {
      const { words } = this.#heap;
      const size = this.#sizeAt(at / unit);
      const slot = words[(at >>> 2) + recordSlot]! & slotMask;
      const address = at / unit;
      if (residents.address(slot) === address) {
        const target = this.#room(size);
        if (target < 0) return;
        this.#heap.bytes.copyWithin(target * unit, at, at + size);
        residents.moved(slot, address, target);
        if (this.#kill(page, size) === 0) break;
      }
      at += size;
    }
    this.#release(page);
  }
}

/** A view for `set` costs more than a loop over some words, and is garbage afterwards. */
function copy(chunk: RecordChunk, start: number, heap: Heap, at: number, length: number): void {
  if (length < 8 || length > longestLoop) {
    heap.bytes.set(chunk.bytes.subarray(start, start + length), at);
    return;
  }
  const from = chunk.view;
  const to = heap.view;
  const last = length - 8;
  for (let done = 0; done < last; done += 8) {
    to.setBigInt64(at + done, from.getBigInt64(start + done, true), true);
  }
  to.setBigInt64(at + last, from.getBigInt64(start + last, true), true);
}

/** A length as it is written in records: zigzag, and so twice what it is, with seven bits in each byte. */
function lengthAt(bytes: Uint8Array, at: number): number {
  let byte = bytes[at]!;
  let doubled = byte & 0x7f;
  for (let shift = 7; byte >= 0x80; shift += 7) {
    byte = bytes[++at]!;
    doubled |= (byte & 0x7f) << shift;
  }
  return doubled >>> 1;
}

function endOfLength(bytes: Uint8Array, at: number): number {
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}

/** The flags that say what the header of a record holds. */
function kindOf(offset: number, isPlaced: boolean): number {
  if (isPlaced) return placedBit;
  return offset < twoTo32 ? 0 : farBit;
}

/** Of a record with such flags. */
function headerSize(flags: number): number {
  if ((flags & placedBit) !== 0) return placedHeader;
  return (flags & farBit) !== 0 ? farHeader : plainHeader;
}

function roundedUp(size: number): number {
  return Math.ceil(size / unit) * unit;
}

function sizeOf(chunk: RecordChunk, index: number, isPlaced: boolean): number {
  const length = chunk.valueStart[index]! + chunk.valueLength[index]! - chunk.bodyStart(index);
  return roundedUp(headerSize(kindOf(chunk.offset[index]!, isPlaced)) + length);
}
