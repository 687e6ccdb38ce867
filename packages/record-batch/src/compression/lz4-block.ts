import { readUint32LittleEndian } from "../integers.ts";
import { decompressLz4ByWebAssembly } from "../wasm/decompress.ts";
import { copyBytes, copyLiterals, copyMatch, viewOf } from "./copy.ts";
import { endsWithinElement, literalsBeyondInput, matchBeyondWindow, noLastLiterals, outputFull } from "./failures.ts";

/*
 * The LZ4 block format: sequences of a token, literals, and a match given by a 16-bit distance and a length.
 */

const minMatch = 4;
/** The format wants the last bytes of a block to be literals, and no match to start within the last twelve. */
const lastLiterals = 5;
const matchStartMargin = 12;
const hashBits = 13;

/**
 * Decompresses `bytes` from `start` to `end` into `output` from `outputStart`; matches may reach back to
 * `windowStart`. Returns where the output ends, or one of the negative numbers of failures.ts: {@link outputFull} if it
 * were beyond `outputEnd`.
 */
export function decompressLz4Block(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputStart: number,
  outputEnd: number,
  windowStart: number,
): number {
  const byWebAssembly = decompressLz4ByWebAssembly(bytes, start, end, output, outputStart, outputEnd, windowStart);
  if (byWebAssembly !== undefined) return byWebAssembly;
  const inputView = viewOf(bytes);
  const outputView = viewOf(output);
  let at = start;
  let outputAt = outputStart;
  while (at < end) {
    const token = bytes[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let byte = 255;
      while (byte === 255 && at < end) {
        byte = bytes[at++]!;
        literals += byte;
      }
    }
    if (literals > end - at) return literalsBeyondInput;
    if (literals > outputEnd - outputAt) return outputFull;
    copyLiterals(bytes, inputView, at, output, outputView, outputAt, literals);
    at += literals;
    outputAt += literals;
    if (at === end) return outputAt;

    if (end - at < 2) return endsWithinElement;
    const distance = bytes[at]! | (bytes[at + 1]! << 8);
    at += 2;
    let length = (token & 15) + minMatch;
    if (length === 15 + minMatch) {
      let byte = 255;
      while (byte === 255 && at < end) {
        byte = bytes[at++]!;
        length += byte;
      }
    }
    if (distance === 0 || distance > outputAt - windowStart) return matchBeyondWindow;
    if (length > outputEnd - outputAt) return outputFull;
    copyMatch(output, outputView, outputAt, distance, length);
    outputAt += length;
  }
  return noLastLiterals;
}

/** What is wrong with a block, for each of the negative numbers but {@link outputFull}. */
export function lz4BlockFailure(code: number): string {
  if (code === literalsBeyondInput) return "literals reach beyond their block";
  if (code === endsWithinElement) return "a block ends within a match";
  if (code === matchBeyondWindow) return "a match reaches too far back";
  return "a block does not end with literals";
}

/** Only literals: a token, and a length byte for each 255 of them. */
export function maxCompressedLz4BlockSize(size: number): number {
  return size + Math.ceil(size / 255) + 16;
}

/**
 * Compresses at most 64 KiB, so that every distance within the block fits into 16 bits.
 *
 * Greedy: takes the last place with the same four bytes. `table` has 2^13 entries and keeps those places plus one, over
 * all blocks of one frame; places before the block do not count. Returns where the output ends.
 */
export function compressLz4Block(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputStart: number,
  table: Int32Array,
): number {
  const lastMatchStart = end - matchStartMargin;
  const matchLimit = end - lastLiterals;
  let outputAt = outputStart;
  let literalStart = start;
  let at = start;
  while (at <= lastMatchStart) {
    const word = readUint32LittleEndian(bytes, at);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits);
    const candidate = table[slot]! - 1;
    table[slot] = at + 1;
    if (candidate < start || readUint32LittleEndian(bytes, candidate) !== word) {
      // The longer nothing repeats, the larger the steps: data that does not compress should not cost much.
      at += 1 + ((at - literalStart) >> 6);
      continue;
    }
    let length = minMatch;
    while (at + length < matchLimit && bytes[at + length] === bytes[candidate + length]) length++;
    outputAt = writeLiterals(bytes, literalStart, at, output, outputAt, Math.min(length - minMatch, 15));
    const distance = at - candidate;
    output[outputAt++] = distance;
    output[outputAt++] = distance >> 8;
    if (length - minMatch >= 15) outputAt = writeLength(output, outputAt, length - minMatch - 15);
    at += length;
    literalStart = at;
  }
  return writeLiterals(bytes, literalStart, end, output, outputAt, 0);
}

function writeLiterals(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputAt: number,
  matchNibble: number,
): number {
  const length = end - start;
  let at = outputAt;
  output[at++] = (Math.min(length, 15) << 4) | matchNibble;
  if (length >= 15) at = writeLength(output, at, length - 15);
  copyBytes(bytes, start, output, at, length);
  return at + length;
}

function writeLength(output: Uint8Array, outputAt: number, length: number): number {
  let at = outputAt;
  let rest = length;
  for (; rest >= 255; rest -= 255) output[at++] = 255;
  output[at++] = rest;
  return at;
}
