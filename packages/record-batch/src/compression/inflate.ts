import { copyMatch, viewOf } from "./copy.ts";
import {
  codeLengthCount,
  codeLengthOrder,
  distanceCount,
  endOfBlock,
  fixedDistanceLengths,
  fixedLiteralLengths,
  literalLengthCount,
  maxMatch,
  repeatPrevious,
  repeatZero,
} from "./deflate-symbols.ts";
import { beyondLimit, corruptData } from "./failures.ts";
import {
  codeLengthTable,
  type DecodingTable,
  distanceTable,
  fillTable,
  isBase,
  isEnd,
  isLink,
  isLiteral,
  literalLengthTable,
} from "./inflate-tables.ts";
import type { OutputBuffer } from "./output-buffer.ts";

/*
 * DEFLATE (RFC 1951). Accepts and refuses what zlib does.
 */

/** What a match may write beyond the place where it was found that there is room: itself, and what its copy spills. */
const slack = maxMatch + 8;
/** Bytes of zeros that are read in place of what is missing before the end of the input is noticed. */
const maxMissing = 8;

interface Tables {
  readonly literalLengths: DecodingTable;
  readonly distances: DecodingTable;
}

interface Scratch extends Tables {
  readonly codeLengths: DecodingTable;
  readonly lengths: Uint8Array;
}

/** Made at the first use. Nothing in it outlives a block. */
let scratch: Scratch | undefined;
let fixedTables: Tables | undefined;

function scratchTables(): Scratch {
  return (scratch ??= {
    literalLengths: literalLengthTable(),
    distances: distanceTable(),
    codeLengths: codeLengthTable(),
    lengths: new Uint8Array(literalLengthCount + distanceCount),
  });
}

function tablesOfFixedCodes(): Tables {
  if (fixedTables !== undefined) return fixedTables;
  const literalLengths = literalLengthTable();
  const distances = distanceTable();
  fillTable(literalLengths, fixedLiteralLengths(), 0, 288);
  fillTable(distances, fixedDistanceLengths(), 0, 32);
  return (fixedTables = { literalLengths, distances });
}

/** Reads one stream after the other into one output, which grows with what really arrives, up to the limit. */
export class Inflater {
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  readonly #buffer: OutputBuffer;
  #at = 0;
  /** Bits that were read and not used yet, the next one lowest. */
  #bits = 0;
  #bitCount = 0;
  #output: Uint8Array;
  #outputAt = 0;
  /** Where the output of this stream starts; matches reach no further back. */
  #windowStart = 0;

  /** `expectedSize` is a guess, which the sender may have made: it counts as far as the input could yield it easily. */
  constructor(bytes: Uint8Array, limit: number, expectedSize: number, buffer: OutputBuffer) {
    this.#bytes = bytes;
    this.#limit = limit;
    this.#buffer = buffer;
    this.#output = buffer.take(Math.min(expectedSize, limit, 8 * bytes.length) + slack);
  }

  /** What the streams so far have yielded. */
  get output(): Uint8Array {
    return this.#output.subarray(0, this.#outputAt);
  }

  /**
   * Reads the stream that starts at byte `start` of the input and returns where it ends.
   *
   * @throws CodecError
   */
  inflate(start: number): number {
    this.#at = start;
    this.#bits = 0;
    this.#bitCount = 0;
    this.#windowStart = this.#outputAt;
    for (let isLast = false; !isLast; ) {
      isLast = this.#take(1) === 1;
      const type = this.#take(2);
      if (type === 0) this.#storedBlock();
      else if (type === 1) this.#codedBlock(tablesOfFixedCodes());
      else if (type === 2) this.#codedBlock(this.#dynamicTables());
      else throw corruptData("gzip", "a block is of an unknown type");
      this.#checkEnd();
    }
    this.#returnBytes();
    return this.#at;
  }

  /** Up to 16 bits. */
  #take(count: number): number {
    if (this.#bitCount < count) {
      this.#bits |= next16(this.#bytes, this.#at) << this.#bitCount;
      this.#at += 2;
      this.#bitCount += 16;
    }
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #checkEnd(): void {
    if (this.#at - (this.#bitCount >> 3) > this.#bytes.length) throw endsWithinBlock();
  }

  /** Goes back to the byte after the last one of which a bit was used. */
  #returnBytes(): void {
    this.#at -= this.#bitCount >> 3;
    this.#bits = 0;
    this.#bitCount = 0;
  }

  #storedBlock(): void {
    this.#returnBytes();
    const length = this.#take(16);
    const complement = this.#take(16);
    this.#checkEnd();
    if (length !== (complement ^ 0xffff)) throw corruptData("gzip", "the length of a stored block is wrong");
    if (length > this.#bytes.length - this.#at) throw endsWithinBlock();
    if (length > this.#limit - this.#outputAt) throw beyondLimit("gzip", this.#limit);
    if (this.#outputAt + length + slack > this.#output.length) this.#grow(this.#outputAt + length);
    this.#output.set(this.#bytes.subarray(this.#at, this.#at + length), this.#outputAt);
    this.#at += length;
    this.#outputAt += length;
  }

  /** At least doubles the output, but not to more than the limit; `size` is what is needed now. */
  #grow(size: number): void {
    const larger = Math.min(Math.max(size, 2 * this.#output.length), this.#limit) + slack;
    this.#output = this.#buffer.grow(this.#output, this.#outputAt, larger);
  }

  /** The codes that a block defines. */
  #dynamicTables(): Tables {
    const { literalLengths, distances, codeLengths, lengths } = scratchTables();
    const literalLengthsGiven = this.#take(5) + 257;
    const distancesGiven = this.#take(5) + 1;
    const codeLengthsGiven = this.#take(4) + 4;
    if (literalLengthsGiven > literalLengthCount || distancesGiven > distanceCount) {
      throw corruptData("gzip", "a block defines more codes than there are symbols");
    }
    lengths.fill(0, 0, codeLengthCount);
    for (let index = 0; index < codeLengthsGiven; index++) lengths[codeLengthOrder[index]!] = this.#take(3);
    if (!fillTable(codeLengths, lengths, 0, codeLengthCount)) throw invalidCode();
    this.#readLengths(codeLengths, lengths, literalLengthsGiven + distancesGiven);
    if (lengths[endOfBlock] === 0) throw corruptData("gzip", "a block has no code for its end");
    if (
      !fillTable(literalLengths, lengths, 0, literalLengthsGiven) ||
      !fillTable(distances, lengths, literalLengthsGiven, distancesGiven)
    ) {
      throw invalidCode();
    }
    return { literalLengths, distances };
  }

  #readLengths({ entries, rootBits }: DecodingTable, lengths: Uint8Array, count: number): void {
    for (let at = 0; at < count; ) {
      // The longest code has 7 bits, and up to 7 more follow.
      if (this.#bitCount < 14) {
        this.#bits |= next16(this.#bytes, this.#at) << this.#bitCount;
        this.#at += 2;
        this.#bitCount += 16;
      }
      const entry = entries[this.#bits & ((1 << rootBits) - 1)]!;
      if (entry === 0) throw invalidCode();
      this.#take(entry & 15);
      const symbol = entry >>> 16;
      if (symbol < repeatPrevious) {
        lengths[at++] = symbol;
        continue;
      }
      let repeated = 0;
      let times: number;
      if (symbol === repeatPrevious) {
        if (at === 0) throw corruptData("gzip", "a block repeats a code length before the first one");
        repeated = lengths[at - 1]!;
        times = 3 + this.#take(2);
      } else if (symbol === repeatZero) times = 3 + this.#take(3);
      else times = 11 + this.#take(7);
      if (times > count - at) throw corruptData("gzip", "a block repeats a code length too often");
      lengths.fill(repeated, at, at + times);
      at += times;
    }
  }

  #codedBlock({ literalLengths, distances }: Tables): void {
    const bytes = this.#bytes;
    const lengthEntries = literalLengths.entries;
    const lengthRootBits = literalLengths.rootBits;
    const lengthMask = (1 << lengthRootBits) - 1;
    const distanceEntries = distances.entries;
    const distanceRootBits = distances.rootBits;
    const distanceMask = (1 << distanceRootBits) - 1;
    const windowStart = this.#windowStart;
    let at = this.#at;
    let bits = this.#bits;
    let bitCount = this.#bitCount;
    let output = this.#output;
    let outputView = viewOf(output);
    let outputAt = this.#outputAt;
    let lastStart = Math.min(this.#limit, output.length - slack);
    for (;;) {
      if (outputAt > lastStart) {
        this.#outputAt = outputAt;
        if (outputAt > this.#limit) {
          // What is missing may have been taken for literals.
          if (at - (bitCount >> 3) > bytes.length) throw endsWithinBlock();
          throw beyondLimit("gzip", this.#limit);
        }
        this.#grow(0);
        output = this.#output;
        outputView = viewOf(output);
        lastStart = Math.min(this.#limit, output.length - slack);
      }
      // No code has more than 15 bits, and neither have the bits behind one.
      if (bitCount < 16) {
        bits |= next16(bytes, at) << bitCount;
        at += 2;
        bitCount += 16;
      }
      let entry = lengthEntries[bits & lengthMask]!;
      if ((entry & isLink) !== 0) {
        entry = lengthEntries[(entry >>> 16) + ((bits >>> lengthRootBits) & ((1 << ((entry >>> 4) & 15)) - 1))]!;
      }
      bits >>>= entry & 15;
      bitCount -= entry & 15;
      if ((entry & isLiteral) !== 0) {
        output[outputAt++] = entry >>> 16;
        continue;
      }
      if ((entry & isBase) === 0) {
        if ((entry & isEnd) !== 0) break;
        throw corruptData("gzip", "the code of a literal or a length is invalid");
      }
      if (bitCount < 16) {
        bits |= next16(bytes, at) << bitCount;
        at += 2;
        bitCount += 16;
      }
      let extraBits = (entry >>> 4) & 15;
      const length = (entry >>> 16) + (bits & ((1 << extraBits) - 1));
      bits >>>= extraBits;
      bitCount -= extraBits;

      if (bitCount < 16) {
        bits |= next16(bytes, at) << bitCount;
        at += 2;
        bitCount += 16;
      }
      entry = distanceEntries[bits & distanceMask]!;
      if ((entry & isLink) !== 0) {
        entry = distanceEntries[(entry >>> 16) + ((bits >>> distanceRootBits) & ((1 << ((entry >>> 4) & 15)) - 1))]!;
      }
      if ((entry & isBase) === 0) throw corruptData("gzip", "the code of a distance is invalid");
      bits >>>= entry & 15;
      bitCount -= entry & 15;
      if (bitCount < 16) {
        bits |= next16(bytes, at) << bitCount;
        at += 2;
        bitCount += 16;
      }
      extraBits = (entry >>> 4) & 15;
      const distance = (entry >>> 16) + (bits & ((1 << extraBits) - 1));
      bits >>>= extraBits;
      bitCount -= extraBits;
      if (distance > outputAt - windowStart) throw corruptData("gzip", "a match reaches too far back");
      copyMatch(output, outputView, outputAt, distance, length);
      outputAt += length;
    }
    this.#at = at;
    this.#bits = bits;
    this.#bitCount = bitCount;
    this.#outputAt = outputAt;
  }
}

/** The next two bytes, as far as there are any: a code at the very end needs no more than its own bits. */
function next16(bytes: Uint8Array, at: number): number {
  if (at + 1 < bytes.length) return bytes[at]! | (bytes[at + 1]! << 8);
  if (at > bytes.length + maxMissing) throw endsWithinBlock();
  return at < bytes.length ? bytes[at]! : 0;
}

function endsWithinBlock(): Error {
  return corruptData("gzip", "it ends within a block");
}

function invalidCode(): Error {
  return corruptData("gzip", "a block defines an invalid code");
}
