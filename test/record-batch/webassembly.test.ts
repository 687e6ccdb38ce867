import { crc32c } from "@ktables/record-batch";
import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type CodecError, outputFull } from "../../packages/record-batch/src/compression/failures.ts";
import { codecs } from "../../packages/record-batch/src/compression/index.ts";
import { decompressLz4Block } from "../../packages/record-batch/src/compression/lz4-block.ts";
import { OutputBuffer } from "../../packages/record-batch/src/compression/output-buffer.ts";
import { crc32cByWebAssembly } from "../../packages/record-batch/src/wasm/crc32c.ts";
import { decompressLz4ByWebAssembly, outputInWebAssembly } from "../../packages/record-batch/src/wasm/decompress.ts";
import { allowWebAssembly, LazyModule } from "../../packages/record-batch/src/wasm/lazy-module.ts";
import { concat } from "./support.ts";

afterEach(() => {
  allowWebAssembly(true);
  vi.unstubAllGlobals();
});

function withoutWebAssembly<Result>(run: () => Result): Result {
  allowWebAssembly(false);
  try {
    return run();
  } finally {
    allowWebAssembly(true);
  }
}

/** A generator of its own: a property's bytes would take longer to make than to check. */
function pseudoRandomBytes(length: number, seed: number, bits = 8): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed | 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = (state >>> 11) & ((1 << bits) - 1);
  }
  return bytes;
}

/** Bit by bit, straight from the definition. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe("CRC-32C", () => {
  const bytes = pseudoRandomBytes(420_000, 7);

  function expectEqual(start: number, length: number): void {
    const end = start + length;
    const folded = crc32cByWebAssembly(bytes, start, end);
    const tabled = withoutWebAssembly(() => crc32c(bytes, start, end));
    if (folded === undefined || folded >>> 0 !== tabled) expect({ start, length, folded }).toBe(tabled);
  }

  test("WebAssembly and JavaScript agree on every length up to 2 000 and around every threshold", () => {
    for (let length = 1; length <= 2000; length++) expectEqual(length % 17, length);
    for (const threshold of [14 * 1024, 14 * 1024 + 5275, 128 * 1024, 256 * 1024]) {
      for (let length = threshold - 300; length <= threshold + 300; length++) expectEqual(length % 13, length);
    }
  });

  test("WebAssembly and JavaScript agree on 20 000 random ranges", () => {
    const sizes = fc.oneof(
      { weight: 30, arbitrary: fc.nat(3000) },
      { weight: 8, arbitrary: fc.nat(40_000) },
      { weight: 1, arbitrary: fc.nat(400_000) },
    );
    fc.assert(
      fc.property(sizes, fc.nat(20_000), (length, start) => expectEqual(start, length)),
      { numRuns: 20_000 },
    );
  });

  test("both agree with the definition, bit by bit", () => {
    for (const length of [300, 511, 512, 600, 5000, 14_335, 14_336, 20_000, 131_072, 131_073, 150_001]) {
      const expected = slowCrc32c(bytes.subarray(3, 3 + length));
      expect(crc32c(bytes, 3, 3 + length)).toBe(expected);
      expect(withoutWebAssembly(() => crc32c(bytes, 3, 3 + length))).toBe(expected);
    }
  });

  test("a range beyond the bytes counts as far as there are bytes, on both paths", () => {
    for (const length of [10, 100, 5000]) {
      crc32c(bytes);
      const part = bytes.subarray(50, 50 + length);
      const expected = slowCrc32c(part);
      expect(crc32c(part, -20, length + 9000)).toBe(expected);
      expect(withoutWebAssembly(() => crc32c(part, -20, length + 9000))).toBe(expected);
      expect(crc32c(part, length + 5)).toBe(0);
    }
  });

  test("one call leaves nothing behind for the next", () => {
    for (const [first, second] of [
      [131_072, 600],
      [400_000, 20_000],
      [20_000, 15_000],
      [600, 513],
    ] as const) {
      crc32c(bytes, 0, first);
      expect(crc32c(new Uint8Array(second))).toBe(withoutWebAssembly(() => crc32c(new Uint8Array(second))));
      expectEqual(1, second);
    }
  });
});

const patterned = fc.tuple(
  fc.integer(),
  fc.nat(200_000),
  fc.integer({ min: 1, max: 8 }),
  fc.integer({ min: 1, max: 40 }),
);

/** Bytes in which matches of every distance occur, and runs that do not repeat at all. */
function sample([seed, length, bits, period]: readonly [number, number, number, number]): Uint8Array {
  const bytes = pseudoRandomBytes(length, seed, bits);
  for (let at = period; at < length; at++) {
    if ((at >> 8) % 3 !== 0) bytes[at] = bytes[at - period]!;
  }
  return bytes;
}

/** A result or a refusal, in a form that can be compared. */
function outcome(codec: "lz4" | "snappy", bytes: Uint8Array, limit: number): string | Uint8Array {
  // Filled with something: what a decompressor fails to write must not look right by chance.
  const output = new OutputBuffer(true);
  output.take(300_000).fill(0xa5);
  output.takeForBlocks(300_000, 100_000).fill(0xa5);
  try {
    return Uint8Array.from(codecs[codec].decompress(bytes, limit, output));
  } catch (error) {
    const { code, message } = error as CodecError;
    return `${code}: ${message}`;
  }
}

for (const codec of ["lz4", "snappy"] as const) {
  describe(codec, () => {
    test("WebAssembly and JavaScript restore what was compressed", () => {
      fc.assert(
        fc.property(patterned, (shape) => {
          const original = sample(shape);
          const compressed = codecs[codec].compress(original);
          const restored = outcome(codec, compressed, 1 << 20);
          const restoredAgain = withoutWebAssembly(() => outcome(codec, compressed, 1 << 20));
          expect(Buffer.from(restored).equals(original)).toBe(true);
          expect(Buffer.from(restoredAgain).equals(original)).toBe(true);
        }),
        { numRuns: 300 },
      );
    });

    test("WebAssembly and JavaScript give the same result or the same refusal for damaged bytes", () => {
      const outcomes = { restored: 0, refused: 0 };
      fc.assert(
        fc.property(
          patterned,
          fc.nat(),
          fc.nat(255),
          fc.nat(5000),
          ([seed, length, bits, period], where, byte, cut) => {
            const compressed = codecs[codec].compress(sample([seed, length % 6000, bits, period]));
            const damaged = compressed.slice(
              0,
              cut % 4 === 0 ? compressed.length - (cut % compressed.length) : undefined,
            );
            // Not the header of the frame, whose checksum would refuse everything.
            const first = Math.min(codec === "lz4" ? 11 : 20, damaged.length - 1);
            damaged[first + (where % (damaged.length - first))] = byte;
            const one = outcome(codec, damaged, 100_000);
            expect(withoutWebAssembly(() => outcome(codec, damaged, 100_000))).toEqual(one);
            outcomes[typeof one === "string" ? "refused" : "restored"]++;
          },
        ),
        { numRuns: 3000 },
      );
      expect(outcomes.refused).toBeGreaterThan(300);
      expect(outcomes.restored).toBeGreaterThan(300);
    });
  });
}

/** Memory for an output on the path that is to be taken, filled with something. */
function outputFor(path: "WebAssembly" | "JavaScript", size: number): Uint8Array {
  const output = path === "WebAssembly" ? outputInWebAssembly(size, 100_000) : new Uint8Array(size);
  if (output === undefined) throw new Error("there is no WebAssembly");
  return output.fill(0xa5);
}

const paths = ["WebAssembly", "JavaScript"] as const;

describe("blocks made by hand", () => {
  /** A raw Snappy block of these elements. */
  function snappyBlock(size: number, ...elements: readonly (readonly number[])[]): Uint8Array {
    const varint: number[] = [];
    let rest = size;
    for (; rest >= 0x80; rest >>>= 7) varint.push((rest & 0x7f) | 0x80);
    return concat([...varint, rest], ...elements);
  }

  test("Snappy copies with distances of one, two and four bytes, at every short distance", () => {
    for (let distance = 1; distance <= 40; distance++) {
      const literal = Array.from({ length: 40 }, (_, index) => index + 1);
      const expected = [...literal];
      for (const length of [11, 64, 33]) {
        for (let done = 0; done < length; done++) expected.push(expected[expected.length - distance] ?? 0);
      }
      const block = snappyBlock(
        expected.length,
        [(40 - 1) << 2, ...literal],
        [((11 - 4) << 2) | 1, distance],
        [((64 - 1) << 2) | 2, distance, 0],
        [((33 - 1) << 2) | 3, distance, 0, 0, 0],
      );
      expect(outcome("snappy", block, 1000)).toEqual(Uint8Array.from(expected));
      expect(withoutWebAssembly(() => outcome("snappy", block, 1000))).toEqual(Uint8Array.from(expected));
    }
  });

  test("Snappy literals whose length takes one to four bytes, and lengths beyond 2^31", () => {
    const literal = pseudoRandomBytes(300, 3);
    for (const lengthBytes of [2, 3, 4]) {
      const length = [(300 - 1) & 0xff, 1, 0, 0].slice(0, lengthBytes);
      const block = concat(snappyBlock(300, [(59 + lengthBytes) << 2, ...length]), literal);
      expect(outcome("snappy", block, 1000)).toEqual(literal);
      expect(withoutWebAssembly(() => outcome("snappy", block, 1000))).toEqual(literal);
    }
    for (const top of [0x7f, 0x80, 0xff]) {
      const block = concat(snappyBlock(300, [63 << 2, 0xff, 0xff, 0xff, top]), literal);
      expect(outcome("snappy", block, 1000)).toMatch(/a literal does not fit/);
      expect(withoutWebAssembly(() => outcome("snappy", block, 1000))).toMatch(/a literal does not fit/);
    }
  });

  test("LZ4 matches at every short distance, and none beyond the window", () => {
    for (let distance = 1; distance <= 40; distance++) {
      const literal = Array.from({ length: 40 }, (_, index) => 100 + index);
      // 40 literals, a match of 4 + 15 + 81, and one literal to end with.
      const block = Uint8Array.from([0xff, 25, ...literal, distance, 0, 81, 0x10, 7]);
      const expected = [...literal];
      for (let done = 0; done < 100; done++) expected.push(expected[expected.length - distance] ?? 0);
      expected.push(7);
      for (const path of paths) {
        const output = outputFor(path, 400);
        expect(decompressLz4Block(block, 0, block.length, output, 0, 141, 0)).toBe(141);
        expect(Uint8Array.from(output.subarray(0, 141))).toEqual(Uint8Array.from(expected));
        expect(decompressLz4Block(block, 0, block.length, output, 0, 140, 0)).toBe(outputFull);
      }
    }
    for (const path of paths) {
      const output = outputFor(path, 400);
      const beyond = Uint8Array.from([0x40, 1, 2, 3, 4, 5, 0, 0x10, 7]);
      expect(decompressLz4Block(beyond, 0, beyond.length, output, 100, 200, 100)).toBeLessThan(outputFull);
      output[99] = 42;
      expect(decompressLz4Block(beyond, 0, beyond.length, output, 100, 200, 99)).toBe(109);
      expect([...output.subarray(100, 109)]).toEqual([1, 2, 3, 4, 42, 1, 2, 3, 7]);
    }
  });

  test("LZ4 matches that reach back into the blocks before, as far as they may", () => {
    const literals = pseudoRandomBytes(1500, 11);
    const before = pseudoRandomBytes(100_000, 5);
    fc.assert(
      fc.property(fc.nat(before.length), fc.nat(65_534), fc.nat(250), (history, somewhere, longer) => {
        const distance = Math.min(somewhere + 1, history + literals.length);
        // 1500 literals = 15 + 5 * 255 + 210, a match of 4 + 15 + `longer`, one literal to end with.
        const head = [0xff, 255, 255, 255, 255, 255, 210];
        const block = concat(head, literals, [distance & 0xff, distance >> 8, longer, 0x10, 7]);
        const expected = [...before.subarray(before.length - history), ...literals];
        for (let done = 0; done < 19 + longer; done++) expected.push(expected[expected.length - distance] ?? -1);
        expected.push(7);
        const end = expected.length;
        for (const path of paths) {
          const output = outputFor(path, 110_000);
          output.set(before.subarray(before.length - history));
          expect(decompressLz4Block(block, 0, block.length, output, history, end, 0)).toBe(end);
          expect(Buffer.from(output.subarray(0, end)).equals(Uint8Array.from(expected))).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("an LZ4 match at the largest distance there is", () => {
    const before = pseudoRandomBytes(65_535, 5);
    const literals = pseudoRandomBytes(1500, 11);
    // No literals and a match of 4 + 15 + 1, then the 1500 literals.
    const block = concat([0x0f, 0xff, 0xff, 1, 0xf0, 255, 255, 255, 255, 255, 210], literals);
    for (const path of paths) {
      const output = outputFor(path, 67_135);
      output.set(before);
      expect(decompressLz4Block(block, 0, block.length, output, 65_535, 67_055, 0)).toBe(67_055);
      expect(Uint8Array.from(output.subarray(65_535, 67_055))).toEqual(concat(before.subarray(0, 20), literals));
      // One byte less of a window, and it reaches beyond.
      expect(decompressLz4Block(block, 0, block.length, output, 65_535, 67_055, 1)).toBeLessThan(outputFull);
    }
  });

  test("what WebAssembly restores stays in its memory, and is not copied", () => {
    const original = pseudoRandomBytes(5000, 3, 2);
    for (const codec of ["lz4", "snappy"] as const) {
      const compressed = codecs[codec].compress(original);
      const restored = codecs[codec].decompress(compressed, 10_000, new OutputBuffer(true));
      expect(Uint8Array.from(restored)).toEqual(original);
      expect(restored.buffer).toBe(outputInWebAssembly(1, 1)?.buffer);
    }
  });

  test("an output elsewhere, and a block beyond the room for input, take the other path", () => {
    const block = Uint8Array.from([0x10, 7]);
    const elsewhere = new Uint8Array(10);
    expect(decompressLz4ByWebAssembly(block, 0, 2, elsewhere, 0, 1, 0)).toBeUndefined();
    expect(decompressLz4Block(block, 0, 2, elsewhere, 0, 1, 0)).toBe(1);
    const output = outputFor("WebAssembly", 10);
    const long = new Uint8Array(output.buffer.byteLength);
    expect(decompressLz4ByWebAssembly(long, 0, long.length, output, 0, 1, 0)).toBeUndefined();
  });

  test("more than the module's memory takes the other path", () => {
    const original = new Uint8Array(9_000_000);
    // The bytes are zeros: one literal, then copies of 64.
    const copies = Math.floor((original.length - 1) / 64);
    const rest = original.length - 1 - copies * 64;
    expect(outputInWebAssembly(original.length, 2_000_000)).toBeUndefined();
    const elements = [0, 0];
    for (let index = 0; index < copies; index++) elements.push((63 << 2) | 2, 1, 0);
    elements.push(((rest - 1) << 2) | 2, 1, 0);
    const result = outcome("snappy", snappyBlock(original.length, elements), 10_000_000);
    expect(Buffer.from(result).equals(original)).toBe(true);
    const longer = snappyBlock(2 * original.length, [...elements, ...elements.slice(2), 0, 0]);
    const twice = outcome("snappy", longer, 20_000_000);
    expect(Buffer.from(twice).equals(new Uint8Array(2 * original.length))).toBe(true);
  });
});

describe("a runtime that cannot run the modules", () => {
  test("no WebAssembly, and bytes that it refuses: the module is not there, and is not tried again", () => {
    const Module = vi.fn(function refuse(): never {
      throw new SyntaxError("no SIMD");
    });
    vi.stubGlobal("WebAssembly", { Module });
    const refused = new LazyModule<object>("AGFzbQEAAAA=", () => {});
    expect(refused.get()).toBeUndefined();
    expect(refused.get()).toBeUndefined();
    expect(Module).toHaveBeenCalledTimes(1);
    vi.stubGlobal("WebAssembly", undefined);
    expect(new LazyModule<object>("AGFzbQEAAAA=", () => {}).get()).toBeUndefined();
    vi.unstubAllGlobals();
    expect(new LazyModule<object>("AGFzbQEAAAA=", () => {}).get()).toBeDefined();
  });
});
