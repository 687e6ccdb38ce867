import { integerArgument, invalidArgument, maxInt16, maxInt32 } from "./arguments.ts";
import { type CompressionName, codecs, compressionNames } from "./compression/index.ts";
import { crc32c } from "./crc32c.ts";
import { KafkaError } from "./errors.ts";
import { writeInt16, writeInt32, writeInt64 } from "./integers.ts";
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  batchLengthAt,
  controlBit,
  crcAt,
  deleteHorizonBit,
  lastOffsetDeltaAt,
  logAppendTimeBit,
  magicAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
  prefixSize,
  producerEpochAt,
  producerIdAt,
  recordCountAt,
  recordsAt,
  transactionalBit,
} from "./layout.ts";
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from "./varint.ts";

export interface RecordInput {
  /** Null: no key, which is not the same as an empty one. */
  readonly key: Uint8Array | null;
  /** Null: a tombstone, which is not the same as an empty value. */
  readonly value: Uint8Array | null;
  /** Milliseconds since 1970; -1 for none. */
  readonly timestamp: number;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

/** A producer needs `records`, `compression` and its identity; the rest is what brokers and log cleaners write. */
export interface EncodeBatchOptions {
  readonly records: readonly RecordInput[];
  /** Default "none". A batch without records is never compressed. */
  readonly compression?: CompressionName;
  /** Default -1: no idempotence. */
  readonly producerId?: number;
  /** Default -1. */
  readonly producerEpoch?: number;
  /** Sequence number of the first record. Default -1. */
  readonly baseSequence?: number;
  /** Default 0, which is what a producer sends. */
  readonly baseOffset?: number;
  /** The offset of each record, ascending, for batches with holes. Default: consecutive from the base offset. */
  readonly offsets?: readonly number[];
  /** Last offset that the batch covers. Default: that of the last record; the base offset if there is none. */
  readonly lastOffset?: number;
  /** Default -1, which is what a producer sends. */
  readonly partitionLeaderEpoch?: number;
  /** Default "CreateTime". */
  readonly timestampType?: "CreateTime" | "LogAppendTime";
  /** Default: the largest timestamp of a record, -1 without records. With "LogAppendTime" the time of every record. */
  readonly maxTimestamp?: number;
  /** Milliseconds; stored in place of the base timestamp (KIP-534). */
  readonly deleteHorizonMs?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
}

const noHeaderKeys: readonly Uint8Array[] = [];

/**
 * Encodes one record batch (message format 2), byte for byte as the Java client does if it is not compressed.
 *
 * @throws {@link KafkaError} `INVALID_ARGUMENT` for options that no batch can hold, `BATCH_TOO_LARGE` above 2 GiB
 */
export function encodeBatch(options: EncodeBatchOptions): Uint8Array {
  const { records, offsets, deleteHorizonMs } = options;
  const compression = records.length === 0 ? "none" : (options.compression ?? "none");
  const baseOffset = integerArgument("baseOffset", options.baseOffset ?? 0, 0);
  if (offsets !== undefined && offsets.length !== records.length) {
    throw invalidArgument(`offsets has ${offsets.length} entries for ${records.length} records`);
  }

  const headerKeys = encodeHeaderKeys(records);
  const baseTimestamp = integerArgument("timestamp", deleteHorizonMs ?? records[0]?.timestamp ?? -1);
  let maxTimestamp = -1;
  let recordsSize = 0;
  let previousOffset = baseOffset - 1;
  let headerKeyIndex = 0;
  // Sizes first, so that the records are written once into memory of exactly their size.
  const bodySizes: number[] = [];
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!;
    const offset = offsets === undefined ? baseOffset + index : offsets[index]!;
    if (!(Number.isSafeInteger(offset) && offset > previousOffset)) {
      throw invalidArgument(`offset ${offset} of record ${index} is not an integer above ${previousOffset}`);
    }
    previousOffset = offset;
    const timestamp = integerArgument("timestamp", record.timestamp);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    const { key, value, headers } = record;
    let size =
      1 +
      sizeOfVarlong(integerArgument("timestamp delta", timestamp - baseTimestamp)) +
      sizeOfVarint(offset - baseOffset) +
      sizeOfBytes(key) +
      sizeOfBytes(value) +
      sizeOfVarint(headers?.length ?? 0);
    if (headers !== undefined) {
      for (const header of headers) {
        size += sizeOfBytes(headerKeys[headerKeyIndex++]!) + sizeOfBytes(header.value);
      }
    }
    bodySizes.push(size);
    recordsSize += sizeOfVarint(size) + size;
  }
  const lastRecordOffset = Math.max(previousOffset, baseOffset);
  const lastOffset = integerArgument("lastOffset", options.lastOffset ?? lastRecordOffset, lastRecordOffset);
  if (lastOffset - baseOffset > maxInt32) throw invalidArgument("the batch covers more than 2^31 offsets");
  checkSize(recordsSize);

  let batch = new Uint8Array(recordsAt + recordsSize);
  let at = recordsAt;
  headerKeyIndex = 0;
  for (let index = 0; index < records.length; index++) {
    const { key, value, timestamp, headers } = records[index]!;
    at = writeVarint(batch, at, bodySizes[index]!);
    at++; // attributes, all unused
    at = writeVarlong(batch, at, timestamp - baseTimestamp);
    at = writeVarint(batch, at, offsets === undefined ? index : offsets[index]! - baseOffset);
    at = writeBytes(batch, at, key);
    at = writeBytes(batch, at, value);
    at = writeVarint(batch, at, headers?.length ?? 0);
    if (headers !== undefined) {
      for (const header of headers) {
        at = writeBytes(batch, at, headerKeys[headerKeyIndex++]!);
        at = writeBytes(batch, at, header.value);
      }
    }
  }
  if (compression !== "none") {
    const compressed = codecs[compression].compress(batch.subarray(recordsAt));
    checkSize(compressed.length);
    batch = new Uint8Array(recordsAt + compressed.length);
    batch.set(compressed, recordsAt);
  }

  let attributes = compressionNames.indexOf(compression);
  if (options.timestampType === "LogAppendTime") attributes |= logAppendTimeBit;
  if (options.isTransactional === true) attributes |= transactionalBit;
  if (options.isControl === true) attributes |= controlBit;
  if (deleteHorizonMs !== undefined) attributes |= deleteHorizonBit;

  writeInt64(batch, baseOffsetAt, baseOffset);
  writeInt32(batch, batchLengthAt, batch.length - prefixSize);
  writeInt32(
    batch,
    partitionLeaderEpochAt,
    integerArgument("partitionLeaderEpoch", options.partitionLeaderEpoch ?? -1, -1, maxInt32),
  );
  batch[magicAt] = 2;
  writeInt16(batch, attributesAt, attributes);
  writeInt32(batch, lastOffsetDeltaAt, lastOffset - baseOffset);
  writeInt64(batch, baseTimestampAt, baseTimestamp);
  writeInt64(batch, maxTimestampAt, integerArgument("maxTimestamp", options.maxTimestamp ?? maxTimestamp));
  writeInt64(batch, producerIdAt, integerArgument("producerId", options.producerId ?? -1, -1));
  writeInt16(batch, producerEpochAt, integerArgument("producerEpoch", options.producerEpoch ?? -1, -1, maxInt16));
  writeInt32(batch, baseSequenceAt, integerArgument("baseSequence", options.baseSequence ?? -1, -1, maxInt32));
  writeInt32(batch, recordCountAt, records.length);
  writeInt32(batch, crcAt, crc32c(batch, attributesAt));
  return batch;
}

/** The keys of all headers of all records, in order. */
function encodeHeaderKeys(records: readonly RecordInput[]): readonly Uint8Array[] {
  let keys: Uint8Array[] | undefined;
  const encoder = new TextEncoder();
  for (const { headers } of records) {
    if (headers === undefined) continue;
    keys ??= [];
    for (const { key } of headers) keys.push(encoder.encode(key));
  }
  return keys ?? noHeaderKeys;
}

function sizeOfBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length;
}

function writeBytes(target: Uint8Array, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(target, at, -1);
  const { length } = bytes;
  const start = writeVarint(target, at, length);
  // Keys are short as a rule: a loop is faster for them than a call of the runtime.
  if (length > 32) target.set(bytes, start);
  else for (let index = 0; index < length; index++) target[start + index] = bytes[index]!;
  return start + length;
}

function checkSize(recordsSize: number): void {
  if (recordsSize <= maxInt32 - recordsAt) return;
  throw new KafkaError(`${recordsSize} bytes of records do not fit into a batch`, { code: "BATCH_TOO_LARGE" });
}
