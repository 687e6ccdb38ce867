/*
 * Copies for the decompressors. They move 16 bytes at a time and may write up to 32 bytes too many: what follows in the
 * output overwrites them, and behind its end there is slack. Likewise they may read beyond the input.
 */

/** For each distance below 16 the pattern that repeats so many bytes; 16 bytes each, at distance * 16. */
const patterns: usize = 0;
/** Where the memory is free. */
export const freeMemory: usize = 256;

/** Builds the patterns; to be called once, before anything else. */
export function initialize(): void {
  for (let distance: usize = 1; distance < 16; distance++) {
    for (let at: usize = 0; at < 16; at++) store<u8>(patterns + (distance << 4) + at, at % distance);
  }
}

export function copyForward(from: usize, to: usize, length: usize): void {
  // Two of them without a question, as most copies are short and the processor would guess the answer wrong often.
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  for (let done: usize = 32; done < length; done += 16) v128.store(to + done, v128.load(from + done));
}

/** Repeats what lies `distance` bytes back, which with a short distance includes what the copy itself has written. */
export function copyMatch(to: usize, distance: usize, length: usize): void {
  if (distance >= 16) {
    copyForward(to - distance, to, length);
  } else {
    const pattern = v128.swizzle(v128.load(to - distance), v128.load(patterns + (distance << 4)));
    // As many whole repetitions as fit into 16 bytes.
    const whole: usize = 16;
    const stride = whole - (whole % distance);
    for (let done: usize = 0; done < length; done += stride) v128.store(to + done, pattern);
  }
}
