import {
  createPartitions,
  createTopic,
  deleteRecords,
  deleteTopic,
  describeTopicConfigs,
  KafkaClient,
  listOffsets,
  Producer,
  setTopicConfigs,
} from "@ktables/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { has, newTopic, recordingLogger, rejection, type SuiteBroker, utf8 } from "./support.ts";

/** What changes topics on any Kafka: run on the embedded broker and on the real one alike. */
export function adminSuite(name: string, start: () => Promise<SuiteBroker>): void {
  describe(`changing topics on ${name}`, () => {
    let broker: SuiteBroker;
    let client: KafkaClient;
    const logger = recordingLogger();

    beforeAll(async () => {
      broker = await start();
      client = new KafkaClient({ bootstrapServers: broker.bootstrapServers, logger });
    });
    afterAll(async () => {
      client?.close();
      await broker?.stop();
    });

    /** Sets and gets whatever was set for the topic itself. */
    async function overrides(topic: string): Promise<Record<string, string | null>> {
      const configs = await describeTopicConfigs(client, topic);
      return Object.fromEntries(configs.filter((entry) => entry.isOverride).map((entry) => [entry.name, entry.value]));
    }

    async function fill(topic: string, count: number): Promise<void> {
      const producer = new Producer(client);
      const sends = Array.from({ length: count }, (_, index) =>
        producer.send({ topic, key: utf8(String(index)), value: utf8("v"), partition: 0 }),
      );
      await Promise.all(sends);
      await producer.close();
    }

    test("a topic is created once and deleted once", async () => {
      const topic = newTopic("once");
      expect(await createTopic(client, topic, { partitions: 2 })).toBe("created");
      expect(await createTopic(client, topic)).toBe("exists");
      expect((await client.topicMetadata(topic)).partitions).toHaveLength(2);
      expect(await deleteTopic(client, topic)).toBe("deleted");
      // It is marked at first, and other brokers than the controller learn of it a moment later.
      while ((await deleteTopic(client, topic)) === "deleted");
      let error: unknown;
      while (error === undefined) {
        error = await client.topicMetadata(topic, { timeoutMs: 200 }).then(
          () => undefined,
          (reason: unknown) => reason,
        );
      }
      expect(error).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
      expect(await deleteTopic(client, topic)).toBe("absent");
    });

    test.each([
      ["a name that no topic can have", "not a name!", {}, "INVALID_TOPIC_EXCEPTION"],
      ["more replicas than brokers", undefined, { replicationFactor: 9 }, "INVALID_REPLICATION_FACTOR"],
    ] as const)("%s is refused with the broker's code and words", async (_, topic, options, code) => {
      const error = await rejection(createTopic(client, topic ?? newTopic("refused"), options));
      expect(error).toMatchObject({ name: "BrokerError", code, api: "CreateTopics", retriable: false });
      expect(error.message).not.toMatch(/\b(null|undefined)\b/);
    });

    test("a value that means nothing is refused", async () => {
      const configs = { "cleanup.policy": "shred" };
      const error = await rejection(createTopic(client, newTopic("refused"), { configs }));
      expect(error).toMatchObject({ name: "BrokerError", api: "CreateTopics", retriable: false });
      // 0.11 to 2.0 have only the code that says nothing.
      const isOld = !has(broker, "incremental config changes");
      expect(["INVALID_CONFIG", ...(isOld ? ["UNKNOWN_SERVER_ERROR"] : [])]).toContain(error.code);
    });

    test("what is set for a topic is told apart from what it inherits", async () => {
      const topic = newTopic("overrides");
      const configs = { "segment.ms": "123456789", "cleanup.policy": "compact" };
      await createTopic(client, topic, { configs });
      expect(await overrides(topic)).toEqual(configs);
      const [inherited] = await describeTopicConfigs(client, topic, { names: ["segment.bytes"] });
      expect(inherited).toMatchObject({ name: "segment.bytes", isOverride: false, isSensitive: false });
      expect(Number(inherited?.value)).toBeGreaterThan(0);
    });

    test("changing a setting leaves the others, and says where it could not be done alone", async () => {
      const topic = newTopic("settings");
      await createTopic(client, topic, { configs: { "segment.ms": "123456789", "retention.ms": "5000" } });
      if (!has(broker, "config changes")) {
        const error = await rejection(setTopicConfigs(client, topic, { "retention.ms": "6000" }));
        expect(error).toMatchObject({ name: "UnsupportedApiError", code: "UNSUPPORTED_API", retriable: false });
        return;
      }
      await setTopicConfigs(client, topic, { "retention.ms": "6000", "cleanup.policy": "compact" });
      // Under KRaft the controller knows it first.
      await expect
        .poll(() => overrides(topic), { timeout: 20_000 })
        .toEqual({
          "segment.ms": "123456789",
          "retention.ms": "6000",
          "cleanup.policy": "compact",
        });
      const said = logger.messages("info").filter((message) => message.includes(topic));
      expect(said).toHaveLength(has(broker, "incremental config changes") ? 0 : 1);
      // What is kept is kept, and what is changed is not called kept.
      if (said[0] !== undefined) expect(said[0]).toMatch(/cleanup\.policy changed; kept: segment\.ms$/);
      const refused = await rejection(setTopicConfigs(client, topic, { "retention.ms": "soon" }));
      // Brokers before 2.4 have no better word for a value that cannot be read.
      expect(refused.code).toMatch(/^INVALID_(CONFIG|REQUEST)$/);
      expect(await overrides(topic)).toMatchObject({ "retention.ms": "6000", "segment.ms": "123456789" });
    });

    test("partitions are added up to a number, once", async () => {
      const topic = newTopic("grown");
      await createTopic(client, topic);
      if (!has(broker, "partition creation")) {
        expect(await rejection(createPartitions(client, topic, 3))).toMatchObject({
          code: "UNSUPPORTED_API",
          api: "CreatePartitions",
        });
        return;
      }
      expect(await createPartitions(client, topic, 3)).toBe("created");
      while ((await client.topicMetadata(topic)).partitions.length < 3);
      expect(await createPartitions(client, topic, 3)).toBe("exists");
      const fewer = await rejection(createPartitions(client, topic, 2));
      expect(fewer).toMatchObject({ name: "BrokerError", code: "INVALID_PARTITIONS", topic });
    });

    test("records are deleted up to an offset, up to the end, and never of a compacted topic", async () => {
      const topic = newTopic("shortened");
      await createTopic(client, topic, { partitions: 2, configs: { "cleanup.policy": "delete" } });
      await fill(topic, 5);
      if (broker.version === "event-hubs") {
        expect(await rejection(deleteRecords(client, topic, new Map([[0, 1]])))).toMatchObject({
          code: "UNSUPPORTED_API",
        });
        return;
      }
      const starts = await deleteRecords(client, topic, new Map([[0, 2]]));
      expect([...starts]).toEqual([[0, 2]]);
      expect(Object.fromEntries(await listOffsets(client, topic, "earliest"))).toEqual({ 0: 2, 1: 0 });
      const all = new Map([
        [0, "latest"],
        [1, "latest"],
      ] as const);
      expect(Object.fromEntries(await deleteRecords(client, topic, all))).toEqual({ 0: 5, 1: 0 });
      expect(await rejection(deleteRecords(client, topic, new Map([[0, 6]])))).toMatchObject({
        code: "OFFSET_OUT_OF_RANGE",
        partition: 0,
      });
      expect(await rejection(deleteRecords(client, topic, new Map([[7, 0]]), { timeoutMs: 1000 }))).toMatchObject({
        code: "UNKNOWN_TOPIC_OR_PARTITION",
        partition: 7,
      });
      const compacted = newTopic("compacted");
      await createTopic(client, compacted, { configs: { "cleanup.policy": "compact" } });
      await fill(compacted, 1);
      expect(await rejection(deleteRecords(client, compacted, new Map([[0, 1]])))).toMatchObject({
        name: "BrokerError",
        code: "POLICY_VIOLATION",
        retriable: false,
      });
    });
  });
}
