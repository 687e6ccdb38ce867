import { encodeBatch, nextOffsetOf, readBatches } from "@ktables/record-batch";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { concat, rawBatch, utf8 } from "./support.ts";

function batchAt(baseOffset: number, span: number, count: number): Uint8Array {
  const records = Array.from({ length: count }, () => ({ key: utf8("k"), value: null, timestamp: 0 }));
  return encodeBatch({ records, baseOffset, lastOffset: baseOffset + Math.max(count, span) });
}

test("it is where reading all whole batches ends, wherever the bytes are cut", () => {
  const batches = [batchAt(5, 0, 2), batchAt(20, 9, 0), batchAt(30, 3, 1)];
  const log = concat(...batches);
  fc.assert(
    fc.property(fc.nat(log.length), (length) => {
      const cut = log.subarray(0, length);
      const whole = length < batches[0]!.length ? [] : [...readBatches(cut)];
      expect(nextOffsetOf(cut)).toBe(whole.at(-1)?.nextOffset);
    }),
    { numRuns: 300, examples: [[0], [log.length], [batches[0]!.length]] },
  );
});

test("it stops where headers are impossible, instead of failing or going back", () => {
  const first = batchAt(5, 0, 2);
  const impossible = [
    rawBatch({ batchLength: -1 }),
    rawBatch({ batchLength: 10 }),
    rawBatch({ baseOffset: 2n ** 60n }),
    rawBatch({ baseOffset: 0n }),
  ];
  for (const bytes of impossible) expect(nextOffsetOf(concat(first, bytes, batchAt(90, 0, 1)))).toBe(8);
  expect(nextOffsetOf(rawBatch({ baseOffset: -5n }))).toBeUndefined();
});
