import { nextBatch } from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import {
  decodeError,
  onlyBatch,
  type RawBatch,
  rawBatch,
  rawRecord,
  recordsOf,
  smallRecord,
  utf8,
  varint,
} from "./support.ts";

/** attributes, timestamp delta, offset delta: what is before the key. */
const start = [0, 0, 0];
const maxInt32 = 2 ** 31 - 1;

/** Name, batch, and how many records are in order before the damage. */
const corrupt: [string, RawBatch, number?][] = [
  ["records without bytes", { records: [], recordCount: 3, lastOffsetDelta: 2 }],
  [
    "a million records in sixteen bytes",
    { records: new Uint8Array(16), recordCount: 1 << 20, lastOffsetDelta: 1 << 20 },
  ],
  ["count too high", { records: smallRecord(), recordCount: 2, lastOffsetDelta: 1 }, 1],
  ["count too low", { records: [...smallRecord(0), ...smallRecord(1)], recordCount: 1, lastOffsetDelta: 1 }, 1],
  ["count zero with records", { records: smallRecord(), recordCount: 0 }],
  ["one byte after the last record", { records: [...smallRecord(), 0] }, 1],
  ["negative record length", { records: rawRecord([...start, 1, 1, 0], -1) }],
  ["record length beyond the batch", { records: rawRecord([...start, 1, 1, 0], 7) }],
  ["largest record length", { records: rawRecord([...start, 1, 1, 0], maxInt32) }],
  ["record length zero", { records: [0, ...start, 1, 1, 0] }],
  ["record length shorter than its fields", { records: rawRecord([...start, 1, 2, 0x78, 0], 6) }],
  ["record length longer than its fields", { records: rawRecord([...start, 1, 2, 0x78, 0, 0]) }],
  ["batch ends within the record length", { records: [0x80] }],
  ["batch ends within the timestamp", { records: rawRecord([0, 0x80]) }],
  ["batch ends within the offset", { records: rawRecord([0, 0, 0x80]) }],
  ["key length -2", { records: rawRecord([...start, ...varint(-2), 1, 0]) }],
  ["key longer than its record", { records: rawRecord([...start, ...varint(9), 1, 0]) }],
  ["key that fills its record", { records: rawRecord([...start, ...varint(2), 1, 0]) }],
  ["largest key length", { records: rawRecord([...start, ...varint(maxInt32), 1, 0]) }],
  ["smallest key length", { records: rawRecord([...start, ...varint(-(2 ** 31)), 1, 0]) }],
  ["value length -2", { records: rawRecord([...start, 1, ...varint(-2), 0]) }],
  ["value longer than its record", { records: rawRecord([...start, 1, ...varint(9), 0]) }],
  ["value that leaves no header count", { records: rawRecord([...start, 1, 2, 0x78]) }],
  ["largest value length", { records: rawRecord([...start, 1, ...varint(maxInt32), 0]) }],
  ["header count -1", { records: rawRecord([...start, 1, 1, ...varint(-1)]) }],
  ["header count beyond the record", { records: rawRecord([...start, 1, 1, ...varint(3), 0, 1, 0, 1]) }],
  ["largest header count", { records: rawRecord([...start, 1, 1, ...varint(maxInt32), 0, 1]) }],
  ["null header key", { records: rawRecord([...start, 1, 1, 2, 1, 1]) }],
  ["null header key in the place of its value", { records: rawRecord([...start, 1, 1, 2, 1]) }],
  ["header key beyond the record", { records: rawRecord([...start, 1, 1, 2, ...varint(9), 1]) }],
  ["header value -2", { records: rawRecord([...start, 1, 1, 2, 0, ...varint(-2)]) }],
  ["header value beyond the record", { records: rawRecord([...start, 1, 1, 2, 0, ...varint(9)]) }],
  ["bytes after the headers", { records: rawRecord([...start, 1, 1, 2, 0, 1, 0]) }],
  ["offset below the base", { records: smallRecord(-1) }],
  ["offset beyond the last", { records: smallRecord(1) }],
  ["the same offset twice", { records: [...smallRecord(1), ...smallRecord(1)], recordCount: 2, lastOffsetDelta: 2 }, 1],
  ["offsets going down", { records: [...smallRecord(2), ...smallRecord(1)], recordCount: 2, lastOffsetDelta: 2 }, 1],
];

describe("records that contradict their batch are refused", () => {
  for (const [name, fields, recordsBefore = 0] of corrupt) {
    test(name, () => {
      const bytes = rawBatch(fields);
      const batch = onlyBatch(bytes);
      let visited = 0;
      const error = decodeError(() => batch.visit(() => visited++));
      expect(visited).toBe(recordsBefore);
      expect(error).toMatchObject({ code: "BATCH_CORRUPT", baseOffset: 0, batchLength: bytes.length });
      expect(error.byteOffset).toBeGreaterThanOrEqual(61);
    });
  }

  test("a record may not reach into what follows its batch", () => {
    const body = [...start, 1, ...varint(9), 1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
    const whole = rawRecord(body);
    const batch = rawBatch({ records: whole.slice(0, -5) });
    const followed = nextBatch(Uint8Array.from([...batch, ...whole.slice(-5)]), 0);
    let visited = 0;
    expect(decodeError(() => followed?.visit(() => visited++)).code).toBe("BATCH_CORRUPT");
    expect(visited).toBe(0);
  });
});

test("null and empty are different, for keys, values and header values", () => {
  const record = rawRecord([...start, 1, 0, 4, 2, 0x68, 1, 0, 0]);
  const second = rawRecord([0, 0, 2, 0, 1, 0]);
  const [first, last] = recordsOf(
    onlyBatch(rawBatch({ records: [...record, ...second], recordCount: 2, lastOffsetDelta: 1 })),
  );
  expect(first).toMatchObject({ key: null, value: new Uint8Array(0) });
  expect(first?.headers).toEqual([
    { key: "h", value: null },
    { key: "", value: new Uint8Array(0) },
  ]);
  expect(last).toMatchObject({ key: new Uint8Array(0), value: null });
});

test("header keys keep a byte order mark, and bytes that are no UTF-8 are replaced", () => {
  const key = [...utf8("\ufeffk")];
  const records = rawRecord([...start, 1, 1, 4, ...varint(key.length), ...key, 1, 2, 0xff, 1]);
  const [record] = recordsOf(onlyBatch(rawBatch({ records })));
  expect(record?.headers.map((header) => header.key)).toEqual(["\ufeffk", "\ufffd"]);
});

test("record attributes are ignored, as Java does", () => {
  const [record] = recordsOf(onlyBatch(rawBatch({ records: rawRecord([0xff, 0, 0, 1, 1, 0]) })));
  expect(record?.offset).toBe(0);
});

test("an exception of the visitor reaches the caller as it is", () => {
  const thrown = new Error("from the visitor");
  expect(() =>
    onlyBatch(rawBatch({ records: smallRecord() })).visit(() => {
      throw thrown;
    }),
  ).toThrow(thrown);
});
