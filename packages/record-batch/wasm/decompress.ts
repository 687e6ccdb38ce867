/*
 * Decompression of single LZ4 and Snappy blocks in AssemblyScript, a dialect of TypeScript that compiles to
 * WebAssembly. The caller copies the block into the memory and sees to it that 64 bytes behind it and behind the output
 * belong to nobody. The formats and the order of the checks are those of the plain JavaScript versions
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
  // Up to these, 14 literals and a match of up to 64 bytes fit without a further question.
  const shortInputEnd = end - 24;
  const shortOutputEnd = outputEnd - 96;
  while (at < end) {
    const token: usize = load<u8>(at++);
    let literals = token >> 4;
    let length = (token & 15) + 4;
    let distance: usize;
    if (literals < 15 && at <= shortInputEnd && outputAt <= shortOutputEnd) {
      v128.store(outputAt, v128.load(at));
      at += literals;
      outputAt += literals;
      distance = load<u16>(at);
      at += 2;
      if (distance >= 16 && distance <= outputAt - windowStart) {
        const from = outputAt - distance;
        v128.store(outputAt, v128.load(from));
        v128.store(outputAt, v128.load(from, 16), 16);
        if (length < 19) {
          outputAt += length;
          continue;
        }
        const more: usize = load<u8>(at);
        if (more <= 64 - 19) {
          v128.store(outputAt, v128.load(from, 32), 32);
          v128.store(outputAt, v128.load(from, 48), 48);
          at += 1;
          outputAt += length + more;
          continue;
        }
      }
    } else {
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
      distance = load<u16>(at);
      at += 2;
    }
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
  // Up to these, a short literal and the copy behind it fit without a further question.
  const shortInputEnd = end - 24;
  const shortOutputEnd = outputEnd - 96;
  while (at < end) {
    let tag: usize = load<u8>(at++);
    if (at <= shortInputEnd && outputAt <= shortOutputEnd) {
      if ((tag & 3) === 0 && tag < 16 << 2) {
        v128.store(outputAt, v128.load(at));
        const literals = (tag >> 2) + 1;
        at += literals;
        outputAt += literals;
        // Nobody writes a literal after a literal.
        tag = load<u8>(at++);
      }
      if ((tag & 3) === 1) {
        const distance: usize = ((tag >> 5) << 8) | load<u8>(at);
        if (distance >= 16 && distance <= outputAt - outputStart) {
          v128.store(outputAt, v128.load(outputAt - distance));
          at += 1;
          outputAt += 4 + ((tag >> 2) & 7);
          continue;
        }
      } else if ((tag & 3) === 2) {
        const distance: usize = load<u16>(at);
        if (distance >= 16 && distance <= outputAt - outputStart) {
          const from = outputAt - distance;
          v128.store(outputAt, v128.load(from));
          v128.store(outputAt, v128.load(from, 16), 16);
          v128.store(outputAt, v128.load(from, 32), 32);
          v128.store(outputAt, v128.load(from, 48), 48);
          at += 2;
          outputAt += (tag >> 2) + 1;
          continue;
        }
      }
    }
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
      // Branches, which the processor guesses to go on with the next element: computed lengths it would wait for.
      if (kind === 2) {
        distance = load<u16>(at);
        at += 2;
      } else if (kind === 1) {
        length = 4 + ((tag >> 2) & 7);
        distance = ((tag >> 5) << 8) | load<u8>(at);
        at += 1;
      } else {
        distance = load<usize>(at);
        at += 4;
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
