import { readFileSync } from "node:fs";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { encodeBatch, encodeControlBatch, type RecordInput } from "@ktables/record-batch";
import { compressions } from "../record-batch/arbitraries.ts";
import { capturedLogs } from "../record-batch/captured.ts";
import { concat, pseudoRandomBytes, rawBatch, utf8 } from "../record-batch/support.ts";

const timestamp = 1_700_000_000_000;

function someRecords(count: number, valueSize: number, bits: number): RecordInput[] {
  return Array.from({ length: count }, (_, index) => ({
    key: index % 7 === 3 ? null : utf8(`key ${index}`),
    value: index % 5 === 0 ? null : pseudoRandomBytes(index + 1, valueSize, bits),
    timestamp: timestamp + index * 1000 - (index % 3) * 100_000,
    ...(index % 4 === 1
      ? {
          headers: [
            { key: "trace", value: utf8("1234") },
            { key: "", value: null },
          ],
        }
      : {}),
  }));
}

function ours(): Uint8Array[] {
  const batches: Uint8Array[] = [];
  for (const compression of compressions) {
    batches.push(
      encodeBatch({ records: someRecords(1, 3, 8), compression }),
      encodeBatch({ records: someRecords(12, 20, 4), compression, baseOffset: 1000, lastOffset: 1050 }),
      encodeBatch({
        records: someRecords(3, 200, 2),
        compression,
        offsets: [7, 90, 20_000],
        lastOffset: 2 ** 31 - 1,
        producerId: 12,
        producerEpoch: 3,
        baseSequence: 5,
        isTransactional: true,
        deleteHorizonMs: timestamp + 10_000_000,
      }),
      // More than one block of every codec, and a bomb for the limit of the fuzzer.
      encodeBatch({ records: [{ key: null, value: new Uint8Array(300_000), timestamp }], compression }),
      encodeBatch({ records: [{ key: null, value: pseudoRandomBytes(3, 40_000, 3), timestamp }], compression }),
    );
  }
  for (const type of ["commit", "abort"] as const) {
    batches.push(encodeControlBatch({ type, producerId: 12, producerEpoch: 3, timestamp, baseOffset: 77 }));
  }
  batches.push(encodeBatch({ records: [], baseOffset: 40, lastOffset: 45 }));
  return batches;
}

function javaBatches(): Uint8Array[] {
  const file = new URL("../record-batch/fixtures/java-batches.json", import.meta.url);
  const vectors: { base64: string }[] = JSON.parse(readFileSync(file, "utf8"));
  return vectors.map(({ base64 }) => Uint8Array.from(Buffer.from(base64, "base64")));
}

/** Frames and members that batches hardly have, and streams of other formats. */
function unusualStreams(): Uint8Array[] {
  const record = encodeBatch({ records: someRecords(1, 30, 5) }).subarray(61);
  const streamedZstd = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 9, 0, 0, 0x78);
  const streams: [number, Uint8Array][] = [
    [1, concat(gzipSync(record.subarray(0, 9)), gzipSync(record.subarray(9)))],
    [1, concat(...Array.from({ length: 50 }, () => gzipSync("")), gzipSync(record))],
    [1, deflateSync(record)],
    [2, brotliCompressSync(record)],
    [4, concat(zstdCompressSync(record.subarray(0, 9)), zstdCompressSync(record.subarray(9)))],
    [4, concat(...Array.from({ length: 40 }, () => streamedZstd))],
    [4, concat([0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9], zstdCompressSync(record))],
    [3, concat([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82], [1, 0, 0, 0, 0x10, 0, 0, 0, 0])],
  ];
  return streams.map(([attributes, records]) => rawBatch({ attributes, records }));
}

/** Whole batches, and logs of several, to be damaged. */
export function seeds(): Uint8Array[] {
  return [...ours(), ...javaBatches(), ...capturedLogs().map(({ bytes }) => bytes), ...unusualStreams()];
}
