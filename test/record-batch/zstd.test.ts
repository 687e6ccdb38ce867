/** zstd in plain JavaScript, against the runtime's libzstd. */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import * as fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { OutputBuffer } from "../../packages/record-batch/src/compression/output-buffer.ts";
import { xxhash64Low } from "../../packages/record-batch/src/compression/xxhash64.ts";
import { allowZlib } from "../../packages/record-batch/src/compression/zlib.ts";
import { compressZstd, decompressZstd } from "../../packages/record-batch/src/compression/zstd.ts";
import { compressZstdFrame } from "../../packages/record-batch/src/compression/zstd-compress.ts";

const limit = 4 * 1024 * 1024;
const buffer = new OutputBuffer(false);

afterEach(() => allowZlib(true));

interface Attempt {
  readonly output?: Uint8Array;
  readonly refusal?: string;
}

function attempt(bytes: Uint8Array, zlib: boolean): Attempt {
  allowZlib(zlib);
  try {
    return { output: decompressZstd(bytes, limit, buffer).slice() };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    expect(["BATCH_CORRUPT", "BATCH_TOO_LARGE"]).toContain(code);
    return { refusal: message };
  }
}

function own(bytes: Uint8Array): Uint8Array {
  const { output, refusal } = attempt(bytes, false);
  expect(refusal).toBeUndefined();
  return output ?? new Uint8Array(0);
}

/** Data of every kind that a compressor treats in a way of its own. */
const contents: fc.Arbitrary<Uint8Array> = fc
  .record({
    seed: fc.integer({ min: 1 }),
    size: fc.oneof(fc.nat(600), fc.nat(40_000), fc.nat(400_000)),
    alphabet: fc.oneof(fc.constant(1), fc.nat(255)),
    skew: fc.constantFrom(1, 2, 6),
    matches: fc.constantFrom(0, 0.02, 0.3),
  })
  .map(({ seed, size, alphabet, skew, matches }) => {
    let state = seed;
    const random = () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    };
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; ) {
      if (at > 0 && random() < matches) {
        const distance = 1 + Math.floor(random() * at);
        const end = Math.min(size, at + 3 + Math.floor(random() ** 4 * 70_000));
        for (; at < end; at++) bytes[at] = bytes[at - distance]!;
      } else {
        bytes[at++] = Math.floor(random() ** skew * (alphabet + 1));
      }
    }
    return bytes;
  });

const parameters = fc.record({
  [constants.ZSTD_c_compressionLevel]: fc.constantFrom(-20, 1, 3, 7, 15, 19),
  [constants.ZSTD_c_checksumFlag]: fc.constantFrom(0, 1),
  [constants.ZSTD_c_contentSizeFlag]: fc.constantFrom(0, 1),
  [constants.ZSTD_c_windowLog]: fc.constantFrom(0, 10, 17),
  [constants.ZSTD_c_strategy]: fc.constantFrom(0, 1, 4, 9),
});

describe("without zlib", () => {
  test("whatever libzstd writes is read", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(contents, parameters, (content, params) => {
        const frame = zstdCompressSync(content, { params });
        expect(Buffer.compare(own(frame), content)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("whatever is written is read by libzstd, and by ourselves", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(contents, (content) => {
        const frame = compressZstdFrame(content);
        expect(Buffer.compare(zstdDecompressSync(frame), content)).toBe(0);
        expect(Buffer.compare(own(frame), content)).toBe(0);
        expect(frame.length).toBeLessThanOrEqual(
          content.length + 9 + 3 * Math.max(Math.ceil(content.length / 131_072), 1),
        );
      }),
      { numRuns: 200 },
    );
  });

  test("text shrinks to less than half", () => {
    const text = Array.from({ length: 3000 }, (_, index) => `{"service":${(index * 7919) % 997},"state":"up"}`).join();
    allowZlib(false);
    const compressed = compressZstd(new TextEncoder().encode(text));
    expect(compressed.length).toBeLessThan(text.length / 2);
    expect(zstdDecompressSync(compressed).toString()).toBe(text);
  });

  test("damaged frames are read as libzstd reads them, or refused", { timeout: 60_000 }, () => {
    // libzstd does not ask whether the streams of literals end where they should, which the format wants.
    const stricter = /literals do not (fill their space|fit)/;
    let accepted = 0;
    let refused = 0;
    const damage = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(7)), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(contents, parameters, damage, fc.boolean(), (content, params, changes, inTheHead) => {
        const unchecked = { ...params, [constants.ZSTD_c_checksumFlag]: 0 };
        const frame = Uint8Array.from(zstdCompressSync(content.subarray(0, 30_000), { params: unchecked }));
        const range = inTheHead ? Math.min(frame.length, 40) : frame.length;
        for (const [where, bit] of changes) frame[Math.min(Math.floor(where * range), range - 1)]! ^= 1 << bit;
        const theirs = attempt(frame, true);
        const ours = attempt(frame, false);
        if (ours.output === undefined) {
          refused++;
          if (theirs.output !== undefined) expect(ours.refusal).toMatch(stricter);
        } else {
          accepted++;
          expect(theirs.refusal).toBeUndefined();
          expect(Buffer.compare(ours.output, theirs.output ?? new Uint8Array(0))).toBe(0);
        }
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(500);
  });

  test("a frame cut at any byte is refused", () => {
    const frame = zstdCompressSync(new TextEncoder().encode("is up, is down, is up again. ".repeat(40)), {
      params: { [constants.ZSTD_c_checksumFlag]: 1 },
    });
    for (let end = 0; end < frame.length; end++) expect(attempt(frame.subarray(0, end), false).refusal).toBeDefined();
  });

  test("a wrong checksum is refused", () => {
    const frame = Uint8Array.from(
      zstdCompressSync(Buffer.from("a value"), { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    );
    frame[frame.length - 1]! ^= 1;
    expect(attempt(frame, false).refusal).toContain("checksum");
  });

  test("frames after each other do not share their memory", () => {
    const frames = ["first", "second", "third"].map((word) => zstdCompressSync(Buffer.from(word.repeat(1000))));
    const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9);
    const bytes = Buffer.concat([frames[0]!, skippable, frames[1]!, frames[2]!]);
    expect(Buffer.from(own(bytes)).toString()).toBe(
      "first".repeat(1000) + "second".repeat(1000) + "third".repeat(1000),
    );
  });

  test("a match may be longer than its distance, and reach over blocks", () => {
    const content = new Uint8Array(1_000_000);
    content[0] = 7;
    content.copyWithin(500_000, 0, 10);
    for (const level of [1, 19]) {
      const params = { [constants.ZSTD_c_compressionLevel]: level };
      expect(Buffer.compare(own(zstdCompressSync(content, { params })), content)).toBe(0);
    }
    expect(Buffer.compare(own(compressZstdFrame(content)), content)).toBe(0);
  });
});

test("XXH64 of known texts", () => {
  const known: readonly (readonly [string, number])[] = [
    ["", 0x51d8e999],
    ["a", 0xa98c6e5b],
    ["abc", 0xad770999],
  ];
  for (const [text, hash] of known) expect(xxhash64Low(new TextEncoder().encode(text))).toBe(hash);
});
