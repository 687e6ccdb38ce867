/*
 * Decompression of single LZ4 and Snappy blocks in AssemblyScript, a dialect of TypeScript that compiles to
 * WebAssembly. The caller copies the block into the memory and the output out of it, and sees to it that 64 bytes
 * behind either belong to nobody. The formats and the order of the checks are those of the plain JavaScript versions
 * (src/compression), and so are the numbers that say what is wrong.
 */
import { copyForward, copyMatch } from "./copy";

export { freeMemory, initialize } from "./copy";

const outputFull: isize = -1;
const literalsBeyondInput: isize = -2;
const endsWithinElement: isize = -3;
const matchBeyondWindow: isize = -4;
const noLastLiterals: isize = -5;

const allBits: usize = 0xffffffff;

/** Returns where the output ends, or one of the negative numbers above. */
export function decompressLz4(
  start: usize,
  end: usize,
  outputStart: usize,
  outputEnd: usize,
  windowStart: usize,
): isize {
  let at = start;
  let outputAt = outputStart;
  while (at < end) {
    const token: usize = load<u8>(at++);
    let literals = token >> 4;
    if (literals === 15) {
      let byte: usize = 255;
      while (byte === 255 && at < end) {
        byte = load<u8>(at++);
        literals += byte;
      }
    }
    if (literals > end - at) return literalsBeyondInput;
    if (literals > outputEnd - outputAt) return outputFull;
    copyForward(at, outputAt, literals);
    at += literals;
    outputAt += literals;
    if (at === end) return outputAt;

    if (end - at < 2) return endsWithinElement;
    const distance: usize = load<u16>(at);
    at += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      let byte: usize = 255;
      while (byte === 255 && at < end) {
        byte = load<u8>(at++);
        length += byte;
      }
    }
    if (distance === 0 || distance > outputAt - windowStart) return matchBeyondWindow;
    if (length > outputEnd - outputAt) return outputFull;
    copyMatch(outputAt, distance, length);
    outputAt += length;
  }
  return noLastLiterals;
}

/** Without the size in front of the block. Returns where the output ends, or one of the negative numbers above. */
export function decompressSnappy(start: usize, end: usize, outputStart: usize, outputEnd: usize): isize {
  let at = start;
  let outputAt = outputStart;
  while (at < end) {
    const tag: usize = load<u8>(at++);
    const kind = tag & 3;
    let length = (tag >> 2) + 1;
    if (kind === 0) {
      if (length > 60) {
        const lengthBytes = length - 60;
        if (lengthBytes > end - at) return endsWithinElement;
        const lengthLessOne = load<usize>(at) & (allBits >> (32 - (lengthBytes << 3)));
        at += lengthBytes;
        // Before one is added: four bytes may hold a length that has 33 bits then.
        if (lengthLessOne >= end - at) return literalsBeyondInput;
        length = lengthLessOne + 1;
      }
      if (length > end - at || length > outputEnd - outputAt) return literalsBeyondInput;
      copyForward(at, outputAt, length);
      at += length;
    } else {
      let distance: usize;
      if (kind === 3) {
        distance = load<usize>(at);
        at += 4;
      } else {
        // Which of the two follows is hard for the processor to guess: both are computed, and one is taken.
        const twoBytes: usize = load<u16>(at);
        length = select<usize>(4 + ((tag >> 2) & 7), length, kind === 1);
        distance = select<usize>(((tag >> 5) << 8) | (twoBytes & 0xff), twoBytes, kind === 1);
        at += kind;
      }
      if (at > end || distance === 0 || distance > outputAt - outputStart || length > outputEnd - outputAt) {
        return matchBeyondWindow;
      }
      copyMatch(outputAt, distance, length);
    }
    outputAt += length;
  }
  return outputAt;
}
