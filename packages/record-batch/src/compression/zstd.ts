import { readUint32LittleEndian } from "../integers.ts";
import { beyondLimit, corruptData } from "./failures.ts";
import type { OutputBuffer } from "./output-buffer.ts";
import { compressWithZlib, decompressWithZlib } from "./zlib.ts";
import { compressZstdFrame } from "./zstd-compress.ts";
import { decompressZstdFrame } from "./zstd-decompress.ts";
import { readZstdFrame } from "./zstd-frame.ts";

/** RFC 8878. */
const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
/** What every decoder is asked to support (RFC 8878, section 3.1.1.1.2), and more than Kafka's batches need. */
const commonWindowSize = 8 * 1024 * 1024;
/** Each frame costs a decoder of its own. Writers of batches produce one; the rest is room for unusual ones. */
const maxFrames = 1024;

export function compressZstd(bytes: Uint8Array): Uint8Array {
  return compressWithZlib("zstdCompressSync", bytes) ?? compressZstdFrame(bytes);
}

/**
 * Reads any number of frames and skippable frames. zlib is called once a frame, because some runtimes stop silently
 * after the first one (nodejs/node#64741), and some accept a frame that ends too early.
 */
export function decompressZstd(bytes: Uint8Array, limit: number, buffer: OutputBuffer): Uint8Array {
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
    const frame = readZstdFrame(bytes, at);
    const room = limit - outputSize;
    if ((frame.contentSize ?? 0) > room || frame.windowSize > Math.max(limit, commonWindowSize)) {
      throw beyondLimit("zstd", limit);
    }
    const expectedSize = frame.contentSize ?? 8 * (frame.end - at);
    let output = decompressWithZlib("zstd", "zstdDecompressSync", bytes.subarray(at, frame.end), room, expectedSize);
    if (output === undefined) {
      output = decompressZstdFrame(bytes, frame, room, buffer);
      // The next frame would use the same memory.
      if (at > 0 || frame.end < bytes.length) output = output.slice();
    }
    at = frame.end;
    outputSize += output.length;
    outputs.push(output);
  }
  return outputs.length === 1 ? outputs[0]! : concatenate(outputs, outputSize);
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
