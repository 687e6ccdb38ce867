import { compressGzip, decompressGzip } from "./gzip.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";
import { compressZstd, decompressZstd } from "./zstd.ts";

export type CompressionName = "none" | "gzip" | "snappy" | "lz4" | "zstd";

/** Indexed by the codec number in a batch's attributes. */
export const compressionNames: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

/**
 * The records of a compressed batch. Never returns, nor holds, much more than `limit` bytes.
 *
 * @throws KafkaError `BATCH_CORRUPT`, `BATCH_TOO_LARGE` or `BATCH_UNSUPPORTED_COMPRESSION`
 */
export function decompress(name: CompressionName, bytes: Uint8Array, limit: number): Uint8Array {
  switch (name) {
    case "none":
      return bytes;
    case "gzip":
      return decompressGzip(bytes, limit);
    case "snappy":
      return decompressSnappy(bytes, limit);
    case "lz4":
      return decompressLz4(bytes, limit);
    case "zstd":
      return decompressZstd(bytes, limit);
  }
}

/** @throws KafkaError `BATCH_UNSUPPORTED_COMPRESSION` where the runtime lacks the codec */
export function compress(name: CompressionName, bytes: Uint8Array): Uint8Array {
  switch (name) {
    case "none":
      return bytes;
    case "gzip":
      return compressGzip(bytes);
    case "snappy":
      return compressSnappy(bytes);
    case "lz4":
      return compressLz4(bytes);
    case "zstd":
      return compressZstd(bytes);
  }
}
