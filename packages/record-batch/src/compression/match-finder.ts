import { maxMatch, minMatch, windowSize } from "./deflate-symbols.ts";

/** How many earlier places are looked at; most of what more would find is not worth the time. */
const maxCandidates = 32;
/** Matches of this length are taken without looking for longer ones, and without looking one byte further. */
const longEnough = 128;
const goodEnough = 16;
/** A match of three bytes that is further away takes more bits than three literals. */
const farForShortest = 4096;

/** What the tokens of {@link MatchFinder.find} say. */
export function tokenLength(token: number): number {
  return token >>> 16;
}

export function tokenDistance(token: number): number {
  return token & 0xffff;
}

/**
 * Cuts bytes into literals and matches (LZ77): the places with the same three bytes form a chain, the last one first;
 * a match gives way to a longer one that starts one byte later.
 */
export class MatchFinder {
  readonly #bytes: Uint8Array;
  /** Places, plus one: the last with each hash, and before each place the one with the same hash. */
  readonly #last: Int32Array;
  readonly #previous: Int32Array;
  readonly #hashShift: number;
  #at = 0;
  /** Up to here places are in the chains. */
  #known = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    // Tables for a whole window would take longer to make than a small batch to compress.
    const bits = Math.min(Math.max(32 - Math.clz32(bytes.length), 8), Math.log2(windowSize));
    this.#last = new Int32Array(1 << bits);
    this.#previous = new Int32Array(1 << bits);
    this.#hashShift = 32 - bits;
  }

  /** Where the next token starts. */
  get position(): number {
    return this.#at;
  }

  /** Fills `tokens` and returns how many were found: a literal is its byte, a match its length above bit 16 and its distance below. */
  find(tokens: Uint32Array): number {
    const bytes = this.#bytes;
    let count = 0;
    // Up to the last token, which may have to be the match that was found last.
    while (count + 1 < tokens.length && this.#at < bytes.length) {
      let match = this.#longestMatch(this.#at, minMatch - 1);
      while (match !== 0 && tokenLength(match) < goodEnough && count + 2 < tokens.length) {
        const later = this.#longestMatch(this.#at + 1, tokenLength(match));
        if (later === 0) break;
        tokens[count++] = bytes[this.#at++]!;
        match = later;
      }
      if (match === 0) tokens[count++] = bytes[this.#at++]!;
      else {
        tokens[count++] = match;
        this.#at += tokenLength(match);
        while (this.#known < this.#at && this.#known + minMatch <= bytes.length) this.#remember(this.#known);
      }
    }
    return count;
  }

  /** The longest match longer than `length` at the next place that is not known yet, as a token; 0 if there is none. */
  #longestMatch(at: number, length: number): number {
    const bytes = this.#bytes;
    if (bytes.length - at < minMatch) return 0;
    const previous = this.#previous;
    const maxLength = Math.min(maxMatch, bytes.length - at);
    const oldest = Math.max(at - windowSize + 1, 0);
    let candidate = this.#remember(at);
    let longest = length;
    let distance = 0;
    for (let left = maxCandidates; candidate >= oldest && left > 0 && longest < maxLength; left--) {
      if (bytes[candidate + longest] === bytes[at + longest] && bytes[candidate] === bytes[at]) {
        let same = 1;
        while (same < maxLength && bytes[candidate + same] === bytes[at + same]) same++;
        if (same > longest) {
          longest = same;
          distance = at - candidate;
          if (same >= longEnough) break;
        }
      }
      candidate = previous[candidate & (previous.length - 1)]! - 1;
    }
    if (distance === 0 || (longest === minMatch && distance > farForShortest)) return 0;
    return (longest << 16) | distance;
  }

  /** Makes the place the first one of its chain and returns the one that was first before; -1 for none. */
  #remember(at: number): number {
    const bytes = this.#bytes;
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const hash = Math.imul(word, 0x9e3779b1) >>> this.#hashShift;
    const first = this.#last[hash]!;
    this.#previous[at & (this.#previous.length - 1)] = first;
    this.#last[hash] = at + 1;
    this.#known = at + 1;
    return first - 1;
  }
}
