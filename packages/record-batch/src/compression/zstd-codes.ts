/*
 * The codes of zstd's sequences (RFC 8878, section 3.1.1.3.2.1): each stands for a range of lengths, and says how many
 * more bits tell which one. Offset codes need no table: code n stands for 2^n and n more bits.
 */

export interface LengthCodes {
  /** How many further bits follow each code. */
  readonly extraBits: Uint8Array;
  /** The length that each code stands for when those bits are 0. */
  readonly baselines: Int32Array;
}

/** What a sequence is made of, and how its codes are distributed unless a block says otherwise. */
export interface CodeKind {
  readonly name: string;
  readonly maxCode: number;
  readonly maxAccuracyLog: number;
  readonly defaultAccuracyLog: number;
  /** Probabilities in 1 / 2^defaultAccuracyLog; -1 stands for less than one. */
  readonly defaultDistribution: readonly number[];
}

function lengthCodes(smallest: number, extraBits: readonly number[]): LengthCodes {
  const baselines = new Int32Array(extraBits.length);
  let baseline = smallest;
  for (const [code, bits] of extraBits.entries()) {
    baselines[code] = baseline;
    baseline += 2 ** bits;
  }
  return { extraBits: Uint8Array.from(extraBits), baselines };
}

function repeated(count: number, value: number): number[] {
  return Array.from({ length: count }, () => value);
}

export const literalLengthCodes: LengthCodes = /* @__PURE__ */ lengthCodes(
  0,
  /* @__PURE__ */ [
    .../* @__PURE__ */ repeated(16, 0),
    1,
    1,
    1,
    1,
    2,
    2,
    3,
    3,
    4,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
  ],
);

export const matchLengthCodes: LengthCodes = /* @__PURE__ */ lengthCodes(
  3,
  /* @__PURE__ */ [
    .../* @__PURE__ */ repeated(32, 0),
    1,
    1,
    1,
    1,
    2,
    2,
    3,
    3,
    4,
    4,
    5,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    16,
  ],
);

export const literalLengthKind: CodeKind = {
  name: "literal lengths",
  maxCode: 35,
  maxAccuracyLog: 9,
  defaultAccuracyLog: 6,
  defaultDistribution: [
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
  ],
};

export const matchLengthKind: CodeKind = {
  name: "match lengths",
  maxCode: 52,
  maxAccuracyLog: 9,
  defaultAccuracyLog: 6,
  defaultDistribution: [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
  ],
};

export const offsetKind: CodeKind = {
  name: "offsets",
  maxCode: 31,
  maxAccuracyLog: 8,
  defaultAccuracyLog: 5,
  defaultDistribution: [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
};
