import { RecordBatchError } from "./errors.ts";
import type { RecordBatch } from "./record-batch.ts";
import { endOfVarint, readVarint, readVarlong } from "./varint.ts";

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

// Java keeps a leading byte order mark; without ignoreBOM it would disappear from the header's key.
const utf8 = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Where one record lies in the bytes of its batch. {@link RecordBatch.visit} moves one such object from record to
 * record: copy what you need before returning.
 */
export class RecordPosition {
  readonly batch: RecordBatch;
  /** Where key and value live: the bytes given to the decoder, or those of this batch decompressed, for as long as the visit lasts. */
  readonly bytes: Uint8Array;
  /** Offset in the partition. */
  offset = 0;
  keyStart = 0;
  /** -1: null. */
  keyLength = -1;
  valueStart = 0;
  /** -1: null, a tombstone. */
  valueLength = -1;
  headerCount = 0;
  /** First byte of the first header. */
  headersStart = 0;
  /** First byte of the encoded timestamp delta. */
  timestampStart = 0;
  /** That of the batch, once it was asked for. */
  #baseTimestamp: number | undefined;

  constructor(batch: RecordBatch, bytes: Uint8Array) {
    this.batch = batch;
    this.bytes = bytes;
  }

  /** A view of the key, not a copy: valid during the call of the visitor. */
  key(): Uint8Array | null {
    return this.keyLength < 0 ? null : this.bytes.subarray(this.keyStart, this.keyStart + this.keyLength);
  }

  /** A view of the value, not a copy: valid during the call of the visitor. */
  value(): Uint8Array | null {
    return this.valueLength < 0 ? null : this.bytes.subarray(this.valueStart, this.valueStart + this.valueLength);
  }

  /**
   * Milliseconds since 1970; -1 for none. With `LogAppendTime` the broker's time, equal for the whole batch.
   *
   * @throws {@link RecordBatchError} `UNSAFE_INTEGER`
   */
  timestamp(): number {
    const { batch } = this;
    if (batch.timestampType === "LogAppendTime") return batch.maxTimestamp;
    this.#baseTimestamp ??= batch.baseTimestamp;
    const first = this.bytes[this.timestampStart]!;
    // One byte holds what most records have: less than 64 ms from the first one.
    const delta = first < 0x80 ? (first >>> 1) ^ -(first & 1) : readVarlong(this.bytes, this.timestampStart);
    const timestamp = this.#baseTimestamp + delta;
    if (Number.isSafeInteger(delta) && Number.isSafeInteger(timestamp)) return timestamp;
    throw new RecordBatchError(`the timestamp of the record at offset ${this.offset} is beyond 2^53 - 1`, {
      code: "UNSAFE_INTEGER",
      byteOffset: batch.start,
      baseOffset: batch.baseOffset,
      batchLength: batch.sizeInBytes,
    });
  }

  /** Decodes the headers; values are views, not copies. */
  headers(): RecordHeader[] {
    const { bytes } = this;
    const headers: RecordHeader[] = [];
    // The walk has checked every length before the visitor was called.
    for (let index = 0, at = this.headersStart; index < this.headerCount; index++) {
      const keyStart = endOfVarint(bytes, at);
      const keyEnd = keyStart + readVarint(bytes, at);
      const valueLength = readVarint(bytes, keyEnd);
      const valueStart = endOfVarint(bytes, keyEnd);
      at = valueStart + Math.max(valueLength, 0);
      headers.push({
        key: utf8.decode(bytes.subarray(keyStart, keyEnd)),
        value: valueLength < 0 ? null : bytes.subarray(valueStart, at),
      });
    }
    return headers;
  }
}
