import { readUint32LittleEndian, writeUint32LittleEndian } from "../integers.ts";
import { BitWriter } from "./bit-writer.ts";
import { copyBytes } from "./copy.ts";
import {
  type CodeKind,
  type LengthCodes,
  literalLengthCodes,
  literalLengthKind,
  matchLengthCodes,
  matchLengthKind,
  offsetKind,
} from "./zstd-codes.ts";
import { defaultFseTable, type FseTable } from "./zstd-fse.ts";

/*
 * A plain writer of zstd for where the runtime has none: matches are found greedily, their codes use the format's
 * default tables, and literals stay as they are.
 */

const blockSize = 128 * 1024;
const minMatch = 4;
/** No match starts within the last bytes, so that four can always be read. */
const matchStartMargin = 8;
const maxMatch = 65_538;
/** Well within the window that every decoder supports. */
const maxDistance = 4 * 1024 * 1024;
const hashBits = 15;

/** The matches of one block, and the literals that lie before and after them. */
interface Sequences {
  count: number;
  readonly literalLengths: Int32Array;
  readonly distances: Int32Array;
  readonly matchLengths: Int32Array;
  readonly literals: Uint8Array;
  literalsSize: number;
}

/** One frame without a checksum. */
export function compressZstdFrame(bytes: Uint8Array): Uint8Array {
  const blocks = Math.max(Math.ceil(bytes.length / blockSize), 1);
  const output = new Uint8Array(9 + blocks * 3 + bytes.length);
  writeUint32LittleEndian(output, 0, 0xfd2fb528);
  output[4] = 0xa0; // the content is one segment, and its size has four bytes
  writeUint32LittleEndian(output, 5, bytes.length);
  const capacity = blockSize / minMatch;
  const sequences: Sequences = {
    count: 0,
    literalLengths: new Int32Array(capacity),
    distances: new Int32Array(capacity),
    matchLengths: new Int32Array(capacity),
    literals: new Uint8Array(Math.min(blockSize, bytes.length)),
    literalsSize: 0,
  };
  const encoder = new SequenceEncoder();
  const table = new Int32Array(1 << hashBits);
  let at = 9;
  for (let block = 0; block < blocks; block++) {
    const start = block * blockSize;
    const end = Math.min(start + blockSize, bytes.length);
    findSequences(bytes, start, end, table, sequences);
    const isLast = block === blocks - 1 ? 1 : 0;
    const contentAt = at + 3;
    // A block is stored as it is where compressing it does not pay.
    const compressedEnd = encoder.write(sequences, output, contentAt, contentAt + end - start - 1);
    const size = compressedEnd === undefined ? end - start : compressedEnd - contentAt;
    if (compressedEnd === undefined) output.set(bytes.subarray(start, end), contentAt);
    const header = isLast | (compressedEnd === undefined ? 0 : 2 << 1) | (size << 3);
    output[at] = header;
    output[at + 1] = header >>> 8;
    output[at + 2] = header >>> 16;
    at = contentAt + size;
  }
  return output.slice(0, at);
}

/** `table` keeps the last place with a hash of four bytes, plus one, over all blocks of a frame. */
function findSequences(bytes: Uint8Array, start: number, end: number, table: Int32Array, found: Sequences): void {
  found.count = 0;
  found.literalsSize = 0;
  let literalStart = start;
  const takeLiterals = (literalEnd: number) => {
    copyBytes(bytes, literalStart, found.literals, found.literalsSize, literalEnd - literalStart);
    found.literalsSize += literalEnd - literalStart;
  };
  for (let at = start; at < end - matchStartMargin; ) {
    const word = readUint32LittleEndian(bytes, at);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits);
    const candidate = table[slot]! - 1;
    table[slot] = at + 1;
    if (candidate < 0 || at - candidate > maxDistance || readUint32LittleEndian(bytes, candidate) !== word) {
      // The longer nothing repeats, the larger the steps: data that does not compress should not cost much.
      at += 1 + ((at - literalStart) >> 6);
      continue;
    }
    const longest = Math.min(end - at, maxMatch);
    let length = minMatch;
    while (length < longest && bytes[at + length] === bytes[candidate + length]) length++;
    takeLiterals(at);
    found.literalLengths[found.count] = at - literalStart;
    found.distances[found.count] = at - candidate;
    found.matchLengths[found.count] = length;
    found.count++;
    at += length;
    literalStart = at;
  }
  takeLiterals(end);
}

/** Writes the sections of a block, with the default tables. */
class SequenceEncoder {
  readonly #literalLengths = new FseEncoder(literalLengthKind);
  readonly #offsets = new FseEncoder(offsetKind);
  readonly #matchLengths = new FseEncoder(matchLengthKind);

  /** Returns where the output ends; undefined if that were beyond `outputEnd`. */
  write(sequences: Sequences, output: Uint8Array, outputStart: number, outputEnd: number): number | undefined {
    const { count, literals, literalsSize } = sequences;
    // Six bytes for the headers of both sections, and up to two more.
    if (count === 0 || outputStart + 8 + literalsSize > outputEnd) return undefined;
    let at = outputStart;
    output[at++] = 0x0c | (literalsSize << 4); // raw, the size has 20 bits
    output[at++] = literalsSize >>> 4;
    output[at++] = literalsSize >>> 12;
    copyBytes(literals, 0, output, at, literalsSize);
    at += literalsSize;
    if (count < 128) {
      output[at++] = count;
    } else {
      output[at++] = 128 + (count >>> 8);
      output[at++] = count;
    }
    output[at++] = 0; // default tables for all three
    const bits = new BitWriter(output, at);
    this.#writeBits(sequences, bits);
    // The last byte ends with a 1 behind the stream. What lies beyond the end is written again by the next block.
    bits.write(1, 1);
    const end = bits.end();
    return end <= outputEnd ? end : undefined;
  }

  /** From the last sequence to the first, as the reader starts at the end. */
  #writeBits(sequences: Sequences, bits: BitWriter): void {
    const literalLengths = this.#literalLengths;
    const offsets = this.#offsets;
    const matchLengths = this.#matchLengths;
    for (let index = sequences.count - 1; index >= 0; index--) {
      const literalLength = sequences.literalLengths[index]!;
      const matchLength = sequences.matchLengths[index]!;
      const offsetValue = sequences.distances[index]! + 3;
      const literalCode = codeOf(literalLengthCodes, literalLength);
      const matchCode = codeOf(matchLengthCodes, matchLength);
      const offsetCode = 31 - Math.clz32(offsetValue);
      if (index === sequences.count - 1) {
        literalLengths.start(literalCode);
        matchLengths.start(matchCode);
        offsets.start(offsetCode);
      } else {
        offsets.push(offsetCode, bits);
        matchLengths.push(matchCode, bits);
        literalLengths.push(literalCode, bits);
      }
      bits.write(
        literalLength - literalLengthCodes.baselines[literalCode]!,
        literalLengthCodes.extraBits[literalCode]!,
      );
      bits.write(matchLength - matchLengthCodes.baselines[matchCode]!, matchLengthCodes.extraBits[matchCode]!);
      const offsetBits = offsetValue - 2 ** offsetCode;
      if (offsetCode > 16) {
        bits.write(offsetBits & 0xffff, 16);
        bits.write(offsetBits >>> 16, offsetCode - 16);
      } else bits.write(offsetBits, offsetCode);
    }
    matchLengths.end(bits);
    offsets.end(bits);
    literalLengths.end(bits);
  }
}

/** The last code whose range starts at or below the length. */
function codeOf({ baselines }: LengthCodes, length: number): number {
  let low = 0;
  for (let high = baselines.length; high - low > 1; ) {
    const middle = (low + high) >>> 1;
    if (baselines[middle]! <= length) low = middle;
    else high = middle;
  }
  return low;
}

/** Runs a decoding table backwards. */
class FseEncoder {
  readonly #table: FseTable;
  /** For each symbol and each state that the reader goes to next, the state it comes from. */
  readonly #origins: Uint8Array;
  #state = 0;

  constructor(kind: CodeKind) {
    const table = defaultFseTable(kind);
    const size = table.entries.length;
    this.#table = table;
    this.#origins = new Uint8Array((kind.maxCode + 1) * size);
    for (const [state, entry] of table.entries.entries()) {
      const first = (entry & 255) * size + (entry >>> 16);
      this.#origins.fill(state, first, first + (1 << ((entry >>> 8) & 255)));
    }
  }

  /** The symbol that the reader comes to last, in any state that stands for it. */
  start(symbol: number): void {
    this.#state = this.#origins[symbol * this.#table.entries.length]!;
  }

  /** Goes to the state that stands for `symbol` and leads to the present one. */
  push(symbol: number, bits: BitWriter): void {
    const { entries } = this.#table;
    const origin = this.#origins[symbol * entries.length + this.#state]!;
    const entry = entries[origin]!;
    bits.write(this.#state - (entry >>> 16), (entry >>> 8) & 255);
    this.#state = origin;
  }

  /** Where the reader starts. */
  end(bits: BitWriter): void {
    bits.write(this.#state, this.#table.accuracyLog);
  }
}
