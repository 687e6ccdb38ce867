import { crc32c, type DecodeOptions, nextBatch, type RecordBatch, RecordBatchError } from "@ktables/record-batch";
import { expect } from "vitest";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

export function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : decoder.decode(bytes);
}

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The same bytes for the same arguments. Fewer `bits` make fewer different bytes, which compress better. */
export function pseudoRandomBytes(seed: number, length: number, bits: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 8) & ((1 << bits) - 1);
  });
}

export interface PlainRecord {
  offset: number;
  timestamp: number;
  key: Uint8Array | null;
  value: Uint8Array | null;
  headers: { key: string; value: Uint8Array | null }[];
}

/** Copies what a visitor sees, so that it can be compared after the visit. */
export function recordsOf(batch: RecordBatch): PlainRecord[] {
  const records: PlainRecord[] = [];
  batch.visit((record) => {
    records.push({
      offset: record.offset,
      timestamp: record.timestamp(),
      key: copy(record.key()),
      value: copy(record.value()),
      headers: record.headers().map(({ key, value }) => ({ key, value: copy(value) })),
    });
  });
  return records;
}

function copy(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : Uint8Array.from(bytes);
}

export function onlyBatch(bytes: Uint8Array, options: DecodeOptions = {}): RecordBatch {
  const batch = nextBatch(bytes, 0, options);
  if (batch === undefined) throw new Error("there is no whole batch");
  expect(batch.sizeInBytes).toBe(bytes.length);
  return batch;
}

/** The error that `run` throws, which must be of the decoder's own kind. */
export function decodeError(run: () => unknown): RecordBatchError {
  try {
    run();
  } catch (error) {
    if (error instanceof RecordBatchError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

export interface RawBatch {
  baseOffset?: bigint;
  batchLength?: number;
  partitionLeaderEpoch?: number;
  magic?: number;
  crc?: number;
  attributes?: number;
  lastOffsetDelta?: number;
  baseTimestamp?: bigint;
  maxTimestamp?: bigint;
  producerId?: bigint;
  producerEpoch?: number;
  baseSequence?: number;
  recordCount?: number;
  records?: Uint8Array | readonly number[];
}

/** A batch from its fields, each of which may be wrong; without the package's own encoder. */
export function rawBatch(fields: RawBatch): Uint8Array {
  const records = Uint8Array.from(fields.records ?? []);
  const bytes = new Uint8Array(61 + records.length);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, fields.baseOffset ?? 0n);
  view.setInt32(8, fields.batchLength ?? bytes.length - 12);
  view.setInt32(12, fields.partitionLeaderEpoch ?? -1);
  view.setInt8(16, fields.magic ?? 2);
  view.setInt16(21, fields.attributes ?? 0);
  view.setInt32(23, fields.lastOffsetDelta ?? 0);
  view.setBigInt64(27, fields.baseTimestamp ?? 1_700_000_000_000n);
  view.setBigInt64(35, fields.maxTimestamp ?? 1_700_000_000_000n);
  view.setBigInt64(43, fields.producerId ?? -1n);
  view.setInt16(51, fields.producerEpoch ?? -1);
  view.setInt32(53, fields.baseSequence ?? -1);
  view.setInt32(57, fields.recordCount ?? 1);
  bytes.set(records, 61);
  view.setUint32(17, fields.crc ?? crc32c(bytes, 21));
  return bytes;
}

/** Makes the CRC right again after a test has changed a batch that fills `bytes`. */
export function fixCrc(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(17, crc32c(bytes, 21));
  return bytes;
}

/** A zigzag varint of any size, from arithmetic that shares nothing with the package's. */
export function varint(value: number | bigint): number[] {
  const wide = BigInt(value);
  let raw = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
  const bytes: number[] = [];
  for (; raw >= 128n; raw >>= 7n) bytes.push(Number(raw & 127n) | 128);
  return [...bytes, Number(raw)];
}

/** A record from the parts after its length; the length is right unless given. */
export function rawRecord(body: readonly number[], length: number = body.length): number[] {
  return [...varint(length), ...body];
}

/** attributes 0, timestamp delta 0, offset delta, null key, value of one byte, no headers. */
export function smallRecord(offsetDelta = 0): number[] {
  return rawRecord([0, 0, ...varint(offsetDelta), 1, 2, 0x78, 0]);
}
