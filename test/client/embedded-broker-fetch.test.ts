import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchApi } from "../../packages/client/src/protocol/generated/fetch.ts";
import { EmbeddedBroker } from "../../packages/client/src/testing/index.ts";
import {
  batch,
  bytes,
  fetch,
  fetchRequest,
  listOffset,
  produce,
  record,
  texts,
  until,
} from "./embedded-broker-requests.ts";
import { Wire } from "./embedded-broker-wire.ts";

let broker: EmbeddedBroker;
let wire: Wire;
beforeEach(async () => {
  broker = await EmbeddedBroker.start({ topics: [{ name: "t", partitions: 3 }] });
  wire = await Wire.open(broker.bootstrapServers);
});
afterEach(async () => {
  wire.close();
  await broker.close();
});

describe("fetch", () => {
  test("starts with the batch that holds the offset, and knows the log's bounds", async () => {
    for (const count of [2, 3, 1]) await produce(wire, batch(count));
    expect(texts((await fetch(wire, { offset: 3 })).records)).toEqual(["2:k0=v", "3:k1=v", "4:k2=v", "5:k0=v"]);
    expect(await fetch(wire, { offset: 6 })).toMatchObject({ errorCode: 0, records: new Uint8Array(0) });
    expect(await fetch(wire, { offset: 7 })).toMatchObject({ errorCode: 1, highWatermark: -1 });
    broker.deleteRecords("t", 0, 4);
    expect(await fetch(wire, { offset: 3 })).toMatchObject({ errorCode: 1 });
    const kept = await fetch(wire, { offset: 4 });
    expect(kept).toMatchObject({ logStartOffset: 4, highWatermark: 6, lastStableOffset: 6 });
    expect(texts(kept.records)).toEqual(["2:k0=v", "3:k1=v", "4:k2=v", "5:k0=v"]);
  });

  test("cuts the last batch at the limit, but gives the first one whole (KIP-74)", async () => {
    const one = batch();
    for (const partition of [0, 0, 1, 2]) await produce(wire, one, { partition });
    const size = one.length;
    const sizes = async (limits: { maxBytes?: number; partitionMaxBytes?: number }): Promise<number[]> => {
      const { responses } = await wire.call(fetchApi, 12, fetchRequest({ partitions: [0, 1, 2], ...limits }));
      return responses[0]?.partitions.map(({ records }) => records?.length ?? 0) ?? [];
    };
    expect(await sizes({})).toEqual([2 * size, size, size]);
    expect(await sizes({ partitionMaxBytes: size + 10 })).toEqual([size + 10, size, size]);
    // Above the limit the first partition with data makes progress all the same, and no other.
    expect(await sizes({ partitionMaxBytes: 1 })).toEqual([size, 0, 0]);
    expect(await sizes({ maxBytes: 1 })).toEqual([size, 0, 0]);
    // A partition that has nothing does not use up the privilege.
    const { responses } = await wire.call(fetchApi, 12, {
      ...fetchRequest({ partitions: [0, 1], maxBytes: 1 }),
      topics: fetchRequest({ partitions: [0, 1] }).topics.map((topic) => ({
        ...topic,
        partitions: topic.partitions.map((one) => ({ ...one, fetchOffset: one.partition === 0 ? 2 : 0 })),
      })),
    });
    expect(responses[0]?.partitions.map(({ records }) => records?.length)).toEqual([0, size]);
  });

  test("names unknown topics, partitions, ids and sessions", async () => {
    expect(await fetch(wire, { topic: "missing" })).toMatchObject({ errorCode: 3 });
    expect(await fetch(wire, { partition: 3 })).toMatchObject({ errorCode: 3 });
    expect(await fetch(wire, { version: 13 })).toMatchObject({ errorCode: 100 });
    const { errorCode, responses } = await wire.call(fetchApi, 12, {
      ...fetchRequest(),
      sessionId: 5,
      sessionEpoch: 1,
    });
    expect({ errorCode, responses }).toEqual({ errorCode: 70, responses: [] });
  });

  test("gives raw batches back as they were appended, holes and damage included", async () => {
    broker.append("t", 0, batch(1, { baseOffset: 10, lastOffset: 19 }), { keepOffsets: true });
    const broken = batch();
    broken[70] = (broken[70] ?? 0) ^ 1;
    expect(broker.append("t", 0, broken)).toBe(20);
    expect(() => broker.append("t", 0, batch(), { keepOffsets: true })).toThrow("below the log's end");
    expect(() => broker.append("t", 0, Buffer.concat([batch(), batch()]))).toThrow("not one whole batch");
    const { records, highWatermark } = await fetch(wire);
    expect(highWatermark).toBe(21);
    expect(() => texts(records)).toThrow("CRC");
    expect(texts(records?.subarray(0, batch().length) ?? null)).toEqual(["10:k0=v"]);
  });
});

describe("transactions", () => {
  const write = (key: string, outcome: "commit" | "abort" | "open") =>
    broker.writeTransaction("t", 0, [record(key, "1"), record(key, "2")], outcome);

  test("an open one holds the last stable offset below newer data", async () => {
    await produce(wire, batch());
    const { producerId, firstOffset, markerOffset } = write("a", "open");
    expect({ firstOffset, markerOffset }).toEqual({ firstOffset: 1, markerOffset: undefined });
    await produce(wire, batch());
    const committed = await fetch(wire);
    expect(committed).toMatchObject({ highWatermark: 4, lastStableOffset: 1, abortedTransactions: [] });
    expect(texts(committed.records)).toEqual(["0:k0=v"]);
    const uncommitted = await fetch(wire, { isolation: "read_uncommitted" });
    expect(uncommitted).toMatchObject({ highWatermark: 4, lastStableOffset: 1, abortedTransactions: null });
    expect(texts(uncommitted.records)).toEqual(["0:k0=v", "1:a=1", "2:a=2", "3:k0=v"]);
    expect(await listOffset(wire, -1, { isolation: 1 })).toMatchObject({ offset: 1 });
    expect(await listOffset(wire, -1)).toMatchObject({ offset: 4 });

    const id = wire.send(fetchApi, 12, fetchRequest({ offset: 1, maxWaitMs: 60_000 }));
    expect(broker.endTransaction("t", 0, producerId, "abort")).toBe(4);
    const { responses } = await wire.receive(fetchApi, 12, id);
    expect(responses[0]?.partitions[0]).toMatchObject({
      lastStableOffset: 5,
      abortedTransactions: [{ producerId, firstOffset: 1 }],
    });
    expect(() => broker.endTransaction("t", 0, producerId, "abort")).toThrow("no open transaction");
  });

  test("an open one wakes those who read uncommitted data", async () => {
    const id = wire.send(fetchApi, 12, fetchRequest({ maxWaitMs: 60_000, isolation: "read_uncommitted" }));
    await until(() => broker.requests.length === 1);
    write("a", "open");
    const { responses } = await wire.receive(fetchApi, 12, id);
    expect(texts(responses[0]?.partitions[0]?.records ?? null)).toEqual(["0:a=1", "1:a=2"]);
  });

  test("aborted ones are listed for the part of the log that was read", async () => {
    const first = write("a", "abort");
    write("b", "commit");
    const second = write("c", "abort");
    const all = await fetch(wire);
    expect(texts(all.records)).toEqual([
      "0:a=1",
      "1:a=2",
      "2:abort",
      "3:b=1",
      "4:b=2",
      "5:commit",
      "6:c=1",
      "7:c=2",
      "8:abort",
    ]);
    const entry = ({ producerId, firstOffset }: typeof first) => ({ producerId, firstOffset });
    expect(all.abortedTransactions).toEqual([entry(first), entry(second)]);
    expect((await fetch(wire, { offset: 3 })).abortedTransactions).toEqual([entry(second)]);
    expect((await fetch(wire, { partitionMaxBytes: 1 })).abortedTransactions).toEqual([entry(first)]);
  });
});

describe("list offsets", () => {
  test("finds the ends, and the first record from a time on", async () => {
    broker.append("t", 0, batch(1, { records: [record("a", "1", 100), record("b", "2", 300)] }));
    broker.append("t", 0, batch(1, { records: [record("c", "3", 200), record("d", "4", 400)] }));
    broker.deleteRecords("t", 0, 1);
    expect(await listOffset(wire, -2)).toMatchObject({ errorCode: 0, offset: 1, timestamp: -1 });
    expect(await listOffset(wire, -1, { version: 1 })).toMatchObject({ errorCode: 0, offset: 4, timestamp: -1 });
    expect(await listOffset(wire, 0)).toMatchObject({ offset: 1, timestamp: 300 });
    expect(await listOffset(wire, 301)).toMatchObject({ offset: 3, timestamp: 400, leaderEpoch: 0 });
    expect(await listOffset(wire, 401)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
  });

  test("refuses unknown places and special times of newer versions", async () => {
    expect(await listOffset(wire, -1, { topic: "missing" })).toMatchObject({ errorCode: 3, offset: -1 });
    expect(await listOffset(wire, -1, { partition: 3 })).toMatchObject({ errorCode: 3 });
    expect(await listOffset(wire, -3)).toMatchObject({ errorCode: 35 });
  });
});

test("large answers arrive whole", async () => {
  const value = new Uint8Array(900_000).fill(65);
  for (let index = 0; index < 5; index++) {
    await produce(wire, batch(1, { records: [{ key: bytes("k"), value, timestamp: Date.now() }] }));
  }
  const { records } = await fetch(wire, { maxBytes: 50_000_000, partitionMaxBytes: 50_000_000 });
  expect(texts(records).map((text) => text.length)).toEqual([900_004, 900_004, 900_004, 900_004, 900_004]);
});
