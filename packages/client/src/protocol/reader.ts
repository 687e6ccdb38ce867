import { ProtocolError, type ProtocolErrorCode } from "./error.ts";
import { formatUuid } from "./uuid.ts";

export interface ProtocolReaderOptions {
  /**
   * How many array elements all arrays of the message may have together. A few bytes on the wire become an object of
   * a hundred bytes, so the size of a frame does not bound the memory that its decoded form takes. Default 4 194 304.
   */
  readonly maxElements?: number;
}

const defaultMaxElements = 4_194_304;
const maxStringBytes = 0x7fff;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const mendingUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads Kafka's wire types from one message. Trusts nothing: whatever the bytes are, each method returns a value or
 * throws a {@link ProtocolError}, and takes time and memory in proportion to the bytes that are really there.
 *
 * `flexible` means the compact encoding of KIP-482. Byte fields are views into the message, not copies.
 */
export class ProtocolReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #elementsLeft: number;

  constructor(bytes: Uint8Array, options: ProtocolReaderOptions = {}) {
    // A Buffer from a socket would hand out Buffers, whose slice() and toJSON() differ from those of a Uint8Array.
    const isPlain = bytes.constructor === Uint8Array;
    this.#bytes = isPlain ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#elementsLeft = options.maxElements ?? defaultMaxElements;
  }

  /** The position of the next byte, counted from the start of the message. */
  get offset(): number {
    return this.#offset;
  }

  /** The number of bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  boolean(): boolean {
    return this.#view.getInt8(this.#advance(1)) !== 0;
  }

  int8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  int16(): number {
    return this.#view.getInt16(this.#advance(2));
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  /** Refuses what a JavaScript number cannot hold, because a rounded offset would point at another record. */
  int64(): number {
    const start = this.#advance(8);
    const value = this.#view.getInt32(start) * 0x1_0000_0000 + this.#view.getUint32(start + 4);
    if (!Number.isSafeInteger(value)) {
      throw this.#error("UNSAFE_INTEGER", `64-bit number ${this.#view.getBigInt64(start)} exceeds ±(2^53 - 1)`, start);
    }
    return value;
  }

  /** For durations, of which more than can be told apart is as good as for ever. */
  clampedInt64(): number {
    const value = this.#view.getBigInt64(this.#advance(8));
    if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
    return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : Number(value);
  }

  /** 22 characters of base64 for URLs, as Java prints an id. */
  uuid(): string {
    return formatUuid(this.#bytes, this.#advance(16));
  }

  /** At most 32 bits in at most five bytes. */
  unsignedVarint(): number {
    const start = this.#offset;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#view.getUint8(this.#advance(1));
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw this.#error("MESSAGE_CORRUPT", "varint has more than 32 bits", start);
  }

  /** @param isMended replaces what is not UTF-8, as Java does, instead of refusing the message */
  string(flexible: boolean, isMended = false): string {
    const start = this.#offset;
    const value = this.nullableString(flexible, isMended);
    if (value === null) throw this.#error("MESSAGE_CORRUPT", "string is null where null is not allowed", start);
    return value;
  }

  nullableString(flexible: boolean, isMended = false): string | null {
    const start = this.#offset;
    const length = flexible ? this.unsignedVarint() - 1 : this.int16();
    if (length === -1) return null;
    if (length < -1 || length > maxStringBytes) {
      throw this.#error("MESSAGE_CORRUPT", `string has the impossible length ${length}`, start);
    }
    const from = this.#advance(length);
    try {
      return (isMended ? mendingUtf8 : utf8).decode(this.#bytes.subarray(from, from + length));
    } catch (cause) {
      throw this.#error("MESSAGE_CORRUPT", "string is not valid UTF-8", start, cause);
    }
  }

  bytes(flexible: boolean): Uint8Array {
    const start = this.#offset;
    const value = this.nullableBytes(flexible);
    if (value === null) throw this.#error("MESSAGE_CORRUPT", "bytes are null where null is not allowed", start);
    return value;
  }

  nullableBytes(flexible: boolean): Uint8Array | null {
    const start = this.#offset;
    const length = flexible ? this.unsignedVarint() - 1 : this.int32();
    if (length === -1) return null;
    if (length < -1) throw this.#error("MESSAGE_CORRUPT", `bytes have the impossible length ${length}`, start);
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** The number of elements that follow, which is at most what the remaining bytes can hold. */
  arrayLength(flexible: boolean, minimumElementSize: number): number {
    const start = this.#offset;
    const length = this.nullableArrayLength(flexible, minimumElementSize);
    if (length < 0) throw this.#error("MESSAGE_CORRUPT", "array is null where null is not allowed", start);
    return length;
  }

  /** As {@link arrayLength}, and -1 for null. */
  nullableArrayLength(flexible: boolean, minimumElementSize: number): number {
    const start = this.#offset;
    const length = flexible ? this.unsignedVarint() - 1 : this.int32();
    if (length < -1) throw this.#error("MESSAGE_CORRUPT", `array has the impossible length ${length}`, start);
    if (length * minimumElementSize > this.remaining) {
      throw this.#error(
        "MESSAGE_TRUNCATED",
        `array claims ${length} elements of at least ${minimumElementSize} bytes, but ${this.remaining} bytes are left`,
        start,
      );
    }
    if (length > this.#elementsLeft) {
      throw this.#error("MESSAGE_TOO_LARGE", `array of ${length} elements exceeds the budget of the message`, start);
    }
    if (length > 0) this.#elementsLeft -= length;
    return length;
  }

  /** The number of tagged fields that follow: each is its tag, the end that {@link taggedFieldEnd} gives, its value. */
  taggedFieldCount(): number {
    const start = this.#offset;
    const count = this.unsignedVarint();
    if (count * 2 > this.remaining) {
      throw this.#error("MESSAGE_TRUNCATED", `${count} tagged fields claimed, ${this.remaining} bytes are left`, start);
    }
    return count;
  }

  taggedFieldEnd(): number {
    const start = this.#offset;
    const size = this.unsignedVarint();
    if (size > this.remaining) {
      throw this.#error("MESSAGE_TRUNCATED", `tagged field of ${size} bytes, ${this.remaining} are left`, start);
    }
    return this.#offset + size;
  }

  /** Leaves out the value of a tagged field that this codec does not know. */
  skipTaggedField(end: number): void {
    this.#offset = end;
  }

  /** A known tagged field must fill exactly the bytes it claims, or one of the two lengths lies. */
  finishTaggedField(end: number): void {
    if (this.#offset !== end) {
      throw this.#error("MESSAGE_CORRUPT", `tagged field should end at byte ${end}, but its value ends`, this.#offset);
    }
  }

  /** Leaves out all tagged fields of a structure for which this codec knows none. */
  skipTaggedFields(): void {
    for (let count = this.taggedFieldCount(); count > 0; count--) {
      this.unsignedVarint();
      this.skipTaggedField(this.taggedFieldEnd());
    }
  }

  #advance(size: number): number {
    const start = this.#offset;
    if (size > this.#bytes.length - start) {
      throw this.#error("MESSAGE_TRUNCATED", `${size} bytes needed, ${this.#bytes.length - start} are left`, start);
    }
    this.#offset = start + size;
    return start;
  }

  #error(code: ProtocolErrorCode, message: string, byteOffset: number, cause?: unknown): ProtocolError {
    return new ProtocolError(code, message, byteOffset, cause);
  }
}
