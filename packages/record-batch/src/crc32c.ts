import { crc32cByWebAssembly } from "./wasm/crc32c.ts";

/** The Castagnoli polynomial, bits reversed. */
const polynomial = 0x82f63b78;

/**
 * Sixteen tables of 256 entries: table k answers what a byte does to the checksum after k more bytes, so that sixteen
 * bytes are folded by sixteen independent look-ups instead of a chain of sixteen.
 */
function buildTables(): Int32Array {
  const tables = new Int32Array(16 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const previous = tables[at - 256]!;
    tables[at] = (previous >>> 8) ^ tables[previous & 0xff]!;
  }
  return tables;
}

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
  return crc32cByTables(bytes, from, to);
}

function crc32cByTables(bytes: Uint8Array, start: number, end: number): number {
  const table = (tables ??= buildTables());
  let crc = -1;
  let at = start;
  if (end - start >= 64) {
    // DataView: as fast as Int32Array words, and indifferent to alignment and byte order.
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const stop = end - 15; at < stop; at += 16) {
      const a = view.getInt32(at, true) ^ crc;
      const b = view.getInt32(at + 4, true);
      const c = view.getInt32(at + 8, true);
      const d = view.getInt32(at + 12, true);
      crc =
        table[3840 + (a & 0xff)]! ^
        table[3584 + ((a >>> 8) & 0xff)]! ^
        table[3328 + ((a >>> 16) & 0xff)]! ^
        table[3072 + (a >>> 24)]! ^
        table[2816 + (b & 0xff)]! ^
        table[2560 + ((b >>> 8) & 0xff)]! ^
        table[2304 + ((b >>> 16) & 0xff)]! ^
        table[2048 + (b >>> 24)]! ^
        table[1792 + (c & 0xff)]! ^
        table[1536 + ((c >>> 8) & 0xff)]! ^
        table[1280 + ((c >>> 16) & 0xff)]! ^
        table[1024 + (c >>> 24)]! ^
        table[768 + (d & 0xff)]! ^
        table[512 + ((d >>> 8) & 0xff)]! ^
        table[256 + ((d >>> 16) & 0xff)]! ^
        table[d >>> 24]!;
    }
  }
  for (; at < end; at++) crc = table[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
