import { createTopic, KafkaClient, Producer } from "@ktables/client";
import { json, KafkaTable, KafkaTableWriter, string, type WriteToken } from "ktables";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GoPeer, goPeerUnavailable, startGoPeer } from "../harness/go-peer.ts";
import { changesSuite } from "../suites/changes-suite.ts";
import { groupedSuite } from "../suites/grouped-suite.ts";
import { recordingLogger, rejection, type SuiteBroker } from "../suites/support.ts";
import { tableSuite } from "../suites/table-suite.ts";
import { skipsWithout } from "./foreign-tools.ts";

/** kfake, the cluster in memory that franz-go is tested with: nobody here wrote it. */
describe.skipIf(skipsWithout("kfake", await goPeerUnavailable()))("kfake", () => {
  let peer: GoPeer;
  beforeAll(async () => {
    peer = await startGoPeer();
  }, 600_000);
  afterAll(async () => {
    await peer?.stop();
  });

  /** Three brokers, of which one is the controller, so that changes of topics have to find it. */
  async function start(): Promise<SuiteBroker> {
    const { bootstrapServers } = await peer.call("startCluster", { brokers: 3 });
    return { bootstrapServers, stop: async () => void (await peer.call("stopCluster", { bootstrapServers })) };
  }

  tableSuite("kfake", start, {
    "what the broker refuses is thrown with its name and message": "kfake takes any topic name",
  });
  changesSuite("kfake", start);
  groupedSuite("kfake", start);

  test("leaders move and requests fail under writing and reading: nothing lost, nothing twice, order kept", async () => {
    const broker = await start();
    const { bootstrapServers } = broker;
    const topic = "moving";
    await peer.call("createTopic", { bootstrapServers, topic, partitions: 3 });
    const common = {
      connection: { bootstrapServers, logger: recordingLogger() },
      topic,
      value: json<number>(),
      ensureTopic: false,
    };
    const writer = await KafkaTableWriter.open({ ...common, maxBatchBytes: 300 });
    const table = await KafkaTable.open(common);
    const writes: Promise<WriteToken>[] = [];
    const produce = 0;
    const retriable = [3, 6, 7, 19, 20];
    for (let round = 0; round < 30; round++) {
      for (let index = 0; index < 20; index++) writes.push(writer.set(`key-${index}`, round));
      const errorCode = retriable[round % retriable.length] ?? 6;
      if (round % 3 === 0)
        await peer.call("fail", { bootstrapServers, apiKeys: [produce], topic, errorCode, count: 2 });
      if (round % 2 === 0)
        await peer.call("moveLeader", { bootstrapServers, topic, partition: round % 3, node: round % 3 });
      await writes.at(-1);
    }
    const tokens = await Promise.all(writes);
    expect(await table.barrier()).toBe(true);
    expect([...table].map(([, value]) => value)).toEqual(Array(20).fill(29));
    // As many records as writes: each has its own place, and those of a key are in the order of the calls.
    expect(table.stats.recordsApplied).toBe(600);
    expect(new Set(tokens.map(({ partition, offset }) => `${partition}/${offset}`)).size).toBe(600);
    for (let index = 0; index < 20; index++) {
      const offsets = tokens.filter((_, at) => at % 20 === index).map(({ offset }) => offset);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
    }
    await Promise.all([table.stop(), writer.stop()]);
    await broker.stop();
  });

  test("what franz-go writes to it with every codec, a table reads", async () => {
    const broker = await start();
    const { bootstrapServers } = broker;
    const topic = "from-franz";
    await peer.call("createTopic", { bootstrapServers, topic, partitions: 2 });
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
      const records = Array.from({ length: 100 }, (_, index) => ({
        timestamp: 1,
        keyBase64: base64(`${compression} ${index}`),
        valueBase64: index % 10 === 0 ? null : base64("value ".repeat(index)),
        headers: [],
      }));
      await peer.call("produce", { bootstrapServers, topic, compression, records });
    }
    const { records } = await peer.call("consume", { bootstrapServers, topic });
    const table = await KafkaTable.open({ connection: bootstrapServers, topic, value: string(), ensureTopic: false });
    expect(table.size).toBe(450);
    expect(table.stats).toMatchObject({ recordsApplied: 450, tombstonesApplied: 50 });
    const live = records.filter(({ valueBase64 }) => valueBase64 !== null);
    expect(Object.fromEntries([...table].map(([key, value]) => [base64(key), base64(value)]))).toEqual(
      Object.fromEntries(live.map(({ keyBase64, valueBase64 }) => [keyBase64, valueBase64])),
    );
    await table.stop();
    await broker.stop();
  });

  test("its own producer ids, drawn from 63 bits, are refused rather than rounded", async () => {
    const { bootstrapServers } = await peer.call("startCluster", { brokers: 1, randomProducerIds: true });
    await using client = new KafkaClient({ bootstrapServers, requestTimeoutMs: 500, logger: recordingLogger() });
    await createTopic(client, "t");
    await using producer = new Producer(client, { deliveryTimeoutMs: 2000 });
    const error = await rejection(producer.send({ topic: "t", key: null, value: null }));
    expect(error).toMatchObject({ maybeWritten: false });
    expect(error.message).toMatch(/exceeds ±\(2\^53 - 1\)/);
    await peer.call("stopCluster", { bootstrapServers });
  });
});
