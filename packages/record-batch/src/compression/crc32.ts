import { buildCrcTables, crcByTables } from "../crc-by-tables.ts";

/** The polynomial of gzip (RFC 1952), bits reversed; CRC-32C is another one. */
const polynomial = 0xedb88320;

let tables: Int32Array | undefined;

/** CRC-32 of `bytes` from `start` to `end`, as an unsigned number. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  tables ??= buildCrcTables(polynomial);
  return crcByTables(tables, bytes, start, end);
}
