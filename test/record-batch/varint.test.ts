import fc from "fast-check";
import { expect, test } from "vitest";
import {
  endOfVarint,
  invalidVarint,
  readVarint,
  readVarlong,
  sizeOfVarint,
  sizeOfVarlong,
  writeVarint,
  writeVarlong,
} from "../../packages/record-batch/src/varint.ts";
import { varint } from "./support.ts";

const int32 = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, -1, 63, -64, 64, 8191, -8192, 8192, 2 ** 20, 2 ** 27, 2 ** 31 - 1, -(2 ** 31)),
);

test("32-bit varints are written and read as the definition says", () => {
  fc.assert(
    fc.property(int32, (value) => {
      const expected = varint(value);
      const bytes = new Uint8Array(expected.length + 2);
      expect(writeVarint(bytes, 1, value)).toBe(1 + expected.length);
      expect([...bytes.subarray(1, -1)]).toEqual(expected);
      expect(sizeOfVarint(value)).toBe(expected.length);
      expect(readVarint(bytes, 1)).toBe(value);
      expect(endOfVarint(bytes, 1)).toBe(1 + expected.length);
    }),
    { numRuns: 1000 },
  );
});

test("64-bit varints are written and read exactly up to 2^53 - 1", () => {
  const edges = [31, 32, 33, 34, 40, 41, 47, 48, 52, 53].flatMap((bits) => [
    2 ** bits - 1,
    -(2 ** bits) + 1,
    2 ** (bits - 1),
    -(2 ** (bits - 1)),
    -(2 ** (bits - 1)) - 1,
  ]);
  const safe = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(...edges));
  fc.assert(
    fc.property(safe, (value) => {
      const expected = varint(value);
      const bytes = new Uint8Array(expected.length + 1);
      expect(writeVarlong(bytes, 0, value)).toBe(expected.length);
      expect([...bytes.subarray(0, -1)]).toEqual(expected);
      expect(sizeOfVarlong(value)).toBe(expected.length);
      expect(readVarlong(bytes, 0)).toBe(value);
    }),
    { numRuns: 2000, examples: edges.map((edge) => [edge]) },
  );
});

test("64-bit varints beyond 2^53 read as the nearest number", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const read = readVarlong(Uint8Array.from(varint(value)), 0);
      expect(Math.abs(read - Number(value))).toBeLessThanOrEqual(2048);
      expect(Number.isSafeInteger(read)).toBe(Number.isSafeInteger(Number(value)));
    }),
    { examples: [[2n ** 63n - 1n], [-(2n ** 63n)]] },
  );
});

test("a varint of more than 32 bits, or one that the bytes cut off, is invalid", () => {
  expect(readVarint(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f), 0)).toBe(-(2 ** 31));
  expect(readVarint(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x10), 0)).toBe(invalidVarint);
  expect(readVarint(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x00), 0)).toBe(invalidVarint);
  for (let length = 0; length < 5; length++) {
    expect(readVarint(new Uint8Array(length).fill(0x80), 0)).toBe(invalidVarint);
  }
});
