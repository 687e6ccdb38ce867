import { AbortedTransactions, endOfBatches, nextBatch, type RecordBatch, readBatches } from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import type { DecodedBatch, ReadRecord } from "../harness/peer-commands.ts";
import { capturedLogs } from "./captured.ts";
import { decodeError, type PlainRecord, recordsOf } from "./support.ts";

type Read = Omit<ReadRecord, "partition">;

const logs = capturedLogs();
const current = logs.filter(({ java }) => java.batches.every(({ magic }) => magic === 2));
const old = logs.filter((log) => !current.includes(log));

function omit<Value extends object, Name extends keyof Value>(value: Value, ...names: Name[]): Omit<Value, Name> {
  const rest = { ...value };
  for (const name of names) delete rest[name];
  return rest;
}

function asJavaTells({ offset, timestamp, key, value, headers }: PlainRecord): Read {
  const base64 = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("base64"));
  return {
    offset,
    timestamp,
    keyBase64: base64(key),
    valueBase64: base64(value),
    headers: headers.map((header) => ({ key: header.key, valueBase64: base64(header.value) })),
  };
}

function factsOf(batch: RecordBatch): Omit<DecodedBatch, "records"> {
  return {
    magic: 2,
    sizeInBytes: batch.sizeInBytes,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    nextOffset: batch.nextOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    crc: batch.crc,
    compression: batch.compression,
    timestampType: batch.timestampType,
    baseTimestamp: batch.baseTimestamp,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    recordCount: batch.recordCount,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    ...(batch.hasDeleteHorizon ? { deleteHorizonMs: batch.baseTimestamp } : {}),
  };
}

describe("a log as real Kafka wrote it", () => {
  test.each(current)("$name: every batch and record as Java decodes them", ({ bytes, java }) => {
    const batches = [...readBatches(bytes)];
    expect(batches.map(factsOf)).toEqual(java.batches.map((batch) => omit(batch, "records")));
    batches.forEach((batch, index) => {
      const records = java.batches[index]?.records ?? [];
      expect(recordsOf(batch).map(asJavaTells)).toEqual(
        records.map((record) => omit(record, "sequence", "controlType")),
      );
      expect(batch.controlType()).toBe(records[0]?.controlType);
    });
    expect(endOfBatches(bytes)?.nextOffset).toBe(java.batches.at(-1)?.nextOffset);
  });

  test.each(current)("$name: the records that the Java consumer got, at both isolation levels", ({ bytes, java }) => {
    const aborted = new AbortedTransactions(java.abortedTransactions);
    const committed: Read[] = [];
    const uncommitted: Read[] = [];
    for (const batch of readBatches(bytes)) {
      const isAborted = aborted.isAborted(batch);
      if (batch.isControl) continue;
      const records = recordsOf(batch).map(asJavaTells);
      uncommitted.push(...records);
      if (!isAborted) committed.push(...records);
    }
    expect(uncommitted).toEqual(java.uncommitted);
    expect(committed).toEqual(java.committed);
  });

  test.each(current)("$name: cut at every byte, all whole batches and nothing else are read", ({ bytes, java }) => {
    const ends = java.batches.map(
      (
        (at) =>
        ({ sizeInBytes }) =>
          (at += sizeInBytes)
      )(0),
    );
    for (let cut = 1; cut < bytes.length; cut++) {
      const part = bytes.subarray(0, cut);
      const whole = ends.filter((end) => end <= cut).length;
      if (whole === 0) expect(decodeError(() => [...readBatches(part)])).toMatchObject({ code: "BATCH_TRUNCATED" });
      else expect([...readBatches(part)]).toHaveLength(whole);
    }
  });

  test.each(old)("$name: older message formats are refused with their offset", ({ bytes, java }) => {
    let start = 0;
    for (const { magic, baseOffset, sizeInBytes } of java.batches) {
      const error = decodeError(() => nextBatch(bytes, start));
      expect(error).toMatchObject({ code: "BATCH_UNSUPPORTED_MAGIC", byteOffset: start, batchLength: sizeInBytes });
      expect(error.message).toContain(`message format ${magic} `);
      // Java tells the first inner offset of a compressed message; its header holds the last one.
      expect(error.baseOffset).toBeGreaterThanOrEqual(baseOffset);
      expect(error.baseOffset).toBeLessThan(java.batches.at(-1)?.nextOffset ?? 0);
      start += sizeInBytes;
    }
    expect(start).toBe(bytes.length);
  });
});

describe("the captured logs hold", () => {
  const batches = current.flatMap(({ java }) => java.batches);
  const some = (what: (batch: DecodedBatch) => boolean) => expect(batches.some(what)).toBe(true);

  test("holes at the head, in the middle and at the tail, and batches that are all hole", () => {
    some(({ baseOffset, records }) => (records[0]?.offset ?? baseOffset) > baseOffset);
    some(
      ({ records }) =>
        records.length > 1 && records.length <= (records.at(-1)?.offset ?? 0) - (records[0]?.offset ?? 0),
    );
    some(({ lastOffset, records }) => (records.at(-1)?.offset ?? lastOffset) < lastOffset);
    some(({ isControl, records }) => !isControl && records.length === 0);
    some(({ isControl, records }) => isControl && records.length === 0);
  });

  test("delete horizons of tombstones and of markers, with timestamps before them", () => {
    for (const control of [false, true]) {
      some(
        ({ isControl, deleteHorizonMs, records }) =>
          isControl === control && records.some(({ timestamp }) => timestamp < (deleteHorizonMs ?? 0)),
      );
    }
  });

  test("commits, aborts and data of aborted transactions, that data removed too", () => {
    some(({ records }) => records[0]?.controlType === "commit");
    some(({ records }) => records[0]?.controlType === "abort");
    expect(current.some(({ java }) => java.committed.length < java.uncommitted.length)).toBe(true);
    const compacted = current.filter(({ java }) => java.configs["cleanup.policy"] === "compact");
    const emptied = compacted.filter(({ java }) => java.batches.some(({ isControl }) => isControl));
    expect(emptied.length).toBeGreaterThan(0);
    for (const { java } of emptied) expect(java.committed).toEqual(java.uncommitted);
  });

  test("every codec, LogAppendTime, epochs that grow with each transaction, and older formats", () => {
    for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) some(({ compression }) => compression === codec);
    some(({ timestampType }) => timestampType === "LogAppendTime");
    some(({ isControl, producerEpoch }) => isControl && producerEpoch > 1);
    expect(new Set(old.flatMap(({ java }) => java.batches.map(({ magic }) => magic)))).toEqual(new Set([0, 1]));
  });
});
