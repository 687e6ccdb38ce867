import { crc32c } from "@ktables/record-batch";
import { codecs, compressionNames } from "../../packages/record-batch/src/compression/index.ts";
import { concat, varint } from "../record-batch/support.ts";
import type { Random } from "./random.ts";

const headerSize = 61;
const interesting32 = [0, 1, -1, 2, 48, 49, 61, 127, 128, 255, 256, 65_535, 65_536, 2 ** 20, 2 ** 31 - 1, -(2 ** 31)];
const interesting64 = [0n, -1n, 1n, 2n ** 31n, 2n ** 52n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];
const int32Fields = [8, 12, 23, 53, 57];
const int64Fields = [0, 27, 35, 43];
const frameStarts = [
  [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
  [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1],
  [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82],
  [0x28, 0xb5, 0x2f, 0xfd],
];

type Mutation = (bytes: Uint8Array, random: Random, seeds: readonly Uint8Array[]) => Uint8Array;

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Makes the first batch end where the bytes do, or where its length says, and its CRC right. */
function repair(bytes: Uint8Array, withLength: boolean): Uint8Array {
  if (bytes.length < headerSize) return bytes;
  if (withLength) view(bytes).setInt32(8, bytes.length - 12);
  const end = 12 + view(bytes).getInt32(8);
  if (end >= headerSize && end <= bytes.length) view(bytes).setUint32(17, crc32c(bytes, 21, end));
  return bytes;
}

function edit(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array | readonly number[]): Uint8Array {
  return concat(bytes.subarray(0, at), insert, bytes.subarray(Math.min(at + remove, bytes.length)));
}

/** Mostly among the records, since the header is small. */
function somewhere(bytes: Uint8Array, random: Random): number {
  return bytes.length > headerSize && !random.oneIn(5)
    ? headerSize + random.below(bytes.length - headerSize)
    : random.below(bytes.length);
}

function flipBits(bytes: Uint8Array, random: Random): Uint8Array {
  for (let flips = 1 + random.below(4); flips > 0; flips--) {
    const at = somewhere(bytes, random);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  }
  return bytes;
}

function changeField(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length < headerSize) return bytes;
  const fields = view(bytes);
  const choice = random.below(10);
  if (choice < 5) {
    const at = random.pick(int32Fields);
    const near = fields.getInt32(at) + random.below(9) - 4;
    fields.setInt32(at, random.oneIn(2) ? near : random.pick(interesting32));
  } else if (choice < 8) {
    fields.setBigInt64(random.pick(int64Fields), random.pick(interesting64));
  } else if (choice < 9) fields.setInt16(21, random.below(128));
  else fields.setInt16(random.oneIn(2) ? 51 : 21, random.next());
  return bytes;
}

function splice(bytes: Uint8Array, random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  const other = random.pick(seeds);
  return concat(bytes.subarray(0, somewhere(bytes, random)), other.subarray(somewhere(other, random)));
}

function changeVarint(bytes: Uint8Array, random: Random): Uint8Array {
  const at = Math.min(headerSize + random.below(Math.min(bytes.length, 200)), bytes.length);
  const value = random.oneIn(3) ? random.pick(interesting64) : BigInt(random.pick(interesting32));
  const encoded = random.oneIn(8) ? [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, random.below(256)] : varint(value);
  return edit(bytes, at, random.below(3), encoded);
}

function editBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const insert = random.oneIn(6) ? random.pick(frameStarts) : random.bytes(random.below(6));
  return edit(bytes, somewhere(bytes, random), random.below(6), insert);
}

function repeatPart(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.oneIn(3) ? Math.min(headerSize, bytes.length) : somewhere(bytes, random);
  const part = bytes.subarray(at, random.oneIn(2) ? bytes.length : at + random.below(64));
  const times = 1 + random.below(random.oneIn(20) && part.length < 2000 ? 60 : 3);
  return edit(bytes, at, 0, concat(...Array.from({ length: times }, () => part)));
}

function truncate(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.subarray(0, random.oneIn(4) ? random.below(headerSize + 2) : somewhere(bytes, random));
}

/** Damages the records before they are compressed, so that the damage gets past the codec. */
function damageInside(bytes: Uint8Array, random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  const plain = Uint8Array.from(random.pick(seeds.filter((seed) => seed.length < 2000 && ((seed[22] ?? 0) & 7) === 0)));
  const damaged = random.pick<Mutation>([flipBits, changeVarint, editBytes, truncate])(plain, random, seeds);
  if (damaged.length <= headerSize) return bytes;
  const codec = random.pick(["gzip", "snappy", "lz4", "zstd"] as const);
  const compressed = concat(damaged.subarray(0, headerSize), codecs[codec].compress(damaged.subarray(headerSize)));
  compressed[22] = ((compressed[22] ?? 0) & ~7) | compressionNames.indexOf(codec);
  return repair(compressed, true);
}

function plainBytes(_: Uint8Array, random: Random): Uint8Array {
  const bytes = random.bytes(random.below(random.oneIn(10) ? 600 : 120));
  if (bytes.length > 22 && !random.oneIn(3)) {
    bytes[16] = 2;
    bytes[21] = 0;
    bytes[22] = random.below(128);
    if (random.oneIn(2)) bytes[0] = bytes[1] = bytes[23] = bytes[57] = bytes[58] = 0;
  }
  return bytes;
}

const mutations: readonly Mutation[] = [
  flipBits,
  flipBits,
  changeField,
  changeField,
  splice,
  changeVarint,
  changeVarint,
  editBytes,
  repeatPart,
  truncate,
  damageInside,
  plainBytes,
];

/** One input for the decoder: a seed, damaged once or a few times, with its length and CRC repaired, or not. */
export function mutated(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(random.pick(seeds));
  for (let turns = random.oneIn(3) ? 1 + random.below(4) : 1; turns > 0; turns--) {
    bytes = Uint8Array.from(random.pick(mutations)(bytes, random, seeds));
  }
  if (!random.oneIn(4)) repair(bytes, !random.oneIn(4));
  return random.oneIn(12) ? concat(random.pick(seeds), bytes) : bytes;
}
