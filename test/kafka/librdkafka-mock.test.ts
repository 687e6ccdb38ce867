import { KafkaClient, Producer, partitionForKey } from "@ktables/client";
import { json, type KafkaClientConfig, KafkaTable, KafkaTableWriter, string } from "ktables";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kcat, kcatUnavailable, type MockCluster, startMockCluster } from "../harness/kcat.ts";
import { newTopic, recordingLogger, rejection, utf8 } from "../suites/support.ts";
import { skipsWithout } from "./foreign-tools.ts";

/**
 * librdkafka's cluster in memory, which nobody here wrote. It has no CreateTopics and no topic configs: a topic comes into
 * being, with four partitions, when somebody asks for it. So the shared suites cannot run here, whose topics are made to
 * measure; this is what of them is possible.
 */
describe.skipIf(skipsWithout("librdkafka's mock cluster", await kcatUnavailable()))("librdkafka's mock cluster", () => {
  let mock: MockCluster;
  beforeAll(async () => {
    mock = await startMockCluster(3);
  });
  afterAll(async () => {
    await mock?.stop();
  });

  const partitions = 4;

  /** Quick to try again, because a new topic has no leaders at first. */
  function connection(): KafkaClientConfig {
    return { bootstrapServers: mock.bootstrapServers, logger: recordingLogger(), retryBackoffMs: 20 };
  }

  test.each(["none", "gzip", "snappy", "lz4", "zstd"] as const)(
    "what is written with %s and idempotence is read by tables and by librdkafka",
    async (compression) => {
      const topic = newTopic(compression);
      const common = { connection: connection(), topic, ensureTopic: false, value: string() };
      await using writer = await KafkaTableWriter.open({ ...common, compression, idempotent: true });
      await using early = await KafkaTable.open(common);
      const tokens = await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const key = `key-${index % 50}`;
          const token = index % 9 === 0 ? await writer.delete(key) : await writer.set(key, `value ${index}`);
          expect(token.partition).toBe(partitionForKey(utf8(key), partitions));
          return token;
        }),
      );
      expect(new Set(tokens.map(({ partition, offset }) => `${partition}/${offset}`)).size).toBe(200);
      await early.waitFor(tokens);
      await using late = await KafkaTable.open({ ...common, isolation: "read_uncommitted" });
      expect(late.snapshot()).toEqual(early.snapshot());
      expect(late.stats).toMatchObject({ replayedAtCatchUp: 200, tombstonesApplied: 23 });

      const output = await kcat(mock.bootstrapServers, ["-C", "-e", "-J", "-t", topic, "-o", "beginning"]);
      const seen = new Map<string, string>();
      const lines = output.split("\n").filter((line) => line !== "");
      expect(lines).toHaveLength(200);
      for (const line of lines) {
        const { key, payload } = JSON.parse(line) as { key: string; payload: string | null };
        if (payload === null) seen.delete(key);
        else seen.set(key, payload);
      }
      expect(new Map(early)).toEqual(seen);
    },
  );

  test("a table follows what librdkafka writes", async () => {
    const topic = newTopic("followed");
    const table = await KafkaTable.open({ connection: connection(), topic, ensureTopic: false, value: json<number>() });
    for (let round = 0; round < 3; round++) {
      const lines = Array.from({ length: 100 }, (_, index) => `key-${index}=${round}`);
      await kcat(mock.bootstrapServers, ["-P", "-t", topic, "-K", "=", "-z", "lz4"], lines.join("\n"));
      expect(await table.barrier()).toBe(true);
      expect([...table.values()]).toEqual(Array(100).fill(round));
    }
    await table.stop();
  });

  test("everything acknowledged before a barrier can be read after it; a table reads the same again", async () => {
    const common = { connection: connection(), topic: newTopic("barrier"), ensureTopic: false, value: json<number>() };
    await using writer = await KafkaTableWriter.open(common);
    await using table = await KafkaTable.open(common);
    for (let round = 0; round < 20; round++) {
      await Promise.all(["a", "b", "c", "d", "e"].map((key) => writer.set(key, round)));
      expect(await table.barrier()).toBe(true);
      expect([...table.values()]).toEqual(Array(5).fill(round));
    }
    await using again = await KafkaTable.open(common);
    expect(again.snapshot()).toEqual(table.snapshot());
  });

  test("many batches in flight stay in order", async () => {
    await using client = new KafkaClient(connection());
    await using producer = new Producer(client, { maxBatchBytes: 200 });
    const topic = newTopic("order");
    const written = await Promise.all(
      Array.from({ length: 500 }, (_, index) => producer.send({ topic, key: utf8("k"), value: utf8(String(index)) })),
    );
    expect(written.map(({ offset }) => offset)).toEqual(written.map((_, index) => index));
  });

  test("it is said what this broker cannot do: create topics, tell topic ids and trustworthy epochs", async () => {
    const error = await rejection(
      KafkaTable.open({ connection: connection(), topic: newTopic("ensured"), value: string() }),
    );
    expect(error).toMatchObject({ code: "UNSUPPORTED_API", api: "CreateTopics" });
    await using client = new KafkaClient(connection());
    const metadata = await client.topicMetadata(newTopic("described"));
    expect(metadata.topicId).toBeUndefined();
    expect(metadata.partitions.map(({ leaderEpoch }) => leaderEpoch)).toEqual(Array(partitions).fill(-1));
  });
});
