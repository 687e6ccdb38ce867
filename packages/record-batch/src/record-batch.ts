import { CodecError } from "./compression/failures.ts";
import { type Codec, type CompressionName, codecs, compressionNames } from "./compression/index.ts";
import { type OutputBuffer, withOutputBuffer } from "./compression/output-buffer.ts";
import { crc32c } from "./crc32c.ts";
import { RecordBatchError, type RecordBatchErrorCode } from "./errors.ts";
import { readInt16, readInt32, readInt64 } from "./integers.ts";
import {
  attributesAt,
  baseOffsetAt,
  baseSequenceAt,
  baseTimestampAt,
  batchLengthAt,
  compressionMask,
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
import type { RecordPosition } from "./record-position.ts";
import { walkRecords } from "./walk-records.ts";

export interface DecodeOptions {
  /** Compare the CRC-32C of each batch. Default true. */
  readonly checkCrc?: boolean;
  /** The most bytes that the records of one batch may decompress to. Default 128 MiB. */
  readonly maxDecompressedBytes?: number;
}

const defaultMaxDecompressedBytes = 128 * 1024 * 1024;

/**
 * One record batch (message format 2): its header, and a way to visit its records. There is one object per batch and
 * none per record. {@link nextBatch} and {@link readBatches} make them; the header has been checked by then, the
 * records are checked while they are visited.
 */
export class RecordBatch {
  /** The bytes given to the decoder; the batch is `sizeInBytes` of them from `start`. */
  readonly bytes: Uint8Array;
  readonly start: number;
  /** The whole batch, its 12-byte prefix included. */
  readonly sizeInBytes: number;
  readonly baseOffset: number;
  /** Last offset that the batch covers. Compaction keeps it, even when it removes the record there. */
  readonly lastOffset: number;
  readonly partitionLeaderEpoch: number;
  readonly crc: number;
  readonly attributes: number;
  /** -1: not written by an idempotent or transactional producer. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** Records in the batch. Compaction makes it less than the offsets covered; 0 is normal there. */
  readonly recordCount: number;
  readonly #maxDecompressedBytes: number;

  /** `bytes` hold `sizeInBytes` bytes of a format 2 batch from `start`, at least 61. */
  constructor(bytes: Uint8Array, start: number, sizeInBytes: number, options: DecodeOptions) {
    this.bytes = bytes;
    this.start = start;
    this.sizeInBytes = sizeInBytes;
    this.#maxDecompressedBytes = options.maxDecompressedBytes ?? defaultMaxDecompressedBytes;
    this.baseOffset = readInt64(bytes, start + baseOffsetAt);
    this.partitionLeaderEpoch = readInt32(bytes, start + partitionLeaderEpochAt);
    this.crc = readInt32(bytes, start + crcAt) >>> 0;
    this.attributes = readInt16(bytes, start + attributesAt);
    this.producerId = readInt64(bytes, start + producerIdAt);
    this.producerEpoch = readInt16(bytes, start + producerEpochAt);
    this.baseSequence = readInt32(bytes, start + baseSequenceAt);
    this.recordCount = readInt32(bytes, start + recordCountAt);
    const lastOffsetDelta = readInt32(bytes, start + lastOffsetDeltaAt);
    this.lastOffset = this.baseOffset + lastOffsetDelta;

    if (options.checkCrc !== false) {
      const actual = crc32c(bytes, start + attributesAt, start + sizeInBytes);
      if (actual !== this.crc) {
        throw this.#error("BATCH_CRC_MISMATCH", crcAt, `its CRC-32C is ${this.crc}, that of its contents ${actual}`);
      }
    }
    if (this.baseOffset < 0) throw this.#error("BATCH_CORRUPT", baseOffsetAt, "its base offset is negative");
    if (lastOffsetDelta < 0)
      throw this.#error("BATCH_CORRUPT", lastOffsetDeltaAt, "its last offset is before its base");
    if (!Number.isSafeInteger(this.nextOffset)) {
      throw this.#error("UNSAFE_INTEGER", baseOffsetAt, "its offsets are beyond 2^53 - 1");
    }
    if (!Number.isSafeInteger(this.producerId)) {
      throw this.#error("UNSAFE_INTEGER", producerIdAt, "its producer id is beyond 2^53 - 1");
    }
    if (this.recordCount < 0 || this.recordCount > lastOffsetDelta + 1) {
      throw this.#error("BATCH_CORRUPT", recordCountAt, `it claims ${this.recordCount} records for its offsets`);
    }
  }

  /** Where to read on: the position after this batch, also when no record of it survived compaction (KAFKA-5443). */
  get nextOffset(): number {
    return this.lastOffset + 1;
  }

  /** First byte of the records, which are compressed if the batch is. */
  get recordsStart(): number {
    return this.start + recordsAt;
  }

  /**
   * Milliseconds. With {@link hasDeleteHorizon} it is the time from which tombstones may be removed (KIP-534).
   *
   * @throws {@link RecordBatchError} `UNSAFE_INTEGER`: only here, so that a senseless timestamp does not hide the data.
   */
  get baseTimestamp(): number {
    return this.#timestamp(baseTimestampAt);
  }

  /**
   * Milliseconds; with `LogAppendTime` the timestamp of every record.
   *
   * @throws {@link RecordBatchError} `UNSAFE_INTEGER`
   */
  get maxTimestamp(): number {
    return this.#timestamp(maxTimestampAt);
  }

  /** @throws {@link RecordBatchError} `BATCH_UNSUPPORTED_COMPRESSION` for a codec that Kafka has not defined. */
  get compression(): CompressionName {
    const code = this.attributes & compressionMask;
    const name = compressionNames[code];
    if (name !== undefined) return name;
    throw this.#error("BATCH_UNSUPPORTED_COMPRESSION", attributesAt, `its compression codec ${code} is unknown`);
  }

  get isTransactional(): boolean {
    return (this.attributes & transactionalBit) !== 0;
  }

  /** Control batches hold transaction markers and the like, never data. */
  get isControl(): boolean {
    return (this.attributes & controlBit) !== 0;
  }

  get hasDeleteHorizon(): boolean {
    return (this.attributes & deleteHorizonBit) !== 0;
  }

  get timestampType(): "CreateTime" | "LogAppendTime" {
    return (this.attributes & logAppendTimeBit) === 0 ? "CreateTime" : "LogAppendTime";
  }

  /**
   * Calls `visitor` for every record in offset order, each time with the same object, which is valid during the call
   * only, and so are the views that it hands out. A compressed batch is decompressed at each visit, into memory that
   * the next visit of any batch uses again.
   *
   * A batch with a valid CRC may still turn out corrupt in the middle: the records before have been visited by then.
   */
  visit(visitor: (record: RecordPosition) => void): void {
    this.visitBytes((bytes, start, end) => walkRecords(this, bytes, start, end, visitor));
  }

  /**
   * Calls `visitor` once with the bytes of all records, decompressed, for decoders of your own; what is in them has not been
   * checked, apart from the CRC. They are valid during the call only.
   */
  visitBytes(visitor: (bytes: Uint8Array, start: number, end: number) => void): void {
    const end = this.start + this.sizeInBytes;
    const { compression } = this;
    if (compression === "none" || (this.recordCount === 0 && this.recordsStart === end)) {
      visitor(this.bytes, this.recordsStart, end);
    } else {
      withOutputBuffer((output) => {
        const records = this.#decompress(codecs[compression], output);
        visitor(records, 0, records.length);
      });
    }
  }

  /**
   * What a control batch says about its producer's transaction; `"unknown"` for control records that concern brokers
   * only. Undefined for a control batch that compaction has emptied, and for a batch of data.
   */
  controlType(): "commit" | "abort" | "unknown" | undefined {
    if (!this.isControl) return undefined;
    let type: "commit" | "abort" | "unknown" | undefined;
    this.visit((record) => {
      if (type !== undefined) return;
      // The key is a version and a type, 16 bits each; later versions may append to it.
      if (record.keyLength < 4) throw this.#error("BATCH_CORRUPT", recordsAt, "its control record has no valid key");
      const code = readInt16(record.bytes, record.keyStart + 2);
      type = code === 0 ? "abort" : code === 1 ? "commit" : "unknown";
    });
    return type;
  }

  #decompress(codec: Codec, output: OutputBuffer): Uint8Array {
    const end = this.start + this.sizeInBytes;
    try {
      return codec.decompress(this.bytes.subarray(this.recordsStart, end), this.#maxDecompressedBytes, output);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw this.#error(error.code, recordsAt, error.message, error);
    }
  }

  #timestamp(field: number): number {
    const timestamp = readInt64(this.bytes, this.start + field);
    if (Number.isSafeInteger(timestamp)) return timestamp;
    throw this.#error("UNSAFE_INTEGER", field, "its timestamp is beyond 2^53 - 1");
  }

  #error(code: RecordBatchErrorCode, field: number, why: string, cause?: unknown): RecordBatchError {
    const { baseOffset, sizeInBytes } = this;
    return new RecordBatchError(`cannot decode the batch at offset ${baseOffset} (${sizeInBytes} bytes): ${why}`, {
      code,
      cause,
      byteOffset: this.start + field,
      baseOffset,
      batchLength: sizeInBytes,
    });
  }
}

/**
 * The batch that starts at byte `start`; undefined at the end, and when the bytes end before the batch does: brokers
 * cut a response at a byte limit, so that an incomplete last batch is normal. Continue at
 * `batch.start + batch.sizeInBytes`.
 *
 * @throws {@link RecordBatchError}
 */
export function nextBatch(bytes: Uint8Array, start: number, options: DecodeOptions = {}): RecordBatch | undefined {
  const available = bytes.length - start;
  if (available < prefixSize) return undefined;
  const sizeInBytes = claimedSize(bytes, start);
  // The smallest message of any format has 14 bytes after the prefix: less is damage, not an older format.
  if (sizeInBytes < prefixSize + 14) throw headerError(bytes, start, "BATCH_CORRUPT", "its length is impossible");
  if (available <= magicAt) return undefined;
  const magic = (bytes[start + magicAt]! << 24) >> 24;
  if (magic !== 2) {
    const why = `message format ${magic} is not supported, only 2 (Kafka 0.11 and later)`;
    throw headerError(bytes, start, "BATCH_UNSUPPORTED_MAGIC", why);
  }
  if (sizeInBytes < recordsAt) throw headerError(bytes, start, "BATCH_CORRUPT", "it is shorter than its header");
  return available < sizeInBytes ? undefined : new RecordBatch(bytes, start, sizeInBytes, options);
}

/**
 * The batches in `bytes`, in order. An incomplete batch at the end is left out.
 *
 * @throws {@link RecordBatchError} also when there are bytes, but not one complete batch: then nothing could be read on.
 */
export function* readBatches(bytes: Uint8Array, options: DecodeOptions = {}): Generator<RecordBatch> {
  let start = 0;
  for (let batch = nextBatch(bytes, 0, options); batch !== undefined; batch = nextBatch(bytes, start, options)) {
    start += batch.sizeInBytes;
    yield batch;
  }
  if (start === 0 && bytes.length > 0) {
    throw headerError(bytes, 0, "BATCH_TRUNCATED", `only ${bytes.length} bytes of it are there`);
  }
}

function claimedSize(bytes: Uint8Array, start: number): number {
  return prefixSize + readInt32(bytes, start + batchLengthAt);
}

/** For what is wrong before there is a whole batch to talk about. */
function headerError(bytes: Uint8Array, start: number, code: RecordBatchErrorCode, why: string): RecordBatchError {
  const hasPrefix = bytes.length - start >= prefixSize;
  const baseOffset = hasPrefix ? readInt64(bytes, start + baseOffsetAt) : undefined;
  const batchLength = hasPrefix ? claimedSize(bytes, start) : undefined;
  const which = baseOffset === undefined ? `at byte ${start}` : `at offset ${baseOffset} (${batchLength} bytes)`;
  return new RecordBatchError(`cannot decode the batch ${which}: ${why}`, {
    code,
    byteOffset: start,
    baseOffset,
    batchLength,
  });
}
