import { readUint32LittleEndian } from "../integers.ts";
import { beyondLimit, corruptData, unsupported } from "./failures.ts";
import { compressWithZlib, decompressWithZlib } from "./zlib.ts";

/** RFC 8878. */
const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
/** What every decoder is asked to support (RFC 8878, section 3.1.1.1.2), and more than Kafka's batches need. */
const commonWindowSize = 8 * 1024 * 1024;
/** Each frame costs a decoder of its own. Writers of batches produce one; the rest is room for unusual ones. */
const maxFrames = 1024;

export function compressZstd(bytes: Uint8Array): Uint8Array {
  return compressWithZlib("zstdCompressSync", bytes) ?? unsupported("zstd", "zstdCompressSync");
}

/**
 * Reads any number of frames and skippable frames. zlib is called once a frame, because some runtimes stop silently
 * after the first one (nodejs/node#64741), and some accept a frame that ends too early.
 */
export function decompressZstd(bytes: Uint8Array, limit: number): Uint8Array {
  const outputs: Uint8Array[] = [];
  let outputSize = 0;
  let frames = 0;
  for (let at = 0; at < bytes.length || frames === 0; frames++) {
    if (frames === maxFrames) throw corruptData("zstd", `it has more than ${maxFrames} frames`);
    if (bytes.length - at < 8) throw corruptData("zstd", "it ends within a frame header");
    const magic = readUint32LittleEndian(bytes, at);
    if ((magic & 0xfffffff0) === skippableMagic) {
      at += 8 + readUint32LittleEndian(bytes, at + 4);
      if (at > bytes.length) throw corruptData("zstd", "it ends within a skippable frame");
      continue;
    }
    if (magic !== frameMagic) throw corruptData("zstd", `no frame starts at byte ${at}`);
    const frame = readFrame(bytes, at);
    const room = limit - outputSize;
    if ((frame.contentSize ?? 0) > room || frame.windowSize > Math.max(limit, commonWindowSize)) {
      throw beyondLimit("zstd", limit);
    }
    const expectedSize = frame.contentSize ?? 8 * (frame.end - at);
    const output =
      decompressWithZlib("zstd", "zstdDecompressSync", bytes.subarray(at, frame.end), room, expectedSize) ??
      unsupported("zstd", "zstdDecompressSync");
    at = frame.end;
    outputSize += output.length;
    outputs.push(output);
  }
  return outputs.length === 1 ? outputs[0]! : concatenate(outputs, outputSize);
}

interface Frame {
  /** 0 where the content itself is the window. */
  readonly windowSize: number;
  readonly contentSize: number | undefined;
  /** The position after the frame. */
  readonly end: number;
}

/**
 * What the frame at `at` claims, to be judged before a decoder allocates its window; and where it ends, so that no more
 * memory is provided for its content than its own bytes suggest.
 */
function readFrame(bytes: Uint8Array, at: number): Frame {
  const descriptor = bytes[at + 4]!;
  const hasWindow = (descriptor & 0x20) === 0;
  let windowSize = 0;
  if (hasWindow) {
    const windowDescriptor = bytes[at + 5]!;
    const base = 2 ** (10 + (windowDescriptor >>> 3));
    windowSize = base + (base / 8) * (windowDescriptor & 7);
  }
  const sizeFlag = descriptor >>> 6;
  const sizeLength = sizeFlag === 0 ? (hasWindow ? 0 : 1) : 1 << sizeFlag;
  const dictionaryIdLength = (1 << (descriptor & 3)) >> 1;
  const sizeStart = at + 5 + (hasWindow ? 1 : 0) + dictionaryIdLength;
  const blocksStart = sizeStart + sizeLength;
  if (blocksStart > bytes.length) throw corruptData("zstd", "it ends within a frame header");
  let contentSize = sizeLength === 2 ? 256 : 0;
  for (let index = 0; index < sizeLength; index++) contentSize += bytes[sizeStart + index]! * 256 ** index;
  const end = endOfBlocks(bytes, blocksStart) + ((descriptor & 0x04) === 0 ? 0 : 4);
  if (end > bytes.length) throw corruptData("zstd", "it ends within a frame");
  return { windowSize, contentSize: sizeLength === 0 ? undefined : contentSize, end };
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

function concatenate(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
