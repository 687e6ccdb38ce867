import { crc32c, encodeBatch, nextBatch, RecordBatchError, readBatches } from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import {
  concat,
  decodeError,
  fixCrc,
  onlyBatch,
  rawBatch,
  rawRecord,
  recordsOf,
  smallRecord,
  utf8,
  varint,
} from "./support.ts";

const two = encodeBatch({
  baseOffset: 40,
  records: [
    { key: utf8("k"), value: utf8("value"), timestamp: 1 },
    { key: utf8("k2"), value: null, timestamp: 2, headers: [{ key: "h", value: null }] },
  ],
});

describe("position", () => {
  test("nextOffset is behind holes at the head, in the middle and at the tail", () => {
    const record = { key: utf8("k"), value: utf8("v"), timestamp: 0 };
    const encoded = encodeBatch({ records: [record, record], baseOffset: 100, offsets: [103, 107], lastOffset: 119 });
    const batch = onlyBatch(encoded);
    expect(recordsOf(batch).map(({ offset }) => offset)).toEqual([103, 107]);
    expect(batch.nextOffset).toBe(120);
  });

  test("an empty batch has a position and no records, alone, first, last and between", () => {
    const empty = (baseOffset: number) => encodeBatch({ records: [], baseOffset, lastOffset: baseOffset + 9 });
    const data = (baseOffset: number) =>
      encodeBatch({ baseOffset, records: [{ key: null, value: utf8("v"), timestamp: 0 }] });
    expect([...readBatches(empty(7))].map((batch) => [batch.nextOffset, recordsOf(batch)])).toEqual([[17, []]]);
    const log = concat(empty(0), data(10), empty(11), data(21), empty(22));
    const batches = [...readBatches(log)];
    expect(batches.map(({ nextOffset }) => nextOffset)).toEqual([10, 11, 21, 22, 32]);
    expect(batches.map((batch) => recordsOf(batch).length)).toEqual([0, 1, 0, 1, 0]);
  });

  test("an empty batch that says it is compressed may have no bytes at all", () => {
    for (const codec of [1, 2, 3, 4]) {
      const batch = onlyBatch(rawBatch({ attributes: codec, recordCount: 0 }));
      expect(recordsOf(batch)).toEqual([]);
    }
  });
});

describe("truncation", () => {
  test("a batch cut at any byte is no batch for nextBatch, and an error as the first one of readBatches", () => {
    for (let length = 0; length < two.length; length++) {
      const cut = two.subarray(0, length);
      expect(nextBatch(cut, 0)).toBeUndefined();
      if (length === 0) {
        expect([...readBatches(cut)]).toEqual([]);
        continue;
      }
      const error = decodeError(() => [...readBatches(cut)]);
      expect(error.code).toBe("BATCH_TRUNCATED");
      expect(error.byteOffset).toBe(0);
      expect(error.baseOffset).toBe(length < 12 ? undefined : 40);
      expect(error.batchLength).toBe(length < 12 ? undefined : two.length);
    }
  });

  test("a batch cut at any byte behind a whole one is left out", () => {
    for (let length = 0; length < two.length; length++) {
      expect([...readBatches(concat(two, two.subarray(0, length)))]).toHaveLength(1);
    }
  });
});

describe("message format", () => {
  for (const magic of [0, 1, 3, 127, -1]) {
    test(`magic ${magic} is refused with its offset, also behind a whole batch and when cut`, () => {
      const other = rawBatch({ magic, baseOffset: 4711n, batchLength: 30 });
      for (const bytes of [concat(two, other), concat(two, other.subarray(0, 17))]) {
        const error = decodeError(() => [...readBatches(bytes)]);
        expect(error.code).toBe("BATCH_UNSUPPORTED_MAGIC");
        expect(error.byteOffset).toBe(two.length);
        expect(error.baseOffset).toBe(4711);
        expect(error.message).toContain(`format ${magic}`);
      }
    });
  }
});

describe("CRC", () => {
  test("a wrong CRC is refused, unless it is not to be checked", () => {
    const wrong = Uint8Array.from(two);
    wrong[wrong.length - 3] = 0x00;
    expect(decodeError(() => nextBatch(wrong, 0))).toMatchObject({
      code: "BATCH_CRC_MISMATCH",
      byteOffset: 17,
      baseOffset: 40,
      batchLength: two.length,
    });
    expect(nextBatch(wrong, 0, { checkCrc: false })?.recordCount).toBe(2);
  });

  test("every single flipped bit that the CRC covers is noticed, and no other", () => {
    for (let at = 12; at < two.length; at++) {
      // Magic decides how the rest is read and has an error of its own.
      if (at === 16) continue;
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Uint8Array.from(two);
        flipped[at] = flipped[at]! ^ (1 << bit);
        if (at < 16) expect(nextBatch(flipped, 0)?.recordCount).toBe(2);
        else expect(decodeError(() => nextBatch(flipped, 0)).code).toBe("BATCH_CRC_MISMATCH");
      }
    }
  });

  test("the CRC is there as an unsigned number", () => {
    expect(onlyBatch(two).crc).toBe(crc32c(two, 21));
  });
});

describe("a header that contradicts itself", () => {
  const cases: [string, Parameters<typeof rawBatch>[0], string, number][] = [
    ["negative batch length", { batchLength: -1 }, "BATCH_CORRUPT", 0],
    ["smallest batch length", { batchLength: -(2 ** 31) }, "BATCH_CORRUPT", 0],
    ["batch length shorter than any message", { batchLength: 13, magic: 1 }, "BATCH_CORRUPT", 0],
    ["batch length shorter than the header", { batchLength: 48 }, "BATCH_CORRUPT", 0],
    ["negative base offset", { baseOffset: -1n }, "BATCH_CORRUPT", 0],
    ["negative last offset delta", { lastOffsetDelta: -1 }, "BATCH_CORRUPT", 23],
    ["negative record count", { recordCount: -1 }, "BATCH_CORRUPT", 57],
    ["more records than offsets", { recordCount: 3, lastOffsetDelta: 1 }, "BATCH_CORRUPT", 57],
    ["a million records", { recordCount: 1 << 20 }, "BATCH_CORRUPT", 57],
    ["base offset of 2^53", { baseOffset: 2n ** 53n }, "UNSAFE_INTEGER", 0],
    ["next offset of 2^53", { baseOffset: 2n ** 53n - 1n }, "UNSAFE_INTEGER", 0],
    ["last offset beyond 2^53", { baseOffset: 2n ** 53n - 10n, lastOffsetDelta: 10 }, "UNSAFE_INTEGER", 0],
    ["largest base offset", { baseOffset: 2n ** 63n - 1n }, "UNSAFE_INTEGER", 0],
    ["producer id beyond 2^53", { producerId: 2n ** 60n }, "UNSAFE_INTEGER", 43],
  ];
  for (const [name, fields, code, byteOffset] of cases) {
    test(`is refused: ${name}`, () => {
      const bytes = rawBatch({ records: smallRecord(), ...fields });
      const start = two.length;
      const error = decodeError(() => nextBatch(concat(two, bytes), start));
      expect(error).toMatchObject({ code, byteOffset: start + byteOffset });
      expect(error.batchLength).toBe(fields.batchLength === undefined ? bytes.length : fields.batchLength + 12);
      expect(error.baseOffset).toBe(Number(fields.baseOffset ?? 0n));
    });
  }

  test("the largest offsets that fit are accepted", () => {
    const batch = onlyBatch(rawBatch({ baseOffset: 2n ** 53n - 2n, records: smallRecord() }));
    expect(batch.lastOffset).toBe(Number.MAX_SAFE_INTEGER - 1);
    expect(batch.nextOffset).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("a batch length that claims gigabytes is a truncated batch, not memory", () => {
    const bytes = rawBatch({ batchLength: 2 ** 31 - 1 });
    expect(nextBatch(bytes, 0)).toBeUndefined();
    expect(decodeError(() => [...readBatches(bytes)]).code).toBe("BATCH_TRUNCATED");
  });

  test("codecs 5 to 7 are refused when the records are asked for, and can be skipped", () => {
    for (const codec of [5, 6, 7]) {
      const batch = onlyBatch(rawBatch({ attributes: codec, records: smallRecord() }));
      expect(batch.nextOffset).toBe(1);
      expect(decodeError(() => batch.visit(() => {}))).toMatchObject({
        code: "BATCH_UNSUPPORTED_COMPRESSION",
        byteOffset: 21,
      });
    }
  });
});

describe("timestamps", () => {
  const week = 7 * 86_400_000;
  const record = (timestamp: number) => ({ key: null, value: null, timestamp });
  const timestampsOf = (bytes: Uint8Array) => recordsOf(onlyBatch(bytes)).map(({ timestamp }) => timestamp);

  test("deltas need 64 bits in both directions", () => {
    const now = 1_700_000_000_000;
    const timestamps = [now, now + 30 * week, now - 30 * week, now + 2 ** 31, now - 2 ** 31 - 1, -1, 0];
    expect(timestampsOf(encodeBatch({ records: timestamps.map(record) }))).toEqual(timestamps);
  });

  test("records before a delete horizon have negative deltas", () => {
    const now = 1_700_000_000_000;
    const encoded = encodeBatch({ records: [record(now), record(now + 1)], deleteHorizonMs: now + 10 * week });
    const batch = onlyBatch(encoded);
    expect(batch.hasDeleteHorizon).toBe(true);
    expect(batch.baseTimestamp).toBe(now + 10 * week);
    expect(timestampsOf(encoded)).toEqual([now, now + 1]);
  });

  test("with LogAppendTime every record has the largest timestamp", () => {
    const encoded = encodeBatch({ records: [record(5), record(9)], timestampType: "LogAppendTime", maxTimestamp: 77 });
    expect(onlyBatch(encoded).timestampType).toBe("LogAppendTime");
    expect(timestampsOf(encoded)).toEqual([77, 77]);
  });

  test("one beyond 2^53 is refused when it is asked for, and does not hide the data", () => {
    const batch = onlyBatch(
      rawBatch({ baseTimestamp: 2n ** 63n - 1n, maxTimestamp: 2n ** 63n - 1n, records: smallRecord() }),
    );
    let values = 0;
    batch.visit((position) => {
      values += position.valueLength;
      expect(decodeError(() => position.timestamp()).code).toBe("UNSAFE_INTEGER");
    });
    expect(values).toBe(1);
    expect(decodeError(() => batch.maxTimestamp)).toMatchObject({ code: "UNSAFE_INTEGER", byteOffset: 35 });
    expect(decodeError(() => batch.baseTimestamp)).toMatchObject({ code: "UNSAFE_INTEGER", byteOffset: 27 });
  });
});

test("a timestamp whose delta or sum is beyond 2^53 - 1 is refused, not rounded", () => {
  const max = 2n ** 53n - 1n;
  const sums: [bigint, bigint][] = [
    [-max, max + 2n],
    [max, 1n],
    [-max, -1n],
  ];
  for (const [baseTimestamp, delta] of sums) {
    const records = rawRecord([0, ...varint(delta), 0, 1, 1, 0]);
    const error = decodeError(() => recordsOf(onlyBatch(rawBatch({ baseTimestamp, records }))));
    expect(error.code).toBe("UNSAFE_INTEGER");
  }
});

test("control batches tell commit, abort, neither, and nothing when compaction has emptied them", () => {
  const control = (key: readonly number[]) =>
    onlyBatch(
      rawBatch({
        attributes: 0x30,
        records: [...smallRecordWithKey(key)],
      }),
    ).controlType();
  expect(control([0, 0, 0, 0])).toBe("abort");
  expect(control([0, 0, 0, 1])).toBe("commit");
  expect(control([0, 0, 0, 2])).toBe("unknown");
  expect(control([0, 9, 0, 1, 5, 5])).toBe("commit");
  expect(decodeError(() => control([0, 0, 0])).code).toBe("BATCH_CORRUPT");
  expect(onlyBatch(rawBatch({ attributes: 0x30, recordCount: 0 })).controlType()).toBeUndefined();
  expect(onlyBatch(two).controlType()).toBeUndefined();
});

function smallRecordWithKey(key: readonly number[]): number[] {
  const body = [0, 0, 0, key.length * 2, ...key, 1, 0];
  return [body.length * 2, ...body];
}

test("errors carry what is needed to find the bytes", () => {
  const wrong = fixCrc(Uint8Array.from(two));
  wrong[57] = 0x80;
  const error = decodeError(() => nextBatch(fixCrc(wrong), 0));
  expect(error).toBeInstanceOf(RecordBatchError);
  expect(error.name).toBe("RecordBatchError");
  expect(error.retriable).toBe(false);
  expect(error.message).toContain("offset 40");
});
