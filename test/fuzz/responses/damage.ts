import { concat } from "../../record-batch/support.ts";
import type { Random } from "../random.ts";

/** How a frame reaches the client. */
export interface Delivery {
  readonly chunks: readonly Uint8Array[];
  /** What the peer does afterwards; after "silence" it never answers on this connection again. */
  readonly ending: "go on" | "close" | "silence";
}

const prefixBytes = 4;
/** Length and correlation id. */
const headBytes = 8;
const maximumInserted = 40;
const numbers8 = [0, 1, 2, 0x7f, 0x80, 0xff];
const numbers16 = [0, 1, -1, -2, 2, 35, 58, 129, 0x7fff, -0x8000];
const numbers32 = [0, 1, -1, -2, 2, 127, 65_536, 2 ** 24, 2 ** 31 - 1, -(2 ** 31)];
const numbers64 = [0n, -1n, -2n, 2n ** 31n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];
const varints = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  [0xfe, 0xff, 0xff, 0xff, 0x07],
];
const otherProtocols = [
  "HTTP/1.1 400 Bad Request\r\n\r\n",
  "\x15\x03\x03\x00\x02\x02\x46",
  "SSH-2.0-x\r\n",
  "\0\0\0\0",
];

type Mutation = (body: Uint8Array, random: Random) => Uint8Array;

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function edited(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array | readonly number[]): Uint8Array {
  return concat(bytes.subarray(0, at), insert, bytes.subarray(Math.min(at + remove, bytes.length)));
}

function setNumber(body: Uint8Array, random: Random): Uint8Array {
  const size = random.pick([1, 2, 4, 8]);
  if (body.length < size) return body;
  const at = random.below(body.length - size + 1);
  const fields = view(body);
  if (size === 1) fields.setUint8(at, random.oneIn(3) ? random.below(256) : random.pick(numbers8));
  else if (size === 2) fields.setInt16(at, random.oneIn(3) ? random.below(140) - 2 : random.pick(numbers16));
  else if (size === 4) fields.setInt32(at, random.pick(numbers32));
  else fields.setBigInt64(at, random.pick(numbers64));
  return body;
}

const mutations: readonly Mutation[] = [
  (body, random) => {
    for (let flips = 1 + random.below(4); flips > 0; flips--) {
      const at = random.below(body.length);
      body[at] = (body[at] ?? 0) ^ (1 << random.below(8));
    }
    return body;
  },
  setNumber,
  setNumber,
  setNumber,
  (body, random) => edited(body, random.below(body.length + 1), random.below(4), random.pick(varints)),
  (body, random) => edited(body, random.below(body.length + 1), random.below(6), random.bytes(random.below(6))),
  (body, random) => body.subarray(0, random.below(body.length)),
  (body, random) => {
    const at = random.below(body.length);
    const part = body.subarray(at, at + random.below(maximumInserted));
    return edited(body, at, 0, concat(...Array.from({ length: 1 + random.below(5) }, () => part)));
  },
  (_, random) => random.bytes(random.below(200)),
];

/** The bytes of a valid frame, or others in its place. */
function damagedFrame(frame: Uint8Array, random: Random): Uint8Array {
  const choice = random.below(24);
  if (choice === 0) return new TextEncoder().encode(random.pick(otherProtocols));
  if (choice === 1) return concat(frame, frame);
  if (choice === 2) return concat(random.bytes(random.below(12)), frame);
  const copy = Uint8Array.from(frame);
  if (choice === 3) {
    view(copy).setInt32(0, random.pick(numbers32));
    return copy;
  }
  if (choice === 4) {
    view(copy).setInt32(prefixBytes, random.oneIn(2) ? random.pick(numbers32) : random.next());
    return copy;
  }
  let body: Uint8Array = copy.subarray(headBytes);
  for (let count = random.oneIn(3) ? 3 : 1; count > 0; count--) {
    if (body.length > 0) body = random.pick(mutations)(body, random);
  }
  const whole = concat(copy.subarray(0, headBytes), body);
  // Mostly the frame keeps its promise, so that the damage gets as far as the decoder.
  if (!random.oneIn(8)) view(whole).setInt32(0, whole.length - prefixBytes);
  return whole;
}

/** In pieces of random sizes, often of single bytes. */
function pieces(bytes: Uint8Array, random: Random): Uint8Array[] {
  if (random.oneIn(2)) return [bytes];
  const chunks: Uint8Array[] = [];
  const largest = random.pick([1, 3, 20, 200]);
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.below(largest);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** The frame as it is, but cut off at a random byte, in pieces, or twice, which is no answer to the next request. */
export function truthfulDelivery(frame: Uint8Array, random: Random): Delivery {
  if (random.oneIn(5)) return { chunks: pieces(concat(frame, frame), random), ending: "go on" };
  if (random.oneIn(3)) return { chunks: pieces(frame, random), ending: "go on" };
  return { chunks: pieces(frame.subarray(0, random.below(frame.length + 1)), random), ending: "close" };
}

export function damagedDelivery(frame: Uint8Array, random: Random): Delivery {
  const ending = random.pick(["go on", "go on", "close", "silence"] as const);
  return { chunks: pieces(damagedFrame(frame, random), random), ending };
}
