import { readUint32LittleEndian } from "../integers.ts";
import { beyondLimit, corruptData } from "./failures.ts";
import { compressWithZlib, decompressWithZlib } from "./zlib.ts";

/** RFC 8878. */
const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
/** What every decoder is asked to support (RFC 8878, section 3.1.1.1.2), and more than Kafka's batches need. */
const commonWindowSize = 8 * 1024 * 1024;
/** Each frame costs a decoder of its own. Writers of batches produce one; the rest is room for unusual ones. */
const maxFrames = 1024;

export function compressZstd(bytes: Uint8Array): Uint8Array {
  return compressWithZlib("zstd", "zstdCompressSync", bytes);
}

/**
 * Reads any number of frames and skippable frames. zlib is called once a frame, because some runtimes stop silently
 * after the first one (nodejs/node#64741). Some also accept a frame that ends too early: what is missing then is
 * noticed when the records are counted.
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
    const room = limit - outputSize;
    const claimed = checkFrameHeader(bytes, at, room, limit);
    const { output, bytesRead } = decompressWithZlib("zstd", "zstdDecompressSync", bytes.subarray(at), room, claimed);
    if (bytesRead === 0) throw corruptData("zstd", `the frame at byte ${at} cannot be read`);
    at += bytesRead;
    outputSize += output.length;
    outputs.push(output);
  }
  return outputs.length === 1 ? outputs[0]! : concatenate(outputs, outputSize);
}

/**
 * Refuses a frame that claims more than there is room for, before the decoder allocates its window. Returns the size
 * that the frame claims, or a guess.
 */
function checkFrameHeader(bytes: Uint8Array, at: number, room: number, limit: number): number {
  const descriptor = bytes[at + 4]!;
  const hasWindow = (descriptor & 0x20) === 0;
  if (hasWindow) {
    const windowDescriptor = bytes[at + 5]!;
    const base = 2 ** (10 + (windowDescriptor >>> 3));
    const windowSize = base + (base / 8) * (windowDescriptor & 7);
    if (windowSize > Math.max(limit, commonWindowSize)) throw beyondLimit("zstd", limit);
  }
  const sizeFlag = descriptor >>> 6;
  const sizeLength = sizeFlag === 0 ? (hasWindow ? 0 : 1) : 1 << sizeFlag;
  if (sizeLength === 0) return 8 * (bytes.length - at);
  const dictionaryIdLength = (1 << (descriptor & 3)) >> 1;
  const sizeStart = at + 5 + (hasWindow ? 1 : 0) + dictionaryIdLength;
  if (sizeStart + sizeLength > bytes.length) throw corruptData("zstd", "it ends within a frame header");
  let size = sizeLength === 2 ? 256 : 0;
  for (let index = 0; index < sizeLength; index++) size += bytes[sizeStart + index]! * 256 ** index;
  if (size > room) throw beyondLimit("zstd", limit);
  return size;
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
