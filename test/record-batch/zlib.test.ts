/** What the runtime's zlib is asked for, and what is done where there is none. */
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { encodeBatch } from "@ktables/record-batch";
import { afterEach, expect, test, vi } from "vitest";
import { codecs, compressionNames } from "../../packages/record-batch/src/compression/index.ts";
import { concat, decodeError, onlyBatch, pseudoRandomBytes, rawBatch, recordsOf, utf8 } from "./support.ts";

type Codec = keyof typeof codecs;

afterEach(() => vi.unstubAllGlobals());

function refusal(codec: Codec, records: Uint8Array, maxDecompressedBytes?: number) {
  const bytes = rawBatch({ attributes: compressionNames.indexOf(codec), records });
  const options = maxDecompressedBytes === undefined ? {} : { maxDecompressedBytes };
  return decodeError(() => recordsOf(onlyBatch(bytes, options)));
}

test("zlib itself stops at the limit, not only we behind it", () => {
  const value = new Uint8Array(100_000);
  const withoutSize = concat(
    ...[0, 1, 2, 3].map(() => zstdCompressSync(value, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } })),
  );
  for (const error of [refusal("gzip", gzipSync(value), 50_000), refusal("zstd", withoutSize, 250_000)]) {
    expect(error.code).toBe("BATCH_TOO_LARGE");
    expect(error.cause).toMatchObject({ cause: { code: "ERR_BUFFER_TOO_LARGE" } });
  }
});

test("zstd frames of unknown size get memory by their own bytes, not by all that follow", () => {
  // One byte of content each, and much behind them: once a gigabyte was held for these two hundred kilobytes.
  const tiny = [0x28, 0xb5, 0x2f, 0xfd, 0, 0, 9, 0, 0, 0x78];
  const noise = zstdCompressSync(pseudoRandomBytes(1, 200_000, 8));
  const decompress = vi.spyOn(process.getBuiltinModule("node:zlib"), "zstdDecompressSync");
  try {
    const frames = concat(...Array.from({ length: 1000 }, () => tiny), noise);
    expect(refusal("zstd", frames, 300_000).code).toBe("BATCH_CORRUPT");
    const chunks = decompress.mock.calls.map(([, options]) => options?.chunkSize ?? Number.POSITIVE_INFINITY);
    expect(chunks).toHaveLength(1001);
    expect(chunks.reduce((sum, size) => sum + size)).toBeLessThan(1001 * 1024 + 300_000);
  } finally {
    decompress.mockRestore();
  }
});

const records = [{ key: utf8("key"), value: utf8("a value, a value, a value"), timestamp: 0 }];

test.each(["gzip", "snappy", "lz4", "zstd"] as const)("%s works where there is no zlib", (compression) => {
  const withZlib = encodeBatch({ records, compression });
  vi.stubGlobal("process", undefined);
  const without = encodeBatch({ records, compression });
  for (const batch of [withZlib, without]) expect(recordsOf(onlyBatch(batch))).toMatchObject(records);
});
