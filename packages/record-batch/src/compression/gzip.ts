import { readUint32LittleEndian, writeUint32LittleEndian } from "../integers.ts";
import { crc32 } from "./crc32.ts";
import { deflate } from "./deflate.ts";
import { corruptData } from "./failures.ts";
import { Inflater } from "./inflate.ts";
import type { OutputBuffer } from "./output-buffer.ts";
import { compressWithZlib, decompressWithZlib } from "./zlib.ts";

/*
 * The gzip format (RFC 1952): members of a header, a DEFLATE stream, the CRC-32 of the content and its size.
 */

const headerSize = 10;
const trailerSize = 8;
const smallestMember = headerSize + trailerSize;
const hasHeaderChecksum = 0x02;
const hasExtra = 0x04;
const hasName = 0x08;
const hasComment = 0x10;
const reservedFlags = 0xe0;

export function compressGzip(bytes: Uint8Array): Uint8Array {
  return compressWithZlib("gzipSync", bytes) ?? compressByJavaScript(bytes);
}

/** Reads any number of members, as gzip tools do. */
export function decompressGzip(bytes: Uint8Array, limit: number, buffer: OutputBuffer): Uint8Array {
  // Some runtimes take no bytes at all for an empty result.
  if (bytes.length < smallestMember) throw corruptData("gzip", "it is shorter than an empty member");
  // The last four bytes claim the size of the last member, modulo 2^32.
  const expectedSize = readUint32LittleEndian(bytes, bytes.length - 4);
  return (
    decompressWithZlib("gzip", "gunzipSync", bytes, limit, expectedSize) ??
    decompressByJavaScript(bytes, limit, expectedSize, buffer)
  );
}

function decompressByJavaScript(
  bytes: Uint8Array,
  limit: number,
  expectedSize: number,
  buffer: OutputBuffer,
): Uint8Array {
  const inflater = new Inflater(bytes, limit, expectedSize, buffer);
  let at = 0;
  let contentStart = 0;
  do {
    at = inflater.inflate(endOfHeader(bytes, at));
    if (bytes.length - at < trailerSize) throw corruptData("gzip", "it ends within a member");
    const { output } = inflater;
    if (readUint32LittleEndian(bytes, at) !== crc32(output, contentStart, output.length)) {
      throw corruptData("gzip", "the checksum of a member is wrong");
    }
    if (readUint32LittleEndian(bytes, at + 4) !== (output.length - contentStart) >>> 0) {
      throw corruptData("gzip", "a member is not as long as it says");
    }
    contentStart = output.length;
    at += trailerSize;
    // As zlib does in all runtimes: a zero is padding, whatever follows it; anything else must be a member.
  } while (at < bytes.length && bytes[at] !== 0);
  return inflater.output;
}

/** Skips name, comment and extra field: a batch has no use for them. */
function endOfHeader(bytes: Uint8Array, start: number): number {
  if (bytes.length - start < smallestMember) throw endsWithinHeader();
  if (bytes[start] !== 0x1f || bytes[start + 1] !== 0x8b) {
    throw corruptData("gzip", `no member starts at byte ${start}`);
  }
  if (bytes[start + 2] !== 8) throw corruptData("gzip", `compression method ${bytes[start + 2]} is unknown`);
  const flags = bytes[start + 3]!;
  if ((flags & reservedFlags) !== 0) throw corruptData("gzip", "a reserved flag is set");
  let at = start + headerSize;
  if ((flags & hasExtra) !== 0) at += 2 + (bytes[at]! | (bytes[at + 1]! << 8));
  if ((flags & hasName) !== 0) at = endOfText(bytes, at);
  if ((flags & hasComment) !== 0) at = endOfText(bytes, at);
  if ((flags & hasHeaderChecksum) !== 0) {
    if (bytes.length - at < 2) throw endsWithinHeader();
    if ((bytes[at]! | (bytes[at + 1]! << 8)) !== (crc32(bytes, start, at) & 0xffff)) {
      throw corruptData("gzip", "the checksum of a header is wrong");
    }
    at += 2;
  }
  if (at > bytes.length) throw endsWithinHeader();
  return at;
}

/** The position after the zero byte that ends a text. */
function endOfText(bytes: Uint8Array, start: number): number {
  const end = bytes.indexOf(0, start);
  if (end === -1) throw endsWithinHeader();
  return end + 1;
}

function endsWithinHeader(): Error {
  return corruptData("gzip", "it ends within a header");
}

/** One member without name and time, as batches have it. */
function compressByJavaScript(bytes: Uint8Array): Uint8Array {
  const output = deflate(bytes, headerSize, trailerSize);
  // Method 8; the last byte of the header says that the system is unknown.
  output.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  const trailerAt = output.length - trailerSize;
  writeUint32LittleEndian(output, trailerAt, crc32(bytes, 0, bytes.length));
  writeUint32LittleEndian(output, trailerAt + 4, bytes.length);
  return output;
}
