import { corruptData } from "./failures.ts";

/*
 * zstd writes streams of bits that are read from their end to their start: the writer pushes, the reader pops. The last
 * byte holds a final 1 above which nothing belongs to the stream. Before the start there are zeros.
 */

/** How many bits the stream from `start` to `end` has. */
export function streamLength(bytes: Uint8Array, start: number, end: number): number {
  const last = end > start ? bytes[end - 1]! : 0;
  if (last === 0) throw corruptData("zstd", "a bit stream has no end");
  return 8 * (end - start) - Math.clz32(last) + 23;
}

/** {@link bitsAt} tells so many bits. */
export const maxBitsAtOnce = 25;

/**
 * The next 25 bits of the stream that start `position` bits after `start`, in the lower bits of a number whose others
 * hold anything. A negative position is before the stream, which the caller takes for an error or for the end, as the
 * format wants.
 */
export function bitsAt(bytes: Uint8Array, start: number, position: number): number {
  if (position < 0) return bitsBefore(bytes, start, position);
  const at = start + (position >>> 3);
  // Beyond the stream, and even beyond the array, only bits are read that the caller masks off.
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >> (position & 7);
}

function bitsBefore(bytes: Uint8Array, start: number, position: number): number {
  return position <= -maxBitsAtOnce ? 0 : bitsAt(bytes, start, 0) << -position;
}

export function lowest(bits: number, count: number): number {
  return bits & ((1 << count) - 1);
}
