import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { initProducerIdApi } from "../../packages/client/src/protocol/generated/init-producer-id.ts";
import { metadataApi } from "../../packages/client/src/protocol/generated/metadata.ts";
import { produceApi } from "../../packages/client/src/protocol/generated/produce.ts";
import { EmbeddedBroker } from "../../packages/client/src/testing/index.ts";
import { encodeBatch, encodeControlBatch, readBatches } from "../../packages/record-batch/src/index.ts";
import {
  batch,
  fetch,
  metadata,
  type ProducePlace,
  produce,
  produceRequest,
  record,
  texts,
  zeroUuid,
} from "./embedded-broker-requests.ts";
import { Wire } from "./embedded-broker-wire.ts";

let broker: EmbeddedBroker;
let wire: Wire;
beforeEach(async () => {
  broker = await EmbeddedBroker.start({
    topics: [
      { name: "t" },
      { name: "compacted", configs: { "cleanup.policy": "compact,delete" } },
      { name: "small", configs: { "max.message.bytes": "100" } },
    ],
  });
  wire = await Wire.open(broker.bootstrapServers);
});
afterEach(async () => {
  wire.close();
  await broker.close();
});

/** Changes one byte; negative positions count from the end. */
function damaged(bytes: Uint8Array, position: number): Uint8Array {
  const copy = bytes.slice();
  copy.set([(copy.at(position) ?? 0) ^ 0x01], position < 0 ? copy.length + position : position);
  return copy;
}

describe("what a leader refuses", () => {
  const transactional = batch(1, { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true });
  const cases: [string, () => Uint8Array | null, ProducePlace, number][] = [
    ["no batch", () => null, {}, 87],
    ["an empty batch list", () => new Uint8Array(0), {}, 87],
    ["two batches", () => Buffer.concat([batch(), batch()]), {}, 87],
    ["half a batch", () => batch().subarray(0, 60), {}, 87],
    ["message format 1", () => batch().with(16, 1), {}, 87],
    ["a flipped bit in a value", () => damaged(batch(), -2), {}, 2],
    ["a record that ends early", () => damaged(batch(), -1), {}, 2],
    ["a base offset", () => batch(1, { baseOffset: 1 }), {}, 87],
    ["a count that does not fit the offsets", () => batch(1, { lastOffset: 1 }), {}, 87],
    ["a control batch", () => batch(1, { isControl: true }), {}, 87],
    ["a marker", () => encodeControlBatch({ type: "abort", producerId: 1, producerEpoch: 0, timestamp: 1 }), {}, 53],
    ["a producer without sequence", () => batch(1, { producerId: 1, producerEpoch: 0 }), {}, 87],
    ["a batch above max.message.bytes", () => batch(10), { topic: "small" }, 10],
    ["a timestamp far in the future", () => encodeBatch({ records: [record("k", "v", Date.now() * 2)] }), {}, 32],
    ["zstd below version 7", () => batch(1, { compression: "zstd" }), { version: 3 }, 76],
    ["acks 2", () => batch(), { acks: 2 }, 21],
    ["an unknown topic", () => batch(), { topic: "missing" }, 3],
    ["an unknown partition", () => batch(), { partition: 1 }, 3],
    ["an unknown topic id", () => batch(), { version: 13, topicId: "abcdefghijklmnopqrstuw" }, 100],
    ["a transaction without name", () => transactional, {}, 53],
    ["a transaction that nobody has begun", () => transactional, { transactionalId: "x" }, 48],
  ];
  test.each(cases)("%s", async (_, records, place, errorCode) => {
    expect(await produce(wire, records(), place)).toMatchObject({ errorCode, baseOffset: -1 });
    for (const topic of ["t", "compacted", "small"]) {
      expect((await fetch(wire, { topic })).highWatermark).toBe(0);
    }
  });

  test("records without key in a compacted topic, each named", async () => {
    const records = encodeBatch({
      records: [record("a", "1"), record(null, "2"), record("", "3"), record(null, null)],
    });
    expect(await produce(wire, records)).toMatchObject({ errorCode: 0 });
    const refused = await produce(wire, records, { topic: "compacted" });
    expect(refused).toMatchObject({ errorCode: 87, errorMessage: expect.any(String) });
    expect(refused.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 3]);
    expect(await produce(wire, records, { topic: "compacted", version: 7 })).toMatchObject({ errorCode: 87 });
  });
});

describe("what a leader stores", () => {
  test("places the producer's bytes at the log's end, with its epoch", async () => {
    const first = batch(3, { compression: "lz4" });
    const second = batch(2);
    expect(await produce(wire, first)).toMatchObject({ errorCode: 0, baseOffset: 0, logAppendTimeMs: -1 });
    broker.moveLeader("t", 0, 0);
    expect(await produce(wire, second, { acks: 1 })).toMatchObject({ errorCode: 0, baseOffset: 3, logStartOffset: 0 });
    const { records, highWatermark } = await fetch(wire);
    expect(highWatermark).toBe(5);
    const stored = [...readBatches(records ?? new Uint8Array(0))];
    expect(stored.map(({ baseOffset, partitionLeaderEpoch }) => [baseOffset, partitionLeaderEpoch])).toEqual([
      [0, 0],
      [3, 1],
    ]);
    // Offset and epoch are the first 16 bytes except for the length; all else is untouched.
    expect(Buffer.from(records ?? []).subarray(16, first.length)).toEqual(Buffer.from(first.subarray(16)));
  });

  test("by topic id from version 13 on", async () => {
    const { topics } = await metadata(wire, ["t"]);
    const topicId = topics[0]?.topicId ?? zeroUuid;
    expect(topicId).not.toBe(zeroUuid);
    expect(await produce(wire, batch(), { version: 13, topicId })).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(texts((await fetch(wire, { version: 13, topicId })).records)).toEqual(["0:k0=v"]);
  });

  test("with acks 0 answers nothing, and cuts the connection on an error", async () => {
    wire.send(produceApi, 12, produceRequest(batch(), { acks: 0 }));
    const { highWatermark } = await fetchAfterSilence();
    expect(highWatermark).toBe(1);
    wire.send(produceApi, 12, produceRequest(batch(), { acks: 0, topic: "missing" }));
    expect(await wire.frame()).toBeUndefined();
  });

  /** The next answer after a silent request has correlation id 1. */
  async function fetchAfterSilence() {
    await wire.call(metadataApi, 13, {
      topics: [],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    return fetch(wire);
  }

  test.each(["none", "gzip"] as const)("stamps LogAppendTime on a batch with compression %s", async (compression) => {
    await broker.createTopic("stamped", { configs: { "message.timestamp.type": "LogAppendTime" } });
    const records = encodeBatch({ records: [record("a", "1", 1), record("b", "2", 2)], compression });
    const { logAppendTimeMs } = await produce(wire, records, { topic: "stamped" });
    expect(logAppendTimeMs).toBeGreaterThan(1_600_000_000_000);
    const stored = await fetch(wire, { topic: "stamped" });
    const [one] = readBatches(stored.records ?? new Uint8Array(0));
    expect(one).toMatchObject({ timestampType: "LogAppendTime", maxTimestamp: logAppendTimeMs, compression });
    expect(texts(stored.records)).toEqual(["0:a=1", "1:b=2"]);
  });

  test("compresses as the topic wants", async () => {
    await broker.createTopic("zipped", { configs: { "compression.type": "snappy" } });
    await produce(wire, batch(2, { producerId: 4, producerEpoch: 1, baseSequence: 9 }), { topic: "zipped" });
    const stored = await fetch(wire, { topic: "zipped" });
    const [one] = readBatches(stored.records ?? new Uint8Array(0));
    expect(one).toMatchObject({ compression: "snappy", producerId: 4, producerEpoch: 1, baseSequence: 9 });
    expect(texts(stored.records)).toEqual(["0:k0=v", "1:k1=v"]);
  });

  test("needs min.insync.replicas for acks -1 only", async () => {
    const configs = { "min.insync.replicas": "2" };
    const topics = [
      { name: "t", configs },
      { name: "single", configs, replicationFactor: 1 },
    ];
    const two = await EmbeddedBroker.start({ nodes: 2, topics });
    const leader = await Wire.open(two.bootstrapServers, 0);
    try {
      expect(await produce(leader, batch())).toMatchObject({ errorCode: 0 });
      await two.stopNode(1);
      expect(await produce(leader, batch())).toMatchObject({ errorCode: 19 });
      expect(await produce(leader, batch(), { acks: 1 })).toMatchObject({ errorCode: 0, baseOffset: 1 });
      two.moveLeader("single", 0, 0);
      // A partition with one replica cannot have two in sync, and is not asked to.
      expect(await produce(leader, batch(), { topic: "single" })).toMatchObject({ errorCode: 0 });
    } finally {
      leader.close();
      await two.close();
    }
  });
});

describe("idempotence", () => {
  const maxSequence = 0x7fff_ffff;
  const send = (baseSequence: number, count = 1, producerEpoch = 0, producerId = 7) =>
    produce(wire, batch(count, { producerId, producerEpoch, baseSequence }));
  const ok = (baseOffset: number) => ({ errorCode: 0, baseOffset });

  test("every producer id is given once", async () => {
    const request = { transactionalId: null, transactionTimeoutMs: 1000, producerId: 5, producerEpoch: 3 };
    const first = await wire.call(initProducerIdApi, 4, request);
    const second = await wire.call(initProducerIdApi, 4, request);
    expect(first).toMatchObject({ errorCode: 0, producerEpoch: 0 });
    expect(second).toMatchObject({ errorCode: 0, producerEpoch: 0 });
    expect(second.producerId).not.toBe(first.producerId);
    const transactional = await wire.call(initProducerIdApi, 4, { ...request, transactionalId: "x" });
    expect(transactional).toMatchObject({ errorCode: 42, producerId: -1 });
  });

  test("a repeated batch gets its first offset and is stored once", async () => {
    expect(await send(0, 2)).toMatchObject(ok(0));
    expect(await send(2, 3)).toMatchObject(ok(2));
    expect(await send(0, 2)).toMatchObject(ok(0));
    expect(await send(2, 3)).toMatchObject(ok(2));
    expect((await fetch(wire)).highWatermark).toBe(5);
  });

  test("a repetition must cover exactly the same sequences", async () => {
    expect(await send(0, 2)).toMatchObject(ok(0));
    expect(await send(0, 1)).toMatchObject({ errorCode: 45 });
    expect(await send(1, 1)).toMatchObject({ errorCode: 45 });
    expect(await send(0, 3)).toMatchObject({ errorCode: 45 });
  });

  test("five batches are remembered, not six", async () => {
    for (let sequence = 0; sequence < 6; sequence++) expect(await send(sequence)).toMatchObject(ok(sequence));
    for (let sequence = 1; sequence < 6; sequence++) expect(await send(sequence)).toMatchObject(ok(sequence));
    expect(await send(0)).toMatchObject({ errorCode: 45 });
  });

  test("a gap is refused and changes nothing", async () => {
    await send(0);
    expect(await send(2)).toMatchObject({ errorCode: 45, baseOffset: -1 });
    expect(await send(1)).toMatchObject(ok(1));
  });

  test("an unknown producer may start anywhere, on each partition for itself", async () => {
    expect(await send(1234)).toMatchObject(ok(0));
    expect(await send(1236)).toMatchObject({ errorCode: 45 });
    expect(await send(99, 1, 5, 8)).toMatchObject(ok(1));
    expect(
      await produce(wire, batch(1, { producerId: 7, producerEpoch: 0, baseSequence: 3 }), { topic: "compacted" }),
    ).toMatchObject(ok(0));
  });

  test("an older epoch is refused; a newer one starts at sequence 0", async () => {
    await send(0, 1, 3);
    expect(await send(1, 1, 2)).toMatchObject({ errorCode: 47 });
    expect(await send(1, 1, 4)).toMatchObject({ errorCode: 45 });
    expect(await send(0, 1, 4)).toMatchObject(ok(1));
    expect(await send(0, 1, 4)).toMatchObject(ok(1));
    expect(await send(0, 1, 3)).toMatchObject({ errorCode: 47 });
    expect(await send(1, 1, 4)).toMatchObject(ok(2));
  });

  test("sequences go on at 0 after 2^31 - 1, between batches and within one", async () => {
    expect(await send(maxSequence)).toMatchObject(ok(0));
    expect(await send(1)).toMatchObject({ errorCode: 45 });
    expect(await send(0)).toMatchObject(ok(1));
    expect(await send(maxSequence - 1, 4, 0, 8)).toMatchObject(ok(2));
    expect(await send(maxSequence - 1, 4, 0, 8)).toMatchObject(ok(2));
    expect(await send(1, 1, 0, 8)).toMatchObject({ errorCode: 45 });
    expect(await send(2, 1, 0, 8)).toMatchObject(ok(6));
  });

  test("a refused batch leaves the sequence where it was", async () => {
    const fields = { producerId: 7, producerEpoch: 0 };
    const place = { topic: "compacted" };
    await produce(wire, batch(1, { ...fields, baseSequence: 0 }), place);
    const keyless = encodeBatch({ records: [record(null, "v")], ...fields, baseSequence: 1 });
    expect(await produce(wire, keyless, place)).toMatchObject({ errorCode: 87 });
    expect(await produce(wire, batch(1, { ...fields, baseSequence: 1 }), place)).toMatchObject(ok(1));
  });
});
