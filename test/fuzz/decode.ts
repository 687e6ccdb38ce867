import {
  AbortedTransactions,
  crc32c,
  encodeBatch,
  endOfBatches,
  nextBatch,
  type RecordBatch,
  RecordBatchError,
  readBatches,
} from "@ktables/record-batch";
import { seeds } from "./corpus.ts";
import { mutated } from "./mutate.ts";
import { Random } from "./random.ts";

/** Small, so that exceeding it shows. */
export const maxDecompressedBytes: number = 64 * 1024;
/**
 * Beyond what the decoder was given and told: an output chunk of zlib, the buffer that decompression keeps, the
 * memory of WebAssembly, and what the measuring itself takes.
 */
const memoryMargin = 4 * 1024 * 1024;

const codes: ReadonlySet<string> = new Set([
  "BATCH_CORRUPT",
  "BATCH_CRC_MISMATCH",
  "BATCH_TRUNCATED",
  "BATCH_UNSUPPORTED_MAGIC",
  "BATCH_UNSUPPORTED_COMPRESSION",
  "BATCH_TOO_LARGE",
  "UNSAFE_INTEGER",
]);

const corpus = seeds();

/** Fill the memory that decompression uses again, so that a batch shows what it takes from there. */
const fillers = [0x55, 0xaa].map((byte) => {
  const value = new Uint8Array(maxDecompressedBytes).fill(byte);
  return encodeBatch({ records: [{ key: null, value, timestamp: 0 }], compression: "lz4" });
});

export interface Outcome {
  readonly batches: number;
  readonly records: number;
  /** Code of the error that ended it. */
  readonly refusedAs: string | undefined;
}

/** The input with this number. */
export function inputOf(seed: number, index: number): Uint8Array {
  return mutated(new Random(seed, index), corpus);
}

/** Decodes all there is, as a reader would. Throws what the decoder must never do. */
export function decodeAll(bytes: Uint8Array, checkCrc: boolean): Outcome {
  const memoryBefore = process.memoryUsage();
  let batches = 0;
  let records = 0;
  let refusedAs: string | undefined;
  const nextOffset = endOfBatches(bytes)?.nextOffset;
  expectThat(nextOffset === undefined || Number.isSafeInteger(nextOffset), "the next offset is no safe integer");
  const aborted = new AbortedTransactions([{ producerId: 12, firstOffset: 0 }]);
  try {
    for (let start = 0; ; ) {
      const batch = nextBatch(bytes, start, { checkCrc, maxDecompressedBytes });
      if (batch === undefined) break;
      expectThat(batch.sizeInBytes >= 61 && start + batch.sizeInBytes <= bytes.length, "a batch beyond the bytes");
      start += batch.sizeInBytes;
      batches++;
      aborted.isAborted(batch);
      const seen = visitAll(batch, bytes);
      records += seen.records;
      if ((batch.attributes & 7) !== 0 && batch.crc % 4 === 0) {
        for (const filler of fillers) {
          nextBatch(filler, 0)?.visit(() => {});
          expectThat(
            visitAll(batch, bytes).fingerprint === seen.fingerprint,
            "records made of an earlier batch's memory",
          );
        }
      }
    }
    // The same bytes as a reader sees that has nothing else to go on.
    if (batches === 0)
      for (const batch of readBatches(bytes)) expectThat(false, `a batch of ${batch.sizeInBytes} bytes`);
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
    expectThat(codes.has(error.code), `the code ${error.code} is unknown`);
    expectThat(
      Number.isInteger(error.byteOffset) && error.byteOffset <= bytes.length,
      "the error is outside the bytes",
    );
    refusedAs = error.code;
  }
  const memory = process.memoryUsage();
  const grown = memory.arrayBuffers - memoryBefore.arrayBuffers + memory.heapUsed - memoryBefore.heapUsed;
  const allowed = memoryMargin + (1 + batches) * 8 * (maxDecompressedBytes + bytes.length);
  expectThat(grown <= allowed, `it took ${grown} bytes of memory, more than ${allowed}`);
  return { batches, records, refusedAs };
}

function visitAll(batch: RecordBatch, bytes: Uint8Array): { records: number; fingerprint: number } {
  let fingerprint = 0;
  let previous = batch.baseOffset - 1;
  let size = 0;
  let records = 0;
  batch.visit((record) => {
    records++;
    expectThat(record.offset > previous && record.offset <= batch.lastOffset, "an offset out of order or range");
    previous = record.offset;
    const key = record.key();
    const value = record.value();
    expectThat((key === null) === (record.keyLength === -1), "a null key");
    expectThat(key === null || key.length === record.keyLength, "a key beyond its bytes");
    expectThat(value === null || value.length === record.valueLength, "a value beyond its bytes");
    fingerprint = Math.imul(fingerprint, 31) + (key === null ? 1 : crc32c(key)) + (value === null ? 2 : crc32c(value));
    size += (key?.length ?? 0) + (value?.length ?? 0);
    for (const header of record.headers()) size += header.value?.length ?? 0;
    if (batch.hasDeleteHorizon || records < 4) expectThat(Number.isSafeInteger(record.timestamp()), "a timestamp");
  });
  expectThat(records === batch.recordCount, "fewer records than the batch claims");
  expectThat(size <= Math.max(maxDecompressedBytes, bytes.length), "records larger than the limit");
  batch.controlType();
  return { records, fingerprint };
}

function expectThat(condition: boolean, what: string): void {
  if (!condition) throw new Error(`the decoder gave or took what it must not: ${what}`);
}
