import {
  type ControlBatchOptions,
  encodeBatch,
  encodeControlBatch,
  nextBatch,
  type RecordBatch,
  RecordBatchError,
  type RecordInput,
} from "@ktables/record-batch";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inputOf } from "../fuzz/decode.ts";
import { type JavaPeer, JavaPeerError, startJavaPeer } from "../harness/java-peer.ts";
import type { BatchToEncode } from "../harness/peer-commands.ts";
import { anyBatches, controlBatches, type FullBatchOptions, javaBatches } from "../record-batch/arbitraries.ts";

let peer: JavaPeer;
beforeAll(async () => {
  peer = await startJavaPeer();
});
afterAll(() => peer?.stop());

/** Set it to repeat a run. */
const seedVariable = "KTABLES_DIFFERENTIAL_SEED";
const firstSeed = seedOf(process.env[seedVariable]);
/** As many calls as are under way at once; more gain nothing. */
const maxCasesPerRun = 64;
const runsPerRound = 10;

const bothWays = 10_000;
const toJavaOnly = 2000;
const markers = 1000;
const damaged = 10_000;

test(`2 x ${bothWays} batches and more, each encoded by us and read by Java, and encoded by Java and read by us`, async () => {
  await checkCases(bothWays, javaBatches, async (options) => {
    const ours = encodeBatch(options);
    const java = bytesOf(await peer.call("encodeBatch", forJava(options)));
    const isCompressed = options.compression !== "none" && options.records.length > 0;
    if (!isCompressed) expectSame(hex(ours), hex(java));
    const expected = factsOf(options);
    expectSame(await readByJava(ours), expected);
    expectSame(readByUs(java), expected);
  });
});

test(`${toJavaOnly} batches and more that Java does not write, encoded by us and read by Java`, async () => {
  await checkCases(toJavaOnly, anyBatches, async (options) => {
    expectSame(await readByJava(encodeBatch(options)), factsOf(options));
  });
});

test(`${markers} transaction markers and more, both ways and byte for byte`, async () => {
  await checkCases(markers, controlBatches, async (options) => {
    const { type, ...rest } = options;
    const ours = encodeControlBatch(options);
    const java = bytesOf(await peer.call("encodeBatch", { ...rest, marker: type }));
    expectSame(hex(ours), hex(java));
    const expected = markerFacts(options);
    expectSame(await readByJava(ours), expected);
    expectSame(readByUs(java), expected);
  });
});

test(`${damaged} damaged batches: what both sides accept is the same to them`, async () => {
  let acceptedByBoth = 0;
  const check = async (index: number): Promise<void> => {
    const bytes = inputOf(firstSeed, index);
    const [ours, java] = [contentsForUs(bytes), await contentsForJava(bytes)];
    if (typeof ours === "string") return; // stricter than Java, which reads no further than it must
    if (typeof java === "string") {
      expect(java, `input ${index}`).not.toBe("CorruptRecordException");
      return;
    }
    acceptedByBoth++;
    if (JSON.stringify(ours) !== JSON.stringify(java)) expect({ index, read: ours }).toEqual({ index, read: java });
  };
  for (let first = 0; first < damaged; first += 200) {
    await Promise.all(Array.from({ length: 200 }, (_, index) => check(first + index)));
  }
  console.log(`${acceptedByBoth} of ${damaged} were accepted by both, with ${seedVariable}=${firstSeed}`);
  expect(acceptedByBoth).toBeGreaterThan(damaged / 10);
});

/** Checks at least `count` cases, many at a time; a failure prints its seed, and a small case that fails as well. */
async function checkCases<Case>(
  count: number,
  cases: fc.Arbitrary<Case>,
  check: (value: Case) => Promise<void>,
): Promise<void> {
  const done = { cases: 0 };
  let seed = firstSeed;
  for (; done.cases < count; seed++) {
    const property = fc.asyncProperty(fc.array(cases, { minLength: 1, maxLength: maxCasesPerRun }), async (list) => {
      await Promise.all(list.map(check));
      done.cases += list.length;
    });
    await fc.assert(property, { seed, numRuns: runsPerRound });
  }
  console.log(`${done.cases} cases with ${seedVariable}=${firstSeed} (seeds ${firstSeed} to ${seed - 1})`);
  expect(done.cases).toBeGreaterThanOrEqual(count);
}

function seedOf(text: string | undefined): number {
  const seed = text === undefined ? Date.now() % 1_000_000_000 : Number(text);
  if (!Number.isSafeInteger(seed)) throw new Error(`${seedVariable}=${text} is no integer`);
  return seed;
}

/** What a batch tells, in the words that the peer uses for it. */
interface Facts {
  baseOffset: number;
  lastOffset: number;
  nextOffset: number;
  partitionLeaderEpoch: number;
  compression: string;
  timestampType: string;
  baseTimestamp: number | undefined;
  maxTimestamp: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  recordCount: number | undefined;
  isTransactional: boolean;
  isControl: boolean;
  deleteHorizonMs: number | null;
  controlType: string | null;
  records: RecordFacts[];
}

interface RecordFacts {
  offset: number;
  timestamp: number;
  key: string | null;
  value: string | null;
  headers: { key: string; value: string | null }[];
}

/** Both sides build their facts with the fields in the same order, so that text compares them; vitest shows the rest. */
function expectSame(actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected);
}

function factsOf(options: FullBatchOptions): Facts {
  const { records, baseOffset, lastOffset, offsets } = options;
  const maxTimestamp = options.maxTimestamp ?? Math.max(-1, ...records.map(({ timestamp }) => timestamp));
  const isLogAppendTime = options.timestampType === "LogAppendTime";
  return {
    baseOffset,
    lastOffset,
    nextOffset: lastOffset + 1,
    partitionLeaderEpoch: options.partitionLeaderEpoch ?? -1,
    compression: records.length === 0 ? "none" : options.compression,
    timestampType: options.timestampType ?? "CreateTime",
    baseTimestamp: options.deleteHorizonMs ?? records[0]?.timestamp ?? -1,
    maxTimestamp,
    producerId: options.producerId ?? -1,
    producerEpoch: options.producerEpoch ?? -1,
    baseSequence: options.baseSequence ?? -1,
    recordCount: records.length,
    isTransactional: options.isTransactional ?? false,
    isControl: false,
    deleteHorizonMs: options.deleteHorizonMs ?? null,
    controlType: null,
    records: records.map(({ key, value, timestamp, headers = [] }, index) => ({
      offset: offsets[index] ?? -1,
      timestamp: isLogAppendTime ? maxTimestamp : timestamp,
      key: base64(key),
      value: base64(value),
      headers: headers.map((header) => ({ key: header.key, value: base64(header.value) })),
    })),
  };
}

/** The record inside a marker: two 16-bit numbers as its key, a version and the coordinator's epoch as its value. */
function markerFacts(options: Required<ControlBatchOptions>): Facts {
  const { type, timestamp, baseOffset, producerId, producerEpoch, coordinatorEpoch } = options;
  const value = new DataView(new ArrayBuffer(6));
  value.setInt32(2, coordinatorEpoch);
  const record: RecordInput = {
    key: Uint8Array.of(0, 0, 0, type === "commit" ? 1 : 0),
    value: new Uint8Array(value.buffer),
    timestamp,
  };
  const { partitionLeaderEpoch } = options;
  const facts = factsOf({
    records: [record],
    baseOffset,
    lastOffset: baseOffset,
    offsets: [baseOffset],
    compression: "none",
    partitionLeaderEpoch,
    producerId,
    producerEpoch,
    isTransactional: true,
  });
  return { ...facts, isControl: true, controlType: type };
}

function readByUs(bytes: Uint8Array): Facts {
  const batch = nextBatch(bytes, 0);
  if (batch?.sizeInBytes !== bytes.length) throw new Error("these bytes are not one whole batch");
  return {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    nextOffset: batch.nextOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    compression: batch.compression,
    timestampType: batch.timestampType,
    baseTimestamp: batch.baseTimestamp,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    recordCount: batch.recordCount,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    deleteHorizonMs: batch.hasDeleteHorizon ? batch.baseTimestamp : null,
    controlType: batch.controlType() ?? null,
    records: visited(batch),
  };
}

type Contents = [baseOffset: number, lastOffset: number, records: Omit<RecordFacts, "timestamp">[]][];

/** Everything but timestamps, which may be beyond what a number holds; why not, where it is refused. */
function contentsForUs(bytes: Uint8Array): Contents | string {
  const contents: Contents = [];
  try {
    for (let at = 0; ; ) {
      const batch = nextBatch(bytes, at);
      if (batch === undefined) return contents;
      at += batch.sizeInBytes;
      const records: Omit<RecordFacts, "timestamp">[] = [];
      batch.visit((record) => {
        const headers = record.headers().map(({ key, value }) => ({ key, value: base64(value) }));
        records.push({ offset: record.offset, key: base64(record.key()), value: base64(record.value()), headers });
      });
      contents.push([batch.baseOffset, batch.lastOffset, records]);
    }
  } catch (error) {
    if (error instanceof RecordBatchError) return error.code;
    throw error;
  }
}

async function contentsForJava(bytes: Uint8Array): Promise<Contents | string> {
  try {
    const { batches } = await peer.call("decodeBatch", { base64: Buffer.from(bytes).toString("base64") });
    return batches.map(({ baseOffset, lastOffset, records }) => [
      baseOffset,
      lastOffset,
      records.map(({ offset, keyBase64, valueBase64, headers }) => ({
        offset,
        key: keyBase64,
        value: valueBase64,
        headers: headers.map((header) => ({ key: header.key, value: header.valueBase64 })),
      })),
    ]);
  } catch (error) {
    if (error instanceof JavaPeerError) return error.javaClass.split(".").at(-1) ?? "";
    throw error;
  }
}

function visited(batch: RecordBatch): RecordFacts[] {
  const records: RecordFacts[] = [];
  batch.visit((record) => {
    records.push({
      offset: record.offset,
      timestamp: record.timestamp(),
      key: base64(record.key()),
      value: base64(record.value()),
      headers: record.headers().map(({ key, value }) => ({ key, value: base64(value) })),
    });
  });
  return records;
}

async function readByJava(bytes: Uint8Array): Promise<Facts> {
  const { batches, remaining } = await peer.call("decodeBatch", { base64: Buffer.from(bytes).toString("base64") });
  const batch = batches[0];
  if (batch === undefined || batches.length !== 1 || remaining !== 0 || batch.sizeInBytes !== bytes.length) {
    throw new Error(`Java does not see one whole batch: ${batches.length}, ${remaining} bytes left`);
  }
  if (batch.crc !== new DataView(bytes.buffer, bytes.byteOffset).getUint32(17)) throw new Error("another CRC");
  return {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    nextOffset: batch.nextOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    compression: batch.compression,
    timestampType: batch.timestampType,
    baseTimestamp: batch.baseTimestamp,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    recordCount: batch.recordCount,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    deleteHorizonMs: batch.deleteHorizonMs ?? null,
    controlType: batch.records[0]?.controlType ?? null,
    records: batch.records.map(({ offset, timestamp, keyBase64, valueBase64, headers }) => ({
      offset,
      timestamp,
      key: keyBase64,
      value: valueBase64,
      headers: headers.map((header) => ({ key: header.key, value: header.valueBase64 })),
    })),
  };
}

function forJava(options: FullBatchOptions): BatchToEncode {
  const { records, offsets, maxTimestamp, ...rest } = options;
  if (records.length === 0) return { ...rest, timestamp: maxTimestamp ?? -1, records: [] };
  return {
    ...rest,
    // Java finds the largest timestamp itself, and is told the time of the append.
    ...(maxTimestamp === undefined ? {} : { logAppendTime: maxTimestamp }),
    records: records.map(({ key, value, timestamp, headers }, index) => ({
      offset: offsets[index] ?? -1,
      timestamp,
      keyBase64: base64(key),
      valueBase64: base64(value),
      headers: (headers ?? []).map((header) => ({ key: header.key, valueBase64: base64(header.value) })),
    })),
  };
}

function bytesOf({ base64: text }: { base64: string }): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
