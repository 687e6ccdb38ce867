/**
 * HalfSipHash-1-3 (Aumasson, Bernstein): a keyed 32-bit hash made of 32-bit operations. Whoever chooses keys of records
 * without knowing the hash's key cannot make them collide; of unkeyed and merely seeded hashes that is not true.
 */
export class KeyHash {
  readonly key0: number;
  readonly key1: number;
  /** All bytes of the last key, or-ed: below 0x80 for ASCII. */
  bits = 0;

  constructor(key0: number, key1: number) {
    this.key0 = key0 | 0;
    this.key1 = key1 | 0;
  }

  /** Of `length` bytes from `start`, as a signed 32-bit integer. */
  of(view: DataView, start: number, length: number): number {
    let v0 = this.key0;
    let v1 = this.key1;
    let v2 = this.key0 ^ 0x6c796765;
    let v3 = this.key1 ^ 0x74656462;
    let bits = 0;
    const words = length >>> 2;
    // A round for each word, one for what is left over and the length, and three more.
    for (let round = 0; round < words + 4; round++) {
      let word = 0;
      if (round < words) {
        word = view.getInt32(start + 4 * round, true);
        bits |= word;
      } else if (round === words) {
        for (let at = 4 * words; at < length; at++) word |= view.getUint8(start + at) << ((at & 3) << 3);
        bits |= word;
        word |= length << 24;
      } else if (round === words + 1) {
        v2 ^= 0xff;
      }
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    this.bits = (bits | (bits >>> 8) | (bits >>> 16) | (bits >>> 24)) & 0xff;
    return v1 ^ v3;
  }
}

let ofProcess: KeyHash | undefined;

/** With a key that nobody else knows. */
export function hashOfProcess(): KeyHash {
  if (ofProcess === undefined) {
    const [key0 = 0, key1 = 0] = crypto.getRandomValues(new Int32Array(2));
    ofProcess = new KeyHash(key0, key1);
  }
  return ofProcess;
}
