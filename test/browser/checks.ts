/**
 * What the record batch package does in a browser, checked there: this file is bundled together with the package, and
 * uses only what browsers have.
 */
import {
  type CompressionName,
  crc32c,
  encodeBatch,
  KafkaError,
  nextBatch,
  type RecordBatch,
  type RecordInput,
  readBatches,
} from "@ktables/record-batch";
import type { DecodedBatch } from "../harness/peer-commands.ts";

/** A log as real Kafka wrote it, and what Java makes of it. */
export interface Log {
  readonly name: string;
  readonly base64: string;
  readonly batches: readonly DecodedBatch[];
}

export interface Check {
  readonly name: string;
  /** What is wrong. */
  readonly failure?: string;
}

const codecs: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];
const utf8 = new TextEncoder();

/** Runs all checks at once, so that a page has their results when it has loaded. */
export function runChecks(logs: readonly Log[], expectsWebAssembly: boolean): Check[] {
  const checks: Check[] = [];
  const check = (name: string, run: () => void) => {
    try {
      run();
      checks.push({ name });
    } catch (error) {
      checks.push({ name, failure: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) });
    }
  };
  const instances = countInstances();
  check("nothing of Node is there", () => {
    for (const name of ["process", "Buffer", "require", "global", "setImmediate", "Deno", "Bun"]) {
      equal(name in globalThis, false, name);
    }
  });
  check("CRC-32C of the known vector", () => equal(crc32c(utf8.encode("123456789")), 0xe3069283, "the checksum"));
  for (const codec of codecs) {
    for (const { name, records } of samples()) check(`${codec}: ${name} come back`, () => roundTrip(codec, records));
    if (codec !== "none") {
      check(`${codec}: damage and bombs are refused`, () => refuses(codec));
    }
  }
  for (const log of logs) check(`${log.name}: every batch as Java decodes it`, () => decodesAsJava(log));
  check(`WebAssembly was ${expectsWebAssembly ? "" : "not "}used`, () => {
    equal(realm.WebAssembly !== undefined, expectsWebAssembly, "whether there is WebAssembly");
    // The checksum, and the two decompressors.
    equal(instances(), expectsWebAssembly ? 2 : 0, "the number of instances");
  });
  return checks;
}

interface Realm {
  WebAssembly?: { Instance: new (...args: never[]) => object };
}

const realm = globalThis as unknown as Realm;

/** Returns how many WebAssembly modules have run since. */
function countInstances(): () => number {
  let count = 0;
  if (realm.WebAssembly !== undefined) {
    realm.WebAssembly.Instance = new Proxy(realm.WebAssembly.Instance, {
      construct(target, args: never[]) {
        const instance = new target(...args);
        count++;
        return instance;
      },
    });
  }
  return () => count;
}

function samples(): { name: string; records: RecordInput[] }[] {
  const lines = "a line of text, much like the one before\n".repeat(3000);
  let state = 7;
  const noise = Uint8Array.from({ length: 100_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return state >>> 16;
  });
  const json = Array.from({ length: 500 }, (_, index) => ({
    key: utf8.encode(`key ${index}`),
    value: utf8.encode(JSON.stringify({ id: index * 7919, state: index % 3 === 0 ? "open" : "closed", text: "ключ" })),
    timestamp: 1_700_000_000_000 + index,
  }));
  const timestamp = 1_700_000_000_000;
  return [
    { name: "no records", records: [] },
    {
      name: "null and empty keys and values, and headers",
      records: [
        { key: null, value: new Uint8Array(0), timestamp, headers: [{ key: "trace", value: utf8.encode("1") }] },
        { key: new Uint8Array(0), value: null, timestamp: timestamp - 5, headers: [{ key: "", value: null }] },
      ],
    },
    { name: "JSON values", records: json },
    {
      name: "long text and noise",
      records: [utf8.encode(lines), noise].map((value) => ({ key: null, value, timestamp })),
    },
  ];
}

function roundTrip(compression: CompressionName, records: readonly RecordInput[]): void {
  const batches = [...readBatches(encodeBatch({ records, compression, baseOffset: 5 }))];
  equal(batches.length, 1, "the number of batches");
  const read = batches.flatMap(recordsOf);
  equal(read.length, records.length, "the number of records");
  for (const [index, { key, value, timestamp, headers }] of records.entries()) {
    const record = read[index];
    equal(record?.offset, 5 + index, "an offset");
    equal(record?.timestamp, timestamp, "a timestamp");
    equalBytes(record?.key, key, "a key");
    equalBytes(record?.value, value, "a value");
    equal(record?.headers.length, headers?.length ?? 0, "the number of headers");
    for (const [at, header] of (headers ?? []).entries()) {
      equal(record?.headers[at]?.key, header.key, "the key of a header");
      equalBytes(record?.headers[at]?.value, header.value, "the value of a header");
    }
  }
}

function refuses(compression: CompressionName): void {
  const value = new Uint8Array(200_000);
  const batch = encodeBatch({ records: [{ key: null, value, timestamp: 0 }], compression });
  const visit = (bytes: Uint8Array, maxDecompressedBytes: number) => () =>
    nextBatch(bytes, 0, { checkCrc: false, maxDecompressedBytes })?.visit(() => {});
  equal(codeOf(visit(batch, 250_000)), undefined, "the error of the whole batch");
  equal(codeOf(visit(batch, 100_000)), "BATCH_TOO_LARGE", "the error beyond the limit");
  equal(
    codeOf(() => nextBatch(changed(batch, 70), 0)),
    "BATCH_CRC_MISMATCH",
    "the error of a changed byte",
  );
  // What the header of each codec starts with.
  equal(codeOf(visit(changed(batch, 61), 250_000)), "BATCH_CORRUPT", "the error without a check of the CRC");
}

function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x10;
  return copy;
}

function decodesAsJava({ base64, batches: expected }: Log): void {
  const bytes = bytesOf(base64);
  if (expected.some(({ magic }) => magic < 2)) {
    equal(
      codeOf(() => [...readBatches(bytes)]),
      "BATCH_UNSUPPORTED_MAGIC",
      "the error",
    );
    return;
  }
  const batches = [...readBatches(bytes)];
  equal(batches.length, expected.length, "the number of batches");
  for (const [index, java] of expected.entries()) {
    const batch = batches[index];
    if (batch === undefined) continue;
    equal(batch.baseOffset, java.baseOffset, "a base offset");
    equal(batch.nextOffset, java.nextOffset, "a next offset");
    equal(batch.compression, java.compression, "a codec");
    const records = recordsOf(batch);
    equal(records.length, java.records.length, "the number of records");
    for (const [at, { offset, timestamp, keyBase64, valueBase64, headers }] of java.records.entries()) {
      const record = records[at];
      equal(record?.offset, offset, "an offset");
      equal(record?.timestamp, timestamp, "a timestamp");
      equalBytes(record?.key, bytesOrNull(keyBase64), "a key");
      equalBytes(record?.value, bytesOrNull(valueBase64), "a value");
      equal(record?.headers.map(({ key }) => key).join(), headers.map(({ key }) => key).join(), "the keys of headers");
    }
  }
}

function recordsOf(batch: RecordBatch) {
  const records: {
    offset: number;
    timestamp: number;
    key: Uint8Array | null;
    value: Uint8Array | null;
    headers: { key: string; value: Uint8Array | null }[];
  }[] = [];
  const copy = (bytes: Uint8Array | null) => (bytes === null ? null : Uint8Array.from(bytes));
  batch.visit((record) => {
    records.push({
      offset: record.offset,
      timestamp: record.timestamp(),
      key: copy(record.key()),
      value: copy(record.value()),
      headers: record.headers().map(({ key, value }) => ({ key, value: copy(value) })),
    });
  });
  return records;
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function bytesOrNull(base64: string | null): Uint8Array | null {
  return base64 === null ? null : bytesOf(base64);
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

function equal(found: unknown, expected: unknown, what: string): void {
  if (found !== expected) throw new Error(`${what} is ${String(found)}, not ${String(expected)}`);
}

function equalBytes(found: Uint8Array | null | undefined, expected: Uint8Array | null, what: string): void {
  if (found === undefined) throw new Error(`${what} is missing`);
  if (found === null || expected === null) return equal(found, expected, what);
  equal(found.length, expected.length, `the length of ${what}`);
  for (let at = 0; at < found.length; at++) equal(found[at], expected[at], `byte ${at} of ${what}`);
}
