import { hashAt, hashKey0, hashKey1, isBeyondAsciiAt, keyLengthAt } from "../src/store/bytes/heap-layout";
import { field, keyOf, state } from "./state";

/** HalfSipHash-1-3 of all keys, as in `src/store/bytes/key-hash.ts`: of four at a time, where these are about as long. */
export function hashKeys(count: i32, shift: i32): void {
  let index: i32 = 0;
  for (; index <= count - 4; index += 4) {
    const length = field(keyLengthAt, index);
    const words = length >> 2;
    const next = field(keyLengthAt, index + 1);
    const third = field(keyLengthAt, index + 2);
    const last = field(keyLengthAt, index + 3);
    if (length >= 0 && next >> 2 == words && third >> 2 == words && last >> 2 == words) hashFour(index, shift, words);
    else for (let at: i32 = index; at < index + 4; at++) hash(at, shift);
  }
  for (; index < count; index++) hash(index, shift);
}

function hash(index: i32, shift: i32): void {
  const length = field(keyLengthAt, index);
  if (length < 0) return;
  const start = keyOf(index, shift);
  let v0 = <u32>state(hashKey0);
  let v1 = <u32>state(hashKey1);
  let v2 = v0 ^ 0x6c796765;
  let v3 = v1 ^ 0x74656462;
  let bits: u32 = 0;
  const words = length >>> 2;
  for (let round: i32 = 0; round < words + 4; round++) {
    let word: u32 = 0;
    if (round <= words) {
      word = load<u32>(start + (round << 2));
      // Behind the input there are bytes that may be read.
      if (round == words) word &= (1 << ((length & 3) << 3)) - 1;
      bits |= word;
      if (round == words) word |= length << 24;
    } else if (round == words + 1) {
      v2 ^= 0xff;
    }
    v3 ^= word;
    v0 += v1;
    v1 = rotl<u32>(v1, 5) ^ v0;
    v0 = rotl<u32>(v0, 16);
    v2 += v3;
    v3 = rotl<u32>(v3, 8) ^ v2;
    v0 += v3;
    v3 = rotl<u32>(v3, 7) ^ v0;
    v2 += v1;
    v1 = rotl<u32>(v1, 13) ^ v2;
    v2 = rotl<u32>(v2, 16);
    v0 ^= word;
  }
  store<u32>(hashAt + (index << 2), v1 ^ v3);
  store<u8>(isBeyondAsciiAt + index, (bits & 0x80808080) != 0 ? 1 : 0);
}

/** The same for four keys with as many whole words each. */
function hashFour(index: i32, shift: i32, words: i32): void {
  const keys0 = keyOf(index, shift);
  const keys1 = keyOf(index + 1, shift);
  const keys2 = keyOf(index + 2, shift);
  const keys3 = keyOf(index + 3, shift);
  let v0 = i32x4.splat(state(hashKey0));
  let v1 = i32x4.splat(state(hashKey1));
  let v2 = v128.xor(v0, i32x4.splat(0x6c796765));
  let v3 = v128.xor(v1, i32x4.splat(0x74656462));
  let bits = i32x4.splat(0);
  for (let round: i32 = 0; round < words + 4; round++) {
    let word = i32x4.splat(0);
    if (round <= words) {
      const at = (<usize>round) << 2;
      word = v128.load32_zero(keys0 + at);
      word = v128.load_lane<u32>(keys1 + at, word, 1);
      word = v128.load_lane<u32>(keys2 + at, word, 2);
      word = v128.load_lane<u32>(keys3 + at, word, 3);
      if (round == words) {
        const lengths = v128.load(keyLengthAt + (index << 2));
        word = v128.and(word, leftOver(lengths));
        bits = v128.or(bits, word);
        word = v128.or(word, i32x4.shl(lengths, 24));
      } else {
        bits = v128.or(bits, word);
      }
    } else if (round == words + 1) {
      v2 = v128.xor(v2, i32x4.splat(0xff));
    }
    v3 = v128.xor(v3, word);
    v0 = i32x4.add(v0, v1);
    v1 = v128.xor(rotated(v1, 5), v0);
    v0 = rotated(v0, 16);
    v2 = i32x4.add(v2, v3);
    v3 = v128.xor(rotated(v3, 8), v2);
    v0 = i32x4.add(v0, v3);
    v3 = v128.xor(rotated(v3, 7), v0);
    v2 = i32x4.add(v2, v1);
    v1 = v128.xor(rotated(v1, 13), v2);
    v2 = rotated(v2, 16);
    v0 = v128.xor(v0, word);
  }
  v128.store(hashAt + (index << 2), v128.xor(v1, v3));
  const beyond = i32x4.shr_u(v128.ne<i32>(v128.and(bits, i32x4.splat(0x80808080)), i32x4.splat(0)), 31);
  const narrow = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(beyond, beyond), beyond);
  store<i32>(isBeyondAsciiAt + index, i32x4.extract_lane(narrow, 0));
}

function rotated(value: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(value, bits), i32x4.shr_u(value, 32 - bits));
}

/** A mask of the bytes behind the whole words. */
function leftOver(lengths: v128): v128 {
  const low = v128.and(lengths, i32x4.splat(3));
  const one = v128.ne<i32>(low, i32x4.splat(0));
  const two = i32x4.gt_s(low, i32x4.splat(1));
  const three = i32x4.gt_s(low, i32x4.splat(2));
  return v128.or(
    v128.and(one, i32x4.splat(0xff)),
    v128.or(v128.and(two, i32x4.splat(0xff00)), v128.and(three, i32x4.splat(0xff0000))),
  );
}
