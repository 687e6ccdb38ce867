import { ProtocolError } from "./error.ts";
import { parseUuid } from "./uuid.ts";

const maxStringBytes = 0x7fff;
const utf8 = new TextEncoder();
const loneSurrogate = /\p{Surrogate}/u;

/**
 * Writes Kafka's wire types into a buffer that grows as needed; one writer per message.
 *
 * `flexible` means the compact encoding of KIP-482. A value that does not fit its wire type throws a
 * {@link ProtocolError} with code `INVALID_VALUE`: nothing is cut, wrapped or replaced.
 */
export class ProtocolWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** @param memory what is written into as long as it suffices. Default 512 bytes of its own. */
  constructor(memory: Uint8Array = new Uint8Array(512)) {
    this.#bytes = memory;
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.length);
  }

  /** The number of bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Everything written: a view of the writer's buffer, valid as long as nothing more is written. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Overwrites four bytes written before, such as a length that is known only afterwards. */
  setInt32(offset: number, value: number): void {
    requireInteger(value, "int32", value | 0);
    if (offset + 4 > this.#length) throw invalid(`position ${offset} has not been written yet`);
    this.#view.setInt32(offset, value);
  }

  boolean(value: boolean): void {
    const start = this.#grow(1);
    this.#view.setInt8(start, value ? 1 : 0);
  }

  int8(value: number): void {
    requireInteger(value, "int8", (value << 24) >> 24);
    const start = this.#grow(1);
    this.#view.setInt8(start, value);
  }

  int16(value: number): void {
    requireInteger(value, "int16", (value << 16) >> 16);
    const start = this.#grow(2);
    this.#view.setInt16(start, value);
  }

  int32(value: number): void {
    requireInteger(value, "int32", value | 0);
    const start = this.#grow(4);
    this.#view.setInt32(start, value);
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw invalid(`${value} is not an int64 within ±(2^53 - 1)`);
    const start = this.#grow(8);
    this.#view.setInt32(start, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(start + 4, value >>> 0);
  }

  /** @param value 22 characters of base64 for URLs, as Java prints an id. */
  uuid(value: string): void {
    const bytes = parseUuid(value);
    if (bytes === undefined) throw invalid(`${JSON.stringify(value)} is not an id of 22 base64 characters`);
    this.#append(bytes);
  }

  unsignedVarint(value: number): void {
    requireInteger(value, "unsigned varint", value >>> 0);
    let rest = value;
    let start = this.#grow(varintSize(value));
    while (rest > 0x7f) {
      this.#view.setUint8(start++, (rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.#view.setUint8(start, rest);
  }

  string(value: string, flexible: boolean): void {
    if (isShortAscii(value)) {
      if (flexible) this.unsignedVarint(value.length + 1);
      else this.int16(value.length);
      const start = this.#grow(value.length);
      for (let index = 0; index < value.length; index++) this.#bytes[start + index] = value.charCodeAt(index);
      return;
    }
    // TextEncoder would replace a lone surrogate, and the broker would store another name than the one asked for.
    if (loneSurrogate.test(value)) throw invalid("string contains half of a surrogate pair");
    const encoded = utf8.encode(value);
    if (encoded.length > maxStringBytes) {
      throw invalid(`string of ${encoded.length} bytes exceeds Kafka's limit of ${maxStringBytes}`);
    }
    if (flexible) this.unsignedVarint(encoded.length + 1);
    else this.int16(encoded.length);
    this.#append(encoded);
  }

  nullableString(value: string | null, flexible: boolean): void {
    if (value !== null) this.string(value, flexible);
    else if (flexible) this.unsignedVarint(0);
    else this.int16(-1);
  }

  bytes(value: Uint8Array, flexible: boolean): void {
    if (flexible) this.unsignedVarint(value.length + 1);
    else this.int32(value.length);
    this.#append(value);
  }

  nullableBytes(value: Uint8Array | null, flexible: boolean): void {
    if (value !== null) this.bytes(value, flexible);
    else this.nullArray(flexible);
  }

  arrayLength(length: number, flexible: boolean): void {
    if (flexible) this.unsignedVarint(length + 1);
    else this.int32(length);
  }

  nullArray(flexible: boolean): void {
    if (flexible) this.unsignedVarint(0);
    else this.int32(-1);
  }

  /** Starts a tagged field; its value follows, then {@link endTaggedField} with what this returned. */
  beginTaggedField(tag: number): number {
    this.unsignedVarint(tag);
    return this.#length;
  }

  /** Inserts the size of the value before the value. */
  endTaggedField(start: number): void {
    const size = this.#length - start;
    this.#grow(varintSize(size));
    this.#bytes.copyWithin(start + varintSize(size), start, start + size);
    const end = this.#length;
    this.#length = start;
    this.unsignedVarint(size);
    this.#length = end;
  }

  #append(bytes: Uint8Array): void {
    const start = this.#grow(bytes.length);
    this.#bytes.set(bytes, start);
  }

  /** Makes room for `size` more bytes and returns where they start. Replaces the view: call it before taking that. */
  #grow(size: number): number {
    const start = this.#length;
    const length = start + size;
    if (length > this.#bytes.length) {
      // With some room behind what is large: otherwise the few bytes that follow it would have it copied again.
      const grown = new Uint8Array(Math.max(length + 1024, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = length;
    return start;
  }
}

/** Whether it is written faster character by character than by calling an encoder. */
function isShortAscii(value: string): boolean {
  if (value.length > 32) return false;
  for (let index = 0; index < value.length; index++) if (value.charCodeAt(index) > 0x7f) return false;
  return true;
}

function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** `wrapped` is what the wire type would keep of the value. */
function requireInteger(value: number, type: string, wrapped: number): void {
  if (value !== wrapped) throw invalid(`${value} does not fit into ${type}`);
}

function invalid(message: string): ProtocolError {
  return new ProtocolError("INVALID_VALUE", message);
}
