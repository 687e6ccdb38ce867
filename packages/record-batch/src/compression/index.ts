import { compressGzip, decompressGzip } from "./gzip.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import type { OutputBuffer } from "./output-buffer.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";
import { compressZstd, decompressZstd } from "./zstd.ts";

export type CompressionName = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/** Indexed by the codec number in a batch's attributes. */
export const compressionNames: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

export interface Codec {
  compress(bytes: Uint8Array): Uint8Array;
  /**
   * Neither returns nor holds much more than `limit` bytes. The result may lie in `output`.
   *
   * @throws CodecError
   */
  decompress(bytes: Uint8Array, limit: number, output: OutputBuffer): Uint8Array;
}

export const codecs: Readonly<Record<Exclude<CompressionName, "none">, Codec>> = {
  gzip: { compress: compressGzip, decompress: decompressGzip },
  snappy: { compress: compressSnappy, decompress: decompressSnappy },
  lz4: { compress: compressLz4, decompress: decompressLz4 },
  zstd: { compress: compressZstd, decompress: decompressZstd },
};
