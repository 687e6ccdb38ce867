const brand = Symbol.for("ktables.KafkaError");

/** What every error of these packages is made from. */
export interface KafkaErrorOptions {
  /** Stable, upper-case name to match on; broker errors use Kafka's own name. */
  readonly code: string;
  /** Whether the same call may succeed when repeated. Default false. */
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

/**
 * The base of every error that these packages throw. Match on `code`, which is stable; the message is for people.
 *
 * `instanceof KafkaError` also recognises errors of another installed copy of the library, because it looks at a
 * brand instead of the prototype.
 */
export class KafkaError extends Error {
  readonly code: string;
  readonly retriable: boolean;

  constructor(message: string, options: KafkaErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retriable = options.retriable ?? false;
    Object.defineProperty(this, brand, { value: true });
  }

  override get name(): string {
    return this.constructor.name;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (typeof value !== "object" || value === null) return false;
    return this === KafkaError ? brand in value : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

/**
 * Why bytes were refused.
 *
 * - `BATCH_CORRUPT`: a length, count, offset or checksum inside the batch contradicts the rest.
 * - `BATCH_CRC_MISMATCH`: the CRC-32C does not match the contents.
 * - `BATCH_TRUNCATED`: the bytes end before their first batch does.
 * - `BATCH_UNSUPPORTED_MAGIC`: a message format other than 2.
 * - `BATCH_UNSUPPORTED_COMPRESSION`: a codec that Kafka has not defined.
 * - `BATCH_TOO_LARGE`: more decompressed bytes than `maxDecompressedBytes`.
 * - `UNSAFE_INTEGER`: a 64-bit field beyond what a number holds exactly (2^53 - 1).
 */
export type RecordBatchErrorCode =
  | "BATCH_CORRUPT"
  | "BATCH_CRC_MISMATCH"
  | "BATCH_TRUNCATED"
  | "BATCH_UNSUPPORTED_MAGIC"
  | "BATCH_UNSUPPORTED_COMPRESSION"
  | "BATCH_TOO_LARGE"
  | "UNSAFE_INTEGER";

export interface RecordBatchErrorOptions extends KafkaErrorOptions {
  readonly code: RecordBatchErrorCode;
  readonly byteOffset: number;
  readonly baseOffset?: number | undefined;
  readonly batchLength?: number | undefined;
}

/** Bytes that are no valid record batch. Decoding throws nothing else. */
export class RecordBatchError extends KafkaError {
  declare readonly code: RecordBatchErrorCode;
  /** Where the problem is in the bytes given to the decoder; for a compressed batch, where its compressed part starts. */
  readonly byteOffset: number;
  /** The batch's base offset in its partition, as far as the bytes tell. */
  readonly baseOffset: number | undefined;
  /** The size that the batch claims, its 12-byte prefix included, as far as the bytes tell. */
  readonly batchLength: number | undefined;

  constructor(message: string, options: RecordBatchErrorOptions) {
    super(message, options);
    this.byteOffset = options.byteOffset;
    this.baseOffset = options.baseOffset;
    this.batchLength = options.batchLength;
  }
}
