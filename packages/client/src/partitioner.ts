import { InvalidOptionError } from "./errors.ts";
import type { TopicMetadata } from "./metadata.ts";
import { check } from "./options.ts";
import { TransientUtf8 } from "./transient-utf8.ts";

const seed = 0x9747b28c;
const multiplier = 0x5bd1e995;
const rotation = 24;
const keyText = /* @__PURE__ */ new TransientUtf8();

/**
 * MurmurHash2 (32 bit, little-endian, as Java's `Utils.murmur2`), as a signed 32-bit number. All multiplications must
 * wrap at 32 bits, which only `Math.imul` does.
 */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const byte = (at: number): number => bytes[at] ?? 0;
  let hash = seed ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> rotation;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  const rest = length - at;
  if (rest >= 3) hash ^= byte(at + 2) << 16;
  if (rest >= 2) hash ^= byte(at + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ byte(at), multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

/**
 * The partition that Java's default partitioner chooses for a key: all partitions count, whether they have a leader or
 * not. A key that lands elsewhere would live in two partitions, where compaction never removes the older value.
 */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitionCount;
}

/** The partition that a record asks for, else that of its key; without a key any. @throws InvalidOptionError */
export function choosePartition(
  record: { readonly key: Uint8Array | string | null; readonly partition?: number | undefined },
  topic: TopicMetadata,
): number {
  const count = topic.partitions.length;
  const { partition, key } = record;
  if (partition !== undefined) {
    const wrong = check.integer(0, count - 1)(partition);
    if (wrong !== undefined) {
      throw new InvalidOptionError(
        "partition",
        `Topic "${topic.name}" has ${count} partitions: partition must be ${wrong}`,
      );
    }
    return partition;
  }
  if (key === null) return Math.floor(Math.random() * count);
  return count === 1 ? 0 : partitionForKey(typeof key === "string" ? keyText.encode(key) : key, count);
}
