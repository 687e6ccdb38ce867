/*
 * What a byte store does with each record, in AssemblyScript, a dialect of TypeScript that compiles to WebAssembly: the hash of
 * its key, the search for it, and the copy. It works on the memory of the store, as src/store/bytes lays it out, and leaves to
 * JavaScript whatever is not an ordinary value with room for it.
 */
import {
  asideBit,
  directoryAt,
  directoryDepth,
  farBit,
  farHeader,
  firstFreeSlot,
  groupBits,
  groupEntries,
  groupSize,
  hashAt,
  inputAt,
  isBeyondAsciiAt,
  keyLengthAt,
  largestShared,
  liveAt,
  liveUnits,
  offsetAt,
  pageUnitBits,
  placedBit,
  placedHeader,
  plainHeader,
  recordOffsetHigh,
  recordOffsetLow,
  recordPartition,
  recordSlot,
  recordTimestamp,
  roomEnd,
  roomStart,
  segmentEntries,
  segmentGroups,
  segmentLimit,
  segmentUsed,
  sink,
  slotAt,
  slotChunkBits,
  slotChunksAt,
  slotMask,
  slotsCapacity,
  slotsEnd,
  slotsTaken,
  timestampAt,
  unitBits,
  valueLengthAt,
  valueStartAt,
} from "../src/store/bytes/heap-layout";
import { hashKeys } from "./key-hash";
import { field, keyOf, setState, state } from "./state";

export { read } from "./record-walk";

/** Bytes of a group of entries, and how far each hash in it is from its address. */
const groupBytes: usize = (<usize>groupSize) << 2;
const addressesInGroup: usize = (<usize>groupEntries) << 2;

/** The byte at which a word is. */
function byteOf(word: i32): usize {
  return (<usize>word) << 2;
}

/**
 * Hashes the keys of all records (see `key-hash.ts`), then looks where each might be, then at what is there: steps that do
 * not wait for each other, so that the processor fetches from memory for many keys at a time, and short ones, so that there
 * are many at a time. `shift` leads from where a record begins in its batch to where it is in the input.
 */
export function prepare(count: i32, shift: i32): void {
  hashKeys(count, shift);
  let seen: i32 = 0;
  for (let index: i32 = 0; index < count; index++) {
    const wanted = field(hashAt, index);
    store<i32>(slotAt + (index << 2), <i32>groupOf(segmentOf(wanted), wanted));
  }
  for (let index: i32 = 0; index < count; index++) seen ^= load<i32>(<usize>field(slotAt, index));
  for (let index: i32 = 0; index < count; index++) {
    const wanted = field(hashAt, index);
    const group = <usize>field(slotAt, index);
    const equal = lanesWith(v128.load(group), wanted);
    // For another key's there is nothing to look at.
    store<i32>(slotAt + (index << 2), equal == 0 ? 0 : load<i32>(group + ((<usize>ctz(equal)) << 2), addressesInGroup));
  }
  for (let index: i32 = 0; index < count; index++) {
    const record = (<usize>field(slotAt, index)) << unitBits;
    if (record > 0) seen ^= load<i32>(record) ^ load<i32>(record, 36);
  }
  setState(sink, seen);
}

/** Puts the entries of a segment, which is no longer in the directory, into those that are there now. */
export function distribute(segment: i32): void {
  const end = endOfGroups(byteOf(segment));
  for (let group = byteOf(segment + segmentEntries); group < end; group += groupBytes) {
    for (let at = group; at < group + addressesInGroup; at += 4) {
      const address = load<i32>(at, addressesInGroup);
      if (address == 0) break;
      const wanted = load<i32>(at);
      const target = segmentOf(wanted);
      let place = groupOf(target, wanted);
      while (load<i32>(place, groupBytes - 4) != 0) place = nextGroup(target, place);
      place += (<usize>ctz(lanesWith(v128.load(place, addressesInGroup), 0))) << 2;
      store<i32>(place, wanted);
      store<i32>(place, address, addressesInGroup);
      store<i32>(target + (segmentUsed << 2), load<i32>(target + (segmentUsed << 2)) + 1);
    }
  }
}

function segmentOf(hash: i32): usize {
  const entry = (<u32>hash >>> 1) >>> (31 - state(directoryDepth));
  return byteOf(load<i32>(directoryAt + (entry << 2)));
}

/** Where the search for a hash begins. */
function groupOf(segment: usize, hash: i32): usize {
  const number = (<u32>(hash & ((1 << groupBits) - 1)) * load<u32>(segment + (segmentGroups << 2))) >>> groupBits;
  return segment + byteOf(segmentEntries) + <usize>number * groupBytes;
}

/** Where it goes on: the end is followed by the begin. */
function nextGroup(segment: usize, group: usize): usize {
  return group + groupBytes == endOfGroups(segment) ? segment + byteOf(segmentEntries) : group + groupBytes;
}

function endOfGroups(segment: usize): usize {
  return segment + byteOf(segmentEntries) + <usize>load<i32>(segment + (segmentGroups << 2)) * groupBytes;
}

/** A bit for each of the four words that is this one. */
function lanesWith(words: v128, word: i32): i32 {
  return i32x4.bitmask(i32x4.eq(words, i32x4.splat(word)));
}

/** Where a slot's address is. */
function slotPlace(slot: i32): usize {
  const bits = state(slotChunkBits);
  const chunk = load<i32>(slotChunksAt + ((slot >>> bits) << 2));
  return byteOf(chunk + (slot & ((1 << bits) - 1)));
}

function roundedUp(size: i32): i32 {
  return (size + (1 << unitBits) - 1) & ~((1 << unitBits) - 1);
}

/**
 * Takes over the values of the records from `index` on; returns the first one that it left to JavaScript, or `count`. What
 * the slots of the others are stands where it is answered.
 */
export function upsert(index: i32, count: i32, shift: i32, isPlaced: bool, partition: i32): i32 {
  while (index < count && upsertOne(index, shift, isPlaced, partition)) index++;
  return index;
}

/** False for what is left to JavaScript; nothing has changed then. */
function upsertOne(index: i32, shift: i32, isPlaced: bool, partition: i32): bool {
  const keyLength = field(keyLengthAt, index);
  const valueLength = field(valueLengthAt, index);
  if (keyLength < 0 || valueLength < 0) return false;
  const key = keyOf(index, shift);
  const body = bodyStart(key);
  const length = inputAt + field(valueStartAt, index) + valueLength + shift - <i32>body;
  const kind = kindOf(index, isPlaced);
  const size = roundedUp(headerSize(kind) + length);
  if (size > state(largestShared)) return false;
  const wanted = field(hashAt, index);
  const segment = segmentOf(wanted);
  let group = groupOf(segment, wanted);
  let unused: i32 = 0;
  for (;;) {
    unused = lanesWith(v128.load(group, addressesInGroup), 0);
    for (let equal = lanesWith(v128.load(group), wanted) & ~unused; equal != 0; equal &= equal - 1) {
      const entry = group + ((<usize>ctz(equal)) << 2);
      const address = load<i32>(entry, addressesInGroup);
      const record = (<usize>address) << unitBits;
      if (hasKey(record, key, keyLength)) {
        const slot = load<i32>(record + (recordSlot << 2)) & slotMask;
        const target = replace(record, address, size, isPlaced, partition);
        if (target < 0) return false;
        if (target != address) {
          store<i32>(entry, target, addressesInGroup);
          store<i32>(slotPlace(slot), target);
        }
        write((<usize>target) << unitBits, index, slot, kind, body, length, partition);
        store<i32>(slotAt + (index << 2), slot);
        return true;
      }
    }
    if (unused != 0) break;
    group = nextGroup(segment, group);
  }
  // Whether a key can be decoded is for JavaScript to find out.
  if (load<u8>(isBeyondAsciiAt + index) != 0) return false;
  const used = load<i32>(segment + (segmentUsed << 2));
  if (used >= load<i32>(segment + (segmentLimit << 2)) || !hasRoom(size)) return false;
  const slot = newSlot();
  if (slot < 0) return false;
  const address = room(size);
  store<i32>(slotPlace(slot), address);
  const entry = group + ((<usize>ctz(unused)) << 2);
  store<i32>(entry, wanted);
  store<i32>(entry, address, addressesInGroup);
  store<i32>(segment + (segmentUsed << 2), used + 1);
  write((<usize>address) << unitBits, index, slot, kind, body, length, partition);
  store<i32>(slotAt + (index << 2), slot);
  return true;
}

/** Makes room for a record in place of another one, or elsewhere; -1 when JavaScript is to do that. */
function replace(record: usize, address: i32, size: i32, isPlaced: bool, partition: i32): i32 {
  const flags = load<i32>(record + (recordSlot << 2));
  if ((flags & asideBit) != 0 || ((flags & placedBit) != 0) != isPlaced) return -1;
  // Keys that have values in several partitions need a decision.
  if (isPlaced && load<i32>(record + (recordPartition << 2)) != partition) return -1;
  const keyLengthPlace = record + headerSize(flags);
  const valueLengthPlace = endOfLength(keyLengthPlace) + lengthAt(keyLengthPlace);
  const before = roundedUp(<i32>(endOfLength(valueLengthPlace) + lengthAt(valueLengthPlace) - record));
  if (before == size) return address;
  if (before > state(largestShared)) return -1;
  const live = liveAt + ((address >>> state(pageUnitBits)) << 2);
  // A page that is empty then is given back.
  if (load<i32>(live) == before || !hasRoom(size)) return -1;
  store<i32>(live, load<i32>(live) - before);
  setState(liveUnits, state(liveUnits) - (before >> unitBits));
  return room(size);
}

function hasRoom(size: i32): bool {
  return state(roomStart) + (size >> unitBits) <= state(roomEnd);
}

function room(size: i32): i32 {
  const address = state(roomStart);
  const units = size >> unitBits;
  setState(roomStart, address + units);
  setState(liveUnits, state(liveUnits) + units);
  const live = liveAt + ((address >>> state(pageUnitBits)) << 2);
  store<i32>(live, load<i32>(live) + size);
  return address;
}

/** -1 when there is no memory for one. */
function newSlot(): i32 {
  let slot = state(firstFreeSlot);
  if (slot >= 0) {
    setState(firstFreeSlot, ~load<i32>(slotPlace(slot)) - 1);
  } else {
    slot = state(slotsEnd);
    if (slot == state(slotsCapacity)) return -1;
    setState(slotsEnd, slot + 1);
  }
  setState(slotsTaken, state(slotsTaken) + 1);
  return slot;
}

function hasKey(record: usize, key: usize, length: i32): bool {
  const body = record + headerSize(load<i32>(record + (recordSlot << 2)));
  if (lengthAt(body) != length) return false;
  const own = endOfLength(body);
  const size = <usize>length;
  if (size < 8) {
    for (let at: usize = 0; at < size; at++) if (load<u8>(own + at) != load<u8>(key + at)) return false;
    return true;
  }
  const last = size - 8;
  for (let at: usize = 0; at < last; at += 8) if (load<u64>(own + at) != load<u64>(key + at)) return false;
  return load<u64>(own + last) == load<u64>(key + last);
}

/** Where the length of a key begins: of all its bytes but the last, the highest bit is set. */
function bodyStart(key: usize): usize {
  let start = key - 1;
  while (load<u8>(start - 1) >= 0x80) start--;
  return start;
}

/** A length as it is written in records: zigzag, and so twice what it is, with seven bits in each byte. */
function lengthAt(at: usize): i32 {
  let byte = <u32>load<u8>(at);
  let doubled = byte & 0x7f;
  for (let shift: u32 = 7; byte >= 0x80; shift += 7) {
    byte = <u32>load<u8>(++at);
    doubled |= (byte & 0x7f) << shift;
  }
  return doubled >>> 1;
}

function endOfLength(at: usize): usize {
  while (load<u8>(at) >= 0x80) at++;
  return at + 1;
}

/** The flags that say what the header of a record holds. */
function kindOf(index: i32, isPlaced: bool): i32 {
  if (isPlaced) return placedBit;
  return load<f64>(offsetAt + (index << 3)) < 4294967296.0 ? 0 : farBit;
}

/** Of a record with such flags. */
function headerSize(flags: i32): i32 {
  if ((flags & placedBit) != 0) return placedHeader;
  return (flags & farBit) != 0 ? farHeader : plainHeader;
}

function write(record: usize, index: i32, slot: i32, kind: i32, body: usize, length: i32, partition: i32): void {
  const offset = <u64>load<f64>(offsetAt + (index << 3));
  store<i32>(record + (recordSlot << 2), slot | kind);
  store<u32>(record + (recordOffsetLow << 2), <u32>offset);
  if (kind != 0) store<u32>(record + (recordOffsetHigh << 2), <u32>(offset >> 32));
  if ((kind & placedBit) != 0) {
    store<i32>(record + (recordPartition << 2), partition);
    store<f64>(record + (recordTimestamp << 2), load<f64>(timestampAt + (index << 3)));
  }
  copy(body, record + headerSize(kind), length);
}

function copy(from: usize, to: usize, length: i32): void {
  const size = <usize>length;
  if (size < 16) {
    for (let at: usize = 0; at < size; at++) store<u8>(to + at, load<u8>(from + at));
    return;
  }
  // What follows in a slab may be another record: the last piece overlaps the one before instead of reaching beyond.
  const last = size - 16;
  for (let at: usize = 0; at < last; at += 16) v128.store(to + at, v128.load(from + at));
  v128.store(to + last, v128.load(from + last));
}
