/*
 * Zigzag variable-length integers of the record format. 64-bit ones are split into two 32-bit halves instead of using
 * BigInt, which costs an allocation per value.
 */

const twoTo32 = 0x1_0000_0000;

/** What the readers return for bytes that hold no valid integer: outside the 32-bit range, so every range check fails. */
export const invalidVarint: number = -twoTo32;

/** Reads a 32-bit integer; {@link invalidVarint} when it is longer than 32 bits or the bytes end. */
export function readVarint(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return (first >>> 1) ^ -(first & 1);
  const second = bytes[at + 1]!;
  if (second >= 0x80) return readLongVarint(bytes, at);
  // Two bytes are the usual size of a value's length. Past the end of the bytes neither comparison holds.
  if (!(second >= 0)) return invalidVarint;
  return (((first & 0x7f) >>> 1) | (second << 6)) ^ -(first & 1);
}

function readLongVarint(bytes: Uint8Array, at: number): number {
  let raw = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || (shift === 28 && byte > 0x0f)) return invalidVarint;
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return (raw >>> 1) ^ -(raw & 1);
}

/** The position after the integer that starts at `at`, whatever its size. */
export function endOfVarint(bytes: Uint8Array, at: number): number {
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}

/**
 * Reads a 64-bit integer as the nearest number; the caller checks whether it is exact. The bytes must have been
 * checked to hold at most ten, which a record walk does.
 */
export function readVarlong(bytes: Uint8Array, at: number): number {
  let low = 0;
  let high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = bytes[at++]!;
    const bits = byte & 0x7f;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high = bits >>> 4;
    } else high |= bits << (shift - 32);
    if (byte < 0x80) break;
  }
  const sign = -(low & 1);
  const lowHalf = (((low >>> 1) | (high << 31)) ^ sign) >>> 0;
  const highHalf = (high >>> 1) ^ sign;
  return highHalf * twoTo32 + lowHalf;
}

export function sizeOfVarint(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  if (raw < 0x20_0000) return 3;
  return raw < 0x1000_0000 ? 4 : 5;
}

/** Returns the position after what it wrote. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0;
  while (raw >= 0x80) {
    bytes[at++] = raw | 0x80;
    raw >>>= 7;
  }
  bytes[at++] = raw;
  return at;
}

/** `value` must be a safe integer. */
export function sizeOfVarlong(value: number): number {
  if ((value | 0) === value) return sizeOfVarint(value);
  // Without the sign that zigzag adds, each byte holds 7 bits; 2^53 needs 8 bytes at most.
  const magnitude = value < 0 ? -(value + 1) : value;
  let size = 5;
  for (let limit = 2 ** 34; magnitude >= limit; limit *= 128) size++;
  return size;
}

/** `value` must be a safe integer. Returns the position after what it wrote. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if ((value | 0) === value) return writeVarint(bytes, at, value);
  const highHalf = Math.floor(value / twoTo32);
  const lowHalf = (value - highHalf * twoTo32) | 0;
  const sign = highHalf >> 31;
  let low = ((lowHalf << 1) ^ sign) >>> 0;
  let high = (((highHalf << 1) | (lowHalf >>> 31)) ^ sign) >>> 0;
  while (high !== 0 || low >= 0x80) {
    bytes[at++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  bytes[at++] = low;
  return at;
}
