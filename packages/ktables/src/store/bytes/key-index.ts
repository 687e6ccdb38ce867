import type { Heap } from "./heap.ts";
import {
  directoryAt,
  directoryDepth,
  maxDirectoryDepth,
  segmentDepth,
  segmentEntries,
  segmentLimit,
  segmentMask,
  segmentUsed,
} from "./heap-layout.ts";

/** Entries of a segment: splitting the 12 000 keys that it has at most takes a fraction of a millisecond. */
const defaultSegmentSize = 2 ** 14;
const directory = directoryAt >>> 2;

/** Compares the key at an address with another one. */
export interface KeyComparison<K> {
  hasKey(address: number, key: K, index: number): boolean;
}

/** Puts the entries of a segment, which is no longer in the directory, into those that are there now. */
export type Distribute = (segment: number) => void;

/** So many bits of the hash are told apart by one split: more would take too long at a time, and too much on mere trust. */
const mostLevels = 4;

/**
 * The addresses of keys, none of which is 0, by the keys' hashes: extendible hashing. The leading bits of a hash choose a segment, a small table
 * with linear probing, which is split when it is full: in two, or in more where many more keys are expected, so that each entry
 * moves a few times only. So it grows a segment at a time and never rehashes as a whole, and no table in it is larger than a
 * processor's cache. Of the hash's bits, at most 15 choose a segment: those that
 * remain place the key in it.
 */
export class KeyIndex<K> {
  readonly #heap: Heap;
  readonly #keys: KeyComparison<K>;
  readonly #distribute: Distribute;
  #expectedKeys = 0;

  /**
   * @param segmentSize in entries, a power of two.
   * @param distribute does what JavaScript does otherwise.
   * @throws RangeError where there is no memory for a first segment
   */
  constructor(heap: Heap, keys: KeyComparison<K>, segmentSize: number = defaultSegmentSize, distribute?: Distribute) {
    this.#heap = heap;
    this.#keys = keys;
    this.#distribute = distribute ?? ((segment) => this.#putAll(segment));
    const segment = this.#newSegment(segmentSize, 0);
    if (segment < 0) throw new RangeError("there is no memory");
    heap.words[directory] = segment;
    heap.words[directoryDepth] = 0;
  }

  /** How many keys there will probably be; what turns out too much has cost memory, and too little time. */
  expect(keys: number): void {
    this.#expectedKeys = keys;
  }

  get segments(): number {
    const { words } = this.#heap;
    return new Set(words.subarray(directory, directory + 2 ** words[directoryDepth]!)).size;
  }

  /** The address of a key; -1 if it has none. `index` is passed on to the comparison. */
  find(hash: number, key: K, index: number): number {
    const { words } = this.#heap;
    const segment = this.#segmentOf(hash);
    const mask = words[segment + segmentMask]!;
    const entries = segment + segmentEntries;
    for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
      const address = words[entries + at + 1]!;
      if (address === 0) return -1;
      if (words[entries + at] === hash && this.#keys.hasKey(address, key, index)) return address;
    }
  }

  /**
   * The address at the place where the search for a hash begins, mostly that of the key, or 0. Does nothing but bring it into
   * the cache: asked for many keys one after the other, the processor waits for all of them at once.
   */
  firstCandidate(hash: number): number {
    const { words } = this.#heap;
    const segment = this.#segmentOf(hash);
    const at = segment + segmentEntries + ((hash << 1) & words[segment + segmentMask]!);
    return words[at] === hash ? words[at + 1]! : 0;
  }

  /** For a key that is not there. False when there is no memory for it. */
  insert(hash: number, address: number): boolean {
    for (;;) {
      const { words } = this.#heap;
      const segment = this.#segmentOf(hash);
      if (words[segment + segmentUsed]! < words[segment + segmentLimit]!) {
        put(words, segment, hash, address);
        return true;
      }
      if (!this.#makeRoom(segment, hash)) return false;
    }
  }

  /** A key that is there has another address now. */
  move(hash: number, from: number, to: number): void {
    const { words } = this.#heap;
    const segment = this.#segmentOf(hash);
    words[segment + segmentEntries + this.#placeOf(segment, hash, from) + 1] = to;
  }

  /** For an address that is there. */
  remove(hash: number, address: number): void {
    const { words } = this.#heap;
    const segment = this.#segmentOf(hash);
    const mask = words[segment + segmentMask]!;
    const entries = segment + segmentEntries;
    let hole = this.#placeOf(segment, hash, address);
    words[segment + segmentUsed]!--;
    // Those behind move up, unless their search begins behind the hole: so no search ends too early.
    for (let at = (hole + 2) & mask; words[entries + at + 1] !== 0; at = (at + 2) & mask) {
      const begin = (words[entries + at]! << 1) & mask;
      if (((at - begin) & mask) < ((at - hole) & mask)) continue;
      words[entries + hole] = words[entries + at]!;
      words[entries + hole + 1] = words[entries + at + 1]!;
      hole = at;
    }
    words[entries + hole + 1] = 0;
  }

  #placeOf(segment: number, hash: number, address: number): number {
    const { words } = this.#heap;
    const mask = words[segment + segmentMask]!;
    let at = (hash << 1) & mask;
    while (words[segment + segmentEntries + at + 1] !== address) at = (at + 2) & mask;
    return at;
  }

  #segmentOf(hash: number): number {
    const { words } = this.#heap;
    // Shifting by 32 would be shifting by 0.
    return words[directory + ((hash >>> 1) >>> (31 - words[directoryDepth]!))]!;
  }

  #makeRoom(segment: number, hash: number): boolean {
    const { words } = this.#heap;
    const depth = words[segment + segmentDepth]!;
    const limit = fullLimit(this.#sizeOf(segment));
    const wanted = Math.min(Math.ceil(Math.log2(this.#expectedKeys / limit)), maxDirectoryDepth);
    const isFull = words[segment + segmentLimit] === limit;
    if (isFull || wanted > depth) {
      if (depth === maxDirectoryDepth) return this.#enlarge(segment, hash, depth);
      for (let target = Math.max(depth + 1, Math.min(wanted, depth + mostLevels)); target > depth; target--) {
        if (this.#split(segment, hash, depth, target, wanted)) return true;
      }
    }
    if (isFull) return false;
    // Fewer keys are expected now, or there is no memory for more.
    words[segment + segmentLimit] = limit;
    return true;
  }

  /** False when there is no memory for so many segments. `wanted`: the depth that the expected number of keys needs. */
  #split(segment: number, hash: number, depth: number, target: number, wanted: number): boolean {
    const size = this.#sizeOf(segment);
    // Where the first ones are to be split again anyway, better soon: there is less to move then.
    const limit = depth === 0 && target < wanted ? Math.max(1, size >>> 2) : fullLimit(size);
    const parts: number[] = [];
    while (parts.length < 2 ** (target - depth)) {
      const part = this.#newSegment(size, target, limit);
      if (part < 0) {
        for (const taken of parts) this.#free(taken);
        return false;
      }
      parts.push(part);
    }
    while (this.#heap.words[directoryDepth]! < target) this.#doubleDirectory();
    const { words } = this.#heap;
    const first = directory + this.#firstOf(hash, depth);
    const span = 2 ** (words[directoryDepth]! - target);
    for (const [number, part] of parts.entries()) words.fill(part, first + number * span, first + (number + 1) * span);
    this.#distribute(segment);
    this.#free(segment);
    return true;
  }

  #doubleDirectory(): void {
    const { words } = this.#heap;
    for (let at = 2 ** words[directoryDepth]! - 1; at >= 0; at--) {
      words.fill(words[directory + at]!, directory + 2 * at, directory + 2 * at + 2);
    }
    words[directoryDepth]!++;
  }

  #putAll(segment: number): void {
    const { words } = this.#heap;
    const entries = segment + segmentEntries;
    const end = entries + words[segment + segmentMask]! + 1;
    for (let at = entries; at < end; at += 2) {
      if (words[at + 1] !== 0) put(words, this.#segmentOf(words[at]!), words[at]!, words[at + 1]!);
    }
  }

  /** For keys whose hashes are so much alike that the directory cannot tell them apart. */
  #enlarge(segment: number, hash: number, depth: number): boolean {
    const size = this.#sizeOf(segment);
    const larger = this.#newSegment(2 * size, depth);
    if (larger < 0) return false;
    const { words } = this.#heap;
    const entries = segment + segmentEntries;
    for (let at = entries; at < entries + 2 * size; at += 2) {
      if (words[at + 1] !== 0) put(words, larger, words[at]!, words[at + 1]!);
    }
    words[directory + this.#firstOf(hash, depth)] = larger;
    this.#free(segment);
    return true;
  }

  /** The first entry of the directory for hashes that begin with the same `depth` bits. */
  #firstOf(hash: number, depth: number): number {
    const prefix = (hash >>> 1) >>> (31 - depth);
    return prefix << (this.#heap.words[directoryDepth]! - depth);
  }

  #sizeOf(segment: number): number {
    return (this.#heap.words[segment + segmentMask]! + 1) >>> 1;
  }

  #free(segment: number): void {
    this.#heap.free(segment * 4, bytesOf(this.#sizeOf(segment)));
  }

  /** -1 when there is no memory. */
  #newSegment(size: number, depth: number, limit: number = fullLimit(size)): number {
    const at = this.#heap.take(bytesOf(size));
    if (at < 0) return -1;
    const segment = at / 4;
    const { words } = this.#heap;
    words[segment + segmentMask] = 2 * size - 1;
    words[segment + segmentLimit] = limit;
    words[segment + segmentDepth] = depth;
    return segment;
  }
}

/** So many entries may be used: with more, searches take long. */
function fullLimit(size: number): number {
  return Math.max(1, (size >>> 2) * 3);
}

function bytesOf(size: number): number {
  return (segmentEntries + 2 * size) * 4;
}

function put(words: Int32Array, segment: number, hash: number, entry: number): void {
  const mask = words[segment + segmentMask]!;
  const entries = segment + segmentEntries;
  let at = (hash << 1) & mask;
  while (words[entries + at + 1] !== 0) at = (at + 2) & mask;
  words[entries + at] = hash;
  words[entries + at + 1] = entry;
  words[segment + segmentUsed]!++;
}
