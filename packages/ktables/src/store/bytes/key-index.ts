/** Slots of a segment: splitting the 12 000 keys that it has at most takes a fraction of a millisecond. */
const defaultSegmentSize = 2 ** 14;
const smallestSegment = 16;
/** Of the hash's bits, so many choose a segment: those that remain place the key in it. */
const maxDepth = 18;

interface Segment {
  /** Pairs of a key's hash and its slot + 1; 0 in place of the latter where there is none. */
  table: Int32Array;
  used: number;
  /** How many leading bits of the hash its keys have in common. */
  depth: number;
}

/** Compares the key that a slot holds with another one. */
export interface KeyComparison<K> {
  hasKey(slot: number, key: K, index: number): boolean;
}

/**
 * The slots of keys by the keys' hashes: extendible hashing. The leading bits of a hash choose a segment, a small table
 * with linear probing, which is split in two when it is full. So it grows a segment at a time and never rehashes as a
 * whole, and no table in it is larger than a processor's cache.
 */
export class KeyIndex<K> {
  readonly #keys: KeyComparison<K>;
  readonly #segmentSize: number;
  /** By the leading `depth` bits of a hash; a segment of a lesser depth is there several times. */
  #directory: Segment[];
  #depth = 0;
  /** The table of a segment that was split, for one that will be. */
  #spare: Int32Array | undefined;

  /** `segmentSize` in slots, a power of two. */
  constructor(keys: KeyComparison<K>, segmentSize: number = defaultSegmentSize) {
    this.#keys = keys;
    this.#segmentSize = segmentSize;
    const size = Math.min(segmentSize, smallestSegment);
    this.#directory = [{ table: new Int32Array(2 * size), used: 0, depth: 0 }];
  }

  get segments(): number {
    return new Set(this.#directory).size;
  }

  /** The slot of a key; -1 if it has none. `index` is passed on to the comparison. */
  find(hash: number, key: K, index: number): number {
    const { table } = this.#segmentOf(hash);
    const mask = table.length - 1;
    for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
      const slot = table[at + 1]! - 1;
      if (slot < 0) return -1;
      if (table[at] === hash && this.#keys.hasKey(slot, key, index)) return slot;
    }
  }

  /**
   * The slot at the place where the search for a hash begins, mostly that of the key, or -1. Does nothing but bring it into
   * the cache: asked for many keys one after the other, the processor waits for all of them at once.
   */
  firstCandidate(hash: number): number {
    const { table } = this.#segmentOf(hash);
    const at = (hash << 1) & (table.length - 1);
    return table[at] === hash ? table[at + 1]! - 1 : -1;
  }

  /** For a key that is not there. */
  insert(hash: number, slot: number): void {
    let segment = this.#segmentOf(hash);
    while (segment.used >= (segment.table.length >>> 3) * 3) {
      this.#makeRoom(segment);
      segment = this.#segmentOf(hash);
    }
    segment.used++;
    put(segment.table, hash, slot + 1);
  }

  /** For a slot that is there. */
  remove(hash: number, slot: number): void {
    const segment = this.#segmentOf(hash);
    const { table } = segment;
    const mask = table.length - 1;
    let hole = (hash << 1) & mask;
    while (table[hole + 1] !== slot + 1) hole = (hole + 2) & mask;
    segment.used--;
    // Those behind move up, unless their search begins behind the hole: so no search ends too early.
    for (let at = (hole + 2) & mask; table[at + 1] !== 0; at = (at + 2) & mask) {
      const begin = (table[at]! << 1) & mask;
      if (((at - begin) & mask) < ((at - hole) & mask)) continue;
      table[hole] = table[at]!;
      table[hole + 1] = table[at + 1]!;
      hole = at;
    }
    table[hole + 1] = 0;
  }

  #segmentOf(hash: number): Segment {
    // Shifting by 32 would be shifting by 0.
    return this.#directory[(hash >>> 1) >>> (31 - this.#depth)]!;
  }

  #makeRoom(segment: Segment): void {
    const { table } = segment;
    if (table.length >>> 1 < this.#segmentSize || segment.depth === maxDepth) {
      segment.table = new Int32Array(2 * table.length);
      copyInto(table, () => segment.table);
      return;
    }
    this.#split(segment);
  }

  #split(segment: Segment): void {
    const { table } = segment;
    const depth = segment.depth + 1;
    if (depth > this.#depth) {
      this.#directory = this.#directory.flatMap((one) => [one, one]);
      this.#depth = depth;
    }
    const low: Segment = { table: this.#emptyTable(table.length), used: 0, depth };
    const high: Segment = { table: new Int32Array(table.length), used: 0, depth };
    const bit = 32 - depth;
    copyInto(table, (hash) => {
      const half = ((hash >>> bit) & 1) === 0 ? low : high;
      half.used++;
      return half.table;
    });
    this.#spare = table.length >>> 1 === this.#segmentSize ? table : undefined;
    const span = 2 ** (this.#depth - depth);
    const first = this.#directory.indexOf(segment);
    for (let at = 0; at < 2 * span; at++) this.#directory[first + at] = at < span ? low : high;
  }

  #emptyTable(length: number): Int32Array {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.length === length ? spare.fill(0) : new Int32Array(length);
  }
}

function put(table: Int32Array, hash: number, entry: number): void {
  const mask = table.length - 1;
  let at = (hash << 1) & mask;
  while (table[at + 1] !== 0) at = (at + 2) & mask;
  table[at] = hash;
  table[at + 1] = entry;
}

function copyInto(from: Int32Array, tableOf: (hash: number) => Int32Array): void {
  for (let at = 0; at < from.length; at += 2) {
    const entry = from[at + 1]!;
    if (entry === 0) continue;
    const hash = from[at]!;
    put(tableOf(hash), hash, entry);
  }
}
