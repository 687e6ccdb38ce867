import { beyondLimit, CodecError, corruptData } from "./failures.ts";

type Compress = (bytes: Uint8Array) => Uint8Array;
type Decompress = (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number; readonly chunkSize: number },
) => Uint8Array;

/** The part of node:zlib that is used here; Node 20 has no zstd. */
interface Zlib {
  readonly gzipSync?: Compress;
  readonly gunzipSync?: Decompress;
  readonly zstdCompressSync?: Compress;
  readonly zstdDecompressSync?: Decompress;
}

/** Undefined outside of Node, Deno and Bun, which is why it is asked for with typeof. */
declare const process: { readonly getBuiltinModule?: (id: "node:zlib") => Zlib | undefined };

let allowed = true;

/** Tests run with `false` as where there is no node:zlib. */
export function allowZlib(allow: boolean): void {
  allowed = allow;
}

/**
 * A function of the runtime's zlib, which is several times as fast as plain JavaScript. It is looked up when a batch
 * needs it, and not imported, so that the package loads where there is no node:zlib, as in a browser.
 */
function zlibFunction<Name extends keyof Zlib>(name: Name): Zlib[Name] | undefined {
  if (!allowed || typeof process === "undefined") return undefined;
  return process.getBuiltinModule?.("node:zlib")?.[name];
}

/** A plain Uint8Array: a Buffer would carry its own `slice`, `toString` and so on into public values. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Undefined where the runtime has no such function. */
export function compressWithZlib(name: "gzipSync" | "zstdCompressSync", bytes: Uint8Array): Uint8Array | undefined {
  const compress = zlibFunction(name);
  return compress === undefined ? undefined : plain(compress(bytes));
}

/** Undefined where the runtime has no such function. */
export function decompressWithZlib(
  codec: string,
  name: "gunzipSync" | "zstdDecompressSync",
  bytes: Uint8Array,
  limit: number,
  expectedSize: number,
): Uint8Array | undefined {
  const decompress = zlibFunction(name);
  if (decompress === undefined) return undefined;
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
