import { encodeBatch, endOfBatches, readBatches } from "@ktables/record-batch";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { concat, rawBatch, utf8 } from "./support.ts";

function batchAt(baseOffset: number, span: number, count: number, partitionLeaderEpoch = 0): Uint8Array {
  const records = Array.from({ length: count }, () => ({ key: utf8("k"), value: null, timestamp: 0 }));
  return encodeBatch({ records, baseOffset, lastOffset: baseOffset + Math.max(count, span), partitionLeaderEpoch });
}

test("it is where reading all whole batches ends, wherever the bytes are cut", () => {
  const batches = [batchAt(5, 0, 2), batchAt(20, 9, 0, 3), batchAt(30, 3, 1, 7)];
  const log = concat(...batches);
  fc.assert(
    fc.property(fc.nat(log.length), (length) => {
      const cut = log.subarray(0, length);
      const whole = length < batches[0]!.length ? [] : [...readBatches(cut)];
      const last = whole.at(-1);
      const { nextOffset, partitionLeaderEpoch } = last ?? {};
      const sizeInBytes = whole.reduce((sum, batch) => sum + batch.sizeInBytes, 0);
      expect(endOfBatches(cut)).toEqual(last && { nextOffset, partitionLeaderEpoch, sizeInBytes });
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
  for (const bytes of impossible) expect(endOfBatches(concat(first, bytes, batchAt(90, 0, 1)))?.nextOffset).toBe(8);
  expect(endOfBatches(rawBatch({ baseOffset: -5n }))).toBeUndefined();
});
