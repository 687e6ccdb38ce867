import { beyondLimit, CodecError, corruptData } from "./failures.ts";

type Compress = (bytes: Uint8Array) => Uint8Array;
type Decompress = (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number; readonly chunkSize: number },
) => Uint8Array;

/** The part of node:zlib that is used here; older runtimes have no zstd. */
interface Zlib {
  readonly gzipSync: Compress;
  readonly gunzipSync: Decompress;
  readonly zstdCompressSync?: Compress;
  readonly zstdDecompressSync?: Decompress;
}

/** Undefined outside of Node, Deno and Bun, which is why it is asked for with typeof. */
declare const process: { readonly getBuiltinModule?: (id: "node:zlib") => Zlib | undefined };

/**
 * A function of the runtime's zlib. It is looked up when a batch needs it, and not imported, so that the package loads
 * and handles every other codec where there is no node:zlib, as in a browser.
 */
function zlibFunction<Name extends keyof Zlib>(codec: string, name: Name): NonNullable<Zlib[Name]> {
  const zlib = typeof process === "undefined" ? undefined : process.getBuiltinModule?.("node:zlib");
  const found = zlib?.[name];
  if (found !== undefined) return found;
  const message = `${codec} needs ${name} of node:zlib, which this runtime does not have (Node 22.15 and later do)`;
  throw new CodecError("BATCH_UNSUPPORTED_COMPRESSION", message);
}

/** A plain Uint8Array: a Buffer would carry its own `slice`, `toString` and so on into public values. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function compressWithZlib(codec: string, name: "gzipSync" | "zstdCompressSync", bytes: Uint8Array): Uint8Array {
  return plain(zlibFunction(codec, name)(bytes));
}

export function decompressWithZlib(
  codec: string,
  name: "gunzipSync" | "zstdDecompressSync",
  bytes: Uint8Array,
  limit: number,
  expectedSize: number,
): Uint8Array {
  const decompress = zlibFunction(codec, name);
  // One output chunk of about the right size saves zlib a third of its time. A claim of the sender must not decide
  // over more than this much memory; zlib adds chunks as data really arrives.
  const chunkSize = Math.max(Math.min(expectedSize + 1, limit + 1, 1024 * 1024), 1024);
  try {
    const output = decompress(bytes, { maxOutputLength: Math.max(limit, 1), chunkSize });
    if (output.length > limit) throw beyondLimit(codec, limit);
    return plain(output);
  } catch (error) {
    if (error instanceof CodecError || !(error instanceof Error)) throw error;
    if ("code" in error && error.code === "ERR_BUFFER_TOO_LARGE") throw beyondLimit(codec, limit, error);
    throw corruptData(codec, error.message, error);
  }
}
