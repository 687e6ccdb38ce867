import {
  baseOffsetAt,
  baseTimestampAt,
  chunkCapacity,
  firstDelta,
  inputAt,
  keyLengthAt,
  keyStartAt,
  lastDelta,
  offsetAt,
  previousDelta,
  readAt,
  readEnd,
  recordsLeft,
  sharedTimestamp,
  timestampAt,
  valueLengthAt,
  valueStartAt,
} from "../src/store/bytes/heap-layout";
import { setState, state } from "./state";

/** That of a number which is longer than any in the input can be. */
const tooLong: usize = 5;
/** Bytes, less one: those with ten are left to JavaScript. */
const longestTimestamp: usize = 8;
const largestSafe: f64 = 9007199254740991;

/**
 * Finds where the next records of a batch lie in the input, up to one that is not whole or not in order: the same checks as
 * in `walk-records.ts` of the package record-batch, and where one fails, JavaScript says why. Returns how many there are;
 * those before the first offset that is wanted do not count. `shift` leads from where a record begins in its batch to where
 * it is in the input.
 */
export function read(shift: i32, isPlaced: bool): i32 {
  const end: usize = inputAt + state(readEnd);
  const first = state(firstDelta);
  const last = state(lastDelta);
  let start: usize = inputAt + state(readAt);
  let left = state(recordsLeft);
  let previous = state(previousDelta);
  let count: i32 = 0;
  for (; left > 0 && count < chunkCapacity; left--) {
    let at: usize = start;
    let size = sizeAt(at);
    let raw = rawAt(at, size);
    at += size;
    // What lies behind the end is of an earlier batch.
    if (size == tooLong || (raw & 1) != 0 || at > end || raw >>> 1 > <u32>(end - at)) break;
    const recordEnd: usize = at + (raw >>> 1);

    // After the attributes, which have no meaning yet.
    const timestampStart = ++at;
    while (load<i8>(at) < 0 && at < timestampStart + longestTimestamp) at++;
    if (load<i8>(at++) < 0) break;

    size = sizeAt(at);
    raw = rawAt(at, size);
    at += size;
    const delta = <i32>(raw >>> 1);
    if (size == tooLong || (raw & 1) != 0 || delta <= previous || delta > last) break;

    size = sizeAt(at);
    raw = rawAt(at, size);
    at += size;
    const keyStart = at;
    const keyLength = signed(raw);
    if (keyLength > 0) at += keyLength;
    if (size == tooLong || keyLength < -1 || at >= recordEnd) break;

    size = sizeAt(at);
    raw = rawAt(at, size);
    at += size;
    const valueStart = at;
    const valueLength = signed(raw);
    if (valueLength > 0) at += valueLength;
    if (size == tooLong || valueLength < -1 || at >= recordEnd) break;

    if (load<u8>(at) == 0) at++;
    else at = endOfHeaders(at, recordEnd);
    if (at != recordEnd) break;

    if (delta >= first) {
      if (isPlaced) store<f64>(timestampAt + (count << 3), timestampOf(timestampStart));
      const place = count << 2;
      store<i32>(keyStartAt + place, <i32>(keyStart - inputAt) - shift);
      store<i32>(keyLengthAt + place, keyLength);
      store<i32>(valueStartAt + place, <i32>(valueStart - inputAt) - shift);
      store<i32>(valueLengthAt + place, valueLength);
      store<f64>(offsetAt + (count << 3), load<f64>(baseOffsetAt) + <f64>delta);
      count++;
    }
    previous = delta;
    start = recordEnd;
  }
  setState(readAt, <i32>(start - inputAt));
  setState(recordsLeft, left);
  setState(previousDelta, previous);
  return count;
}

/** Bytes of a number, which has seven bits in each. */
function sizeAt(at: usize): usize {
  if (load<i8>(at) >= 0) return 1;
  if (load<i8>(at, 1) >= 0) return 2;
  if (load<i8>(at, 2) >= 0) return 3;
  return load<i8>(at, 3) >= 0 ? 4 : tooLong;
}

/** The number, twice as large or, where it is negative, one less than twice its amount. */
function rawAt(at: usize, size: usize): u32 {
  let raw: u32 = load<u8>(at);
  if (size == 1) return raw;
  raw = (raw & 0x7f) | ((<u32>load<u8>(at, 1) & 0x7f) << 7);
  if (size == 2) return raw;
  raw |= (<u32>load<u8>(at, 2) & 0x7f) << 14;
  return size == 3 ? raw : raw | ((<u32>load<u8>(at, 3) & 0x7f) << 21);
}

function signed(raw: u32): i32 {
  return <i32>(raw >>> 1) ^ -(<i32>raw & 1);
}

/** Another place than the end where they do not fit in before it. */
function endOfHeaders(start: usize, end: usize): usize {
  let size = sizeAt(start);
  const count = signed(rawAt(start, size));
  let at: usize = start + size;
  if (size == tooLong || count < 0) return 0;
  for (let index: i32 = 0; index < count; index++) {
    if (at >= end) return 0;
    size = sizeAt(at);
    const keyLength = signed(rawAt(at, size));
    if (size == tooLong || keyLength < 0) return 0;
    at += size + keyLength;
    if (at >= end) return 0;
    size = sizeAt(at);
    const valueLength = signed(rawAt(at, size));
    if (size == tooLong || valueLength < -1) return 0;
    at += size;
    if (valueLength > 0) at += valueLength;
  }
  return at;
}

/** -1 for one that is beyond all that a number can hold. */
function timestampOf(at: usize): f64 {
  const base = load<f64>(baseTimestampAt);
  if (state(sharedTimestamp) != 0) return base == base ? base : -1;
  let raw: u64 = 0;
  let byte: u64 = 0x80;
  for (let shift: u64 = 0; byte >= 0x80; shift += 7) {
    byte = load<u8>(at++);
    raw |= (byte & 0x7f) << shift;
  }
  const delta = <f64>(<i64>(raw >> 1) ^ -(<i64>raw & 1));
  const timestamp = base + delta;
  return abs(delta) <= largestSafe && abs(timestamp) <= largestSafe ? timestamp : -1;
}
