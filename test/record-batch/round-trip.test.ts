import {
  type CompressionName,
  type EncodeBatchOptions,
  encodeBatch,
  KafkaError,
  nextBatch,
  type RecordInput,
  readBatches,
} from "@ktables/record-batch";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, onlyBatch, recordsOf, utf8 } from "./support.ts";

const codecs: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

const bytes = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 300 }).map(utf8) },
  { weight: 1, arbitrary: fc.nat(10_000).map((length) => new Uint8Array(length).fill(length)) },
);
const header = fc.record({ key: fc.string({ unit: "grapheme" }), value: bytes });
const timestamp = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 42 }), fc.nat(2 ** 45));
const record: fc.Arbitrary<RecordInput> = fc.record(
  { key: bytes, value: bytes, timestamp, headers: fc.array(header, { maxLength: 3 }) },
  { requiredKeys: ["key", "value", "timestamp"] },
);

/** Options of every kind; `gaps` become the distances between the offsets. */
const batches = fc
  .record({
    records: fc.array(record, { maxLength: 12 }),
    compression: fc.constantFrom(...codecs),
    baseOffset: fc.oneof(fc.nat(100), fc.nat({ max: 2 ** 52 })),
    gaps: fc.option(fc.array(fc.oneof(fc.nat(3), fc.nat(1_000_000)), { minLength: 12, maxLength: 12 }), {
      nil: undefined,
    }),
    tail: fc.nat(5),
    producerId: fc.oneof(fc.constant(-1), fc.nat({ max: 2 ** 53 - 1 })),
    producerEpoch: fc.integer({ min: -1, max: 32767 }),
    baseSequence: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    partitionLeaderEpoch: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    isTransactional: fc.boolean(),
    isControl: fc.boolean(),
    timestampType: fc.constantFrom("CreateTime" as const, "LogAppendTime" as const),
    deleteHorizonMs: fc.option(fc.nat({ max: 2 ** 43 }), { nil: undefined }),
  })
  .map(({ gaps, tail, deleteHorizonMs, ...rest }): EncodeBatchOptions & { lastOffset: number; offsets: number[] } => {
    let offset = rest.baseOffset - 1;
    const offsets = rest.records.map((_, index) => (offset += 1 + (gaps?.[index] ?? 0)));
    const lastOffset = Math.max(offset, rest.baseOffset) + tail;
    return { ...rest, offsets, lastOffset, ...(deleteHorizonMs === undefined ? {} : { deleteHorizonMs }) };
  });

test("what is encoded decodes to the same, for all options and codecs", () => {
  fc.assert(
    fc.property(batches, fc.nat(9), (options, shift) => {
      const encoded = encodeBatch(options);
      const elsewhere = concat(new Uint8Array(shift), encoded, [1, 2, 3]);
      const batch = nextBatch(elsewhere, shift);
      if (batch === undefined) throw new Error("no batch");
      const maxTimestamp = Math.max(-1, ...options.records.map((input) => input.timestamp));
      expect(batch).toMatchObject({
        start: shift,
        sizeInBytes: encoded.length,
        baseOffset: options.baseOffset,
        lastOffset: options.lastOffset,
        nextOffset: options.lastOffset + 1,
        compression: options.records.length === 0 ? "none" : options.compression,
        producerId: options.producerId,
        producerEpoch: options.producerEpoch,
        baseSequence: options.baseSequence,
        partitionLeaderEpoch: options.partitionLeaderEpoch,
        isTransactional: options.isTransactional,
        isControl: options.isControl,
        timestampType: options.timestampType,
        hasDeleteHorizon: options.deleteHorizonMs !== undefined,
        baseTimestamp: options.deleteHorizonMs ?? options.records[0]?.timestamp ?? -1,
        maxTimestamp,
        recordCount: options.records.length,
      });
      expect(recordsOf(batch)).toEqual(
        options.records.map((input, index) => ({
          offset: options.offsets[index],
          timestamp: options.timestampType === "LogAppendTime" ? maxTimestamp : input.timestamp,
          key: input.key,
          value: input.value,
          headers: input.headers ?? [],
        })),
      );
    }),
    { numRuns: 500 },
  );
});

test("batches that follow each other are read in order, an incomplete one at the end is left out", () => {
  fc.assert(
    fc.property(fc.array(batches, { minLength: 1, maxLength: 4 }), fc.nat(70), (list, cut) => {
      const encoded = list.map((options) => encodeBatch(options));
      const whole = concat(...encoded);
      const tail = encodeBatch({ records: [{ key: null, value: new Uint8Array(20), timestamp: 0 }] });
      const read = [...readBatches(concat(whole, tail.subarray(0, Math.min(cut, tail.length - 1))))];
      expect(read.map((batch) => batch.sizeInBytes)).toEqual(encoded.map(({ length }) => length));
      expect(read.map((batch) => batch.nextOffset)).toEqual(list.map((options) => options.lastOffset + 1));
    }),
    { numRuns: 60 },
  );
});

test("a visit hands out the same object each time, and views, not copies", () => {
  const encoded = encodeBatch({
    records: [
      { key: utf8("a"), value: utf8("1"), timestamp: 1 },
      { key: utf8("b"), value: null, timestamp: 2 },
    ],
  });
  const seen = new Set<unknown>();
  onlyBatch(encoded).visit((position) => {
    seen.add(position);
    expect(position.key()?.buffer).toBe(encoded.buffer);
  });
  expect(seen.size).toBe(1);
});

describe("encodeBatch refuses", () => {
  const input: RecordInput = { key: null, value: null, timestamp: 0 };
  const cases: [string, EncodeBatchOptions][] = [
    ["an offset below the one before", { records: [input, input], offsets: [5, 5] }],
    ["an offset below the base offset", { records: [input], baseOffset: 6, offsets: [5] }],
    ["fewer offsets than records", { records: [input, input], offsets: [5] }],
    ["a last offset before the last record", { records: [input, input], lastOffset: 0 }],
    ["offsets too far apart", { records: [input, input], offsets: [0, 2 ** 31] }],
    ["a negative base offset", { records: [input], baseOffset: -1 }],
    ["a base offset beyond 2^53", { records: [input], baseOffset: 2 ** 53 }],
    ["a fractional timestamp", { records: [{ ...input, timestamp: 1.5 }] }],
    [
      "timestamps too far apart",
      {
        records: [
          { ...input, timestamp: -(2 ** 52) },
          { ...input, timestamp: 2 ** 53 - 1 },
        ],
      },
    ],
    ["a producer id beyond 2^53", { records: [input], producerId: 2 ** 53 }],
  ];
  for (const [name, options] of cases) {
    test(name, () => {
      expect(() => encodeBatch(options)).toThrow(KafkaError);
      expect(() => encodeBatch(options)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    });
  }
});
