import { encodeBatch } from "@ktables/record-batch";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { concat, decodeError, onlyBatch, rawBatch, rawRecord, recordsOf, varint } from "./support.ts";

/** The delta of the second record's timestamp, encoded by the package: what lies between the two markers. */
function encodedDelta(delta: number): number[] {
  const record = (timestamp: number) => ({ key: null, value: null, timestamp });
  const encoded = encodeBatch({ records: [record(0), record(delta)] });
  const firstRecord = rawRecord([0, 0, 0, 1, 1, 0]).length;
  const second = [...encoded.subarray(61 + firstRecord)];
  expect(second[0]).toBe((second.length - 1) * 2);
  expect(second.slice(-4)).toEqual([2, 1, 1, 0]);
  return second.slice(2, -4);
}

/** The delta that the package reads from these bytes. */
function decodedDelta(bytes: readonly number[]): number {
  const encoded = rawBatch({ baseTimestamp: 0n, records: rawRecord([0, ...bytes, 0, 1, 1, 0]) });
  return recordsOf(onlyBatch(encoded))[0]!.timestamp;
}

const edges = [6, 7, 13, 14, 20, 21, 27, 28, 31, 32, 33, 34, 35, 40, 41, 47, 48, 52, 53].flatMap((bits) => [
  2 ** bits - 1,
  1 - 2 ** bits,
  2 ** (bits - 1),
  -(2 ** (bits - 1)),
  -(2 ** (bits - 1)) - 1,
]);

test("64-bit varints are written and read exactly up to 2^53 - 1", () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer()), (value) => {
      expect(encodedDelta(value)).toEqual(varint(value));
      expect(decodedDelta(varint(value))).toBe(value);
    }),
    { numRuns: 1000, examples: edges.map((edge) => [edge]) },
  );
});

test("64-bit varints beyond 2^53 - 1 are refused, not rounded", () => {
  const beyond = fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(beyond, fc.boolean(), (value, negative) => {
      const error = decodeError(() => decodedDelta(varint(negative ? -value : value)));
      expect(error.code).toBe("UNSAFE_INTEGER");
    }),
    {
      examples: [
        [2n ** 63n - 1n, false],
        [2n ** 63n - 1n, true],
        [2n ** 53n, false],
      ],
    },
  );
});

test("lengths of every size of varint are written and read", () => {
  for (const length of [0, 1, 63, 64, 8191, 8192, 1_048_575, 1_048_576]) {
    const value = new Uint8Array(length).fill(7);
    const encoded = encodeBatch({ records: [{ key: value, value, timestamp: 0 }] });
    const record = concat([0, 0, 0], varint(length), value, varint(length), value, [0]);
    expect(Buffer.compare(encoded.subarray(61), concat(varint(record.length), record))).toBe(0);
    const read = recordsOf(onlyBatch(encoded))[0];
    expect([read?.key?.length, read?.value?.length]).toEqual([length, length]);
  }
});

test("a varint may be longer than needed, but not longer than its type", () => {
  const valueOf = (lengthBytes: readonly number[]) =>
    recordsOf(onlyBatch(rawBatch({ records: rawRecord([0, 0, 0, 1, ...lengthBytes, 0x78, 0]) })))[0]?.value;
  expect(valueOf([0x82, 0x80, 0x80, 0x80, 0x00])).toEqual(Uint8Array.of(0x78));
  for (const tooLong of [
    [0x82, 0x80, 0x80, 0x80, 0x80, 0x00],
    [0x82, 0x80, 0x80, 0x80, 0x10],
    [0x82, 0x80, 0x80, 0x80, 0x7f],
  ]) {
    expect(decodeError(() => valueOf(tooLong)).code).toBe("BATCH_CORRUPT");
  }
  expect(decodedDelta([0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00])).toBe(1);
  for (const tooLong of [
    [0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    [0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02],
  ]) {
    expect(decodeError(() => decodedDelta(tooLong)).code).toBe("BATCH_CORRUPT");
  }
});
