import { corruptData } from "./failures.ts";
import type { CodeKind } from "./zstd-codes.ts";

/**
 * A finite state entropy table (RFC 8878, section 4.1). Each state stands for a symbol; the next state is its baseline
 * plus as many bits of the stream as it says.
 */
export interface FseTable {
  readonly accuracyLog: number;
  /** For each state its symbol, plus 2^8 times the number of bits, plus 2^16 times the baseline. */
  readonly entries: Int32Array;
}

export function buildFseTable(distribution: ArrayLike<number>, accuracyLog: number): FseTable {
  const size = 2 ** accuracyLog;
  const entries = new Int32Array(size);
  const nextStates = new Uint16Array(distribution.length);
  let rareStart = size;
  for (let symbol = 0; symbol < distribution.length; symbol++) {
    const probability = distribution[symbol]!;
    nextStates[symbol] = Math.abs(probability);
    if (probability === -1) entries[--rareStart] = symbol;
  }
  const step = (size >>> 1) + (size >>> 3) + 3;
  let state = 0;
  for (let symbol = 0; symbol < distribution.length; symbol++) {
    for (let count = 0; count < distribution[symbol]!; count++) {
      entries[state] = symbol;
      do state = (state + step) & (size - 1);
      while (state >= rareStart);
    }
  }
  for (state = 0; state < size; state++) {
    const symbol = entries[state]!;
    const next = nextStates[symbol]!++;
    const bits = accuracyLog - (31 - Math.clz32(next));
    entries[state] = symbol | (bits << 8) | (((next << bits) - size) << 16);
  }
  return { accuracyLog, entries };
}

/** The table that says the same symbol for ever and takes no bits. */
export function constantFseTable(symbol: number): FseTable {
  return { accuracyLog: 0, entries: Int32Array.of(symbol) };
}

export function defaultFseTable(kind: CodeKind): FseTable {
  return buildFseTable(kind.defaultDistribution, kind.defaultAccuracyLog);
}

/** Reads the description of a table from `start`; returns it and the position after it. */
export function readFseTable(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxSymbol: number,
  maxAccuracyLog: number,
): { readonly table: FseTable; readonly end: number } {
  const bitsEnd = 8 * (end - start);
  let position = 0;
  const peek = (count: number): number => {
    const at = start + (position >>> 3);
    const word =
      (at < end ? bytes[at]! : 0) |
      (at + 1 < end ? bytes[at + 1]! << 8 : 0) |
      (at + 2 < end ? bytes[at + 2]! << 16 : 0);
    return (word >>> (position & 7)) & ((1 << count) - 1);
  };
  const accuracyLog = peek(4) + 5;
  position = 4;
  if (accuracyLog > maxAccuracyLog) throw corruptData("zstd", "a table is more accurate than allowed");
  const distribution: number[] = [];
  for (let left = 2 ** accuracyLog; left > 0; ) {
    if (distribution.length > maxSymbol || position > bitsEnd)
      throw corruptData("zstd", "a table's description is wrong");
    // Values up to left + 1, the small ones of which get along with a bit less.
    const bits = 32 - Math.clz32(left + 1);
    const shortCount = 2 ** bits - 2 - left;
    let value = peek(bits - 1);
    if (value < shortCount) position += bits - 1;
    else {
      value = peek(bits);
      position += bits;
      if (value >= 2 ** (bits - 1)) value -= shortCount;
    }
    const probability = value - 1;
    left -= Math.abs(probability);
    distribution.push(probability);
    if (probability !== 0) continue;
    for (let zeros = 3; zeros === 3; ) {
      zeros = peek(2);
      position += 2;
      for (let count = 0; count < zeros; count++) distribution.push(0);
      if (distribution.length > maxSymbol) throw corruptData("zstd", "a table's description is wrong");
    }
  }
  if (position > bitsEnd || distribution.length > maxSymbol + 1) {
    throw corruptData("zstd", "a table's description is wrong");
  }
  return { table: buildFseTable(distribution, accuracyLog), end: start + ((position + 7) >>> 3) };
}
