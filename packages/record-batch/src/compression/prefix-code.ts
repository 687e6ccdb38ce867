import { maxCodeLength } from "./deflate-symbols.ts";

/** A Huffman code to write with. */
export interface PrefixCode {
  /** By symbol, 0 for one without a code. */
  readonly lengths: Uint8Array;
  /** By symbol; the bit that is written first is the lowest. */
  readonly codes: Uint16Array;
}

/**
 * A code for symbols that occur this often, each below 2^22 times, without codes longer than `maxLength`. At least two
 * symbols get a code, because not every decoder reads a code of one symbol.
 */
export function prefixCodeFor(frequencies: Uint32Array, maxLength: number): PrefixCode {
  return canonicalCode(codeLengths(frequencies, maxLength));
}

function codeLengths(frequencies: Uint32Array, maxLength: number): Uint8Array {
  const lengths = new Uint8Array(frequencies.length);
  const leaves = leavesByFrequency(frequencies);
  const depths = depthCounts(leaves, maxLength);
  let next = 0;
  for (let length = maxLength; length > 0; length--) {
    for (let left = depths[length]!; left > 0; left--) lengths[leaves[next++]! & 0x3ff] = length;
  }
  return lengths;
}

/** The frequency above bit 10 and the symbol below, the rarest first. */
function leavesByFrequency(frequencies: Uint32Array): Uint32Array {
  const leaves = new Uint32Array(frequencies.length);
  let count = 0;
  for (let symbol = 0; symbol < frequencies.length; symbol++) {
    if (frequencies[symbol]! > 0) leaves[count++] = (frequencies[symbol]! << 10) | symbol;
  }
  for (let symbol = 0; count < 2; symbol++) {
    if (frequencies[symbol] === 0) leaves[count++] = symbol;
  }
  return leaves.subarray(0, count).sort();
}

/** How many leaves of the Huffman tree get a code of each length. */
function depthCounts(leaves: Uint32Array, maxLength: number): Uint32Array {
  const count = leaves.length;
  // Inner nodes come into being in the order of their weights, so that two queues are all it takes.
  const weights = new Uint32Array(2 * count - 1);
  const parents = new Uint16Array(2 * count - 1);
  for (let leaf = 0; leaf < count; leaf++) weights[leaf] = leaves[leaf]! >>> 10;
  let leaf = 0;
  let inner = count;
  for (let node = count; node < weights.length; node++) {
    for (let child = 0; child < 2; child++) {
      const lightest = leaf < count && (inner === node || weights[leaf]! <= weights[inner]!) ? leaf++ : inner++;
      weights[node]! += weights[lightest]!;
      parents[lightest] = node;
    }
  }
  const depths = new Uint16Array(weights.length);
  const counts = new Uint32Array(maxLength + 1);
  for (let node = weights.length - 2; node >= 0; node--) {
    depths[node] = depths[parents[node]!]! + 1;
    if (node < count) counts[Math.min(depths[node]!, maxLength)]!++;
  }
  limitDepths(counts, maxLength);
  return counts;
}

/** Codes that were too long took too little of the code space: others get longer until all fit into it. */
function limitDepths(counts: Uint32Array, maxLength: number): void {
  let taken = 0;
  for (let length = 1; length <= maxLength; length++) taken += counts[length]! << (maxLength - length);
  for (; taken > 1 << maxLength; taken--) {
    let length = maxLength - 1;
    while (counts[length] === 0) length--;
    counts[length]!--;
    counts[length + 1]! += 2;
    counts[maxLength]!--;
  }
}

/** The code that these lengths define (RFC 1951, section 3.2.2). */
export function canonicalCode(lengths: Uint8Array): PrefixCode {
  const next = new Uint16Array(maxCodeLength + 2);
  for (const length of lengths) if (length > 0) next[length + 1]!++;
  for (let length = 2; length <= maxCodeLength; length++) next[length] = (next[length]! + next[length - 1]!) << 1;
  const codes = new Uint16Array(lengths.length);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!;
    if (length > 0) codes[symbol] = reversed(next[length]!++, length);
  }
  return { lengths, codes };
}

function reversed(code: number, length: number): number {
  let result = 0;
  for (let bit = 0; bit < length; bit++) result |= ((code >> bit) & 1) << (length - 1 - bit);
  return result;
}
