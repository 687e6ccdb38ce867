const prime1 = 0x9e37_79b1_85eb_ca87n;
const prime2 = 0xc2b2_ae3d_27d4_eb4fn;
const prime3 = 0x1656_67b1_9e37_79f9n;
const prime4 = 0x85eb_ca77_c2b2_ae63n;
const prime5 = 0x27d4_eb2f_1656_67c5n;

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function rotateLeft(value: bigint, bits: bigint): bigint {
  return wrap(value << bits) | (value >> (64n - bits));
}

function round(lane: bigint, input: bigint): bigint {
  return wrap(rotateLeft(wrap(lane + wrap(input * prime2)), 31n) * prime1);
}

/** XXH64 with seed 0: of the 64 bits the lower 32, unsigned, which are the checksum of a zstd frame. */
export function xxhash64Low(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length;
  let at = 0;
  let hash: bigint;
  if (end >= 32) {
    let a = wrap(prime1 + prime2);
    let b = prime2;
    let c = 0n;
    let d = wrap(-prime1);
    for (; at + 32 <= end; at += 32) {
      a = round(a, view.getBigUint64(at, true));
      b = round(b, view.getBigUint64(at + 8, true));
      c = round(c, view.getBigUint64(at + 16, true));
      d = round(d, view.getBigUint64(at + 24, true));
    }
    hash = wrap(rotateLeft(a, 1n) + rotateLeft(b, 7n) + rotateLeft(c, 12n) + rotateLeft(d, 18n));
    for (const lane of [a, b, c, d]) hash = wrap((hash ^ round(0n, lane)) * prime1 + prime4);
  } else {
    hash = prime5;
  }
  hash = wrap(hash + BigInt(end));
  for (; at + 8 <= end; at += 8) {
    hash = wrap(rotateLeft(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * prime1 + prime4);
  }
  if (at + 4 <= end) {
    hash = wrap(rotateLeft(hash ^ wrap(BigInt(view.getUint32(at, true)) * prime1), 23n) * prime2 + prime3);
    at += 4;
  }
  for (; at < end; at++) hash = wrap(rotateLeft(hash ^ wrap(BigInt(bytes[at]!) * prime5), 11n) * prime1);
  hash = wrap((hash ^ (hash >> 33n)) * prime2);
  hash = wrap((hash ^ (hash >> 29n)) * prime3);
  return Number((hash ^ (hash >> 32n)) & 0xffff_ffffn);
}
