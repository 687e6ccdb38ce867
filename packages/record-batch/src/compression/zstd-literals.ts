import { corruptData } from "./failures.ts";
import { decodeHuffmanStream, type HuffmanTable, readHuffmanTable } from "./zstd-huffman.ts";

/** Where the literals of a block are: in the block itself, or in memory of their own. */
export interface Literals {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** The position in the block after them. */
  readonly sectionEnd: number;
  /** For the blocks that follow. */
  readonly table: HuffmanTable | undefined;
}

const rawLiterals = 0;
const oneLiteralRepeated = 1;
const withTableOfBefore = 3;
/** Below, four streams would have one without a byte. */
const minLiteralsOfFourStreams = 6;

/**
 * Reads the literals section of the block from `start` to `end` (RFC 8878, section 3.1.1.3.1). `scratch` has room for as
 * many literals as a block may have.
 */
export function readLiterals(
  bytes: Uint8Array,
  start: number,
  end: number,
  previousTable: HuffmanTable | undefined,
  scratch: Uint8Array,
): Literals {
  // A section is followed by at least a byte, and its header has no more than five.
  const header = Array.from({ length: 5 }, (_, index) => (start + index < end ? bytes[start + index]! : 0));
  const type = header[0]! & 3;
  const sizeFormat = (header[0]! >>> 2) & 3;
  if (type === rawLiterals || type === oneLiteralRepeated) {
    const headerSize = sizeFormat === 1 ? 2 : sizeFormat === 3 ? 3 : 1;
    const size =
      headerSize === 1
        ? header[0]! >>> 3
        : (header[0]! >>> 4) | (header[1]! << 4) | (headerSize === 3 ? header[2]! << 12 : 0);
    const at = start + headerSize;
    const sectionEnd = at + (type === rawLiterals ? size : 1);
    if (size > scratch.length || sectionEnd > end) throw corruptData("zstd", "literals do not fit");
    if (type === rawLiterals) return { bytes, start: at, end: sectionEnd, sectionEnd, table: previousTable };
    scratch.fill(bytes[at]!, 0, size);
    return { bytes: scratch, start: 0, end: size, sectionEnd, table: previousTable };
  }

  // Two sizes of 10, 14 or 18 bits each, after four bits.
  const headerSize = Math.max(sizeFormat + 2, 3);
  const sizeBits = 4 * headerSize - 2;
  let at = start + headerSize;
  const fields =
    (header[0]! >>> 4) + header[1]! * 2 ** 4 + header[2]! * 2 ** 12 + header[3]! * 2 ** 20 + header[4]! * 2 ** 28;
  const size = fields % 2 ** sizeBits;
  const sectionEnd = at + (Math.floor(fields / 2 ** sizeBits) % 2 ** sizeBits);
  if (size > scratch.length || sectionEnd > end) throw corruptData("zstd", "literals do not fit");
  let table = previousTable;
  if (type !== withTableOfBefore) ({ table, end: at } = readHuffmanTable(bytes, at, sectionEnd));
  if (table === undefined) throw corruptData("zstd", "the first literals rely on a table of before");
  if (sizeFormat === 0) decodeHuffmanStream(table, bytes, at, sectionEnd, scratch, 0, size);
  else decodeFourStreams(table, bytes, at, sectionEnd, scratch, size);
  return { bytes: scratch, start: 0, end: size, sectionEnd, table };
}

/** A table of the sizes of the first three, then the streams. */
function decodeFourStreams(
  table: HuffmanTable,
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  size: number,
): void {
  let at = start + 6;
  if (at > end || size < minLiteralsOfFourStreams) throw corruptData("zstd", "literals do not fit");
  const quarter = (size + 3) >>> 2;
  for (let stream = 0; stream < 4; stream++) {
    const sizeAt = start + 2 * stream;
    const streamEnd = stream === 3 ? end : at + (bytes[sizeAt]! | (bytes[sizeAt + 1]! << 8));
    if (streamEnd > end) throw corruptData("zstd", "literals do not fit");
    const outputEnd = Math.min((stream + 1) * quarter, size);
    decodeHuffmanStream(table, bytes, at, streamEnd, output, stream * quarter, stream === 3 ? size : outputEnd);
    at = streamEnd;
  }
}
