import type { Heap } from "./heap.ts";
import {
  directoryAt,
  directoryDepth,
  groupBits,
  groupEntries,
  groupSize,
  maxDirectoryDepth,
  segmentDepth,
  segmentEntries,
  segmentGroups,
  segmentLimit,
  segmentUsed,
} from "./heap-layout.ts";

/** Entries of a segment, at most: splitting the 12 000 keys that it has then takes a fraction of a millisecond. */
const defaultSegmentSize = 2 ** 14;
/** A segment begins with this share of them, and one that is to be split again has no more. */
const firstShare = 1 / 4;
/** Entries for each key that is expected: an eighth more keys may come before a segment is full. */
const entriesPerKey = 1.5;
/** Only keys with equal leading bits need a segment this large; the trailing bits could not choose among more groups. */
const mostEntries = groupEntries << groupBits;
/** Words of what is mapped in one piece, at least. */
const memoryPage = 1024;
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
 * The addresses of keys, none of which is 0, by the keys' hashes: extendible hashing. The leading bits of a hash choose a
 * segment, a small table of groups of four entries, of which the trailing bits choose one; a key that finds it full goes to the
 * next one that is not. A segment grows to its full size and is then split: in two, or in more where many more keys are
 * expected, so that each entry moves a few times only. So the index grows a segment at a time and never rehashes as a whole,
 * and no table in it is larger than a processor's cache.
 */
export class KeyIndex<K> {
  readonly #heap: Heap;
  readonly #keys: KeyComparison<K>;
  readonly #segmentSize: number;
  readonly #firstSize: number;
  readonly #distribute: Distribute;
  #expectedKeys = 0;

  /**
   * @param segmentSize in entries, a multiple of four.
   * @param distribute does what JavaScript does otherwise.
   * @throws RangeError where there is no memory for a first segment
   */
  constructor(heap: Heap, keys: KeyComparison<K>, segmentSize: number = defaultSegmentSize, distribute?: Distribute) {
    this.#heap = heap;
    this.#keys = keys;
    this.#segmentSize = segmentSize;
    this.#firstSize = inGroups(segmentSize * firstShare);
    this.#distribute = distribute ?? ((segment) => this.#putAll(segment));
    const segment = this.#newSegment(this.#firstSize, 0);
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
    for (let group = groupOf(words, segment, hash); ; group = nextGroup(words, segment, group)) {
      for (let at = group; at < group + groupEntries; at++) {
        const address = words[at + groupEntries]!;
        if (address === 0) return -1;
        if (words[at] === hash && this.#keys.hasKey(address, key, index)) return address;
      }
    }
  }

  /**
   * The address at the place where the search for a hash begins, mostly that of the key, or 0. Does nothing but bring it into
   * the cache: asked for many keys one after the other, the processor waits for all of them at once.
   */
  firstCandidate(hash: number): number {
    const { words } = this.#heap;
    const group = groupOf(words, this.#segmentOf(hash), hash);
    return words[group] === hash ? words[group + groupEntries]! : 0;
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
    words[placeOf(words, this.#segmentOf(hash), hash, from) + groupEntries] = to;
  }

  /** For an address that is there. */
  remove(hash: number, address: number): void {
    const { words } = this.#heap;
    const segment = this.#segmentOf(hash);
    words[segment + segmentUsed]!--;
    for (let place = placeOf(words, segment, hash, address); place >= 0; ) {
      const group = place - (place % groupSize);
      const wasFull = isFull(words, group);
      let last = group + groupEntries - 1;
      while (words[last + groupEntries] === 0) last--;
      moveEntry(words, last, place);
      words[last + groupEntries] = 0;
      // A key that found the group full is behind it, where nobody would look any more.
      place = wasFull ? entryFromBehind(words, segment, group) : -1;
      if (place >= 0) moveEntry(words, place, last);
    }
  }

  #segmentOf(hash: number): number {
    const { words } = this.#heap;
    // Shifting by 32 would be shifting by 0.
    return words[directory + ((hash >>> 1) >>> (31 - words[directoryDepth]!))]!;
  }

  /** Replaces a full segment by a larger one or by several. False when there is no memory for that. */
  #makeRoom(segment: number, hash: number): boolean {
    const { words } = this.#heap;
    const depth = words[segment + segmentDepth]!;
    const size = words[segment + segmentGroups]! * groupEntries;
    const wanted = Math.min(Math.ceil(Math.log2(this.#expectedKeys / fullLimit(this.#segmentSize))), maxDirectoryDepth);
    if (depth === maxDirectoryDepth) return 2 * size <= mostEntries && this.#enlarge(segment, hash, 2 * size);
    if (wanted <= depth && size <= this.#segmentSize / 2) return this.#enlarge(segment, hash, 2 * size);
    for (let target = Math.max(depth + 1, Math.min(wanted, depth + mostLevels)); target > depth; target--) {
      if (this.#split(segment, hash, target, this.#sizeAfter(size, target, wanted))) return true;
    }
    return false;
  }

  /** How large the parts of a segment shall be, when the expected number of keys needs the depth `wanted`. */
  #sizeAfter(size: number, depth: number, wanted: number): number {
    if (depth < wanted) return this.#firstSize;
    // What one split frees is of use to the next one if it has the same size.
    if (depth > wanted) return size;
    return Math.min(inGroups((this.#expectedKeys / 2 ** depth) * entriesPerKey), this.#segmentSize);
  }

  /** In segments of a size that tell `target` bits apart. False when there is no memory for so many. */
  #split(segment: number, hash: number, target: number, size: number): boolean {
    const depth = this.#heap.words[segment + segmentDepth]!;
    const parts: number[] = [];
    while (parts.length < 2 ** (target - depth)) {
      const part = this.#newSegment(size, target);
      if (part < 0) {
        for (const taken of parts) this.#free(taken);
        return false;
      }
      parts.push(part);
    }
    while (this.#heap.words[directoryDepth]! < target) this.#doubleDirectory();
    const first = this.#firstOf(hash, depth);
    const span = 2 ** (this.#heap.words[directoryDepth]! - target);
    const { words } = this.#heap;
    for (const [number, part] of parts.entries()) words.fill(part, first + number * span, first + (number + 1) * span);
    this.#distribute(segment);
    this.#free(segment);
    return true;
  }

  /** By one that tells no more bits apart. */
  #enlarge(segment: number, hash: number, size: number): boolean {
    const depth = this.#heap.words[segment + segmentDepth]!;
    return this.#split(segment, hash, depth, size);
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
    const end = endOfGroups(words, segment);
    for (let group = segment + segmentEntries; group < end; group += groupSize) {
      for (let at = group; at < group + groupEntries && words[at + groupEntries] !== 0; at++) {
        put(words, this.#segmentOf(words[at]!), words[at]!, words[at + groupEntries]!);
      }
    }
  }

  /** The word of the directory for hashes that begin with the same `depth` bits; there may be more. */
  #firstOf(hash: number, depth: number): number {
    const prefix = (hash >>> 1) >>> (31 - depth);
    return directory + (prefix << (this.#heap.words[directoryDepth]! - depth));
  }

  #free(segment: number): void {
    this.#heap.free(segment * 4, bytesOf(this.#heap.words[segment + segmentGroups]! * groupEntries));
  }

  /** -1 when there is no memory. */
  #newSegment(size: number, depth: number): number {
    const at = this.#heap.take(bytesOf(size));
    if (at < 0) return -1;
    const segment = at / 4;
    const { words } = this.#heap;
    // New memory is mapped when it is touched, and where it is read first, twice.
    for (let word = segment; word < segment + segmentEntries + 2 * size; word += memoryPage) words[word] = 0;
    words[segment + segmentGroups] = size / groupEntries;
    words[segment + segmentLimit] = fullLimit(size);
    words[segment + segmentDepth] = depth;
    return segment;
  }
}

/** So many entries may be used: with more, searches take long. */
function fullLimit(size: number): number {
  return Math.floor(size * 0.75);
}

function inGroups(size: number): number {
  return Math.max(1, Math.ceil(size / groupEntries)) * groupEntries;
}

function bytesOf(size: number): number {
  return (segmentEntries + 2 * size) * 4;
}

/** Where the search for a hash begins. */
function groupOf(words: Int32Array, segment: number, hash: number): number {
  const number = ((hash & (2 ** groupBits - 1)) * words[segment + segmentGroups]!) >>> groupBits;
  return segment + segmentEntries + number * groupSize;
}

/** Where it goes on: the end is followed by the begin. */
function nextGroup(words: Int32Array, segment: number, group: number): number {
  return group + groupSize === endOfGroups(words, segment) ? segment + segmentEntries : group + groupSize;
}

function endOfGroups(words: Int32Array, segment: number): number {
  return segment + segmentEntries + words[segment + segmentGroups]! * groupSize;
}

function isFull(words: Int32Array, group: number): boolean {
  return words[group + groupSize - 1] !== 0;
}

function placeOf(words: Int32Array, segment: number, hash: number, address: number): number {
  for (let group = groupOf(words, segment, hash); ; group = nextGroup(words, segment, group)) {
    for (let at = group; at < group + groupEntries; at++) if (words[at + groupEntries] === address) return at;
  }
}

/** An entry whose search begins at a group or before it, and that is in a later one; -1 if there is none. */
function entryFromBehind(words: Int32Array, segment: number, group: number): number {
  const size = endOfGroups(words, segment) - segment - segmentEntries;
  const distance = (from: number, to: number): number => (to < from ? to - from + size : to - from);
  for (let later = nextGroup(words, segment, group); ; later = nextGroup(words, segment, later)) {
    for (let at = later; at < later + groupEntries; at++) {
      if (words[at + groupEntries] === 0) return -1;
      if (distance(groupOf(words, segment, words[at]!), later) >= distance(group, later)) return at;
    }
  }
}

function moveEntry(words: Int32Array, from: number, to: number): void {
  words[to] = words[from]!;
  words[to + groupEntries] = words[from + groupEntries]!;
}

function put(words: Int32Array, segment: number, hash: number, address: number): void {
  let group = groupOf(words, segment, hash);
  while (isFull(words, group)) group = nextGroup(words, segment, group);
  let at = group;
  while (words[at + groupEntries] !== 0) at++;
  words[at] = hash;
  words[at + groupEntries] = address;
  words[segment + segmentUsed]!++;
}
