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

/** What the header of a batch says besides its records. */
export interface BatchFields {
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
  /** Last offset that the batch covers. Default: that of the last record; the base offset if there is none. */
  readonly lastOffset?: number;
  /** Default -1, which is what a producer sends. */
  readonly partitionLeaderEpoch?: number;
  /** Default "CreateTime". */
  readonly timestampType?: "CreateTime" | "LogAppendTime";
  /** Default: the largest timestamp of a record, -1 without records. With "LogAppendTime" the time of every record. */
  readonly maxTimestamp?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
}

const smallestCapacity = 512;
const utf8 = /* @__PURE__ */ new TextEncoder();

/**
 * A batch (message format 2) that grows record by record. Records are encoded when they come, so that nothing of them
 * has to be kept, and the header when it is {@link finish finished}.
 */
export class BatchBuilder {
  #bytes: Uint8Array;
  #view: DataView;
  #end = recordsAt;
  #count = 0;
  #lastOffsetDelta = -1;
  #baseTimestamp = -1;
  #maxTimestamp = -1;
  readonly #deleteHorizonMs: number | undefined;

  /**
   * `capacity` is the size that the batch is expected to get, in bytes. `deleteHorizonMs` is stored in place of the base
   * timestamp (KIP-534).
   */
  constructor(capacity: number = smallestCapacity, deleteHorizonMs?: number) {
    this.#bytes = new Uint8Array(Math.max(capacity, recordsAt));
    this.#view = new DataView(this.#bytes.buffer);
    this.#deleteHorizonMs = deleteHorizonMs;
    if (deleteHorizonMs !== undefined) this.#baseTimestamp = integerArgument("deleteHorizonMs", deleteHorizonMs);
  }

  /** Bytes so far, not compressed. */
  get sizeInBytes(): number {
    return this.#end;
  }

  get recordCount(): number {
    return this.#count;
  }

  /**
   * Copies a record to the end of the batch. Key and value may be text, as long as that is ASCII; other text is for the
   * caller to encode, who has to know its size. `offsetDelta` says how far the record is from the base offset: by default
   * one further than the record before.
   *
   * @returns whether the record was taken: false for text beyond ASCII
   * @throws {@link KafkaError} `INVALID_ARGUMENT` for what no batch can hold, `BATCH_TOO_LARGE` above 2 GiB; the batch is
   * as before then
   */
  append(
    key: Uint8Array | string | null,
    value: Uint8Array | string | null,
    timestamp: number,
    headers?: RecordInput["headers"],
    offsetDelta: number = this.#lastOffsetDelta + 1,
  ): boolean {
    integerArgument("timestamp", timestamp);
    const isFirst = this.#count === 0 && this.#deleteHorizonMs === undefined;
    const baseTimestamp = isFirst ? timestamp : this.#baseTimestamp;
    const timestampDelta = integerArgument("timestamp delta", timestamp - baseTimestamp);
    if (offsetDelta > maxInt32) throw invalidArgument("the batch covers more than 2^31 offsets");
    const encodedHeaders = headers?.map((header) => ({ key: utf8.encode(header.key), value: header.value }));
    const size =
      1 +
      sizeOfVarlong(timestampDelta) +
      sizeOfVarint(offsetDelta) +
      sizeOfField(key) +
      sizeOfField(value) +
      (encodedHeaders === undefined ? 1 : sizeOfHeaders(encodedHeaders));
    const end = this.#end + sizeOfVarint(size) + size;
    if (end > this.#bytes.length) this.#grow(end);
    const bytes = this.#bytes;
    const view = this.#view;
    let at = writeVarint(bytes, this.#end, size);
    bytes[at++] = 0; // attributes, all unused
    at = writeVarlong(bytes, at, timestampDelta);
    at = writeVarint(bytes, at, offsetDelta);
    at = writeField(bytes, view, at, key);
    if (at < 0) return false;
    at = writeField(bytes, view, at, value);
    if (at < 0) return false;
    if (encodedHeaders === undefined) bytes[at] = 0;
    else writeHeaders(bytes, view, at, encodedHeaders);
    this.#end = end;
    this.#count++;
    this.#lastOffsetDelta = offsetDelta;
    this.#baseTimestamp = baseTimestamp;
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    return true;
  }

  /**
   * The batch with the records that it has so far: a view of the builder's memory unless it is compressed, valid until
   * the batch is finished anew. More records may follow, for a batch that is to be finished again.
   *
   * @throws {@link KafkaError} `INVALID_ARGUMENT` for fields that no batch can hold
   */
  finish(fields: BatchFields): Uint8Array {
    const baseOffset = integerArgument("baseOffset", fields.baseOffset ?? 0, 0);
    const lastRecordOffset = baseOffset + Math.max(this.#lastOffsetDelta, 0);
    const lastOffset = integerArgument("lastOffset", fields.lastOffset ?? lastRecordOffset, lastRecordOffset);
    if (lastOffset - baseOffset > maxInt32) throw invalidArgument("the batch covers more than 2^31 offsets");

    let batch = this.#bytes.subarray(0, this.#end);
    const compression = this.#count === 0 ? "none" : (fields.compression ?? "none");
    if (compression !== "none") {
      const compressed = codecs[compression].compress(batch.subarray(recordsAt));
      checkSize(recordsAt + compressed.length);
      batch = new Uint8Array(recordsAt + compressed.length);
      batch.set(compressed, recordsAt);
    }
    let attributes = compressionNames.indexOf(compression);
    if (fields.timestampType === "LogAppendTime") attributes |= logAppendTimeBit;
    if (fields.isTransactional === true) attributes |= transactionalBit;
    if (fields.isControl === true) attributes |= controlBit;
    if (this.#deleteHorizonMs !== undefined) attributes |= deleteHorizonBit;

    writeInt64(batch, baseOffsetAt, baseOffset);
    writeInt32(batch, batchLengthAt, batch.length - prefixSize);
    writeInt32(
      batch,
      partitionLeaderEpochAt,
      integerArgument("partitionLeaderEpoch", fields.partitionLeaderEpoch ?? -1, -1, maxInt32),
    );
    batch[magicAt] = 2;
    writeInt16(batch, attributesAt, attributes);
    writeInt32(batch, lastOffsetDeltaAt, lastOffset - baseOffset);
    writeInt64(batch, baseTimestampAt, this.#baseTimestamp);
    writeInt64(batch, maxTimestampAt, integerArgument("maxTimestamp", fields.maxTimestamp ?? this.#maxTimestamp));
    writeInt64(batch, producerIdAt, integerArgument("producerId", fields.producerId ?? -1, -1));
    writeInt16(batch, producerEpochAt, integerArgument("producerEpoch", fields.producerEpoch ?? -1, -1, maxInt16));
    writeInt32(batch, baseSequenceAt, integerArgument("baseSequence", fields.baseSequence ?? -1, -1, maxInt32));
    writeInt32(batch, recordCountAt, this.#count);
    writeInt32(batch, crcAt, crc32c(batch, attributesAt));
    return batch;
  }

  #grow(size: number): void {
    checkSize(size);
    const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

interface EncodedHeader {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

function sizeOfHeaders(headers: readonly EncodedHeader[]): number {
  let size = sizeOfVarint(headers.length);
  for (const { key, value } of headers) size += sizeOfField(key) + sizeOfField(value);
  return size;
}

function writeHeaders(target: Uint8Array, view: DataView, start: number, headers: readonly EncodedHeader[]): void {
  let at = writeVarint(target, start, headers.length);
  for (const { key, value } of headers) at = writeField(target, view, writeField(target, view, at, key), value);
}

function sizeOfField(field: Uint8Array | string | null): number {
  return field === null ? 1 : sizeOfVarint(field.length) + field.length;
}

/** Keys are short as a rule: up to here a loop is faster than a call of the runtime. */
const shortLength = 32;

/** Returns the position after what it wrote; -1 for text beyond ASCII. `view` is of the same memory as `target`. */
function writeField(target: Uint8Array, view: DataView, at: number, field: Uint8Array | string | null): number {
  if (field === null) return writeVarint(target, at, -1);
  const { length } = field;
  const start = writeVarint(target, at, length);
  const end = start + length;
  if (typeof field === "string") {
    if (length > shortLength) {
      const isAscii =
        length > passage.length ? encodeAscii(field, target.subarray(start, end)) : copyAscii(field, view, start);
      return isAscii ? end : -1;
    }
    for (let index = 0; index < length; index++) {
      const code = field.charCodeAt(index);
      if (code > 0x7f) return -1;
      target[start + index] = code;
    }
  } else if (length > shortLength) target.set(field, start);
  else for (let index = 0; index < length; index++) target[start + index] = field[index]!;
  return end;
}

function encodeAscii(text: string, target: Uint8Array): boolean {
  const { read, written } = utf8.encodeInto(text, target);
  return read === text.length && written === text.length;
}

/** Most text passes through here on its way into a batch: a view of its place there takes three times as long to make as a copy. */
const passage = /* @__PURE__ */ new Uint8Array(4096);
const passageView = /* @__PURE__ */ new DataView(passage.buffer);

/** Writes text of eight characters or more, at most as many as fit into {@link passage}. */
function copyAscii(text: string, target: DataView, start: number): boolean {
  if (!encodeAscii(text, passage)) return false;
  const last = text.length - 8;
  // Eight characters of ASCII are no NaN, which engines may change while they copy it.
  for (let at = 0; at < last; at += 8) target.setFloat64(start + at, passageView.getFloat64(at, true), true);
  target.setFloat64(start + last, passageView.getFloat64(last, true), true);
  return true;
}

function checkSize(size: number): void {
  if (size <= maxInt32) return;
  throw new KafkaError(`${size - recordsAt} bytes of records do not fit into a batch`, { code: "BATCH_TOO_LARGE" });
}
