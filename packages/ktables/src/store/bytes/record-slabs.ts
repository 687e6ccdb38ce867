import type { RecordChunk } from "./record-chunk.ts";

/** Addresses count units of 8 bytes, so that 31 bits reach 16 GiB. */
const unitBits = 3;
const unit = 2 ** unitBits;
const defaultAddressBits = 31;
const defaultSlabBits = 20;
/** Freed slabs that are kept for what comes. */
const maxSpares = 4;
/** What slabs may hold for every byte that is alive. More costs memory, less costs copying. */
const occupancy = 1.75;
/** Slabs that are cleared in one go: about 1 ms each. */
const maxClearedAtOnce = 4;

/*
 * A record in a slab: its slot, the lengths of key and value, its offset (53 bits), with `placed` the partition and the
 * timestamp, then what stood between the begin of the key and the end of the value in the batch, in one piece: between
 * the two is the length of the value, whose size is the gap.
 */
const slotAt = 0;
const keyLengthAt = 1;
const valueLengthAt = 2;
const offsetLowAt = 3;
const offsetHighAt = 4;
const partitionAt = 5;
const timestampAt = 6;
const plainHeader = 20;
const placedHeader = 32;
const offsetHighMask = 0x1f_ffff;
const gapShift = 21;
const gapMask = 0x7;
const placedBit = 1 << 24;

/** Bytes. */
const longestLoop = 512;

const twoTo32 = 2 ** 32;

interface Slab {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  /** Bytes from the begin that hold records, dead or alive. */
  used: number;
  /** Bytes that records take which are alive. */
  live: number;
}

/** Which record a slot has now. */
export interface Residents {
  get(slot: number): number;
  set(slot: number, address: number): void;
}

/**
 * Records as bytes, in slabs that are filled one after the other. A record that has been replaced or removed leaves a hole;
 * when there is too much of that, the slab with the most of it is cleared: what is alive moves on, and the slab is used
 * again. Records that are large compared with a slab have one of their own.
 */
export class RecordSlabs {
  readonly #residents: Residents;
  readonly #slabSize: number;
  readonly #slabBits: number;
  readonly #offsetMask: number;
  readonly #largest: number;
  readonly #maxSlabs: number;
  readonly #slabs: (Slab | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #spares: Slab[] = [];
  #current = -1;
  #live = 0;
  #allocated = 0;

  /** `slabBits`: the logarithm of a slab's size in bytes, which is 1 MiB by default; `addressBits`: no more than 31. */
  constructor(residents: Residents, slabBits: number = defaultSlabBits, addressBits: number = defaultAddressBits) {
    this.#residents = residents;
    this.#slabBits = slabBits - unitBits;
    this.#slabSize = 2 ** slabBits;
    this.#offsetMask = 2 ** this.#slabBits - 1;
    this.#largest = this.#slabSize / 4;
    this.#maxSlabs = 2 ** (addressBits - this.#slabBits);
  }

  /** Bytes that records take which are alive. */
  get liveBytes(): number {
    return this.#live;
  }

  /** Bytes of all slabs, spare ones included. */
  get allocatedBytes(): number {
    return this.#allocated;
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
    const number = address >>> this.#slabBits;
    const slab = this.#slabs[number]!;
    const size = this.#sizeAt(address);
    slab.live -= size;
    this.#live -= size;
    if (slab.live > 0) return;
    if (number === this.#current) slab.used = 0;
    else this.#release(number, slab);
  }

  hasKey(address: number, chunk: RecordChunk, index: number): boolean {
    const slab = this.#slabOf(address);
    const word = this.#wordOf(address);
    const length = chunk.keyLength[index]!;
    if (slab.words[word + keyLengthAt] !== length) return false;
    const { view } = slab;
    const other = chunk.view;
    const own = (word << 2) + headerSize(slab, word);
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

  /** Brings the begin of a record, with the key if that is short, into the processor's cache. */
  touch(address: number): number {
    const { words } = this.#slabOf(address);
    const word = this.#wordOf(address);
    return words[word]! ^ words[Math.min(word + 9, words.length - 1)]!;
  }

  /** A view, valid until something changes. */
  key(address: number): Uint8Array {
    const slab = this.#slabOf(address);
    const word = this.#wordOf(address);
    const start = (word << 2) + headerSize(slab, word);
    return slab.bytes.subarray(start, start + slab.words[word + keyLengthAt]!);
  }

  /** A view, valid until something changes. */
  value(address: number): Uint8Array {
    const slab = this.#slabOf(address);
    const word = this.#wordOf(address);
    const { words } = slab;
    const start =
      (word << 2) + headerSize(slab, word) + words[word + keyLengthAt]! + gapOf(words[word + offsetHighAt]!);
    return slab.bytes.subarray(start, start + words[word + valueLengthAt]!);
  }

  valueLength(address: number): number {
    return this.#slabOf(address).words[this.#wordOf(address) + valueLengthAt]!;
  }

  offset(address: number): number {
    const { words } = this.#slabOf(address);
    const word = this.#wordOf(address);
    return (words[word + offsetHighAt]! & offsetHighMask) * twoTo32 + (words[word + offsetLowAt]! >>> 0);
  }

  isPlaced(address: number): boolean {
    return isPlaced(this.#slabOf(address), this.#wordOf(address));
  }

  /** Of a record that is placed. */
  partition(address: number): number {
    return this.#slabOf(address).words[this.#wordOf(address) + partitionAt]!;
  }

  /** Of a record that is placed. */
  timestamp(address: number): number {
    return this.#slabOf(address).view.getFloat64((this.#wordOf(address) + timestampAt) << 2, true);
  }

  /** Clears slabs, a few at a time, while there is too much room that nothing alive takes. */
  compact(): void {
    for (let cleared = 0; cleared < maxClearedAtOnce && this.#isTooLoose(); cleared++) {
      const number = this.#emptiest();
      if (number < 0) return;
      this.#clear(number);
    }
  }

  #slabOf(address: number): Slab {
    return this.#slabs[address >>> this.#slabBits]!;
  }

  #wordOf(address: number): number {
    return (address & this.#offsetMask) << 1;
  }

  #sizeAt(address: number): number {
    return sizeInSlab(this.#slabOf(address), this.#wordOf(address));
  }

  #write(address: number, slot: number, chunk: RecordChunk, index: number, isPlaced: boolean): void {
    const slab = this.#slabOf(address);
    const word = this.#wordOf(address);
    const { words } = slab;
    const keyStart = chunk.keyStart[index]!;
    const keyLength = chunk.keyLength[index]!;
    const valueStart = chunk.valueStart[index]!;
    const valueLength = chunk.valueLength[index]!;
    const offset = chunk.offset[index]!;
    const high = Math.floor(offset / twoTo32);
    words[word + slotAt] = slot;
    words[word + keyLengthAt] = keyLength;
    words[word + valueLengthAt] = valueLength;
    words[word + offsetLowAt] = offset | 0;
    words[word + offsetHighAt] = high | ((valueStart - keyStart - keyLength) << gapShift) | (isPlaced ? placedBit : 0);
    if (isPlaced) {
      words[word + partitionAt] = chunk.partition;
      slab.view.setFloat64((word + timestampAt) << 2, chunk.timestamp[index]!, true);
    }
    const at = (word << 2) + (isPlaced ? placedHeader : plainHeader);
    copy(chunk, keyStart, slab, at, valueStart + valueLength - keyStart);
  }

  /** An address with room for a record; -1 when there is none left. */
  #room(size: number): number {
    if (size > this.#largest) return this.#roomOfItsOwn(size);
    let number = this.#current;
    let slab = this.#slabs[number];
    if (slab === undefined || slab.used + size > this.#slabSize) {
      number = this.#newNumber();
      if (number < 0) return -1;
      slab = this.#spares.pop() ?? this.#allocate(this.#slabSize);
      this.#slabs[number] = slab;
      this.#current = number;
    }
    const address = (number << this.#slabBits) | (slab.used >>> unitBits);
    slab.used += size;
    slab.live += size;
    this.#live += size;
    return address;
  }

  #roomOfItsOwn(size: number): number {
    const number = this.#newNumber();
    if (number < 0) return -1;
    const slab = this.#allocate(size);
    slab.used = size;
    slab.live = size;
    this.#slabs[number] = slab;
    this.#live += size;
    return number << this.#slabBits;
  }

  #newNumber(): number {
    const number = this.#freeNumbers.pop() ?? this.#slabs.length;
    return number < this.#maxSlabs ? number : -1;
  }

  #allocate(size: number): Slab {
    const buffer = new ArrayBuffer(size);
    this.#allocated += size;
    return {
      bytes: new Uint8Array(buffer),
      words: new Int32Array(buffer),
      view: new DataView(buffer),
      used: 0,
      live: 0,
    };
  }

  #release(number: number, slab: Slab): void {
    this.#slabs[number] = undefined;
    this.#freeNumbers.push(number);
    slab.used = 0;
    if (slab.bytes.length === this.#slabSize && this.#spares.length < maxSpares) this.#spares.push(slab);
    else this.#allocated -= slab.bytes.length;
  }

  #isTooLoose(): boolean {
    const spare = this.#spares.length * this.#slabSize;
    return this.#allocated - spare > occupancy * this.#live + 2 * this.#slabSize;
  }

  #emptiest(): number {
    let found = -1;
    let least = this.#slabSize;
    for (let number = 0; number < this.#slabs.length; number++) {
      const slab = this.#slabs[number];
      if (slab === undefined || slab.live >= least || number === this.#current) continue;
      if (slab.bytes.length !== this.#slabSize) continue;
      found = number;
      least = slab.live;
    }
    return found;
  }

  #clear(number: number): void {
    const slab = this.#slabs[number]!;
    const residents = this.#residents;
    const { words, used } = slab;
    for (let at = 0; at < used && slab.live > 0; ) {
      const word = at >>> 2;
      const size = sizeInSlab(slab, word);
      const slot = words[word + slotAt]!;
      if (residents.get(slot) === ((number << this.#slabBits) | (at >>> unitBits))) {
        const address = this.#room(size);
        if (address < 0) return;
        const target = this.#slabOf(address);
        const start = this.#wordOf(address) << 2;
        target.bytes.set(slab.bytes.subarray(at, at + size), start);
        residents.set(slot, address);
        slab.live -= size;
        this.#live -= size;
      }
      at += size;
    }
    this.#release(number, slab);
  }
}

/** A view for `set` costs more than a loop over some words, and is garbage afterwards. */
function copy(chunk: RecordChunk, start: number, slab: Slab, at: number, length: number): void {
  if (length < 8 || length > longestLoop) {
    slab.bytes.set(chunk.bytes.subarray(start, start + length), at);
    return;
  }
  const from = chunk.view;
  const to = slab.view;
  const last = length - 8;
  for (let done = 0; done < last; done += 8) to.setBigInt64(at + done, from.getBigInt64(start + done, true), true);
  to.setBigInt64(at + last, from.getBigInt64(start + last, true), true);
}

function gapOf(offsetHigh: number): number {
  return (offsetHigh >>> gapShift) & gapMask;
}

function isPlaced(slab: Slab, word: number): boolean {
  return (slab.words[word + offsetHighAt]! & placedBit) !== 0;
}

function headerSize(slab: Slab, word: number): number {
  return isPlaced(slab, word) ? placedHeader : plainHeader;
}

function roundedUp(size: number): number {
  return Math.ceil(size / unit) * unit;
}

function sizeOf(chunk: RecordChunk, index: number, isPlaced: boolean): number {
  const length = chunk.valueStart[index]! + chunk.valueLength[index]! - chunk.keyStart[index]!;
  return roundedUp((isPlaced ? placedHeader : plainHeader) + length);
}

function sizeInSlab(slab: Slab, word: number): number {
  const { words } = slab;
  const length = words[word + keyLengthAt]! + gapOf(words[word + offsetHighAt]!) + words[word + valueLengthAt]!;
  return roundedUp(headerSize(slab, word) + length);
}
