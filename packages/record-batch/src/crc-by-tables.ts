/**
 * Sixteen tables of 256 entries for a CRC of 32 bits, whose polynomial comes with its bits reversed: table k answers
 * what a byte does to the checksum after k more bytes, so that sixteen bytes are folded by sixteen independent look-ups
 * instead of a chain of sixteen.
 */
export function buildCrcTables(polynomial: number): Int32Array {
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

/** The CRC of a range that the bytes have, as an unsigned number. */
export function crcByTables(table: Int32Array, bytes: Uint8Array, start: number, end: number): number {
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
