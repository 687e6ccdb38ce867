/** From this length on, one call of a built-in is cheaper than a loop. */
const callThreshold = 64;

/** Copies `length` bytes of `source` to `target`. */
export function copyBytes(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  if (length >= callThreshold) {
    target.set(source.subarray(from, from + length), to);
    return;
  }
  for (let index = 0; index < length; index++) target[to + index] = source[from + index]!;
}

/** Repeats what lies `distance` bytes back, byte after byte: with a short distance the copy repeats itself. */
export function copyMatch(bytes: Uint8Array, to: number, distance: number, length: number): void {
  const from = to - distance;
  if (length >= callThreshold && distance >= length) {
    bytes.copyWithin(to, from, from + length);
    return;
  }
  for (let index = 0; index < length; index++) bytes[to + index] = bytes[from + index]!;
}
