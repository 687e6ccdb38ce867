import { encodeBatch, nextBatch, type RecordBatch, type RecordInput, type RecordPosition } from "@ktables/record-batch";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytes, string } from "../../packages/ktables/src/index.ts";
import { ByteStore } from "../../packages/ktables/src/store/bytes/byte-store.ts";
import { Heap } from "../../packages/ktables/src/store/bytes/heap.ts";
import { chunkCapacity } from "../../packages/ktables/src/store/bytes/heap-layout.ts";
import { hashOfProcess } from "../../packages/ktables/src/store/bytes/key-hash.ts";
import { KeyIndex } from "../../packages/ktables/src/store/bytes/key-index.ts";
import { RecordChunk } from "../../packages/ktables/src/store/bytes/record-chunk.ts";
import { RecordKernel } from "../../packages/ktables/src/store/bytes/record-kernel.ts";
import { SlotAddresses } from "../../packages/ktables/src/store/bytes/slot-addresses.ts";
import { DecodedStore } from "../../packages/ktables/src/store/decoded-store.ts";
import { timestampOf } from "../../packages/ktables/src/store/placed-contents.ts";
import { utf8 } from "../suites/support.ts";
import { unheard } from "../suites/unheard.ts";

interface Found {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number | undefined;
}

const text = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString("latin1");

/** One for all, so that what one batch leaves behind lies beyond the end of the next. */
const heap = new Heap();
new KeyIndex(heap, { hasKey: () => false }).expect(0);
new SlotAddresses(heap).take(0);

/** What WebAssembly finds, and from where on it leaves records to JavaScript. */
function findInWebAssembly(batch: RecordBatch, from: number, isPlaced: boolean): { found: Found[]; rest: number } {
  const kernel = RecordKernel.for(heap, hashOfProcess());
  if (kernel === undefined) throw new Error("there is no WebAssembly");
  const found: Found[] = [];
  const chunk = new RecordChunk(chunkCapacity);
  const rest = kernel.read(batch, from, isPlaced, chunk, () => {
    kernel.prepare(chunk);
    kernel.fetch(chunk);
    for (let index = 0; index < chunk.length; index++) {
      found.push({
        offset: chunk.offset[index]!,
        key: chunk.keyLength[index]! < 0 ? null : text(chunk.key(index)),
        value: chunk.valueLength[index]! < 0 ? null : text(chunk.value(index)),
        timestamp: isPlaced ? chunk.timestamp[index]! : undefined,
      });
    }
  });
  return { found, rest };
}

function findByVisit(batch: RecordBatch, from: number, isPlaced: boolean): { found: Found[]; isDamaged: boolean } {
  const found: Found[] = [];
  const take = (record: RecordPosition): void => {
    if (record.offset < from) return;
    const timestamp = isPlaced ? timestampOf(record) : undefined;
    found.push({ offset: record.offset, key: text(record.key()), value: text(record.value()), timestamp });
  };
  try {
    batch.visit(take);
    return { found, isDamaged: false };
  } catch {
    return { found, isDamaged: true };
  }
}

const content = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 12 }),
  fc.uint8Array({ minLength: 60, maxLength: 140 }),
  fc.nat(9000).map((length) => new Uint8Array(length)),
);
const far = fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 });
const timestamp = fc.oneof(fc.nat(100), fc.nat(1e6), far, fc.constant(-1));
const header = fc.record({ key: fc.string({ maxLength: 70 }), value: content });
const record = fc.record({
  key: content,
  value: content,
  timestamp,
  headers: fc.oneof(fc.constant([]), fc.constant([]), fc.array(header, { maxLength: 3 })),
});
const gap = fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 300_000 }));
const written = fc.array(fc.tuple(record, gap), { minLength: 8, maxLength: 30 }).chain((records) =>
  fc.record({
    records: fc.constant(records.map(([record]) => record as RecordInput)),
    gaps: fc.constant(records.map(([, gap]) => gap)),
    baseOffset: fc.constantFrom(0, 7, 2 ** 32 - 3, 2 ** 52),
    compression: fc.constantFrom("none" as const, "none" as const, "lz4" as const, "zstd" as const),
    isLogAppendTime: fc.boolean(),
    // With the second, some records' timestamps are beyond what a number can hold, with the third all.
    baseTimestamp: fc.constantFrom(undefined, 2n ** 53n - 40n, 2n ** 62n),
  }),
);

type Written = typeof written extends fc.Arbitrary<infer T> ? T : never;

function encoded(input: Written): Uint8Array {
  const { records, gaps, baseOffset, compression, isLogAppendTime, baseTimestamp } = input;
  let offset = baseOffset - 1;
  const offsets = gaps.map((gap) => (offset += gap));
  const bytes = Uint8Array.from(encodeBatch({ records, offsets, baseOffset, compression }));
  // The attributes' bit, which the CRC covers, as everything from there on.
  if (isLogAppendTime) bytes[22] = bytes[22]! | 0x08;
  if (baseTimestamp !== undefined) setTimestamps(bytes, baseTimestamp);
  return bytes;
}

/** The base, and the highest, which is that of all records where the broker sets the time. */
function setTimestamps(bytes: Uint8Array, timestamp: bigint): void {
  const view = new DataView(bytes.buffer);
  view.setBigInt64(27, timestamp);
  view.setBigInt64(35, timestamp);
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = value < 0n ? -2n * value - 1n : 2n * value; ; left >>= 7n) {
    if (left < 0x80n) return [...bytes, Number(left)];
    bytes.push(Number(left & 0x7fn) | 0x80);
  }
}

/** Nine records; in the middle one, bytes of the caller's choice stand for the timestamp and for the headers. */
function withRecord(timestamp: readonly number[], headers: readonly number[], baseTimestamp = 0n): Uint8Array {
  const records = [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((delta) => {
    const isOdd = delta === 4;
    const body = [0, ...(isOdd ? timestamp : [0]), 2 * delta, 2, 0x6b, 2, 0x76, ...(isOdd ? headers : [0])];
    return [...varint(BigInt(body.length)), ...body];
  });
  const frame = encodeBatch({ records: Array.from({ length: 9 }, () => ({ key: null, value: null, timestamp: 0 })) });
  const bytes = Uint8Array.from([...frame.subarray(0, 61), ...records]);
  new DataView(bytes.buffer).setInt32(8, bytes.length - 12);
  setTimestamps(bytes, baseTimestamp);
  return bytes;
}

/** Its CRC is not looked at: what is behind it is what is to be taken care of. */
function decode(bytes: Uint8Array): RecordBatch {
  const batch = nextBatch(bytes, 0, { checkCrc: false });
  if (batch === undefined) throw new Error("no batch");
  return batch;
}

describe("records are found by WebAssembly as by JavaScript", () => {
  test("in any batch, from any offset on", () => {
    fc.assert(
      fc.property(written, fc.nat(40), fc.boolean(), (input, start, isPlaced) => {
        const batch = decode(encoded(input));
        const from = batch.baseOffset + start;
        const { found, rest } = findInWebAssembly(batch, from, isPlaced);
        expect(found).toEqual(findByVisit(batch, from, isPlaced).found);
        expect(rest).toBe(from > batch.lastOffset ? from : -1);
      }),
      { numRuns: 300 },
    );
  });

  test("in a damaged batch up to where the damage is, of which JavaScript tells", () => {
    let damaged = 0;
    let partly = 0;
    fc.assert(
      fc.property(
        written.filter(({ compression }) => compression === "none"),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (input, changes, isNearBegin) => {
          const bytes = encoded(input);
          const room = isNearBegin ? Math.min(bytes.length - 61, 120) : bytes.length - 61;
          for (const [at, value] of changes) bytes[61 + (at % room)] = value;
          const batch = decode(bytes);
          const { found, rest } = findInWebAssembly(batch, batch.baseOffset, true);
          const visited = findByVisit(batch, batch.baseOffset, true);
          if (visited.isDamaged) damaged++;
          if (rest < 0) {
            expect(visited.isDamaged).toBe(false);
            expect(found).toEqual(visited.found);
          } else {
            if (found.length > 0) partly++;
            expect(found).toEqual(visited.found.filter(({ offset }) => offset < rest));
          }
        },
      ),
      { numRuns: 3000 },
    );
    expect(damaged).toBeGreaterThan(100);
    expect(partly).toBeGreaterThan(20);
  });

  test("when one is cut off, when fewer or more are announced, and with lengths at every limit", () => {
    const records = Array.from({ length: 9 }, (_, index) => ({
      key: utf8(`k${index}`),
      value: utf8("v"),
      timestamp: 0,
    }));
    const whole = encodeBatch({ records });
    for (const count of [8, 10, 0x7fff_ffff]) {
      const bytes = Uint8Array.from(whole);
      new DataView(bytes.buffer).setInt32(57, count);
      new DataView(bytes.buffer).setInt32(23, 0x7fff_fffe);
      const batch = decode(bytes);
      const { found, rest } = findInWebAssembly(batch, 0, false);
      expect(found).toEqual(findByVisit(batch, 0, false).found);
      expect(rest).toBe(Math.min(count, 9));
    }
    for (const varint of [
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      [0xff, 0xff, 0xff, 0x7f],
      [0x80, 0x80, 0x80, 0x80, 0x80],
      [1],
      [3],
    ]) {
      for (let at = 61; at < whole.length - varint.length; at++) {
        const bytes = Uint8Array.from(whole);
        bytes.set(varint, at);
        const batch = decode(bytes);
        const { found, rest } = findInWebAssembly(batch, 0, true);
        const visited = findByVisit(batch, 0, true);
        expect(rest < 0 ? visited.isDamaged : false).toBe(false);
        expect(found).toEqual(visited.found.filter(({ offset }) => rest < 0 || offset < rest));
      }
    }
  });

  test.each<[string, readonly number[], readonly number[], bigint?]>([
    ["a timestamp of nine bytes", [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], [0]],
    ["a timestamp of ten bytes", [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], [0]],
    ["a timestamp of eleven bytes", [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0], [0]],
    ["a timestamp of more than 64 bits", [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2], [0]],
    ["a timestamp without an end", [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80], [0]],
    ["a delta that no number holds", varint(2n ** 53n + 2n), [0], 1n - 2n ** 53n],
    ["a negative delta that no number holds", varint(-(2n ** 53n) - 2n), [0], 2n ** 53n - 1n],
    ["a sum that no number holds", varint(2n), [0], 2n ** 53n - 2n],
    ["the largest sum", varint(1n), [0], 2n ** 53n - 2n],
    ["a base that no number holds", varint(-4n), [0], 2n ** 53n + 2n],
    ["a header without a key", [0], [2, 1, 0]],
    ["a header without a key or a value", [0], [2, 1]],
    ["a header whose key has a negative length", [0], [2, 3, 0]],
    ["a header without a value", [0], [2, 2, 0x68, 1]],
    ["a header whose value has a negative length", [0], [2, 2, 0x68, 3]],
    ["a header whose value goes on beyond the record", [0], [2, 2, 0x68, 4, 0x76]],
    ["a header whose key goes on beyond the record", [0], [2, 60, 0x68]],
    ["fewer headers than announced", [0], [4, 2, 0x68, 2, 0x76]],
    ["more headers than announced", [0], [2, 2, 0x68, 2, 0x76, 2, 0x68, 2, 0x76]],
    ["a negative number of headers", [0], [1]],
    ["2^27 headers", [0], [0xff, 0xff, 0xff, 0x7f]],
    ["two headers", [0], [4, 2, 0x68, 2, 0x76, 0, 0]],
  ])("with %s", (_name, timestamp, headers, baseTimestamp) => {
    const batch = decode(withRecord(timestamp, headers, baseTimestamp));
    const { found, rest } = findInWebAssembly(batch, 0, true);
    const visited = findByVisit(batch, 0, true);
    expect(rest < 0 ? visited.isDamaged : false).toBe(false);
    expect(found).toEqual(visited.found.filter(({ offset }) => rest < 0 || offset < rest));
    expect(found.length).toBeGreaterThanOrEqual(4);
  });

  test("and not behind the end of a batch, where an earlier one may lie", () => {
    const records = Array.from({ length: 20 }, (_, index) => ({
      key: utf8(`k${index % 9}`),
      value: utf8("v"),
      timestamp: 0,
    }));
    const long = encodeBatch({ records });
    expect(findInWebAssembly(decode(long), 0, false).found).toHaveLength(20);
    const short = Uint8Array.from(encodeBatch({ records: records.slice(0, 9) }));
    new DataView(short.buffer).setInt32(23, 19);
    new DataView(short.buffer).setInt32(57, 20);
    // Cut off wherever: within a length, too.
    for (let cut = 0; cut < 12; cut++) {
      const bytes = short.slice(0, short.length - cut);
      new DataView(bytes.buffer).setInt32(8, bytes.length - 12);
      findInWebAssembly(decode(long), 0, false);
      const batch = decode(bytes);
      const visited = findByVisit(batch, 0, false);
      expect(visited.isDamaged).toBe(true);
      const { found, rest } = findInWebAssembly(batch, 0, false);
      expect(found).toEqual(visited.found);
      expect(rest).toBe(visited.found.length);
    }
  });

  test("in batches beyond what it takes at a time, and after a record that is too large for it", () => {
    const size = (index: number): number => (index === 2500 ? 300_000 : 100 + (index % 400));
    const records = Array.from({ length: 4000 }, (_, index) => ({
      key: utf8(`key ${index % 3000}`),
      value: new Uint8Array(size(index)).fill(index),
      timestamp: index,
    }));
    const batch = decode(encodeBatch({ records }));
    const first = findInWebAssembly(batch, 5, true);
    expect(first.rest).toBe(2500);
    expect(first.found).toEqual(findByVisit(batch, 5, true).found.filter(({ offset }) => offset < 2500));

    const common = { topic: "t", key: string(), value: bytes(), metadata: false, expireWithLog: false } as const;
    const kept = new ByteStore({ ...common, onPoison: "keep-previous", validate: "eager" }, unheard);
    const decoded = new DecodedStore({ ...common, onPoison: "keep-previous" }, unheard);
    for (const store of [kept, decoded]) store.apply(0, batch, 0);
    expect(kept.counters).toEqual(decoded.counters);
    expect(kept.snapshot()).toEqual(decoded.snapshot());
  });
});
