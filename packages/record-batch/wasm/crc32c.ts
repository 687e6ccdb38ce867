/*
 * CRC-32C in AssemblyScript, a dialect of TypeScript that compiles to WebAssembly.
 *
 * WebAssembly has no carry-less multiplication, so the usual way to fold 16 bytes at a time is closed. What it has is
 * XOR of 16 bytes. A multiple of the polynomial with few terms turns the checksum into XORs: adding a multiple of the
 * polynomial does not change the remainder, so each leading bit of the message may be moved to the places of the
 * other terms. If G(x) is a multiple, so is G(x)^8, which over GF(2) is G(x^8): the same holds for bytes in place of
 * bits. (Method: Sam Russell, "Chorba", arXiv 2412.16398.) A message of n bytes shrinks in this way to as many bytes as
 * the multiple has terms in between, and the checksum of those is the checksum of the message.
 *
 * Two multiples serve: x^5275 + x^4508 + x^2751 + 1 costs three XORs for 16 bytes but leaves 5275 bytes,
 * x^209 + x^144 + x^54 + x^39 + x^14 + 1 costs five and leaves 209. Each distance below is the highest exponent less
 * another one.
 */

/** The longest input of one call. It fits into the level 2 cache, as the input is passed over more than once. */
export const inputCapacity: usize = 128 * 1024;

const step: usize = 64;
const farReach: usize = 5275;
const nearReach: usize = 209;
/** Shorter inputs are not worth folding: what remains after it costs as much. Measured. */
const nearThreshold: usize = 512;
const farThreshold: usize = 14 * 1024;

// Memory map. In front of the input and of the remainders are zeros, so that the first bytes need no special case.
const tables: usize = 0; // 16 tables of 256 words
const inputZeros: usize = 16 * 1024;
export const input: usize = inputZeros + 5312;
const farRestZeros: usize = input + inputCapacity + 64;
const farRest: usize = farRestZeros + 256;
const nearRest: usize = farRest + farReach + 2 * step + 5; // rounded up to words

/** Builds the tables; to be called once, before anything else. */
export function initialize(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    store<u32>(tables + (byte << 2), crc);
  }
  for (let at: usize = 1024; at < 16 * 1024; at += 4) {
    const previous = load<u32>(tables + at - 1024);
    store<u32>(tables + at, (previous >> 8) ^ load<u32>(tables + ((previous & 0xff) << 2)));
  }
}

/** Continues the checksum `state`, which is not inverted here, with the `length` bytes at `input`. Destroys them. */
export function update(state: u32, length: usize): u32 {
  if (length < nearThreshold) return updateWithTables(state, input, length);
  // A state is the same as that much XORed into the first four bytes.
  store<u32>(input, load<u32>(input) ^ state);
  let start = input;
  if (length >= farThreshold) {
    length = foldFar(length);
    start = farRest;
  }
  return updateWithTables(0, nearRest, foldNear(start, length));
}

function far(at: usize): v128 {
  return v128.xor(v128.load(at - 767), v128.xor(v128.load(at - 2524), v128.load(at - 5275)));
}

function near(at: usize): v128 {
  return v128.xor(
    v128.xor(v128.load(at - 65), v128.load(at - 155)),
    v128.xor(v128.load(at - 170), v128.xor(v128.load(at - 195), v128.load(at - 209))),
  );
}

/** Folds the input down to `farRest` and returns how many bytes are left there. */
function foldFar(length: usize): usize {
  const end = input + ((length - farReach) & ~(step - 1));
  // All distances are longer than a step, so that its four loads do not wait for its stores.
  for (let at = input; at < end; at += step) {
    const a = v128.xor(v128.load(at), far(at));
    const b = v128.xor(v128.load(at, 16), far(at + 16));
    const c = v128.xor(v128.load(at, 32), far(at + 32));
    const d = v128.xor(v128.load(at, 48), far(at + 48));
    v128.store(at, a);
    v128.store(at, b, 16);
    v128.store(at, c, 32);
    v128.store(at, d, 48);
  }
  const left = input + length - end;
  memory.copy(farRest, end, left);
  // The rest takes what was moved from before `end`, and nothing from itself: zeros stand for it.
  memory.fill(end, 0, left + 16);
  for (let at: usize = 0; at < left; at += 16) {
    v128.store(farRest + at, v128.xor(v128.load(farRest + at), far(end + at)));
  }
  return left;
}

/** The same with the other multiple, from `start` to `nearRest`. */
function foldNear(start: usize, length: usize): usize {
  const end = start + ((length - nearReach) & ~(step - 1));
  for (let at = start; at < end; at += step) {
    const a = v128.xor(v128.load(at), near(at));
    const b = v128.xor(v128.load(at, 16), near(at + 16));
    const c = v128.xor(v128.load(at, 32), near(at + 32));
    const d = v128.xor(v128.load(at, 48), near(at + 48));
    v128.store(at, a);
    v128.store(at, b, 16);
    v128.store(at, c, 32);
    v128.store(at, d, 48);
  }
  const left = start + length - end;
  memory.copy(nearRest, end, left);
  memory.fill(end, 0, left + 16);
  for (let at: usize = 0; at < left; at += 16) {
    v128.store(nearRest + at, v128.xor(v128.load(nearRest + at), near(end + at)));
  }
  return left;
}

/** What the byte of `word` at `shift` does to the checksum after `following` more bytes. */
function effect(word: u32, shift: u32, following: usize): u32 {
  return load<u32>(tables + (following << 10) + (((word >> shift) & 0xff) << 2));
}

/** Sixteen bytes by sixteen look-ups that do not wait for each other. */
function updateWithTables(state: u32, start: usize, length: usize): u32 {
  let at = start;
  const end = start + length;
  for (const last = start + (length & ~15); at < last; at += 16) {
    const a = load<u32>(at) ^ state;
    const b = load<u32>(at, 4);
    const c = load<u32>(at, 8);
    const d = load<u32>(at, 12);
    state =
      effect(a, 0, 15) ^
      effect(a, 8, 14) ^
      effect(a, 16, 13) ^
      effect(a, 24, 12) ^
      effect(b, 0, 11) ^
      effect(b, 8, 10) ^
      effect(b, 16, 9) ^
      effect(b, 24, 8) ^
      effect(c, 0, 7) ^
      effect(c, 8, 6) ^
      effect(c, 16, 5) ^
      effect(c, 24, 4) ^
      effect(d, 0, 3) ^
      effect(d, 8, 2) ^
      effect(d, 16, 1) ^
      effect(d, 24, 0);
  }
  for (; at < end; at++) state = load<u32>(tables + (((state ^ load<u8>(at)) & 0xff) << 2)) ^ (state >> 8);
  return state;
}
