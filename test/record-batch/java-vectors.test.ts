import { readFileSync } from "node:fs";
import {
  type ControlBatchOptions,
  type EncodeBatchOptions,
  encodeBatch,
  encodeControlBatch,
  type RecordInput,
} from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import { onlyBatch, recordsOf, utf8 } from "./support.ts";

interface TextRecord {
  key: string | null;
  value: string | null;
  timestamp: number;
  headers?: { key: string; value: string | null }[];
}

interface Vector {
  name: string;
  options?: Omit<EncodeBatchOptions, "records"> & { records: TextRecord[] };
  marker?: ControlBatchOptions;
  base64: string;
}

/** Made by MemoryRecordsBuilder of kafka-clients 4.4.0 from the options beside them. */
const vectors: Vector[] = JSON.parse(readFileSync(new URL("fixtures/java-batches.json", import.meta.url), "utf8"));

function bytesOrNull(value: string | null): Uint8Array | null {
  return value === null ? null : utf8(value);
}

function inputs(records: readonly TextRecord[]): RecordInput[] {
  return records.map(({ key, value, timestamp, headers }) => ({
    key: bytesOrNull(key),
    value: bytesOrNull(value),
    timestamp,
    headers: (headers ?? []).map((header) => ({ key: header.key, value: bytesOrNull(header.value) })),
  }));
}

describe("a batch encoded by the Java client", () => {
  for (const { name, options, marker, base64 } of vectors) {
    const java = Uint8Array.from(Buffer.from(base64, "base64"));
    if (marker !== undefined) {
      test(`decodes and encodes: ${name}`, () => {
        const batch = onlyBatch(java);
        expect(batch.isControl).toBe(true);
        expect(batch.isTransactional).toBe(true);
        expect(batch.controlType()).toBe(marker.type);
        expect(batch.producerId).toBe(marker.producerId);
        expect(batch.producerEpoch).toBe(marker.producerEpoch);
        expect(encodeControlBatch(marker)).toEqual(java);
      });
      continue;
    }
    if (options === undefined) throw new Error("a vector has neither options nor a marker");
    const records = inputs(options.records);

    test(`decodes: ${name}`, () => {
      const batch = onlyBatch(java);
      const baseOffset = options.baseOffset ?? 0;
      const offsets = options.offsets ?? records.map((_, index) => baseOffset + index);
      expect(batch.baseOffset).toBe(baseOffset);
      expect(batch.lastOffset).toBe(options.lastOffset ?? offsets.at(-1));
      expect(batch.nextOffset).toBe(batch.lastOffset + 1);
      expect(batch.compression).toBe(options.compression ?? "none");
      expect(batch.partitionLeaderEpoch).toBe(options.partitionLeaderEpoch ?? -1);
      expect(batch.producerId).toBe(options.producerId ?? -1);
      expect(batch.producerEpoch).toBe(options.producerEpoch ?? -1);
      expect(batch.baseSequence).toBe(options.baseSequence ?? -1);
      expect(batch.isTransactional).toBe(options.isTransactional ?? false);
      expect(batch.isControl).toBe(false);
      expect(batch.timestampType).toBe(options.timestampType ?? "CreateTime");
      expect(batch.hasDeleteHorizon).toBe(options.deleteHorizonMs !== undefined);
      expect(batch.baseTimestamp).toBe(options.deleteHorizonMs ?? records[0]?.timestamp ?? -1);
      expect(batch.maxTimestamp).toBe(Math.max(-1, ...records.map(({ timestamp }) => timestamp)));
      expect(batch.recordCount).toBe(records.length);
      expect(recordsOf(batch)).toEqual(records.map((record, index) => ({ ...record, offset: offsets[index] })));
    });

    // Compressors may differ in their choices; the record layer below them may not.
    if ((options.compression ?? "none") === "none" || options.compression === "lz4") {
      test(`encodes to the same bytes: ${name}`, () => {
        expect(encodeBatch({ ...options, records })).toEqual(java);
      });
    }
  }
});
