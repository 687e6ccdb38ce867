/** gzip in plain JavaScript, judged by zlib. */
import { constants, deflateRawSync, gunzipSync, gzipSync, inflateRawSync, type ZlibOptions } from "node:zlib";
import * as fc from "fast-check";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { crc32 } from "../../packages/record-batch/src/compression/crc32.ts";
import { deflate } from "../../packages/record-batch/src/compression/deflate.ts";
import type { CodecError } from "../../packages/record-batch/src/compression/failures.ts";
import { compressGzip, decompressGzip } from "../../packages/record-batch/src/compression/gzip.ts";
import { OutputBuffer } from "../../packages/record-batch/src/compression/output-buffer.ts";
import { prefixCodeFor } from "../../packages/record-batch/src/compression/prefix-code.ts";
import { allowZlib } from "../../packages/record-batch/src/compression/zlib.ts";
import { concat, pseudoRandomBytes, utf8 } from "./support.ts";

beforeEach(() => {
  allowZlib(false);
  return () => allowZlib(true);
});

const limit = 8 * 1024 * 1024;

/** Filled with something: what the decompressor fails to write must not look right by chance. */
const buffer = new OutputBuffer(false);
buffer.take(limit / 2).fill(0xa5);

function decompress(bytes: Uint8Array, most: number = limit): Uint8Array {
  return decompressGzip(bytes, most, buffer);
}

/** What was restored, or undefined for a refusal. */
function ours(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return decompress(bytes);
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^BATCH_(CORRUPT|TOO_LARGE)$/) });
    return undefined;
  }
}

function zlibs(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: limit });
  } catch (error) {
    expect(error).toHaveProperty("code");
    return undefined;
  }
}

function equal(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === undefined || other === undefined ? one === other : Buffer.compare(one, other) === 0;
}

/** Both refuse, or both restore the same. Returns whether they restore. */
function expectAgreement(bytes: Uint8Array): boolean {
  const expected = zlibs(bytes);
  const restored = ours(bytes);
  if (!equal(restored, expected)) {
    // Here and not always, because the whole of the bytes is wanted.
    expect({ bytes: Buffer.from(bytes).toString("base64"), restored: restored?.length }).toEqual(expected?.length);
  }
  return expected !== undefined;
}

function refusal(bytes: Uint8Array, most?: number): string {
  try {
    decompress(bytes, most);
  } catch (error) {
    const { code, message } = error as CodecError;
    return `${code}: ${message}`;
  }
  return "";
}

/** A member around a raw DEFLATE stream of this content. */
function member(stream: Uint8Array, content: Uint8Array): Uint8Array {
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, crc32(content, 0, content.length), true);
  trailer.setUint32(4, content.length, true);
  return concat([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], stream, new Uint8Array(trailer.buffer));
}

/** Noise, text-like bytes, runs, and repetitions at every distance, short and long. */
const contents: fc.Arbitrary<Uint8Array> = fc
  .record({
    seed: fc.integer(),
    length: fc.oneof({ weight: 3, arbitrary: fc.nat(2000) }, { weight: 1, arbitrary: fc.nat(150_000) }),
    bits: fc.integer({ min: 1, max: 8 }),
    period: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 40_000 })),
    repeatOf: fc.integer({ min: 0, max: 16 }),
  })
  .map(({ seed, length, bits, period, repeatOf }) => {
    const bytes = pseudoRandomBytes(seed, length, bits);
    for (let at = period; at < length; at++) {
      if (((at * 7) >> 6) % 16 < repeatOf) bytes[at] = bytes[at - period]!;
    }
    return bytes;
  });

const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = constants;
const zlibOptions: fc.Arbitrary<ZlibOptions> = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  strategy: fc.constantFrom(Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
});

describe("inflate", () => {
  test("restores what zlib compressed at every level, strategy and size of memory", () => {
    fc.assert(
      fc.property(contents, zlibOptions, (content, options) => {
        expect(equal(decompress(gzipSync(content, options)), content)).toBe(true);
      }),
      { numRuns: 800 },
    );
  });

  test("flushed streams, which have empty blocks", () => {
    const content = utf8("some text, some more text, some text ".repeat(40));
    for (const flush of [constants.Z_PARTIAL_FLUSH, constants.Z_SYNC_FLUSH, constants.Z_FULL_FLUSH]) {
      const flushed = deflateRawSync(content, { finishFlush: flush });
      // The last block is an empty one with fixed codes.
      expect(equal(decompress(member(concat(flushed, [3, 0]), content)), content)).toBe(true);
    }
  });

  test("every match, from 3 to 258 bytes, at every distance up to 300 and around every power of two", () => {
    const distances = Array.from({ length: 300 }, (_, index) => index + 1);
    for (let power = 512; power <= 32_768; power *= 2) distances.push(power - 1, power, power + 1);
    const history = pseudoRandomBytes(3, 40_000, 8);
    for (const distance of distances.filter((each) => each <= 32_768)) {
      const parts = [history];
      for (let length = 3; length <= 258; length += distance < 20 ? 1 : 17) {
        const whole = concat(...parts.splice(0));
        const copy = new Uint8Array(whole.length + length + 1);
        copy.set(whole);
        for (let at = whole.length; at < whole.length + length; at++) copy[at] = copy[at - distance]!;
        copy[whole.length + length] = length;
        parts.push(copy);
      }
      const content = concat(...parts);
      expect(equal(decompress(gzipSync(content, { level: 9 })), content)).toBe(true);
    }
  });

  test("agrees with zlib about damaged streams", { timeout: 60_000 }, () => {
    const outcomes = { restored: 0, refused: 0 };
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("flip", "set", "drop", "insert")), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(contents, zlibOptions, damage, fc.boolean(), (content, options, changes, fromUs) => {
        const part = content.subarray(0, 3000);
        let bytes = [...(fromUs ? compressGzip(part) : gzipSync(part, options))];
        for (const [where, value, kind] of changes) {
          const at = where % 3 === 0 ? where % bytes.length : 10 + (where % Math.max(1, bytes.length - 18));
          if (kind === "flip") bytes[at]! ^= 1 << (value & 7);
          else if (kind === "set") bytes[at] = value;
          else if (kind === "drop") bytes = bytes.toSpliced(at, 1);
          else bytes = bytes.toSpliced(at, 0, value);
        }
        outcomes[expectAgreement(Uint8Array.from(bytes)) ? "restored" : "refused"]++;
      }),
      { numRuns: 2000 },
    );
    expect(outcomes.refused).toBeGreaterThan(500);
  });

  test("agrees with zlib about damaged streams whose checksum and size are right all the same", {
    timeout: 60_000,
  }, () => {
    // Otherwise the checksum would refuse most of what the decoder wrongly accepts.
    let restored = 0;
    fc.assert(
      fc.property(
        contents,
        zlibOptions,
        fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
        (content, options, flips) => {
          const stream = Uint8Array.from(deflateRawSync(content.subarray(0, 1000), options));
          for (const flip of flips) stream[(flip >> 3) % stream.length]! ^= 1 << (flip & 7);
          restored += expectRawAgreement(stream) ? 1 : 0;
        },
      ),
      { numRuns: 2000 },
    );
    expect(restored).toBeGreaterThan(200);
  });

  /** As {@link expectAgreement}, for a DEFLATE stream without anything around it. */
  function expectRawAgreement(stream: Uint8Array): boolean {
    let expected: Uint8Array | undefined;
    let consumed = stream.length;
    try {
      const { buffer: output, engine } = inflateRawSync(stream, { info: true, maxOutputLength: limit }) as unknown as {
        buffer: Uint8Array;
        engine: { bytesWritten: number };
      };
      expected = output;
      consumed = engine.bytesWritten;
    } catch {
      // Refused; then what follows does not matter.
    }
    const bytes = member(stream.subarray(0, consumed), expected ?? new Uint8Array(0));
    const restored = ours(bytes);
    if (!equal(restored, expected)) {
      expect({ stream: Buffer.from(stream).toString("base64"), restored: restored?.length }).toEqual(expected?.length);
    }
    return expected !== undefined;
  }

  test("agrees with zlib about blocks of any codes: incomplete, oversubscribed, of one symbol, of none", () => {
    const outcomes = { restored: 0, refused: 0 };
    const lengths = fc.oneof(
      // Whether such a code is complete is a matter of luck, which is better with few symbols.
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 8 }),
      fc.constantFrom([1], [1, 1], [0, 1], [0, 0, 1], [2], [0], [1, 2, 2], [1, 2, 3, 3], [2, 2, 2], [1, 1, 1], [15]),
      fc.constantFrom([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    );
    fc.assert(
      fc.property(
        lengths,
        lengths,
        fc.uint8Array({ minLength: 4, maxLength: 40 }),
        fc.nat(31),
        fc.constantFrom(0, 0, 0, 1, 5),
        (symbols, distances, data, moreDistances, beyond) => {
          const literals = new Uint8Array(257 + (symbols.length > 4 ? 29 : 0));
          // The symbols around the end of the block, where literals and lengths meet.
          literals.set(symbols.slice(1), symbols.length > 4 ? 271 : 250);
          literals[256] = symbols[0]!;
          const given = [...distances, ...new Uint8Array(moreDistances % (33 - distances.length))].slice(0, 32);
          const stream = concat(blockWithCodes([...literals], given, beyond), data, new Uint8Array(60));
          outcomes[expectRawAgreement(stream) ? "restored" : "refused"]++;
        },
      ),
      { numRuns: 5000 },
    );
    expect(outcomes.restored).toBeGreaterThan(200);
    expect(outcomes.refused).toBeGreaterThan(200);
  });

  test("agrees with zlib about any bytes as the definition of codes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 3, maxLength: 120 }), fc.nat(3), (bytes, type) => {
        bytes[0] = (bytes[0]! & 0xf8) | (type << 1) | 1;
        expectRawAgreement(bytes);
      }),
      { numRuns: 5000 },
    );
  });

  test("is exact about the end of the input and of the output, at every byte", () => {
    const content = concat(utf8("abcabcabcabc and so on, and so on".repeat(3)), pseudoRandomBytes(1, 50, 8));
    for (const options of [{}, { level: 0 }, { strategy: Z_FIXED }, { strategy: Z_HUFFMAN_ONLY }]) {
      const whole = gzipSync(content, options);
      for (let length = 0; length < whole.length; length++) {
        expect(refusal(whole.subarray(0, length))).toContain("BATCH_CORRUPT");
        expect(refusal(whole.subarray(0, length), content.length)).toContain("BATCH_CORRUPT");
      }
      expect(decompress(whole, content.length)).toHaveLength(content.length);
      for (let most = 0; most < content.length; most++) {
        expect(refusal(whole, most)).toBe(
          `BATCH_TOO_LARGE: its gzip data decompresses to more than the limit of ${most} bytes`,
        );
      }
    }
  });
});

/**
 * The bytes of a block that defines codes of these lengths; runs are shortened. `beyond` more zeros than there are codes
 * can be given.
 */
function blockWithCodes(literals: readonly number[], distances: readonly number[], beyond = 0): Uint8Array {
  const bits: number[] = [];
  const put = (value: number, count: number) => {
    for (let bit = 0; bit < count; bit++) bits.push((value >> bit) & 1);
  };
  // Lengths up to 12 have codes of four bits, the other six symbols of five.
  const putSymbol = (symbol: number) => {
    const [code, length] = symbol < 13 ? [symbol, 4] : [symbol + 13, 5];
    for (let bit = length - 1; bit >= 0; bit--) put(code >> bit, 1);
  };
  put(1, 1);
  put(2, 2);
  put(literals.length - 257, 5);
  put(distances.length - 1, 5);
  put(15, 4);
  for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]) put(symbol < 13 ? 4 : 5, 3);
  const lengths = [...literals, ...distances, ...new Uint8Array(beyond)];
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at]!;
    let run = 1;
    while (lengths[at + run] === length && run < 138) run++;
    if (length === 0 && run >= 11) {
      putSymbol(18);
      put(run - 11, 7);
    } else if (length === 0 && run >= 3) {
      putSymbol(17);
      put(run - 3, 3);
    } else {
      putSymbol(length);
      run = Math.min(run - 1, 6);
      if (run >= 3) {
        putSymbol(16);
        put(run - 3, 2);
        run++;
      } else run = 1;
    }
    at += run;
  }
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, index) => {
    bytes[index >> 3]! |= bit << (index & 7);
  });
  return bytes;
}

describe("what is wrong with a stream is told", () => {
  const stream = (...bytes: number[]) => member(concat(bytes, new Uint8Array(10)), new Uint8Array(0));
  const whole = gzipSync(utf8("some text"));
  const changed = (at: number, value: number) => {
    const bytes = Uint8Array.from(whole);
    bytes[at < 0 ? bytes.length + at : at] = value;
    return bytes;
  };
  const block = (literals: number[], distances: number[]) => stream(...blockWithCodes(literals, distances));
  const ended = (...more: number[]) => [...new Uint8Array(256), ...more];
  test.each<[string, Uint8Array]>([
    ["it is shorter than an empty member", whole.subarray(0, 17)],
    ["no member starts at byte 0", changed(1, 0x8c)],
    ["compression method 7 is unknown", changed(2, 7)],
    ["a reserved flag is set", changed(3, 0x20)],
    ["it ends within a header", concat(changed(3, 0x10).subarray(0, 10), utf8("a comment without an end"))],
    ["it ends within a header", concat([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 255, 255], new Uint8Array(99))],
    ["the checksum of a header is wrong", changed(3, 0x02)],
    ["a block is of an unknown type", stream(7)],
    ["the length of a stored block is wrong", stream(1, 1, 0, 1, 0)],
    ["a block defines more codes than there are symbols", stream(0xfd, 0)],
    ["a block defines an invalid code", block(ended(1, 1, 1), [1, 1])],
    ["a block defines an invalid code", block(ended(2, 2), [1, 1])],
    ["a block defines an invalid code", block(ended(1, 1), [1, 2])],
    ["a block repeats a code length before the first one", stream(0x05, 0x80, 0x02, 0, 0, 0, 0, 0, 0, 0x20)],
    ["a block repeats a code length too often", stream(...blockWithCodes(ended(1, 1), [1, 0], 3))],
    ["a block has no code for its end", block([1, 1, ...new Uint8Array(255)], [1, 1])],
    ["the code of a literal or a length is invalid", stream(0x1b, 3)],
    ["the code of a distance is invalid", stream(0x03 | (0x40 << 1), 0xff, 0xff)],
    ["a match reaches too far back", stream(0x03, 0x02, 0)],
    ["the checksum of a member is wrong", changed(-8, whole[whole.length - 8]! ^ 1)],
    ["a member is not as long as it says", changed(-4, 10)],
    ["it ends within a member", whole.subarray(0, -1)],
    ["it ends within a block", concat(whole.subarray(0, 14), new Uint8Array(0), whole.subarray(14, 18))],
  ])("%s", (why, bytes) => {
    expect(refusal(bytes)).toBe(`BATCH_CORRUPT: its gzip data is corrupt: ${why}`);
    expect(zlibs(bytes)).toBeUndefined();
  });
});

describe("members", () => {
  const content = utf8("some text, and some more text");
  const first = gzipSync(content);

  /** A header with these flags and what belongs to them. */
  function withFlags(flags: number, extra = 5): Uint8Array {
    const head = concat(
      [0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3],
      flags & 4 ? concat([extra & 0xff, extra >> 8], pseudoRandomBytes(1, extra, 8)) : [],
      flags & 8 ? utf8("name\0") : [],
      flags & 16 ? utf8("a comment\0") : [],
    );
    const checksum = crc32(head, 0, head.length);
    return concat(head, flags & 2 ? [checksum & 0xff, (checksum >> 8) & 0xff] : [], first.subarray(10));
  }

  test("with every flag are read, and refused wherever they are cut", () => {
    for (let flags = 0; flags < 32; flags++) {
      const whole = withFlags(flags);
      expect(expectAgreement(whole)).toBe(true);
      expect(equal(ours(whole), content)).toBe(true);
      for (let length = 0; length < whole.length; length++) {
        expect(expectAgreement(whole.subarray(0, length))).toBe(false);
      }
      for (let at = 0; at < whole.length; at++) {
        const changed = Uint8Array.from(whole);
        changed[at]! ^= 0x15;
        expectAgreement(changed);
      }
    }
    expect(expectAgreement(withFlags(4, 0))).toBe(true);
    expect(expectAgreement(withFlags(4, 65_535))).toBe(true);
    for (const flags of [32, 64, 128]) expect(expectAgreement(withFlags(flags))).toBe(false);
  });

  test("what follows is judged as zlib does: another member, or a zero and anything, or damage", () => {
    const second = gzipSync(utf8("second"));
    const tails: readonly (readonly [boolean, ...(Uint8Array | number[])[]])[] = [
      [true, second],
      [true, second, first],
      [true, [0, 0, 0]],
      [true, [0, 1, 2, 3]],
      [true, [0], second],
      [true, second, [0], [7]],
      [true, [0], second.subarray(0, 5)],
      [false, [1, 2, 3]],
      [false, [0x1f]],
      [false, [0x1f, 0x8b]],
      [false, [0x1f, 0]],
      [false, second, [5]],
      [false, second.subarray(0, -1)],
      [false, utf8("garbage that is longer than any member could be")],
    ];
    for (const [isAccepted, ...parts] of tails) expect(expectAgreement(concat(first, ...parts))).toBe(isAccepted);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (tail) => void expectAgreement(concat(first, tail))));
  });

  test("do not reach back into the member before", () => {
    // The second one's first match reaches one byte back; its checksum is of the bytes that it would find there.
    const found = utf8("ttt");
    expect(content.at(-1)).toBe(found[0]);
    expect(expectAgreement(concat(first, member(Uint8Array.of(0x03, 0x02, 0), found)))).toBe(false);
  });

  test("fifty thousand empty ones and one with something are no problem", () => {
    const empty = gzipSync("");
    const bytes = new Uint8Array(50_000 * empty.length);
    for (let index = 0; index < 50_000; index++) bytes.set(empty, index * empty.length);
    expect(equal(decompress(concat(bytes, first)), content)).toBe(true);
  });

  test("the limit counts all of them together", () => {
    const all = concat(first, first, first);
    expect(decompress(all, 3 * content.length)).toHaveLength(3 * content.length);
    expect(refusal(all, 3 * content.length - 1)).toContain("BATCH_TOO_LARGE");
  });
});

describe("memory", () => {
  function largestTaken(run: (output: OutputBuffer) => void): number {
    const output = new OutputBuffer(false);
    const take = vi.spyOn(output, "take");
    try {
      run(output);
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^BATCH_/) });
    }
    return Math.max(...take.mock.calls.map(([size]) => size));
  }

  test("is not taken for what is claimed", () => {
    const bytes = gzipSync(utf8("some text"));
    bytes.fill(0xff, bytes.length - 4);
    expect(largestTaken((output) => decompressGzip(bytes, 2 ** 31, output))).toBeLessThan(1000);
  });

  test("is not taken for what zeros behind a truncated stream would mean", () => {
    // Nearly all is the same byte, whose code is a single zero.
    const content = new Uint8Array(20_000).fill(7);
    content.set([1, 2, 3], 10_000);
    const bytes = gzipSync(content, { strategy: Z_HUFFMAN_ONLY });
    expect(largestTaken((output) => decompressGzip(bytes.subarray(0, -1000), 2 ** 31, output))).toBeLessThan(50_000);
  });

  test("grows with what arrives, to no more than about twice of it", () => {
    const content = new Uint8Array(40_000_000).fill(7);
    const bomb = gzipSync(content);
    expect(content.length / bomb.length).toBeGreaterThan(1000);
    let restored: Uint8Array | undefined;
    const taken = largestTaken((output) => {
      restored = decompressGzip(bomb, 2 ** 31, output);
    });
    expect(equal(restored, content)).toBe(true);
    expect(taken).toBeLessThan(2.1 * content.length);
    for (const most of [0, 1000, 1_000_000]) {
      expect(largestTaken((output) => decompressGzip(bomb, most, output))).toBeLessThan(most + 400);
    }
  });
});

describe("deflate", () => {
  test("what it compresses is restored by zlib, and by us", () => {
    fc.assert(
      fc.property(contents, (content) => {
        const compressed = compressGzip(content);
        expect(equal(gunzipSync(compressed), content)).toBe(true);
        expect(equal(decompress(compressed), content)).toBe(true);
        // Five bytes for each stored block and one for the last byte of the block before, beside header and trailer.
        expect(compressed.length).toBeLessThanOrEqual(
          content.length + 18 + 6 * (1 + Math.ceil(content.length / 16_383)),
        );
      }),
      { numRuns: 400, examples: [[new Uint8Array(0)], [new Uint8Array(1)], [new Uint8Array(3_000_000)]] },
    );
  });

  test("blocks of all three kinds, as they fit", () => {
    const firstBits = (content: Uint8Array) => deflate(content, 0, 0)[0]! & 7;
    expect(firstBits(pseudoRandomBytes(1, 20_000, 8))).toBe(0);
    expect(firstBits(pseudoRandomBytes(1, 200, 8))).toBe(1);
    expect(firstBits(utf8("text"))).toBe(3);
    expect(firstBits(pseudoRandomBytes(1, 10_000, 4))).toBe(5);
  });

  test("codes are complete, no longer than allowed, and shorter for what is more frequent", () => {
    const fibonacci = [1, 1];
    while (fibonacci.length < 30) fibonacci.push(fibonacci.slice(-2).reduce((a, b) => a + b));
    const frequencies = fc.array(fc.oneof(fc.constant(0), fc.nat(10), fc.nat(70_000)), {
      minLength: 2,
      maxLength: 286,
    });
    const limits = fc.integer({ min: 9, max: 15 });
    fc.assert(
      fc.property(frequencies, limits, (counts, maxLength) => {
        const { lengths } = prefixCodeFor(Uint32Array.from(counts), maxLength);
        let taken = 0;
        for (const [symbol, length] of lengths.entries()) {
          expect(length).toBeLessThanOrEqual(maxLength);
          if (length > 0) taken += 2 ** -length;
          else expect(counts[symbol]).toBe(0);
        }
        expect(taken).toBe(1);
        const used = [...lengths.keys()].filter((symbol) => lengths[symbol]! > 0);
        const sorted = used.toSorted((a, b) => counts[a]! - counts[b]! || lengths[b]! - lengths[a]!);
        sorted.reduce((rarer, symbol) => {
          expect(lengths[symbol]).toBeLessThanOrEqual(lengths[rarer]!);
          return symbol;
        });
      }),
      {
        numRuns: 300,
        examples: [
          [fibonacci, 15],
          [fibonacci, 9],
          [[0, 0], 9],
          [[5, 0], 9],
        ],
      },
    );
  });

  test("JSON takes hardly more than with zlib", () => {
    const words = ["open", "closed", "waiting", "shipped", "returned", "paid"];
    const lines = Array.from({ length: 3000 }, (_, index) => {
      const scrambled = (index * 7919) % 1_000_003;
      return JSON.stringify({ id: scrambled, state: words[index % 6], amount: scrambled / 100, seen: 1.7e12 + index });
    });
    const content = utf8(lines.join("\n"));
    expect(compressGzip(content).length).toBeLessThan(1.15 * gzipSync(content, { level: 6 }).length);
  });
});

test("CRC-32 of the known vector and of any bytes, as zlib computes it", () => {
  expect(crc32(utf8("123456789"), 0, 9)).toBe(0xcbf43926);
  fc.assert(
    fc.property(contents, (content) => {
      // The trailer of a member holds it.
      const expected = gzipSync(content, { level: 0 });
      expect(crc32(content, 0, content.length)).toBe(expected.readUInt32LE(expected.length - 8));
    }),
  );
});
