import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedBroker } from "../../packages/client/src/testing/index.ts";
import {
  AbortedTransactions,
  encodeBatch,
  encodeControlBatch,
  readBatches,
} from "../../packages/record-batch/src/index.ts";
import { fetch, record, shapes, texts } from "./embedded-broker-requests.ts";
import { Wire } from "./embedded-broker-wire.ts";

let broker: EmbeddedBroker;
let wire: Wire;
let topics = 0;
beforeAll(async () => {
  broker = await EmbeddedBroker.start();
  wire = await Wire.open(broker.bootstrapServers);
});
afterAll(async () => {
  wire?.close();
  await broker?.close();
});

async function compactedTopic(configs: Record<string, string> = {}): Promise<string> {
  const topic = `topic-${topics++}`;
  await broker.createTopic(topic, { configs: { "cleanup.policy": "compact", ...configs } });
  return topic;
}

type Pair = readonly [string | null, string | null];

function append(topic: string, pairs: readonly Pair[], options: Partial<Parameters<typeof encodeBatch>[0]> = {}): void {
  broker.append(topic, 0, encodeBatch({ records: pairs.map(([key, value]) => record(key, value, 1000)), ...options }));
}

describe("compact", () => {
  test("keeps the last value per key, the batches' bounds, and the log's start", async () => {
    const topic = await compactedTopic();
    append(topic, [
      ["a", "1"],
      ["b", "1"],
      ["c", "1"],
    ]);
    append(topic, [
      ["a", "2"],
      ["b", "2"],
    ]);
    append(
      topic,
      [
        ["x", "1"],
        ["a", "3"],
        ["x", "2"],
      ],
      { compression: "gzip" },
    );
    broker.compact(topic);
    const log = await fetch(wire, { topic });
    expect(texts(log.records)).toEqual(["2:c=1", "4:b=2", "6:a=3", "7:x=2"]);
    expect(shapes(log.records)).toEqual(["0-2: 1", "3-4: 1", "5-7: 2"]);
    expect(log).toMatchObject({ logStartOffset: 0, highWatermark: 8 });
    expect([...readBatches(log.records ?? new Uint8Array(0))].map(({ compression }) => compression)).toEqual([
      "none",
      "none",
      "gzip",
    ]);
  });

  test("keeps headers and timestamps, and drops records without key and emptied batches", async () => {
    const topic = await compactedTopic();
    append(topic, [["a", "1"]]);
    append(topic, [[null, "keyless"]]);
    const headers = [{ key: "h", value: null }];
    append(topic, [], {
      records: [{ ...record("b", "1", 5), headers }, { ...record("a", "2", 7), headers }, record("b", "2", 9)],
    });
    broker.compact(topic);
    const { records } = await fetch(wire, { topic });
    const [only, ...others] = readBatches(records ?? new Uint8Array(0));
    expect(others).toEqual([]);
    expect(only).toMatchObject({ baseOffset: 2, lastOffset: 4, maxTimestamp: 9 });
    const seen: unknown[] = [];
    only?.visit((one) => seen.push([one.offset, one.timestamp(), one.headers()]));
    expect(seen).toEqual([
      [3, 7, headers],
      [4, 9, []],
    ]);
  });

  test("keeps the header of a producer's last batch and of the log's last batch", async () => {
    const topic = await compactedTopic();
    const producer = { producerId: 3, producerEpoch: 2 };
    append(
      topic,
      [
        ["a", "1"],
        ["a", "2"],
      ],
      { ...producer, baseSequence: 0 },
    );
    append(topic, [["a", "3"]], { ...producer, baseSequence: 2 });
    append(topic, [["a", "4"]]);
    append(topic, [[null, "5"]]);
    broker.compact(topic);
    const { records } = await fetch(wire, { topic });
    expect(shapes(records)).toEqual(["2-2: 0", "3-3: 1", "4-4: 0"]);
    const [empty] = readBatches(records ?? new Uint8Array(0));
    expect(empty).toMatchObject({ ...producer, baseSequence: 2, sizeInBytes: 61 });
  });

  test("removes a tombstone in two steps, and only after delete.retention.ms", async () => {
    const patient = await compactedTopic();
    const hasty = await compactedTopic({ "delete.retention.ms": "0" });
    for (const topic of [patient, hasty]) {
      append(topic, [
        ["a", "1"],
        ["b", "1"],
        ["a", null],
      ]);
      broker.compact(topic);
      const { records } = await fetch(wire, { topic });
      expect(texts(records)).toEqual(["1:b=1", "2:a=-"]);
      const [stamped] = readBatches(records ?? new Uint8Array(0));
      expect(stamped).toMatchObject({ hasDeleteHorizon: true, maxTimestamp: 1000 });
      const times: number[] = [];
      stamped?.visit((one) => times.push(one.timestamp()));
      expect(times).toEqual([1000, 1000]);
      broker.compact(topic);
    }
    expect(texts((await fetch(wire, { topic: patient })).records)).toEqual(["1:b=1", "2:a=-"]);
    expect(texts((await fetch(wire, { topic: hasty })).records)).toEqual(["1:b=1"]);
  });

  test("drops aborted data, then its marker, and leaves open transactions alone", async () => {
    const topic = await compactedTopic({ "delete.retention.ms": "0" });
    append(topic, [["a", "kept"]]);
    broker.writeTransaction(topic, 0, [record("a", "aborted")], "abort");
    broker.writeTransaction(topic, 0, [record("b", "1")], "commit");
    append(topic, [["b", "2"]]);
    broker.writeTransaction(topic, 0, [record("b", "open")], "open");
    append(topic, [["b", "3"]]);
    const seen = async (): Promise<string[]> =>
      texts((await fetch(wire, { topic, isolation: "read_uncommitted" })).records);
    broker.compact(topic);
    // The headers of the transactions' data stay, because they are the last of their producers.
    expect(await seen()).toEqual(["0:a=kept", "2:abort", "4:commit", "5:b=2", "6:b=open", "7:b=3"]);
    expect(shapes((await fetch(wire, { topic })).records)).toEqual([
      "0-0: 1",
      "1-1: 0",
      "2-2: 1",
      "3-3: 0",
      "4-4: 1",
      "5-5: 1",
    ]);
  });

  test("removes a marker once the data of its transaction is gone", async () => {
    const topic = await compactedTopic({ "delete.retention.ms": "0" });
    const producer = { producerId: 9, producerEpoch: 0 };
    const marker = (type: "commit" | "abort"): void => {
      broker.append(topic, 0, encodeControlBatch({ type, ...producer, timestamp: 1000 }));
    };
    append(topic, [["a", "1"]], { ...producer, baseSequence: 0, isTransactional: true });
    marker("abort");
    append(topic, [["a", "2"]], { ...producer, baseSequence: 1, isTransactional: true });
    marker("commit");
    append(topic, [["b", "1"]]);
    const seen = async (): Promise<string[]> => {
      broker.compact(topic);
      return texts((await fetch(wire, { topic })).records);
    };
    expect(await seen()).toEqual(["1:abort", "2:a=2", "3:commit", "4:b=1"]);
    // Stamped by the second cleaning, removed by the third.
    expect(await seen()).toEqual(["1:abort", "2:a=2", "3:commit", "4:b=1"]);
    expect(await seen()).toEqual(["2:a=2", "3:commit", "4:b=1"]);
    expect(await table(topic)).toEqual({ a: "2", b: "1" });
  });

  test("is refused for a topic that is not compacted", async () => {
    await broker.createTopic("plain");
    expect(() => broker.compact("plain")).toThrow('does not contain "compact"');
  });

  test("never changes the table that a reader builds, whatever the log", async () => {
    const pair = fc.tuple(
      fc.option(fc.constantFrom("a", "b", "c", "d"), { freq: 8 }),
      fc.option(fc.constantFrom("1", "2", "3"), { freq: 4 }),
    );
    const step = fc.record({
      kind: fc.constantFrom("plain", "commit", "abort", "compact"),
      pairs: fc.array(pair, { minLength: 1, maxLength: 5 }),
      compression: fc.constantFrom("none" as const, "lz4" as const),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const topic = await compactedTopic({ "delete.retention.ms": "0" });
        const model = new Map<string, string>();
        for (const { kind, pairs, compression } of [...steps, { kind: "compact", pairs: [], compression: "none" }]) {
          const records = pairs.map(([key, value]) => record(key, value, 1000));
          if (kind === "compact") broker.compact(topic);
          else if (kind === "plain") append(topic, pairs, { compression: compression as "none" | "lz4" });
          else broker.writeTransaction(topic, 0, records, kind as "commit" | "abort");
          if (kind === "plain" || kind === "commit") {
            for (const [key, value] of pairs) {
              if (key === null) continue;
              if (value === null) model.delete(key);
              else model.set(key, value);
            }
          }
          expect(await table(topic)).toEqual(Object.fromEntries(model));
        }
      }),
      { numRuns: 60 },
    );
  });

  /** What a read_committed reader has at the end; also checks that the batches lead there without going back. */
  async function table(topic: string): Promise<Record<string, string>> {
    const { records, abortedTransactions, highWatermark } = await fetch(wire, { topic });
    const entries: Record<string, string> = {};
    const aborted = new AbortedTransactions(abortedTransactions);
    let position = 0;
    for (const one of readBatches(records ?? new Uint8Array(0))) {
      expect(one.baseOffset).toBeGreaterThanOrEqual(position);
      position = one.nextOffset;
      if (aborted.isAborted(one) || one.isControl) continue;
      one.visit((found) => {
        const key = Buffer.from(found.key() ?? []).toString();
        const value = found.value();
        if (found.keyLength < 0) return;
        if (value === null) delete entries[key];
        else entries[key] = Buffer.from(value).toString();
      });
    }
    expect(position).toBe(highWatermark);
    return entries;
  }
});
