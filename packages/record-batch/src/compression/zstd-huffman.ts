import { corruptData } from "./failures.ts";
import { bitsAt, lowest, streamLength } from "./zstd-bits.ts";
import { readFseTable } from "./zstd-fse.ts";

/** The longest code of a literal (RFC 8878, section 4.2.1). */
const maxCodeBits = 11;
const maxWeightAccuracyLog = 6;
const maxSymbols = 256;

/** What the next bits of a stream stand for: a symbol, and how many of them it takes. */
export interface HuffmanTable {
  readonly maxBits: number;
  /** Indexed by the next `maxBits` bits: the symbol, times 16, plus the number of bits. */
  readonly entries: Uint16Array;
}

/** Reads the description of a table from `start`; returns it and the position after it. */
export function readHuffmanTable(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly table: HuffmanTable; readonly end: number } {
  if (start >= end) throw corruptData("zstd", "it ends before a table of literals");
  const header = bytes[start]!;
  const descriptionEnd = start + 1 + (header < 128 ? header : (header - 126) >>> 1);
  if (descriptionEnd > end) throw corruptData("zstd", "it ends within a table of literals");
  const weights =
    header < 128
      ? compressedWeights(bytes, start + 1, descriptionEnd)
      : Array.from({ length: header - 127 }, (_, index) => {
          const pair = bytes[start + 1 + (index >>> 1)]!;
          return index % 2 === 0 ? pair >>> 4 : pair & 15;
        });
  return { table: buildHuffmanTable(weights), end: descriptionEnd };
}

/** Two states take turns until the bits run out. */
function compressedWeights(bytes: Uint8Array, start: number, end: number): number[] {
  const { table, end: streamStart } = readFseTable(bytes, start, end, maxSymbols - 1, maxWeightAccuracyLog);
  let position = streamLength(bytes, streamStart, end);
  const read = (count: number): number => {
    position -= count;
    return lowest(bitsAt(bytes, streamStart, position), count);
  };
  let entry = table.entries[read(table.accuracyLog)]!;
  let otherEntry = table.entries[read(table.accuracyLog)]!;
  if (position < 0) throw corruptData("zstd", "a table of literals is cut short");
  const weights: number[] = [];
  while (weights.length < maxSymbols - 1) {
    weights.push(entry & 255);
    const next = (entry >>> 16) + read((entry >>> 8) & 255);
    if (position < 0) {
      weights.push(otherEntry & 255);
      return weights;
    }
    entry = otherEntry;
    otherEntry = table.entries[next]!;
  }
  throw corruptData("zstd", "a table describes more than 256 literals");
}

/** A weight w stands for 2^(w - 1) of the code space, 0 for none; that of the last symbol is what is missing. */
function buildHuffmanTable(weights: number[]): HuffmanTable {
  let total = 0;
  for (const weight of weights) {
    if (weight > maxCodeBits) throw corruptData("zstd", "a literal has too long a code");
    if (weight > 0) total += 2 ** (weight - 1);
  }
  const maxBits = 32 - Math.clz32(total);
  const missing = 2 ** maxBits - total;
  if (total === 0 || maxBits > maxCodeBits || weights.length >= maxSymbols || (missing & (missing - 1)) !== 0) {
    throw corruptData("zstd", "the codes of literals do not fill their space");
  }
  weights.push(32 - Math.clz32(missing));
  // Symbols of lower weight come first, those of the same weight in their own order.
  const starts = new Uint16Array(maxBits + 2);
  for (const weight of weights) {
    if (weight > 0) starts[weight + 1]! += 2 ** (weight - 1);
  }
  if (starts[2]! < 2) throw corruptData("zstd", "the codes of literals are not those of a tree");
  for (let weight = 1; weight <= maxBits; weight++) starts[weight + 1]! += starts[weight]!;
  const entries = new Uint16Array(2 ** maxBits);
  for (let symbol = 0; symbol < weights.length; symbol++) {
    const weight = weights[symbol]!;
    if (weight === 0) continue;
    const start = starts[weight]!;
    starts[weight] = start + 2 ** (weight - 1);
    entries.fill((symbol << 4) | (maxBits + 1 - weight), start, starts[weight]);
  }
  return { maxBits, entries };
}

/** Decodes a stream into `output` from `outputStart` to `outputEnd`, which it must fill exactly. */
export function decodeHuffmanStream(
  { entries, maxBits }: HuffmanTable,
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputStart: number,
  outputEnd: number,
): void {
  let remaining = streamLength(bytes, start, end);
  const spare = 32 - maxBits;
  let at = outputStart;
  // Four bytes hold at least 25 bits of which the topmost ones come next: two symbols.
  while (remaining >= 32 && at + 1 < outputEnd) {
    const from = start + ((remaining - 25) >>> 3);
    const word = bytes[from]! | (bytes[from + 1]! << 8) | (bytes[from + 2]! << 16) | (bytes[from + 3]! << 24);
    const unused = 32 - (remaining - 8 * (from - start));
    const first = entries[(word << unused) >>> spare]!;
    const firstBits = first & 15;
    const second = entries[(word << (unused + firstBits)) >>> spare]!;
    output[at] = first >>> 4;
    output[at + 1] = second >>> 4;
    at += 2;
    remaining -= firstBits + (second & 15);
  }
  while (at < outputEnd && remaining > 0) {
    const entry = entries[lowest(bitsAt(bytes, start, remaining - maxBits), maxBits)]!;
    output[at++] = entry >>> 4;
    remaining -= entry & 15;
  }
  if (at < outputEnd || remaining !== 0) throw corruptData("zstd", "literals do not fill their space");
}
