import { readUint32LittleEndian, writeUint32LittleEndian } from "../integers.ts";
import { beyondLimit, corruptData, outputFull } from "./failures.ts";
import { compressLz4Block, decompressLz4Block, lz4BlockFailure, maxCompressedLz4BlockSize } from "./lz4-block.ts";
import type { OutputBuffer } from "./output-buffer.ts";
import { xxhash32 } from "./xxhash32.ts";

/*
 * The LZ4 frame format 1.6: a header, blocks with their size before them (high bit: stored as is), an end mark.
 */

const frameMagic = 0x184d2204;
const skippableMagic = 0x184d2a50;
const storedBit = 0x8000_0000;
/** Largest block of what we write, the same as Java's: 64 KiB. */
const blockSize = 64 * 1024;

interface Frame {
  readonly independentBlocks: boolean;
  readonly blockChecksums: boolean;
  readonly contentChecksum: boolean;
  readonly contentSize: number | undefined;
  readonly maxBlockSize: number;
  readonly blocksStart: number;
}

/** Reads any number of frames and skippable frames, with every optional feature but dictionaries. */
export function decompressLz4(bytes: Uint8Array, limit: number, buffer: OutputBuffer): Uint8Array {
  if (bytes.length === 0) throw corruptData("lz4", "there is no frame");
  const bound = outputBound(bytes, limit);
  const output = buffer.takeForBlocks(bound, bytes.length);
  let outputAt = 0;
  for (let at = 0; at < bytes.length; ) {
    const skipped = skippableEnd(bytes, at);
    if (skipped !== undefined) {
      at = skipped;
      continue;
    }
    const frame = readFrameHeader(bytes, at);
    const contentStart = outputAt;
    at = forEachBlock(bytes, frame, (start, end, stored) => {
      const room = Math.min(bound, outputAt + frame.maxBlockSize);
      const overflow = () =>
        room === limit ? beyondLimit("lz4", limit) : corruptData("lz4", "a block is longer than its frame allows");
      if (frame.blockChecksums && readUint32LittleEndian(bytes, end) !== xxhash32(bytes, start, end)) {
        throw corruptData("lz4", `the checksum of the block at byte ${start} is wrong`);
      }
      if (stored) {
        if (end - start > room - outputAt) throw overflow();
        output.set(bytes.subarray(start, end), outputAt);
        outputAt += end - start;
        return;
      }
      const windowStart = frame.independentBlocks ? outputAt : contentStart;
      const blockEnd = decompressLz4Block(bytes, start, end, output, outputAt, room, windowStart);
      if (blockEnd === outputFull) throw overflow();
      if (blockEnd < 0) throw corruptData("lz4", lz4BlockFailure(blockEnd));
      outputAt = blockEnd;
    });
    if (frame.contentSize !== undefined && frame.contentSize !== outputAt - contentStart) {
      throw corruptData("lz4", "a frame's content is not as long as it says");
    }
    if (frame.contentChecksum) {
      if (readUint32LittleEndian(bytes, at) !== xxhash32(output, contentStart, outputAt)) {
        throw corruptData("lz4", "the checksum of a frame's content is wrong");
      }
      at += 4;
    }
  }
  return output.subarray(0, outputAt);
}

/** One frame of independent blocks without checksums, like Java's. */
export function compressLz4(bytes: Uint8Array): Uint8Array {
  const blocks = Math.ceil(bytes.length / blockSize);
  const output = new Uint8Array(7 + blocks * (4 + maxCompressedLz4BlockSize(blockSize)) + 4);
  writeUint32LittleEndian(output, 0, frameMagic);
  output[4] = 0x60; // version 1, independent blocks
  output[5] = 0x40; // blocks of up to 64 KiB
  output[6] = xxhash32(output, 4, 6) >>> 8;
  const table = new Int32Array(1 << 13);
  let at = 7;
  for (let start = 0; start < bytes.length; start += blockSize) {
    const end = Math.min(start + blockSize, bytes.length);
    const blockEnd = compressLz4Block(bytes, start, end, output, at + 4, table);
    if (blockEnd - at - 4 < end - start) {
      writeUint32LittleEndian(output, at, blockEnd - at - 4);
      at = blockEnd;
    } else {
      writeUint32LittleEndian(output, at, storedBit | (end - start));
      output.set(bytes.subarray(start, end), at + 4);
      at += 4 + end - start;
    }
  }
  // The end mark is four zero bytes, which are there already unless a discarded block overwrote them.
  writeUint32LittleEndian(output, at, 0);
  return output.slice(0, at + 4);
}

/** An upper bound of the decompressed size, from the sizes of the blocks; the limit where that is less. */
function outputBound(bytes: Uint8Array, limit: number): number {
  let bound = 0;
  for (let at = 0; at < bytes.length; ) {
    const skipped = skippableEnd(bytes, at);
    if (skipped !== undefined) {
      at = skipped;
      continue;
    }
    const frame = readFrameHeader(bytes, at);
    if (frame.contentSize !== undefined && frame.contentSize > limit) throw beyondLimit("lz4", limit);
    let frameBound = 0;
    at = forEachBlock(bytes, frame, (start, end, stored) => {
      // No element yields more than 255 bytes per byte read.
      frameBound += stored ? end - start : Math.min(frame.maxBlockSize, 255 * (end - start));
    });
    if (frame.contentChecksum) at += 4;
    if (at > bytes.length) throw corruptData("lz4", "it ends within a frame");
    bound += Math.min(frameBound, frame.contentSize ?? frameBound);
  }
  return Math.min(bound, limit);
}

function skippableEnd(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length - at < 8 || (readUint32LittleEndian(bytes, at) & 0xfffffff0) !== skippableMagic) return undefined;
  const end = at + 8 + readUint32LittleEndian(bytes, at + 4);
  if (end > bytes.length) throw corruptData("lz4", "it ends within a skippable frame");
  return end;
}

function readFrameHeader(bytes: Uint8Array, at: number): Frame {
  if (bytes.length - at < 7) throw corruptData("lz4", "it ends within a frame header");
  if (readUint32LittleEndian(bytes, at) !== frameMagic) throw corruptData("lz4", `no frame starts at byte ${at}`);
  const flags = bytes[at + 4]!;
  const blockDescriptor = bytes[at + 5]!;
  if (flags >>> 6 !== 1) throw corruptData("lz4", `frame version ${flags >>> 6} is unknown`);
  if ((flags & 0x02) !== 0 || (blockDescriptor & 0x8f) !== 0) throw corruptData("lz4", "a reserved bit is set");
  if ((flags & 0x01) !== 0) throw corruptData("lz4", "it needs a dictionary");
  const sizeCode = blockDescriptor >>> 4;
  if (sizeCode < 4) throw corruptData("lz4", `block size ${sizeCode} is unknown`);
  const hasContentSize = (flags & 0x08) !== 0;
  const checksumAt = at + (hasContentSize ? 14 : 6);
  if (checksumAt >= bytes.length) throw corruptData("lz4", "it ends within a frame header");
  // Only the message formats before 2 carried Java's wrong header checksum (KAFKA-3160).
  if (((xxhash32(bytes, at + 4, checksumAt) >>> 8) & 0xff) !== bytes[checksumAt]) {
    throw corruptData("lz4", "the checksum of a frame header is wrong");
  }
  return {
    independentBlocks: (flags & 0x20) !== 0,
    blockChecksums: (flags & 0x10) !== 0,
    contentChecksum: (flags & 0x04) !== 0,
    contentSize: hasContentSize
      ? readUint32LittleEndian(bytes, at + 6) + readUint32LittleEndian(bytes, at + 10) * 2 ** 32
      : undefined,
    maxBlockSize: 1 << (8 + 2 * sizeCode),
    blocksStart: checksumAt + 1,
  };
}

/** Returns the position after the end mark. */
function forEachBlock(
  bytes: Uint8Array,
  frame: Frame,
  visit: (start: number, end: number, stored: boolean) => void,
): number {
  for (let at = frame.blocksStart; ; ) {
    if (at + 4 > bytes.length) throw corruptData("lz4", "it ends without an end mark");
    const field = readUint32LittleEndian(bytes, at);
    at += 4;
    if (field === 0) return at;
    const size = field % storedBit;
    const end = at + size;
    const next = end + (frame.blockChecksums ? 4 : 0);
    if (size > frame.maxBlockSize || next > bytes.length) throw corruptData("lz4", "a block does not fit into it");
    visit(at, end, field >= storedBit);
    at = next;
  }
}
