import type { CompressionName, ControlBatchOptions, EncodeBatchOptions, RecordInput } from "@ktables/record-batch";
import * as fc from "fast-check";
import { pseudoRandomBytes, utf8 } from "./support.ts";

export const compressions: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

/** Encoded options, with what is optional there filled in where a comparison needs it. */
export type FullBatchOptions = EncodeBatchOptions & {
  readonly baseOffset: number;
  readonly offsets: readonly number[];
  readonly lastOffset: number;
  readonly compression: CompressionName;
};

// Generated from a seed and a length: an arbitrary per byte would take most of a suite's time.
const someBytes = fc
  .tuple(fc.nat(), fc.nat(60), fc.integer({ min: 1, max: 8 }))
  .map(([seed, length, bits]) => pseudoRandomBytes(seed, length, bits));
const bigBytes = fc
  .tuple(fc.nat(), fc.oneof(fc.nat(3000), fc.nat(120_000)), fc.integer({ min: 0, max: 8 }))
  .map(([seed, length, bits]) => pseudoRandomBytes(seed, length, bits));
const text = fc.string({ unit: "grapheme", maxLength: 20 }).map(utf8);

const small = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constant(new Uint8Array(0)) },
  { weight: 6, arbitrary: someBytes },
  { weight: 2, arbitrary: text },
);
const any = fc.oneof({ weight: 60, arbitrary: small }, { weight: 1, arbitrary: bigBytes });
const header = fc.record({ key: fc.string({ unit: "grapheme", maxLength: 12 }), value: small });

/** What Java's writer takes; -1 is none. The sum of the largest one and 1 is still exact. */
const timestamp = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }) },
  { weight: 1, arbitrary: fc.constant(-1) },
  { weight: 1, arbitrary: fc.nat({ max: 2 ** 42 }) },
  { weight: 1, arbitrary: fc.nat({ max: 2 ** 53 - 2 }) },
);

function recordOf(time: fc.Arbitrary<number>): fc.Arbitrary<RecordInput> {
  return fc.record(
    { key: small, value: any, timestamp: time, headers: fc.array(header, { maxLength: 3 }) },
    { requiredKeys: ["key", "value", "timestamp"] },
  );
}

function recordsOf(time: fc.Arbitrary<number>): fc.Arbitrary<RecordInput[]> {
  const plain = recordOf(time);
  // Hundreds of records that differ little, from a few numbers each.
  const many = fc.array(fc.tuple(fc.nat(), time), { minLength: 13, maxLength: 400 }).map((list) =>
    list.map(
      ([seed, at]): RecordInput => ({
        key: seed % 9 === 0 ? null : utf8(`key ${seed % 50}`),
        value: seed % 11 === 0 ? null : pseudoRandomBytes(seed, seed % 40, 4),
        timestamp: at,
      }),
    ),
  );
  return fc.oneof(
    { weight: 30, arbitrary: fc.array(plain, { maxLength: 12, size: "max" }) },
    { weight: 3, arbitrary: fc.constant<RecordInput[]>([]) },
    { weight: 2, arbitrary: many },
  );
}

const baseOffset = fc.oneof(fc.constant(0), fc.nat(1000), fc.nat({ max: 2 ** 53 - 2 - 2 ** 32 }));
const gap = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat(3) },
  { weight: 1, arbitrary: fc.nat(100_000) },
);
/** Holes as compaction leaves them: none, or before some records (the first one too), or behind the last. */
const holes = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ gaps: [0], tail: 0 }) },
  { weight: 1, arbitrary: fc.record({ gaps: fc.array(gap, { minLength: 1, maxLength: 12 }), tail: gap }) },
);
const leaderEpoch = fc.integer({ min: -1, max: 2 ** 31 - 1 });
const append = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: timestamp.map((maxTimestamp) => ({ timestampType: "LogAppendTime" as const, maxTimestamp })),
  },
);
const deleteHorizon = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.nat({ max: 2 ** 53 - 2 }).map((deleteHorizonMs) => ({ deleteHorizonMs })) },
);
const producer = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record({
      producerId: fc.oneof(fc.nat(5000), fc.nat({ max: 2 ** 53 - 1 })),
      producerEpoch: fc.nat(32767),
      baseSequence: fc.nat(2 ** 31 - 1),
      isTransactional: fc.boolean(),
    }),
  },
);

function place(
  parts: readonly [
    readonly RecordInput[],
    CompressionName,
    number,
    { readonly gaps: readonly number[]; readonly tail: number },
    ...Partial<EncodeBatchOptions>[],
  ],
): FullBatchOptions {
  const [records, compression, base, { gaps, tail }, ...rest] = parts;
  let offset = base - 1;
  const offsets = records.map((_, index) => (offset += 1 + (gaps[index % gaps.length] ?? 0)));
  const lastOffset = Math.max(offset, base) + tail;
  return Object.assign({}, ...rest, { records, compression, baseOffset: base, offsets, lastOffset });
}

/** Batches that a Java producer, broker or log cleaner can write as well. */
export const javaBatches: fc.Arbitrary<FullBatchOptions> = fc
  .tuple(
    recordsOf(timestamp),
    fc.constantFrom(...compressions),
    baseOffset,
    holes,
    leaderEpoch.map((partitionLeaderEpoch) => ({ partitionLeaderEpoch })),
    append,
    deleteHorizon,
    producer,
  )
  .map((parts) => {
    const batch = place(parts);
    // Java writes a batch without records by another function, which knows no delete horizon.
    if (batch.records.length > 0 || batch.deleteHorizonMs === undefined) return batch;
    const { deleteHorizonMs: _, ...rest } = batch;
    return rest;
  });

/** Any combination of fields that a batch of data can hold, also those that Java reads but never writes. */
export const anyBatches: fc.Arbitrary<FullBatchOptions> = fc
  .tuple(
    recordsOf(fc.oneof(fc.nat({ max: 2 ** 52 }), fc.integer({ min: -(2 ** 40), max: -1 }))),
    fc.constantFrom(...compressions),
    baseOffset,
    holes,
    fc.record({
      partitionLeaderEpoch: leaderEpoch,
      producerId: fc.oneof(fc.constant(-1), fc.nat({ max: 2 ** 53 - 1 })),
      producerEpoch: fc.integer({ min: -1, max: 32767 }),
      baseSequence: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
      isTransactional: fc.boolean(),
      timestampType: fc.constantFrom("CreateTime" as const, "LogAppendTime" as const),
      maxTimestamp: timestamp,
    }),
    fc.oneof(
      fc.constant({}),
      fc.nat({ max: 2 ** 52 }).map((deleteHorizonMs) => ({ deleteHorizonMs })),
    ),
  )
  .map((parts) => place(parts));

export const controlBatches: fc.Arbitrary<Required<ControlBatchOptions>> = fc.record({
  type: fc.constantFrom("commit" as const, "abort" as const),
  producerId: fc.oneof(fc.nat(5000), fc.nat({ max: 2 ** 53 - 1 })),
  producerEpoch: fc.nat(32767),
  timestamp,
  baseOffset,
  coordinatorEpoch: fc.nat(2 ** 31 - 1),
  partitionLeaderEpoch: leaderEpoch,
});
