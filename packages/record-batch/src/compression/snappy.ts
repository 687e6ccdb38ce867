import { readInt32, readUint32LittleEndian, writeInt32 } from "../integers.ts";
import { decompressSnappyByWebAssembly } from "../wasm/decompress.ts";
import { copyBytes, copyLiterals, copyMatch, viewOf } from "./copy.ts";
import { beyondLimit, corruptData, endsWithinElement, literalsBeyondInput, matchBeyondWindow } from "./failures.ts";
import type { OutputBuffer } from "./output-buffer.ts";

/*
 * Raw Snappy as in google/snappy's format_description.txt, and the framing of the xerial library around it, which
 * Java clients write: a 16-byte header, then blocks with their compressed size before them.
 */

const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const xerialHeaderSize = 16;
/** What xerial uses. Below 64 KiB a copy needs no more than a 16-bit distance. */
const blockSize = 32 * 1024;
const hashBits = 13;

export function decompressSnappy(bytes: Uint8Array, limit: number, buffer: OutputBuffer): Uint8Array {
  return startsXerial(bytes, 0) ? decompressXerial(bytes, limit, buffer) : decompressRaw(bytes, limit, buffer);
}

/** Writes the xerial framing, since Java reads nothing else. */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  const blocks = Math.ceil(bytes.length / blockSize);
  const output = new Uint8Array(xerialHeaderSize + blocks * (4 + maxCompressedSize(blockSize)));
  output.set(xerialMagic);
  writeInt32(output, 8, 1); // version
  writeInt32(output, 12, 1); // oldest version that can read it
  const table = new Int32Array(1 << hashBits);
  let at = xerialHeaderSize;
  for (let start = 0; start < bytes.length; start += blockSize) {
    const end = compressBlock(bytes, start, Math.min(start + blockSize, bytes.length), output, at + 4, table);
    writeInt32(output, at, end - at - 4);
    at = end;
  }
  return output.slice(0, at);
}

function startsXerial(bytes: Uint8Array, at: number): boolean {
  return bytes.length - at >= xerialHeaderSize && xerialMagic.every((byte, index) => bytes[at + index] === byte);
}

function decompressRaw(bytes: Uint8Array, limit: number, buffer: OutputBuffer): Uint8Array {
  const size = claimedSize(bytes, 0, bytes.length);
  if (size > limit) throw beyondLimit("snappy", limit);
  const output = buffer.takeForBlocks(size, bytes.length);
  decompressBlock(bytes, 0, bytes.length, output, 0, size);
  return output.subarray(0, size);
}

function decompressXerial(bytes: Uint8Array, limit: number, buffer: OutputBuffer): Uint8Array {
  let size = 0;
  forEachXerialBlock(bytes, (start, end) => {
    size += claimedSize(bytes, start, end);
    if (size > limit) throw beyondLimit("snappy", limit);
  });
  const output = buffer.takeForBlocks(size, bytes.length);
  let outputAt = 0;
  forEachXerialBlock(bytes, (start, end) => {
    const outputEnd = outputAt + claimedSize(bytes, start, end);
    decompressBlock(bytes, start, end, output, outputAt, outputEnd);
    outputAt = outputEnd;
  });
  return output.subarray(0, size);
}

function forEachXerialBlock(bytes: Uint8Array, visit: (start: number, end: number) => void): void {
  let at = 0;
  while (at < bytes.length) {
    // Concatenated streams repeat the header, as xerial's reader allows.
    if (startsXerial(bytes, at)) {
      at += xerialHeaderSize;
      continue;
    }
    const size = bytes.length - at < 4 ? -1 : readInt32(bytes, at);
    const end = at + 4 + size;
    if (size < 1 || end > bytes.length) throw corruptData("snappy", `the block at byte ${at} does not fit into it`);
    visit(at + 4, end);
    at = end;
  }
}

/** The decompressed size before a raw block, refused where its bytes cannot yield as much. */
function claimedSize(bytes: Uint8Array, start: number, end: number): number {
  let size = 0;
  for (let at = start, scale = 1; at < end && scale <= 0x1000_0000; at++, scale *= 128) {
    const byte = bytes[at]!;
    size += (byte & 0x7f) * scale;
    if (byte >= 0x80) continue;
    // The densest element makes 64 bytes out of 3.
    if (size > 22 * (end - at)) break;
    return size;
  }
  throw corruptData("snappy", `the size before the block at byte ${start} is impossible`);
}

function decompressBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputStart: number,
  outputEnd: number,
): void {
  let elements = start;
  while (bytes[elements++]! >= 0x80); // the size, which claimedSize has read
  const result =
    decompressSnappyByWebAssembly(bytes, elements, end, output, outputStart, outputEnd) ??
    decompressElements(bytes, elements, end, output, outputStart, outputEnd);
  if (result === outputEnd) return;
  if (result >= 0) throw corruptData("snappy", "a block is shorter than it says");
  if (result === endsWithinElement) throw corruptData("snappy", "it ends within a length");
  if (result === literalsBeyondInput) throw corruptData("snappy", "a literal does not fit");
  throw corruptData("snappy", "a copy reaches beyond its block");
}

/** Returns where the output ends, or one of the negative numbers of failures.ts. */
function decompressElements(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputStart: number,
  outputEnd: number,
): number {
  const inputView = viewOf(bytes);
  const outputView = viewOf(output);
  let at = start;
  let outputAt = outputStart;
  while (at < end) {
    const tag = bytes[at++]!;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    if (kind === 0) {
      if (length > 60) {
        const lengthBytes = length - 60;
        if (lengthBytes > end - at) return endsWithinElement;
        // 32-bit arithmetic, or every position in this function becomes a slow double. Above 2^31 it turns negative.
        let lengthLessOne = 0;
        for (let index = 0; index < lengthBytes; index++) lengthLessOne |= bytes[at++]! << (8 * index);
        if (lengthLessOne < 0) return literalsBeyondInput;
        length = lengthLessOne + 1;
      }
      if (length > end - at || length > outputEnd - outputAt) return literalsBeyondInput;
      copyLiterals(bytes, inputView, at, output, outputView, outputAt, length);
      at += length;
    } else {
      let distance: number;
      if (kind === 1) {
        length = 4 + ((tag >>> 2) & 7);
        distance = ((tag >>> 5) << 8) | bytes[at]!;
        at += 1;
      } else if (kind === 2) {
        distance = bytes[at]! | (bytes[at + 1]! << 8);
        at += 2;
      } else {
        distance = readUint32LittleEndian(bytes, at);
        at += 4;
      }
      if (at > end || distance === 0 || distance > outputAt - outputStart || length > outputEnd - outputAt) {
        return matchBeyondWindow;
      }
      copyMatch(output, outputView, outputAt, distance, length);
    }
    outputAt += length;
  }
  return outputAt;
}

/** Only literals and their tags, and the size before them. */
function maxCompressedSize(size: number): number {
  return size + Math.ceil(size / 60) + 8;
}

/**
 * Greedy: takes the last place with the same four bytes. `table` keeps those places plus one, over all blocks of one
 * call; places before the block do not count.
 */
function compressBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputStart: number,
  table: Int32Array,
): number {
  let outputAt = outputStart;
  for (let size = end - start; ; size >>>= 7) {
    output[outputAt++] = size < 0x80 ? size : size | 0x80;
    if (size < 0x80) break;
  }
  let literalStart = start;
  let at = start;
  while (at + 4 <= end) {
    const word = readUint32LittleEndian(bytes, at);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - hashBits);
    const candidate = table[slot]! - 1;
    table[slot] = at + 1;
    if (candidate < start || readUint32LittleEndian(bytes, candidate) !== word) {
      // The longer nothing repeats, the larger the steps: data that does not compress should not cost much.
      at += 1 + ((at - literalStart) >> 5);
      continue;
    }
    let length = 4;
    while (at + length < end && bytes[at + length] === bytes[candidate + length]) length++;
    if (at > literalStart) outputAt = writeLiteral(bytes, literalStart, at, output, outputAt);
    outputAt = writeCopy(output, outputAt, at - candidate, length);
    at += length;
    literalStart = at;
  }
  return end > literalStart ? writeLiteral(bytes, literalStart, end, output, outputAt) : outputAt;
}

function writeLiteral(bytes: Uint8Array, start: number, end: number, output: Uint8Array, outputAt: number): number {
  const length = end - start;
  let at = outputAt;
  if (length <= 60) output[at++] = (length - 1) << 2;
  else if (length <= 256) {
    output[at++] = 60 << 2;
    output[at++] = length - 1;
  } else {
    output[at++] = 61 << 2;
    output[at++] = length - 1;
    output[at++] = (length - 1) >> 8;
  }
  copyBytes(bytes, start, output, at, length);
  return at + length;
}

function writeCopy(output: Uint8Array, outputAt: number, distance: number, length: number): number {
  let at = outputAt;
  for (let rest = length; rest > 0; ) {
    const part = Math.min(rest, 64);
    if (part >= 4 && part <= 11 && distance < 2048) {
      output[at++] = ((distance >> 8) << 5) | ((part - 4) << 2) | 1;
      output[at++] = distance;
    } else {
      output[at++] = ((part - 1) << 2) | 2;
      output[at++] = distance;
      output[at++] = distance >> 8;
    }
    rest -= part;
  }
  return at;
}
