import {
  codeLengthCount,
  distanceBase,
  distanceCount,
  distanceExtraBits,
  endOfBlock,
  firstLength,
  lengthBases,
  lengthExtraBits,
  maxCodeLength,
} from "./deflate-symbols.ts";

/*
 * Tables that decode Huffman codes. The next bits of the input are an index into a table of 2^rootBits entries; codes
 * that are longer continue in a second table behind it, which the entry links to.
 *
 * An entry: the length of the code in bits 0 to 3, how many extra bits follow (of a link: what the second table is
 * indexed with) in bits 4 to 7, what it is in bits 8 to 11, and a value from bit 16 on. It is none of the four for
 * symbols that must not occur and for bits that are no code.
 */
export const isLiteral = 0x100;
export const isBase = 0x200;
export const isEnd = 0x400;
export const isLink = 0x800;

export interface DecodingTable {
  /** Longer than any complete code needs: second tables of 2^n entries decode at least n + 1 symbols. */
  readonly entries: Int32Array;
  /** What each symbol stands for: its entry without the length of its code. */
  readonly symbols: Int32Array;
  readonly maxRootBits: number;
  /** Of the code that the table was filled for last. */
  rootBits: number;
}

/** For literals, lengths and the end of the block. */
export function literalLengthTable(): DecodingTable {
  const symbols = new Int32Array(288);
  for (let byte = 0; byte < 256; byte++) symbols[byte] = (byte << 16) | isLiteral;
  symbols[endOfBlock] = isEnd;
  lengthBases.forEach((base, index) => {
    symbols[firstLength + index] = (base << 16) | isBase | (lengthExtraBits[index]! << 4);
  });
  return { entries: new Int32Array(4096), symbols, maxRootBits: 10, rootBits: 0 };
}

export function distanceTable(): DecodingTable {
  const symbols = new Int32Array(32);
  for (let symbol = 0; symbol < distanceCount; symbol++) {
    symbols[symbol] = (distanceBase(symbol) << 16) | isBase | (distanceExtraBits(symbol) << 4);
  }
  return { entries: new Int32Array(1024), symbols, maxRootBits: 8, rootBits: 0 };
}

/** For the lengths of the other two codes. */
export function codeLengthTable(): DecodingTable {
  const symbols = Int32Array.from({ length: codeLengthCount }, (_, symbol) => (symbol << 16) | isLiteral);
  return { entries: new Int32Array(128), symbols, maxRootBits: 7, rootBits: 0 };
}

const counts = /* @__PURE__ */ new Uint16Array(maxCodeLength + 1);
const firstOfLength = /* @__PURE__ */ new Uint16Array(maxCodeLength + 2);
const sorted = /* @__PURE__ */ new Uint16Array(288);

/**
 * Fills the table for the canonical code with these lengths of codes, `count` of them from `start` on; 0 is a symbol
 * without a code. Returns whether there is such a code, which must also be complete: only one code of a single bit, and
 * no code at all, are accepted too. (zlib does not accept the former for code lengths, but no block comes of it.)
 */
export function fillTable(table: DecodingTable, lengths: Uint8Array, start: number, count: number): boolean {
  counts.fill(0);
  for (let index = 0; index < count; index++) counts[lengths[start + index]!]!++;
  let maxLength = maxCodeLength;
  while (maxLength > 0 && counts[maxLength] === 0) maxLength--;
  let unused = 1;
  firstOfLength[1] = 0;
  for (let length = 1; length <= maxLength; length++) {
    unused = 2 * unused - counts[length]!;
    if (unused < 0) return false;
    firstOfLength[length + 1] = firstOfLength[length]! + counts[length]!;
  }
  const { entries, symbols } = table;
  const rootBits = Math.min(table.maxRootBits, Math.max(maxLength, 1));
  table.rootBits = rootBits;
  if (unused > 0) {
    if (maxLength > 1) return false;
    entries.fill(0, 0, 1 << rootBits);
    if (maxLength === 0) return true;
  }

  for (let index = 0; index < count; index++) {
    const length = lengths[start + index]!;
    if (length > 0) sorted[firstOfLength[length]!++] = index;
  }

  // Codes are read from their highest bit on, so that indices are codes with their bits reversed.
  let code = 0;
  let linkedFrom = -1;
  let tableStart = 0;
  let tableEnd = 1 << rootBits;
  let skippedBits = 0;
  const used = firstOfLength[maxLength]!;
  for (let index = 0; index < used; index++) {
    const symbol = sorted[index]!;
    const length = lengths[start + symbol]!;
    const root = code & ((1 << rootBits) - 1);
    if (length > rootBits && root !== linkedFrom) {
      linkedFrom = root;
      const bits = secondTableBits(length, maxLength, rootBits);
      tableStart = tableEnd;
      tableEnd += 1 << bits;
      skippedBits = rootBits;
      entries[root] = (tableStart << 16) | isLink | (bits << 4);
    }
    const entry = symbols[symbol]! | length;
    const step = 1 << (length - skippedBits);
    for (let at = tableStart + (code >>> skippedBits); at < tableEnd; at += step) entries[at] = entry;
    counts[length]!--;
    let bit = 1 << (length - 1);
    while ((code & bit) !== 0) bit >>= 1;
    code = bit === 0 ? 0 : (code & (bit - 1)) + bit;
  }
  return true;
}

/** As many bits as all codes with this root need; `counts` are of the codes that are not in a table yet. */
function secondTableBits(length: number, maxLength: number, rootBits: number): number {
  let bits = length - rootBits;
  for (let unused = 1 << bits; rootBits + bits < maxLength; bits++) {
    unused -= counts[rootBits + bits]!;
    if (unused <= 0) break;
    unused <<= 1;
  }
  return bits;
}
