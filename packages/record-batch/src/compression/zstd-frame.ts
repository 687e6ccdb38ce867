import { corruptData } from "./failures.ts";

/** What the header of a frame says (RFC 8878, section 3.1.1.1), and where the frame ends. */
export interface ZstdFrame {
  /** How far back the content refers. */
  readonly windowSize: number;
  readonly contentSize: number | undefined;
  readonly dictionaryId: number;
  readonly hasChecksum: boolean;
  readonly blocksStart: number;
  /** The position after the frame. */
  readonly end: number;
}

/**
 * What the frame at `at` claims, to be judged before a decoder allocates its window; and where it ends, so that no more
 * memory is provided for its content than its own bytes suggest.
 */
export function readZstdFrame(bytes: Uint8Array, at: number): ZstdFrame {
  if (at + 6 > bytes.length) throw corruptData("zstd", "it ends within a frame header");
  const descriptor = bytes[at + 4]!;
  if ((descriptor & 0x08) !== 0) throw corruptData("zstd", "a reserved bit is set");
  const hasChecksum = (descriptor & 0x04) !== 0;
  const hasWindow = (descriptor & 0x20) === 0;
  const sizeFlag = descriptor >>> 6;
  const sizeLength = sizeFlag === 0 ? (hasWindow ? 0 : 1) : 1 << sizeFlag;
  const dictionaryStart = at + (hasWindow ? 6 : 5);
  const sizeStart = dictionaryStart + ((1 << (descriptor & 3)) >> 1);
  const blocksStart = sizeStart + sizeLength;
  if (blocksStart > bytes.length) throw corruptData("zstd", "it ends within a frame header");
  const dictionaryId = littleEndian(bytes, dictionaryStart, sizeStart);
  const claimedSize = littleEndian(bytes, sizeStart, blocksStart) + (sizeLength === 2 ? 256 : 0);
  const contentSize = sizeLength === 0 ? undefined : claimedSize;
  const windowSize = hasWindow ? windowSizeOf(bytes[at + 5]!) : claimedSize;
  const end = endOfBlocks(bytes, blocksStart) + (hasChecksum ? 4 : 0);
  if (end > bytes.length) throw corruptData("zstd", "it ends within a frame");
  return { windowSize, contentSize, dictionaryId, hasChecksum, blocksStart, end };
}

function windowSizeOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

function littleEndian(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = end - 1; at >= start; at--) value = value * 256 + bytes[at]!;
  return value;
}

/** Each block starts with 24 bits: whether it is the last one, its type, its size. */
function endOfBlocks(bytes: Uint8Array, start: number): number {
  for (let at = start; at + 3 <= bytes.length; ) {
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const isOneByteRepeated = (header & 0x06) === 0x02;
    at += 3 + (isOneByteRepeated ? 1 : header >>> 3);
    if ((header & 1) !== 0) return at;
  }
  throw corruptData("zstd", "it ends within a frame");
}
