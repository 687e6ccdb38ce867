import { BitWriter } from "./bit-writer.ts";
import {
  codeLengthCount,
  codeLengthOrder,
  distanceBase,
  distanceCount,
  distanceExtraBits,
  endOfBlock,
  firstLength,
  fixedDistanceLengths,
  fixedLiteralLengths,
  lengthBases,
  lengthExtraBits,
  literalLengthCount,
  maxCodeLength,
  maxMatch,
  minMatch,
  repeatPrevious,
  repeatZero,
  repeatZeroLong,
} from "./deflate-symbols.ts";
import { MatchFinder, tokenDistance, tokenLength } from "./match-finder.ts";
import { canonicalCode, type PrefixCode, prefixCodeFor } from "./prefix-code.ts";

/*
 * DEFLATE (RFC 1951): blocks of literals and matches, each written in the shortest of the three ways there are.
 */

/** A block ends with this many literals and matches, so that its codes suit what is in it. */
const maxTokens = 16_384;
const maxStored = 65_535;

interface Codes {
  readonly literalLengths: PrefixCode;
  readonly distances: PrefixCode;
}

let fixedCodes: Codes | undefined;

function codesOfFixedBlocks(): Codes {
  return (fixedCodes ??= {
    literalLengths: canonicalCode(fixedLiteralLengths()),
    distances: canonicalCode(fixedDistanceLengths()),
  });
}

/** One stream, with so many bytes of room before and behind it. */
export function deflate(bytes: Uint8Array, before: number, after: number): Uint8Array {
  // No block takes more than it would stored: 3 bits, and 5 bytes for each part of it.
  const blocks = Math.ceil(bytes.length / maxTokens) + Math.ceil(bytes.length / maxStored) + 1;
  const output = new Uint8Array(before + bytes.length + 6 * blocks + after);
  const writer = new BitWriter(output, before);
  const finder = new MatchFinder(bytes);
  const tokens = new Uint32Array(Math.min(maxTokens, bytes.length + 2));
  do {
    const start = finder.position;
    const count = finder.find(tokens);
    const isLast = finder.position === bytes.length;
    writeBlock(writer, tokens.subarray(0, count), bytes.subarray(start, finder.position), isLast);
  } while (finder.position < bytes.length);
  return output.slice(0, writer.end() + after);
}

function writeBlock(writer: BitWriter, tokens: Uint32Array, content: Uint8Array, isLast: boolean): void {
  const literalLengths = new Uint32Array(literalLengthCount);
  const distances = new Uint32Array(distanceCount);
  let extraBits = 0;
  for (const token of tokens) {
    const length = tokenLength(token);
    if (length === 0) {
      literalLengths[token]!++;
      continue;
    }
    const symbol = lengthSymbols()[length]!;
    const distance = distanceSymbol(tokenDistance(token));
    literalLengths[firstLength + symbol]!++;
    distances[distance]!++;
    extraBits += lengthExtraBits[symbol]! + distanceExtraBits(distance);
  }
  literalLengths[endOfBlock] = 1;
  const size = (codes: Codes) =>
    extraBits + bitsOf(literalLengths, codes.literalLengths) + bitsOf(distances, codes.distances);

  const dynamic: Codes = {
    literalLengths: prefixCodeFor(literalLengths, maxCodeLength),
    distances: prefixCodeFor(distances, maxCodeLength),
  };
  const header = new CodeHeader(dynamic);
  const dynamicSize = header.sizeInBits + size(dynamic);
  const fixedSize = size(codesOfFixedBlocks());
  const storedSize = 8 * (content.length + 5 * Math.max(1, Math.ceil(content.length / maxStored)));
  if (storedSize <= Math.min(dynamicSize, fixedSize)) {
    writeStored(writer, content, isLast);
    return;
  }
  writer.write(isLast ? 1 : 0, 1);
  if (fixedSize <= dynamicSize) {
    writer.write(1, 2);
    writeTokens(writer, tokens, codesOfFixedBlocks());
  } else {
    writer.write(2, 2);
    header.write(writer);
    writeTokens(writer, tokens, dynamic);
  }
}

function bitsOf(frequencies: Uint32Array, { lengths }: PrefixCode): number {
  let bits = 0;
  for (let symbol = 0; symbol < frequencies.length; symbol++) bits += frequencies[symbol]! * lengths[symbol]!;
  return bits;
}

function writeStored(writer: BitWriter, content: Uint8Array, isLast: boolean): void {
  let at = 0;
  do {
    const part = content.subarray(at, at + maxStored);
    at += part.length;
    writer.write(isLast && at === content.length ? 1 : 0, 3);
    writer.end();
    writer.write(part.length, 16);
    writer.write(part.length ^ 0xffff, 16);
    writer.writeBytes(part);
  } while (at < content.length);
}

function writeTokens(writer: BitWriter, tokens: Uint32Array, { literalLengths, distances }: Codes): void {
  const { lengths, codes } = literalLengths;
  for (const token of tokens) {
    const length = tokenLength(token);
    if (length === 0) {
      writer.write(codes[token]!, lengths[token]!);
      continue;
    }
    const symbol = lengthSymbols()[length]!;
    writer.write(codes[firstLength + symbol]!, lengths[firstLength + symbol]!);
    writer.write(length - lengthBases[symbol]!, lengthExtraBits[symbol]!);
    const distance = tokenDistance(token);
    const ofDistance = distanceSymbol(distance);
    writer.write(distances.codes[ofDistance]!, distances.lengths[ofDistance]!);
    writer.write(distance - distanceBase(ofDistance), distanceExtraBits(ofDistance));
  }
  writer.write(codes[endOfBlock]!, lengths[endOfBlock]!);
}

let symbolsByLength: Uint8Array | undefined;

/** The symbol of each length of a match, counted from the first one for lengths. */
function lengthSymbols(): Uint8Array {
  if (symbolsByLength !== undefined) return symbolsByLength;
  symbolsByLength = new Uint8Array(maxMatch + 1);
  for (let length = minMatch, symbol = 0; length <= maxMatch; length++) {
    if (length === lengthBases[symbol + 1]) symbol++;
    symbolsByLength[length] = symbol;
  }
  return symbolsByLength;
}

/** Two symbols for each power of two. */
function distanceSymbol(distance: number): number {
  if (distance <= 4) return distance - 1;
  const highestBit = 31 - Math.clz32(distance - 1);
  return 2 * highestBit + (((distance - 1) >> (highestBit - 1)) & 1);
}

/** How a block defines its codes: their lengths, runs of the same one shortened, written with a code of their own. */
class CodeHeader {
  /** The lengths of both codes, one after the other, without the unused ones at their ends. */
  readonly #lengths: Uint8Array;
  readonly #literalLengths: number;
  readonly #distances: number;
  readonly #code: PrefixCode;
  /** How many lengths of that code itself are given. */
  readonly #codeLengths: number;
  readonly sizeInBits: number;

  constructor({ literalLengths, distances }: Codes) {
    this.#literalLengths = Math.max(usedCount(literalLengths.lengths), 257);
    this.#distances = Math.max(usedCount(distances.lengths), 1);
    this.#lengths = new Uint8Array(this.#literalLengths + this.#distances);
    this.#lengths.set(literalLengths.lengths.subarray(0, this.#literalLengths));
    this.#lengths.set(distances.lengths.subarray(0, this.#distances), this.#literalLengths);
    const frequencies = new Uint32Array(codeLengthCount);
    let extraBits = 0;
    this.#forEachRun((symbol, _, bits) => {
      frequencies[symbol]!++;
      extraBits += bits;
    });
    this.#code = prefixCodeFor(frequencies, 7);
    let given = codeLengthCount;
    while (given > 4 && this.#code.lengths[codeLengthOrder[given - 1]!] === 0) given--;
    this.#codeLengths = given;
    this.sizeInBits = 14 + 3 * given + extraBits + bitsOf(frequencies, this.#code);
  }

  write(writer: BitWriter): void {
    writer.write(this.#literalLengths - 257, 5);
    writer.write(this.#distances - 1, 5);
    writer.write(this.#codeLengths - 4, 4);
    const { lengths, codes } = this.#code;
    for (let index = 0; index < this.#codeLengths; index++) writer.write(lengths[codeLengthOrder[index]!]!, 3);
    this.#forEachRun((symbol, extra, extraBits) => {
      writer.write(codes[symbol]!, lengths[symbol]!);
      writer.write(extra, extraBits);
    });
  }

  #forEachRun(visit: (symbol: number, extra: number, extraBits: number) => void): void {
    const lengths = this.#lengths;
    for (let at = 0; at < lengths.length; ) {
      const length = lengths[at]!;
      let end = at + 1;
      while (end < lengths.length && lengths[end] === length) end++;
      if (length > 0) {
        visit(length, 0, 0);
        at++;
      }
      for (let left = end - at; left > 0; ) {
        const run = Math.min(left, length > 0 ? 6 : 138);
        if (run < 3) visit(length, 0, 0);
        else if (length > 0) visit(repeatPrevious, run - 3, 2);
        else if (run <= 10) visit(repeatZero, run - 3, 3);
        else visit(repeatZeroLong, run - 11, 7);
        left -= run < 3 ? 1 : run;
      }
      at = end;
    }
  }
}

function usedCount(lengths: Uint8Array): number {
  let count = lengths.length;
  while (count > 0 && lengths[count - 1] === 0) count--;
  return count;
}
