import { readUint32LittleEndian } from "../integers.ts";
import { corruptData, unsupported } from "./failures.ts";
import { compressWithZlib, decompressWithZlib } from "./zlib.ts";

export function compressGzip(bytes: Uint8Array): Uint8Array {
  return compressWithZlib("gzipSync", bytes) ?? unsupported("gzip", "gzipSync");
}

/** Reads any number of members, as gzip tools do. */
export function decompressGzip(bytes: Uint8Array, limit: number): Uint8Array {
  // Some runtimes take no bytes at all for an empty result.
  if (bytes.length < 18) throw corruptData("gzip", "it is shorter than an empty member");
  // The last four bytes claim the size of the last member, modulo 2^32.
  const expectedSize = readUint32LittleEndian(bytes, bytes.length - 4);
  return decompressWithZlib("gzip", "gunzipSync", bytes, limit, expectedSize) ?? unsupported("gzip", "gunzipSync");
}
