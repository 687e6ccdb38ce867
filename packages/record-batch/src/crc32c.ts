import { buildCrcTables, crcByTables } from "./crc-by-tables.ts";
import { crc32cByWebAssembly } from "./wasm/crc32c.ts";

/** The Castagnoli polynomial, bits reversed. */
const polynomial = 0x82f63b78;

let tables: Int32Array | undefined;

/** From here on a call of WebAssembly, which includes copying the bytes, is faster. */
const webAssemblyThreshold = 256;

/** CRC-32C (Castagnoli) of `bytes` from `start` to `end`, as an unsigned number. Only the part of the range counts that `bytes` has. */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  const from = Math.max(start, 0);
  const to = Math.min(end, bytes.length);
  if (to - from >= webAssemblyThreshold) {
    const crc = crc32cByWebAssembly(bytes, from, to);
    if (crc !== undefined) return crc >>> 0;
  }
  tables ??= buildCrcTables(polynomial);
  return crcByTables(tables, bytes, from, to);
}
