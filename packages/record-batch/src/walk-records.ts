import { RecordBatchError } from "./errors.ts";
import type { RecordBatch } from "./record-batch.ts";
import { RecordPosition } from "./record-position.ts";
import { endOfVarint, readVarint } from "./varint.ts";

/**
 * Visits the records between `start` and `end` of `bytes`, which are those of `batch`, decompressed.
 *
 * Every length is checked against the end of its record, every record against the end of the batch. Positions may run
 * past the end before a check fails: reading there yields undefined, which no range check accepts.
 */
export function walkRecords(
  batch: RecordBatch,
  bytes: Uint8Array,
  start: number,
  end: number,
  visitor: (record: RecordPosition) => void,
): void {
  const { baseOffset, recordCount } = batch;
  const lastOffsetDelta = batch.lastOffset - baseOffset;
  const position = new RecordPosition(batch, bytes);
  let previousOffsetDelta = -1;
  let at = start;

  for (let index = 0; index < recordCount; index++) {
    const recordStart = at;
    // One byte holds lengths up to 63, two hold 8191: worth their branches here and below, where the calls are for the
    // rest. Bytes past the end are undefined and take the calls.
    let length = bytes[at]!;
    if (length < 0x80) {
      at++;
      length = (length >>> 1) ^ -(length & 1);
    } else {
      const second = bytes[at + 1]!;
      if (second < 0x80) {
        at += 2;
        length = (((length & 0x7f) >>> 1) | (second << 6)) ^ -(length & 1);
      } else {
        length = readVarint(bytes, at);
        at = endOfVarint(bytes, at);
      }
    }
    const recordEnd = at + length;
    if (!(length >= 0 && recordEnd <= end))
      throw corrupt(batch, bytes, recordStart, index, "its length is beyond the batch");

    const timestampStart = at + 1; // after the attributes, which have no meaning yet
    at = timestampStart;
    while (bytes[at]! >= 0x80) at++;
    at++;
    if (at - timestampStart >= 10 && (at - timestampStart > 10 || bytes[at - 1]! > 1)) {
      throw corrupt(batch, bytes, recordStart, index, "its timestamp is longer than 64 bits");
    }

    let offsetDelta = bytes[at]!;
    if (offsetDelta < 0x80) {
      at++;
      offsetDelta = (offsetDelta >>> 1) ^ -(offsetDelta & 1);
    } else {
      const second = bytes[at + 1]!;
      if (second < 0x80) {
        at += 2;
        offsetDelta = (((offsetDelta & 0x7f) >>> 1) | (second << 6)) ^ -(offsetDelta & 1);
      } else {
        offsetDelta = readVarint(bytes, at);
        at = endOfVarint(bytes, at);
      }
    }
    if (!(offsetDelta > previousOffsetDelta && offsetDelta <= lastOffsetDelta)) {
      throw corrupt(batch, bytes, recordStart, index, "its offset is not after the one before, or beyond the batch");
    }
    previousOffsetDelta = offsetDelta;

    let keyLength = bytes[at]!;
    if (keyLength < 0x80) {
      at++;
      keyLength = (keyLength >>> 1) ^ -(keyLength & 1);
    } else {
      keyLength = readVarint(bytes, at);
      at = endOfVarint(bytes, at);
    }
    const keyStart = at;
    if (keyLength > 0) at += keyLength;
    if (!(keyLength >= -1 && at < recordEnd))
      throw corrupt(batch, bytes, recordStart, index, "its key does not fit into it");

    let valueLength = bytes[at]!;
    if (valueLength < 0x80) {
      at++;
      valueLength = (valueLength >>> 1) ^ -(valueLength & 1);
    } else {
      const second = bytes[at + 1]!;
      if (second < 0x80) {
        at += 2;
        valueLength = (((valueLength & 0x7f) >>> 1) | (second << 6)) ^ -(valueLength & 1);
      } else {
        valueLength = readVarint(bytes, at);
        at = endOfVarint(bytes, at);
      }
    }
    const valueStart = at;
    if (valueLength > 0) at += valueLength;
    if (!(valueLength >= -1 && at < recordEnd)) {
      throw corrupt(batch, bytes, recordStart, index, "its value does not fit into it");
    }

    let headerCount = bytes[at]!;
    if (headerCount < 0x80) {
      at++;
      headerCount = (headerCount >>> 1) ^ -(headerCount & 1);
    } else {
      headerCount = readVarint(bytes, at);
      at = endOfVarint(bytes, at);
    }
    const headersStart = at;
    if (headerCount !== 0) {
      at = endOfHeaders(bytes, at, recordEnd, headerCount);
      if (at < 0) throw corrupt(batch, bytes, recordStart, index, "its headers do not fit into it");
    }
    if (at !== recordEnd) throw corrupt(batch, bytes, recordStart, index, "its fields do not fill its length");

    // Not a change, but the processor need not wait for this record's lengths before it starts with the next record.
    at = recordEnd;

    position.offset = baseOffset + offsetDelta;
    position.keyStart = keyStart;
    position.keyLength = keyLength;
    position.valueStart = valueStart;
    position.valueLength = valueLength;
    position.headerCount = headerCount;
    position.headersStart = headersStart;
    position.timestampStart = timestampStart;
    visitor(position);
  }

  if (at !== end) throw corrupt(batch, bytes, at, recordCount, "bytes follow the last one");
}

/** -1 when the headers do not fit before `end`. Each turn reads on or ends the loop, so the count cannot prolong it. */
function endOfHeaders(bytes: Uint8Array, start: number, end: number, count: number): number {
  if (count < 0) return -1;
  let at = start;
  for (let index = 0; index < count; index++) {
    const keyLength = readVarint(bytes, at);
    if (keyLength < 0) return -1;
    at = endOfVarint(bytes, at) + keyLength;
    if (at >= end) return -1;
    const valueLength = readVarint(bytes, at);
    if (valueLength < -1) return -1;
    at = endOfVarint(bytes, at) + Math.max(valueLength, 0);
  }
  return at;
}

function corrupt(batch: RecordBatch, bytes: Uint8Array, at: number, index: number, why: string): RecordBatchError {
  const decompressed = bytes !== batch.bytes;
  const where = decompressed ? `byte ${at} of the decompressed records` : `byte ${at}`;
  return new RecordBatchError(
    `record ${index} of ${batch.recordCount} in the batch at offset ${batch.baseOffset} is corrupt at ${where}: ${why}`,
    {
      code: "BATCH_CORRUPT",
      byteOffset: decompressed ? batch.recordsStart : at,
      baseOffset: batch.baseOffset,
      batchLength: batch.sizeInBytes,
    },
  );
}
