/** From these lengths on, one call of a built-in is cheaper than a loop. */
const setThreshold = 48;
const copyWithinThreshold = 128;

/** Copies `length` bytes of `source` to `target`. */
export function copyBytes(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): void {
  if (length >= setThreshold) {
    target.set(source.subarray(from, from + length), to);
    return;
  }
  for (let index = 0; index < length; index++) target[to + index] = source[from + index]!;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Copies `length` bytes of the compressed input to the output. Both come as bytes and as a view of them, because four
 * bytes at a time are faster than one, even if they are too many: up to 16 bytes of the output after the copy may
 * change, which is where the next copy goes.
 */
export function copyLiterals(
  input: Uint8Array,
  inputView: DataView,
  from: number,
  output: Uint8Array,
  outputView: DataView,
  to: number,
  length: number,
): void {
  if (length > 16 || to + 16 > output.length || from + 16 > input.length) {
    copyBytes(input, from, output, to, length);
    return;
  }
  outputView.setInt32(to, inputView.getInt32(from, true), true);
  outputView.setInt32(to + 4, inputView.getInt32(from + 4, true), true);
  if (length <= 8) return;
  outputView.setInt32(to + 8, inputView.getInt32(from + 8, true), true);
  outputView.setInt32(to + 12, inputView.getInt32(from + 12, true), true);
}

/**
 * Repeats what lies `distance` bytes back, byte after byte: with a short distance the copy repeats itself. Up to 8 bytes
 * of the output after the copy may change.
 */
export function copyMatch(
  output: Uint8Array,
  outputView: DataView,
  to: number,
  distance: number,
  length: number,
): void {
  let from = to - distance;
  const end = to + length;
  let at = to;
  if (distance < 8 || end + 8 > output.length) {
    while (at < end) output[at++] = output[from++]!;
    return;
  }
  if (length >= copyWithinThreshold && distance >= length) {
    output.copyWithin(to, from, from + length);
    return;
  }
  for (; at < end; at += 8, from += 8) {
    const low = outputView.getInt32(from, true);
    const high = outputView.getInt32(from + 4, true);
    outputView.setInt32(at, low, true);
    outputView.setInt32(at + 4, high, true);
  }
}
