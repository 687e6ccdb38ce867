/*
 * What the symbols of DEFLATE stand for (RFC 1951, section 3.2.5 to 3.2.7), for reading and for writing.
 */

export const endOfBlock = 256;
/** The first symbol that stands for the length of a match. */
export const firstLength = 257;
export const minMatch = 3;
export const maxMatch = 258;
export const windowSize = 32_768;
export const maxCodeLength = 15;

/** Symbols of each kind that a block may define codes for. */
export const literalLengthCount = 286;
export const distanceCount = 30;
export const codeLengthCount = 19;

/** The shortest match of each length symbol, and how many bits then say by how much it is longer. */
export const lengthBases: Uint16Array = /* @__PURE__ */ new Uint16Array([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
]);
export const lengthExtraBits: Uint8Array = /* @__PURE__ */ new Uint8Array([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);

/** The same for distances, which follow a rule without exceptions. */
export function distanceExtraBits(symbol: number): number {
  return symbol < 4 ? 0 : (symbol >> 1) - 1;
}

export function distanceBase(symbol: number): number {
  return symbol < 4 ? symbol + 1 : ((2 + (symbol & 1)) << distanceExtraBits(symbol)) + 1;
}

/** In which order a block gives the lengths of the codes that its code lengths are written with. */
export const codeLengthOrder: readonly number[] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Code length symbols that repeat: the length before, or zero, or zero more often. */
export const repeatPrevious = 16;
export const repeatZero = 17;
export const repeatZeroLong = 18;

/** The lengths of the codes of blocks that define none, unused symbols included. */
export function fixedLiteralLengths(): Uint8Array {
  return new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
}

export function fixedDistanceLengths(): Uint8Array {
  return new Uint8Array(32).fill(5);
}
