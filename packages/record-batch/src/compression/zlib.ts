import { KafkaError } from "../errors.ts";
import { beyondLimit, corruptData } from "./failures.ts";

interface ZlibOptions {
  readonly maxOutputLength?: number;
  readonly chunkSize?: number;
  readonly info?: true;
}

type ZlibFunction = (bytes: Uint8Array, options?: ZlibOptions) => unknown;

type ZlibFunctionName = "gzipSync" | "gunzipSync" | "zstdCompressSync" | "zstdDecompressSync";

interface ProcessLike {
  getBuiltinModule?(id: "node:zlib"): Readonly<Partial<Record<ZlibFunctionName, ZlibFunction>>> | undefined;
}

/**
 * A function of the runtime's zlib. It is looked up when a batch needs it, and not imported, so that the package loads
 * and handles every other codec where there is no node:zlib, as in a browser.
 */
function zlibFunction(codec: string, name: ZlibFunctionName): ZlibFunction {
  const { process } = globalThis as { process?: ProcessLike };
  const found = process?.getBuiltinModule?.("node:zlib")?.[name];
  if (found !== undefined) return found;
  const message = `${codec} needs ${name} of node:zlib, which this runtime does not have (Node 22.15 and later do)`;
  throw new KafkaError(message, { code: "BATCH_UNSUPPORTED_COMPRESSION" });
}

/** A plain Uint8Array: a Buffer would carry its own `slice`, `toString` and so on into public values. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function compressWithZlib(codec: string, name: "gzipSync" | "zstdCompressSync", bytes: Uint8Array): Uint8Array {
  return plain(zlibFunction(codec, name)(bytes) as Uint8Array);
}

/** Decompresses from the start of `bytes` and says how many of them it used: zlib may stop after one frame. */
export function decompressWithZlib(
  codec: string,
  name: "gunzipSync" | "zstdDecompressSync",
  bytes: Uint8Array,
  limit: number,
  expectedSize: number,
): { output: Uint8Array; bytesRead: number } {
  const decompress = zlibFunction(codec, name);
  // One output chunk of about the right size saves zlib a third of its time. A claim of the sender must not decide
  // over more than this much memory; zlib adds chunks as data really arrives.
  const chunkSize = Math.min(Math.max(expectedSize + 1, 1024), 1024 * 1024);
  try {
    const result = decompress(bytes, { maxOutputLength: Math.max(limit, 1), chunkSize, info: true }) as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    if (result.buffer.length > limit) throw beyondLimit(codec, limit);
    return { output: plain(result.buffer), bytesRead: result.engine.bytesWritten };
  } catch (error) {
    if (error instanceof KafkaError) throw error;
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (code === "ERR_BUFFER_TOO_LARGE") throw beyondLimit(codec, limit, error);
    throw corruptData(codec, String(message), error);
  }
}
