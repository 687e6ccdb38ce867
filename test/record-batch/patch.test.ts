import { encodeBatch, KafkaError, patchPlacement, patchProducer } from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import { concat, onlyBatch, utf8 } from "./support.ts";

const records = [
  { key: utf8("a"), value: utf8("1"), timestamp: 5 },
  { key: utf8("b"), value: null, timestamp: 6 },
];
const fields = { producerId: 2 ** 40 + 5, producerEpoch: 32767, baseSequence: 2 ** 31 - 1 };

describe("patchProducer", () => {
  test("gives the bytes that encoding with these fields would have given", () => {
    for (const compression of ["none", "zstd"] as const) {
      const bytes = encodeBatch({ records, compression, producerId: 7, producerEpoch: 0, baseSequence: 9 });
      patchProducer(bytes, fields);
      expect(bytes).toEqual(encodeBatch({ records, compression, ...fields }));
    }
  });

  test("leaves everything around the batch as it is", () => {
    const other = encodeBatch({ records });
    const bytes = concat(other, other, other);
    patchProducer(bytes, fields, other.length);
    expect(bytes).toEqual(concat(other, encodeBatch({ records, ...fields }), other));
  });
});

test("patchPlacement gives the bytes that encoding at that place would have given", () => {
  const other = encodeBatch({ records });
  const bytes = concat(other, other);
  patchPlacement(bytes, { baseOffset: 2 ** 41 + 3, partitionLeaderEpoch: 12 }, other.length);
  const placed = encodeBatch({ records, baseOffset: 2 ** 41 + 3, partitionLeaderEpoch: 12 });
  expect(bytes).toEqual(concat(other, placed));
  expect(onlyBatch(placed).lastOffset).toBe(2 ** 41 + 4);
});

test("what is no whole batch, or no valid field, is refused and not written to", () => {
  const bytes = encodeBatch({ records });
  const before = Uint8Array.from(bytes);
  const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });
  const cases = [
    () => patchProducer(bytes.subarray(0, bytes.length - 1), fields),
    () => patchProducer(bytes, fields, 1),
    () => patchProducer(new Uint8Array(10), fields),
    () => patchProducer(bytes, { ...fields, producerId: 2 ** 53 }),
    () => patchProducer(bytes, { ...fields, producerEpoch: 32768 }),
    () => patchProducer(bytes, { ...fields, baseSequence: -2 }),
    () => patchPlacement(bytes, { baseOffset: -1, partitionLeaderEpoch: 0 }),
    () => patchPlacement(bytes, { baseOffset: 0, partitionLeaderEpoch: 1.5 }),
    () => patchPlacement(bytes.subarray(0, 60), { baseOffset: 0, partitionLeaderEpoch: 0 }),
  ];
  for (const run of cases) {
    expect(run).toThrow(KafkaError);
    expect(run).toThrow(refused);
  }
  expect(bytes).toEqual(before);
});
