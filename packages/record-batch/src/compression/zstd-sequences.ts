import { corruptData } from "./failures.ts";
import { bitsAt, lowest, maxBitsAtOnce, streamLength } from "./zstd-bits.ts";
import {
  type CodeKind,
  literalLengthCodes,
  literalLengthKind,
  matchLengthCodes,
  matchLengthKind,
  offsetKind,
} from "./zstd-codes.ts";
import { constantFseTable, defaultFseTable, type FseTable, readFseTable } from "./zstd-fse.ts";

/** The tables that decode the sequences of a block; a block may go on with those of the one before. */
export interface SequenceTables {
  readonly literalLengths: FseTable;
  readonly offsets: FseTable;
  readonly matchLengths: FseTable;
}

/** Distances of 2 GiB and more are beyond any limit. */
const maxOffsetCode = 30;

export interface SequencesHeader {
  readonly count: number;
  /** Undefined without sequences. */
  readonly tables: SequenceTables | undefined;
  /** Where the bits start. */
  readonly bitsStart: number;
}

/** Reads what precedes the bits of the sequences (RFC 8878, section 3.1.1.3.2). */
export function readSequencesHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  previous: SequenceTables | undefined,
): SequencesHeader {
  let at = start;
  const next = (): number => {
    if (at >= end) throw corruptData("zstd", "a block ends before its sequences");
    return bytes[at++]!;
  };
  const first = next();
  let count = first;
  if (first === 255) count = next() + next() * 256 + 0x7f00;
  else if (first >= 128) count = (first - 128) * 256 + next();
  if (count === 0) {
    if (at !== end) throw corruptData("zstd", "a block does not end with its literals");
    return { count, tables: undefined, bitsStart: at };
  }
  const modes = next();
  if ((modes & 3) !== 0) throw corruptData("zstd", "a reserved bit is set");
  const table = (mode: number, kind: CodeKind, before: FseTable | undefined): FseTable => {
    if (mode === 0) return defaultFseTable(kind);
    if (mode === 1) {
      const symbol = next();
      if (symbol > kind.maxCode) throw corruptData("zstd", `a code of ${kind.name} is unknown`);
      return constantFseTable(symbol);
    }
    if (mode === 2) {
      const described = readFseTable(bytes, at, end, kind.maxCode, kind.maxAccuracyLog);
      at = described.end;
      return described.table;
    }
    if (before === undefined) throw corruptData("zstd", "the first sequences rely on tables of before");
    return before;
  };
  const literalLengths = table(modes >>> 6, literalLengthKind, previous?.literalLengths);
  const offsets = table((modes >>> 4) & 3, offsetKind, previous?.offsets);
  const matchLengths = table((modes >>> 2) & 3, matchLengthKind, previous?.matchLengths);
  return { count, tables: { literalLengths, offsets, matchLengths }, bitsStart: at };
}

/**
 * Calls `visit` with each sequence. `recentDistances` holds the last three distances, which sequences refer to, and is
 * brought up to date.
 */
export function forEachSequence(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  { literalLengths, offsets, matchLengths }: SequenceTables,
  recentDistances: Int32Array,
  visit: (literals: number, distance: number, length: number) => void,
): void {
  const { entries: literalEntries, accuracyLog: literalLog } = literalLengths;
  const { entries: offsetEntries, accuracyLog: offsetLog } = offsets;
  const { entries: matchEntries, accuracyLog: matchLog } = matchLengths;
  let position = streamLength(bytes, start, end) - literalLog;
  let literalEntry = literalEntries[lowest(bitsAt(bytes, start, position), literalLog)]!;
  position -= offsetLog;
  let offsetEntry = offsetEntries[lowest(bitsAt(bytes, start, position), offsetLog)]!;
  position -= matchLog;
  let matchEntry = matchEntries[lowest(bitsAt(bytes, start, position), matchLog)]!;
  for (let left = count; ; left--) {
    const literalCode = literalEntry & 255;
    const matchCode = matchEntry & 255;
    const offsetCode = offsetEntry & 255;
    if (offsetCode > maxOffsetCode) throw corruptData("zstd", "a match reaches too far back");
    position -= offsetCode;
    let offsetValue = (1 << offsetCode) + lowest(bitsAt(bytes, start, position), Math.min(offsetCode, maxBitsAtOnce));
    if (offsetCode > maxBitsAtOnce) {
      const highBits = lowest(bitsAt(bytes, start, position + maxBitsAtOnce), offsetCode - maxBitsAtOnce);
      offsetValue += highBits << maxBitsAtOnce;
    }
    // Most lengths are short, and their codes say all.
    const matchBits = matchLengthCodes.extraBits[matchCode]!;
    const literalBits = literalLengthCodes.extraBits[literalCode]!;
    let length = matchLengthCodes.baselines[matchCode]!;
    let literals = literalLengthCodes.baselines[literalCode]!;
    if (matchBits > 0) {
      position -= matchBits;
      length += lowest(bitsAt(bytes, start, position), matchBits);
    }
    if (literalBits > 0) {
      position -= literalBits;
      literals += lowest(bitsAt(bytes, start, position), literalBits);
    }
    if (position < 0) break;
    visit(literals, distanceOf(offsetValue, literals === 0, recentDistances), length);
    if (left === 1) {
      if (position === 0) return;
      break;
    }
    // The three states together take up to 26 bits.
    const literalStateBits = (literalEntry >>> 8) & 255;
    const matchStateBits = (matchEntry >>> 8) & 255;
    const offsetStateBits = (offsetEntry >>> 8) & 255;
    position -= literalStateBits;
    literalEntry = literalEntries[(literalEntry >>> 16) + lowest(bitsAt(bytes, start, position), literalStateBits)]!;
    position -= matchStateBits + offsetStateBits;
    const states = bitsAt(bytes, start, position);
    matchEntry = matchEntries[(matchEntry >>> 16) + lowest(states >>> offsetStateBits, matchStateBits)]!;
    offsetEntry = offsetEntries[(offsetEntry >>> 16) + lowest(states, offsetStateBits)]!;
  }
  throw corruptData("zstd", "sequences and their bits do not end together");
}

/** Values up to 3 stand for a recent distance (RFC 8878, section 3.1.1.5). */
function distanceOf(offsetValue: number, withoutLiterals: boolean, recent: Int32Array): number {
  if (offsetValue > 3) {
    recent[2] = recent[1]!;
    recent[1] = recent[0]!;
    recent[0] = offsetValue - 3;
    return recent[0];
  }
  const index = offsetValue - (withoutLiterals ? 0 : 1);
  const distance = index === 3 ? recent[0]! - 1 : recent[index]!;
  if (index > 1) recent[2] = recent[1]!;
  if (index > 0) recent[1] = recent[0]!;
  recent[0] = distance;
  return distance;
}
