import { readFileSync } from "node:fs";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { type CompressionName, encodeBatch, type RecordBatchError } from "@ktables/record-batch";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, decodeError, onlyBatch, rawBatch, rawRecord, recordsOf, text, varint } from "./support.ts";

type Codec = Exclude<CompressionName, "none">;

const codecNumbers: Record<Codec, number> = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 };
const codecs: readonly Codec[] = ["gzip", "snappy", "lz4", "zstd"];

/** One record with this value, as it is in a batch before compression. */
function recordOf(value: Uint8Array, offsetDelta = 0): Uint8Array {
  return Uint8Array.from(rawRecord([0, 0, ...varint(offsetDelta), 1, ...varint(value.length), ...value, 0]));
}

/** The values in a batch whose records are compressed to `section`. */
function valuesOf(codec: Codec, section: Uint8Array, recordCount = 1, maxDecompressedBytes?: number): Uint8Array[] {
  const bytes = rawBatch({
    attributes: codecNumbers[codec],
    records: section,
    recordCount,
    lastOffsetDelta: Math.max(recordCount - 1, 0),
  });
  const options = maxDecompressedBytes === undefined ? {} : { maxDecompressedBytes };
  return recordsOf(onlyBatch(bytes, options)).map(({ value }) => value ?? new Uint8Array(0));
}

function refused(codec: Codec, section: Uint8Array, maxDecompressedBytes?: number): RecordBatchError {
  const error = decodeError(() => valuesOf(codec, section, 1, maxDecompressedBytes));
  expect(error.byteOffset).toBe(61);
  expect(error.batchLength).toBe(61 + section.length);
  return error;
}

function refusal(codec: Codec, section: Uint8Array, maxDecompressedBytes?: number): string {
  return refused(codec, section, maxDecompressedBytes).code;
}

/** The codec itself refuses, before the records are looked at. */
function expectCorrupt(codec: Codec, section: Uint8Array, why: string): void {
  const error = refused(codec, section);
  expect(error.code).toBe("BATCH_CORRUPT");
  expect(error.message).toContain(`its ${codec} data is corrupt: `);
  expect(error.message).toContain(why);
}

/** Compresses with the package itself. */
function compressed(compression: Codec, value: Uint8Array): Uint8Array {
  return encodeBatch({ records: [{ key: null, value, timestamp: 0 }], compression }).subarray(61);
}

const sample = recordOf(new TextEncoder().encode("a sample value, a sample value, a sample value"));
const sampleText = "a sample value, a sample value, a sample value";

function valueText(codec: Codec, section: Uint8Array): string | null {
  return text(valuesOf(codec, section)[0] ?? null);
}

describe("frames of the reference tools", () => {
  interface ReferenceFrame {
    codec: Codec;
    name: string;
    base64: string;
  }
  /** One record each, compressed by lz4 1.9.4 and zstd 1.5.4. */
  const frames: ReferenceFrame[] = JSON.parse(
    readFileSync(new URL("fixtures/reference-frames.json", import.meta.url), "utf8"),
  );
  const lines = Array.from({ length: 9000 }, (_, index) => `service ${(index * 7919) % 97} is up\n`).join("");

  for (const { codec, name, base64 } of frames) {
    const frame = Uint8Array.from(Buffer.from(base64, "base64"));
    test(`${codec}: ${name}`, () => {
      expect(valueText(codec, frame) === lines).toBe(true);
    });

    if (codec === "lz4") {
      test(`lz4: ${name}: any changed or missing byte is refused, or changes nothing`, () => {
        for (let at = 0; at < frame.length; at += at < 40 ? 1 : 7) {
          expect(refusal(codec, frame.subarray(0, at))).toBe("BATCH_CORRUPT");
          const changed = Uint8Array.from(frame);
          changed[at] = changed[at]! ^ 0x41;
          let value: string | null = null;
          try {
            value = valueText(codec, changed);
          } catch {
            expect(refusal(codec, changed)).toMatch(/^BATCH_(CORRUPT|TOO_LARGE)$/);
            continue;
          }
          // Only what the frame's checksums cover is sure to be noticed here; in a batch the CRC covers the rest.
          expect(name).toContain("checksum off");
          expect(value?.length).toBe(lines.length);
        }
      });
    }
  }
});

describe("every codec", () => {
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(150_000))
      .map(([pattern, length]) => Uint8Array.from({ length }, (_, index) => pattern[index % pattern.length]!)),
    fc.tuple(fc.integer(), fc.nat(150_000), fc.integer({ min: 1, max: 8 })).map(([seed, length, bits]) => {
      let state = seed;
      return Uint8Array.from({ length }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
        return (state >>> 16) & ((1 << bits) - 1);
      });
    }),
  );

  for (const codec of codecs) {
    test(`${codec}: any value comes back, at any size of block`, () => {
      const around = [32, 64, 128].flatMap((kib) => [kib * 1024 - 12, kib * 1024 - 1, kib * 1024, kib * 1024 + 1]);
      const examples = around.map((length): [Uint8Array] => [new Uint8Array(length).fill(3)]);
      fc.assert(
        fc.property(contents, (value) => {
          const [read] = valuesOf(codec, compressed(codec, value));
          expect(Buffer.compare(read ?? new Uint8Array(0), value)).toBe(0);
        }),
        { numRuns: 60, examples },
      );
    });

    test(`${codec}: repetition gets smaller, noise hardly larger`, () => {
      const repeated = new TextEncoder().encode("the same line again and again\n".repeat(3000));
      expect(compressed(codec, repeated).length).toBeLessThan(repeated.length / 15);
      const noise = Uint8Array.from({ length: 100_000 }, (_, index) => Math.imul(index, 0x9e3779b1) >>> 13);
      expect(compressed(codec, noise).length).toBeLessThan(noise.length * 1.01 + 100);
    });

    test(`${codec}: no bytes at all are refused when there should be records`, () => {
      expect(refusal(codec, new Uint8Array(0))).toBe("BATCH_CORRUPT");
    });

    test(`${codec}: truncated data is refused at every length`, () => {
      const section = compressed(codec, new TextEncoder().encode("some text, some more text, some text".repeat(3)));
      for (let length = 0; length < section.length; length++) {
        expect(refusal(codec, section.subarray(0, length)), `${length} bytes`).toBe("BATCH_CORRUPT");
      }
    });

    test(`${codec}: garbage behind the data is refused`, () => {
      expect(refusal(codec, concat(compressed(codec, sample), [1, 2, 3, 4, 5, 6, 7, 8, 9]))).toBe("BATCH_CORRUPT");
    });

    test(`${codec}: more than the limit is refused, the limit itself is not`, () => {
      const value = new Uint8Array(100_000);
      const size = recordOf(value).length;
      const section = compressed(codec, value);
      expect(valuesOf(codec, section, 1, size)[0]).toHaveLength(100_000);
      expect(refusal(codec, section, size - 1)).toBe("BATCH_TOO_LARGE");
      expect(refusal(codec, section, 10)).toBe("BATCH_TOO_LARGE");
      expect(refusal(codec, section, 0)).toBe("BATCH_TOO_LARGE");
    });

    test(`${codec}: the count of records is checked after decompression`, () => {
      const section = compressed(codec, new Uint8Array(5));
      expect(decodeError(() => valuesOf(codec, section, 2)).code).toBe("BATCH_CORRUPT");
      expect(decodeError(() => valuesOf(codec, section, 0)).code).toBe("BATCH_CORRUPT");
    });
  }
});

test.each(codecs)("%s: the limit counts all members, frames and streams of a batch together", (codec) => {
  const value = new Uint8Array(600);
  const part = compressed(codec, value);
  const size = recordOf(value).length;
  const twice = concat(part, part);
  expect(refusal(codec, twice, 2 * size - 1)).toBe("BATCH_TOO_LARGE");
  // Within the limit both are there, and the second is one record too many for the batch.
  const error = refused(codec, twice, 2 * size);
  expect(error.message).toContain("bytes follow the last one");
});

describe("gzip", () => {
  test("several members are one stream", () => {
    const section = concat(gzipSync(sample.subarray(0, 10)), gzipSync(sample.subarray(10)));
    expect(valueText("gzip", section)).toBe(sampleText);
  });

  test("a claimed size of 4 GiB neither allocates nor misleads", () => {
    const section = gzipSync(sample);
    section.fill(0xff, section.length - 4);
    expect(refusal("gzip", section)).toBe("BATCH_CORRUPT");
  });

  test("the limit holds when it is less than zlib accepts as one", () => {
    expect(refusal("gzip", gzipSync(Uint8Array.of(0)), 0)).toBe("BATCH_TOO_LARGE");
  });

  test("a wrong checksum is refused", () => {
    const section = gzipSync(sample);
    section[section.length - 8] = section[section.length - 8]! ^ 1;
    expect(refusal("gzip", section)).toBe("BATCH_CORRUPT");
  });
});

describe("zstd", () => {
  const skippable = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];

  test("several frames and skippable frames anywhere are one stream", () => {
    const first = zstdCompressSync(sample.subarray(0, 10));
    const second = zstdCompressSync(sample.subarray(10));
    for (const section of [
      concat(first, second),
      concat(skippable, first, second),
      concat(first, skippable, skippable, second, skippable),
      concat(zstdCompressSync(new Uint8Array(0)), first, second),
    ]) {
      expect(valueText("zstd", section)).toBe(sampleText);
    }
  });

  test("a claim beyond the limit is refused, whatever follows", () => {
    for (const size of [129 * 2 ** 20, 2 ** 32, 2 ** 62]) {
      const claim = [...new Uint8Array(BigUint64Array.of(BigInt(size)).buffer)];
      const section = concat([0x28, 0xb5, 0x2f, 0xfd, 0xe0], claim, [1, 0, 0]);
      expect(refusal("zstd", section)).toBe("BATCH_TOO_LARGE");
    }
  });

  test("a window beyond the limit is refused before it is allocated", () => {
    // 2^41 bytes, the largest that the format can ask for
    expect(refusal("zstd", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 1, 0, 0))).toBe("BATCH_TOO_LARGE");
  });

  test("a great many frames are refused, also when each is empty", () => {
    const section = concat(...Array.from({ length: 5000 }, () => skippable), zstdCompressSync(sample));
    expectCorrupt("zstd", section, "more than 1024 frames");
  });

  test("a frame whose blocks or checksum are not all there is refused before it is decompressed", () => {
    const withChecksum = zstdCompressSync(sample, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
    expect(valueText("zstd", withChecksum)).toBe(sampleText);
    for (const missing of [1, 3, 4, 5]) {
      expectCorrupt("zstd", withChecksum.subarray(0, -missing), "it ends within a frame");
    }
  });

  test("a skippable frame longer than the data is refused", () => {
    expect(refusal("zstd", Uint8Array.from(skippable.slice(0, -1)))).toBe("BATCH_CORRUPT");
    expect(refusal("zstd", Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff))).toBe("BATCH_CORRUPT");
  });
});

describe("snappy", () => {
  const literal = (bytes: Uint8Array) => concat([bytes.length, 60 << 2, bytes.length - 1], bytes);
  const xerialHeader = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];
  const block = (bytes: Uint8Array) => concat([0, 0, 0, bytes.length], bytes);

  test("raw blocks without framing are read", () => {
    expect(valueText("snappy", literal(sample))).toBe(sampleText);
  });

  test("framed blocks are read, also when streams are concatenated", () => {
    const head = block(literal(sample.subarray(0, 10)));
    const tail = block(literal(sample.subarray(10)));
    expect(valueText("snappy", concat(xerialHeader, head, tail))).toBe(sampleText);
    expect(valueText("snappy", concat(xerialHeader, head, xerialHeader, tail))).toBe(sampleText);
  });

  test("copies of every kind are read", () => {
    // "abcd" and then: 1-byte distance 4 length 8, 2-byte distance 12 length 12, 4-byte distance 1 length 3.
    const elements = [3 << 2, 97, 98, 99, 100, (4 << 2) | 1, 4, (11 << 2) | 2, 12, 0, (2 << 2) | 3, 1, 0, 0, 0];
    const value = `${"abcd".repeat(6)}ddd`;
    const record = recordOf(new TextEncoder().encode(value));
    const prefix = record.subarray(0, record.length - value.length - 1);
    const raw = concat(varint(0).slice(1), [record.length], [(prefix.length - 1) << 2], prefix, elements, [0, 0]);
    expect(valueText("snappy", raw)).toBe(value);
  });

  test("long literals with lengths of two to four bytes are read", () => {
    for (const lengthBytes of [2, 3, 4]) {
      const record = recordOf(new Uint8Array(1000).fill(65));
      const length = Array.from({ length: lengthBytes }, (_, index) => ((record.length - 1) >>> (8 * index)) & 255);
      const size = [(record.length & 127) | 128, record.length >> 7];
      expect(valuesOf("snappy", concat(size, [(59 + lengthBytes) << 2], length, record))[0]).toHaveLength(1000);
    }
  });

  const damaged: [string, string, readonly number[]][] = [
    ["size of more than 32 bits", "the size before the block", [0x80, 0x80, 0x80, 0x80, 0x80, 1]],
    ["size that the bytes cannot yield", "the size before the block", [0xff, 0xff, 0xff, 0x3f, 0, 65]],
    ["literal beyond the block", "a literal does not fit", [4, 7 << 2, 65]],
    ["literal beyond the size", "a literal does not fit", [1, 1 << 2, 65, 65]],
    ["literal length cut off", "ends within a length", [4, 61 << 2, 1]],
    ["literal length of 4 GiB", "a literal does not fit", [4, 63 << 2, 255, 255, 255, 255, 65]],
    ["distance zero", "a copy reaches", [8, 0, 65, (3 << 2) | 1, 0]],
    ["distance before the start", "a copy reaches", [8, 0, 65, (3 << 2) | 1, 2]],
    ["distance of 4 GiB", "a copy reaches", [8, 0, 65, (3 << 2) | 3, 255, 255, 255, 255]],
    ["copy cut off", "a copy reaches", [8, 0, 65, (3 << 2) | 2, 1]],
    ["copy beyond the size", "a copy reaches", [3, 0, 65, (3 << 2) | 1, 1]],
    ["shorter than its size", "shorter than it says", [5, 0, 65]],
    ["framing without a block", "does not fit into it", [...xerialHeader, 0, 0]],
    ["block beyond the data", "does not fit into it", [...xerialHeader, 0, 0, 0, 9, 1, 0, 65]],
    ["negative block size", "does not fit into it", [...xerialHeader, 255, 255, 255, 255, 1, 0, 65]],
    ["empty block", "does not fit into it", [...xerialHeader, 0, 0, 0, 0]],
  ];
  for (const [name, why, bytes] of damaged) {
    test(`is refused: ${name}`, () => {
      expectCorrupt("snappy", Uint8Array.from(bytes), why);
    });
  }

  test("a copy may not reach into the block before", () => {
    const first = block(literal(sample.subarray(0, 20)));
    const second = block(Uint8Array.from([sample.length - 20, 0, 65, (3 << 2) | 1, 10]));
    expectCorrupt("snappy", concat(xerialHeader, first, second), "a copy reaches");
  });
});

describe("lz4", () => {
  /** A frame of one stored block, as the Java client starts it. */
  const header = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
  const stored = (bytes: Uint8Array) => concat([bytes.length, 0, 0, 0x80], bytes);
  const end = [0, 0, 0, 0];

  test("stored blocks, empty frames, several frames and skippable frames are read", () => {
    const head = concat(header, stored(sample.subarray(0, 9)), end);
    const tail = concat(header, stored(sample.subarray(9, 30)), stored(sample.subarray(30)), end);
    const skippable = [0x5f, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2];
    expect(valueText("lz4", concat(header, stored(sample), end))).toBe(sampleText);
    expect(valueText("lz4", concat(skippable, head, header, end, skippable, tail, skippable))).toBe(sampleText);
  });

  test("the Java client's header is what we write", () => {
    expect([...compressed("lz4", sample).subarray(0, 7)]).toEqual(header);
  });

  /** One compressed block. */
  const block = (...bytes: readonly number[]) => concat(header, [bytes.length, bytes.length >> 8, 0, 0], bytes, end);
  const damaged: [string, string, Uint8Array][] = [
    [
      "Java's wrong header checksum of the older message formats",
      "the checksum of a frame header",
      concat(header.slice(0, 6), [0x1a], stored(sample), end),
    ],
    ["unknown version", "version 2 is unknown", Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0xa0, 0x40, 0x82, 0, 0, 0, 0)],
    ["reserved flag", "a reserved bit", Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x62, 0x40, 0x82, 0, 0, 0, 0)],
    ["dictionary", "a dictionary", Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x61, 0x40, 0x82, 0, 0, 0, 0)],
    ["unknown block size", "block size 3", Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x30, 0x82, 0, 0, 0, 0)],
    ["another magic number", "no frame starts", Uint8Array.of(0x02, 0x21, 0x4c, 0x18, 0x60, 0x40, 0x82, 0, 0, 0, 0)],
    ["no end mark", "without an end mark", concat(header, stored(sample))],
    ["block beyond the data", "a block does not fit", concat(header, [100, 0, 0, 0, 1, 2, 3], end)],
    [
      "block larger than the frame allows",
      "a block does not fit",
      concat(header, [1, 0, 1, 0x80], new Uint8Array(65_537), end),
    ],
    ["literals beyond the block", "literals reach beyond", block(0x50, 65)],
    ["literal length that does not end", "literals reach beyond", block(0xf0, 255, 255)],
    ["match cut off", "ends within a match", block(0x10, 65, 1)],
    ["match length that does not end", "does not end with literals", block(0x1f, 65, 1, 0, 255)],
    ["distance zero", "too far back", block(0x10, 65, 0, 0, 0x50, 1, 2, 3, 4, 5)],
    ["distance before the start", "too far back", block(0x10, 65, 2, 0, 0x50, 1, 2, 3, 4, 5)],
    ["block that ends with a match", "does not end with literals", block(0x10, 65, 1, 0)],
    [
      "block that decompresses to more than the frame allows",
      "longer than its frame allows",
      block(0x1f, 65, 1, 0, ...Array(260).fill(255), 0, 0x00),
    ],
  ];
  for (const [name, why, bytes] of damaged) {
    test(`is refused: ${name}`, () => {
      expectCorrupt("lz4", bytes, why);
    });
  }

  test("an independent block may not reach into the one before", () => {
    const second = [0x10, 65, 9, 0, 0x50, 1, 2, 3, 4, 5];
    const section = concat(header, stored(sample), [second.length, 0, 0, 0], second, end);
    expectCorrupt("lz4", section, "too far back");
  });

  test("a content size that is wrong, or beyond the limit, is refused", () => {
    const withContentSize = (size: number) => {
      const fields = concat(
        [0x04, 0x22, 0x4d, 0x18, 0x68, 0x40],
        [...new Uint8Array(BigUint64Array.of(BigInt(size)).buffer)],
      );
      // The header's checksum is one byte: one of its 256 values is right.
      for (let checksum = 0; checksum < 256; checksum++) {
        const section = concat(fields, [checksum], stored(sample), end);
        try {
          valuesOf("lz4", section);
        } catch (error) {
          if (error instanceof Error && error.message.includes("header")) continue;
        }
        return section;
      }
      throw new Error("no checksum is right");
    };
    expect(valueText("lz4", withContentSize(sample.length))).toBe(sampleText);
    expectCorrupt("lz4", withContentSize(sample.length + 1), "not as long as it says");
    expectCorrupt("lz4", withContentSize(sample.length - 1), "longer than its frame allows");
    expect(refusal("lz4", withContentSize(2 ** 40))).toBe("BATCH_TOO_LARGE");
  });

  test("what we write ends with five literals, as the format asks for", () => {
    const section = compressed("lz4", new Uint8Array(1000));
    expect([...section.subarray(-10)]).toEqual([0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});
