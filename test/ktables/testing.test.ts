import { partitionForKey } from "@ktables/client";
import {
  bytes,
  json,
  KafkaTable,
  type KafkaTableOptions,
  KafkaTableWriter,
  silentLogger,
  string,
  type TopicOptions,
} from "ktables";
import { EmbeddedBroker, TestTopic, type TestTopicOptions } from "ktables/testing";
import { afterEach, describe, expect, test } from "vitest";
import { rejection, until } from "../suites/support.ts";

interface Flag {
  readonly on: boolean;
}

const on: Flag = { on: true };
const off: Flag = { on: false };
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const item of opened.splice(0).reverse()) await item[Symbol.asyncDispose]();
});

async function newTopic(options: Partial<TestTopicOptions<Flag>> = {}): Promise<TestTopic<Flag>> {
  const topic = await TestTopic.create({ value: json<Flag>(), ...options });
  opened.push(topic);
  return topic;
}

/** What these tests do to topics is worth a warning each time. */
function quietly<V>(topic: TestTopic<V>): TopicOptions<V> {
  return { ...topic.options, connection: { bootstrapServers: topic.connection, logger: silentLogger } };
}

async function openTable<V>(topic: TestTopic<V>, options: Partial<KafkaTableOptions<V>> = {}): Promise<KafkaTable<V>> {
  const table = new KafkaTable({ ...quietly(topic), ...options });
  opened.push(table);
  await table.start();
  return table;
}

/** Opens a table of an empty topic: when it resolves, its request waits at the broker for something to come. */
async function openParkedTable(topic: TestTopic<Flag>, options?: Partial<KafkaTableOptions<Flag>>) {
  const table = await openTable(topic, options);
  await until(() => topic.broker.requests.some(({ api }) => api === "Fetch"));
  return table;
}

async function openWriter(topic: TestTopic<Flag>): Promise<KafkaTableWriter<Flag>> {
  const writer = await KafkaTableWriter.open(quietly(topic));
  opened.push(writer);
  return writer;
}

describe("a topic for tests", () => {
  test("is compacted and empty, on a broker of its own", async () => {
    const topic = await newTopic();
    expect(topic.name).toBe("test-topic");
    expect(topic.connection).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(String(topic)).toBe(`TestTopic("test-topic" at ${topic.connection})`);
    const table = await openTable(topic, { onPolicyMismatch: "raise" });
    expect(table.size).toBe(0);
    await topic.close();
    await topic.close();
    expect(await rejection(KafkaTable.open({ ...topic.options, catchupTimeoutMs: 100 }))).toMatchObject({
      code: "CONNECTION_FAILED",
    });
  });

  test("publishes values and tombstones, whose tokens tables can wait for", async () => {
    const topic = await newTopic();
    const first = topic.publish("a", on);
    expect(first).toEqual({
      topic: "test-topic",
      topicId: topic.broker.topicId("test-topic"),
      partition: 0,
      offset: 0,
    });
    const table = await openTable(topic);
    expect(table.get("a")).toEqual(on);
    await table.waitFor(topic.publish("b", off));
    expect(table.get("b")).toEqual(off);
    await table.waitFor(topic.tombstone("a"));
    expect([...table]).toEqual([["b", off]]);
  });

  test("publishes where Java's partitioner would, or where it is told to", async () => {
    const topic = await newTopic({ partitions: 5 });
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    const partitions = keys.map((key) => topic.publish(key, on).partition);
    expect(partitions).toEqual(keys.map((key) => partitionForKey(new TextEncoder().encode(key), 5)));
    expect(new Set(partitions).size).toBeGreaterThan(1);
    expect(topic.publish("key-0", on, { partition: 4, timestamp: 7, headers: [] })).toMatchObject({ partition: 4 });
    expect(() => topic.publish("k", on, { partition: 5 })).toThrow("no partition 5");
  });

  test("poisons a key: tables keep its previous value", async () => {
    const topic = await newTopic();
    topic.publish("a", on);
    const table = await openTable(topic);
    await table.waitFor(topic.poison("a"));
    await table.waitFor(topic.poison("a", new TextEncoder().encode("{not json")));
    expect(table.stats.valueDecodeErrors).toBe(2);
    expect(table.get("a")).toEqual(on);
  });

  test("refuses poison that the codec decodes", async () => {
    const topic = await newTopic();
    expect(() => topic.poison("a", new TextEncoder().encode("1"))).toThrow("no poison");
    const anything = await TestTopic.create({ value: bytes() });
    opened.push(anything);
    expect(() => anything.poison("a")).toThrow("no poison");
    expect(topic.broker.endOffset(topic.name, 0)).toBe(0);
  });

  test("delivers nothing while it is paused, also to who waits already, and takes writes", async () => {
    const topic = await newTopic();
    const table = await openParkedTable(topic, { fetchMaxWaitMs: 600_000 });
    topic.pause();
    const writer = await openWriter(topic);
    const token = await writer.set("a", on);
    topic.publish("b", on);
    expect(await table.barrier({ timeoutMs: 50 })).toBe(false);
    expect(table.size).toBe(0);
    topic.resume();
    await table.waitFor(token);
    expect(await table.barrier()).toBe(true);
    expect([...table.keys()]).toEqual(["a", "b"]);
  });

  test("holds a table back that is opened while it is paused", async () => {
    const topic = await newTopic();
    topic.publish("a", on);
    topic.pause();
    const table = new KafkaTable(topic.options);
    opened.push(table);
    const started = table.start();
    await until(() => topic.broker.requests.some(({ api }) => api === "Fetch"));
    expect([table.status, table.size]).toEqual(["loading", 0]);
    topic.resume();
    await started;
    expect([table.status, table.size]).toEqual(["caught_up", 1]);
  });

  test("closes while it is paused", async () => {
    const topic = await newTopic();
    await openTable(topic);
    topic.pause();
    await topic.close();
  });

  test("fails readers for good with what is not retried, at once", async () => {
    const topic = await newTopic();
    const table = await openParkedTable(topic, { fetchMaxWaitMs: 600_000 });
    topic.fail("TOPIC_AUTHORIZATION_FAILED");
    await until(() => table.status === "failed");
    expect(table.failure).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED" });
    topic.recover();
    expect((await openTable(topic)).status).toBe("caught_up");
  });

  test("fails readers for a while with what is retried", async () => {
    const topic = await newTopic();
    const table = await openTable(topic);
    topic.fail("NOT_LEADER_OR_FOLLOWER");
    const token = topic.publish("a", on);
    await until(() => table.health().lastError !== undefined);
    expect(table.health().lastError).toMatchObject({ code: "NOT_LEADER_OR_FOLLOWER" });
    expect(table.size).toBe(0);
    topic.recover();
    await table.waitFor(token);
    expect(table.get("a")).toEqual(on);
  });

  test("fails writes, and barriers", async () => {
    const topic = await newTopic();
    const table = await openTable(topic);
    const writer = await openWriter(topic);
    topic.fail("NOT_ENOUGH_REPLICAS");
    const produces = (): number => topic.broker.requests.filter(({ api }) => api === "Produce").length;
    const patient = writer.set("c", on);
    await until(() => produces() > 1);
    expect(await table.barrier({ timeoutMs: 50 })).toBe(false);
    topic.recover();
    expect(await patient).toMatchObject({ offset: 0 });
    topic.fail("TOPIC_AUTHORIZATION_FAILED");
    expect(await rejection(writer.set("a", on))).toMatchObject({ cause: { code: "TOPIC_AUTHORIZATION_FAILED" } });
    const careless = await KafkaTableWriter.open({ ...topic.options, acks: 0 });
    const before = produces();
    await careless.set("a", on);
    await until(() => produces() > before);
    await careless.stop();
    topic.recover();
    await writer.set("b", on);
    expect(topic.broker.endOffset(topic.name, 0)).toBe(2);
  });

  test("knows Kafka's errors only", async () => {
    const topic = await newTopic();
    for (const code of ["NO_SUCH_ERROR", "NONE", "UNKNOWN_ERROR_999", ""]) {
      expect(() => topic.fail(code), code).toThrow("Kafka has no error");
    }
    topic.fail("UNKNOWN_SERVER_ERROR");
    topic.recover();
  });

  test("loses records and what follows them when it is truncated", async () => {
    const topic = await newTopic();
    topic.publish("a", on);
    const lost = topic.publish("a", off);
    topic.publish("b", off);
    const table = await openTable(topic);
    expect([...table.keys()]).toEqual(["a", "b"]);
    topic.truncate(lost);
    await until(() => table.stats.resyncs === 1);
    expect([...table]).toEqual([["a", on]]);
    expect(() => topic.truncate({ partition: 0, offset: 9 })).toThrow("not within");
  });

  test("is another topic after it was recreated, and can be paused and failed like the first", async () => {
    const topic = await newTopic({ configs: { "delete.retention.ms": "60000" } });
    const before = topic.publish("a", on);
    const table = await openTable(topic);
    await topic.recreate();
    await until(() => table.stats.resyncs === 1);
    expect(table.size).toBe(0);
    const after = topic.publish("b", on);
    expect(after.topicId).not.toBe(before.topicId);
    await table.waitFor(after);
    topic.pause();
    topic.publish("c", on);
    expect(await table.barrier({ timeoutMs: 50 })).toBe(false);
    topic.resume();
    topic.fail("TOPIC_AUTHORIZATION_FAILED");
    await until(() => table.status === "failed");
  });

  test("keeps the last record of each key when it is compacted", async () => {
    const topic = await newTopic({ configs: { "delete.retention.ms": "0" } });
    topic.publish("a", on);
    topic.publish("a", off);
    topic.publish("b", on);
    topic.tombstone("b");
    topic.publish("c", on);
    topic.compact();
    const table = await openTable(topic);
    expect(table.stats).toMatchObject({ recordsApplied: 2, tombstonesApplied: 1 });
    expect([...table]).toEqual([
      ["a", off],
      ["c", on],
    ]);
    // In two steps, as Kafka does it.
    topic.compact();
    expect((await openTable(topic)).stats.tombstonesApplied).toBe(0);
    const kept = await newTopic({ name: "kept", configs: { "cleanup.policy": "delete" } });
    expect(() => kept.compact()).toThrow("cleanup.policy");
  });

  test("shares a broker with others, which its effects leave alone", async () => {
    const broker = await EmbeddedBroker.start();
    opened.push(broker);
    const flags = await newTopic({ broker, name: "flags" });
    const names = await TestTopic.create({ broker, name: "names", value: string() });
    expect(names.connection).toBe(flags.connection);
    const flagTable = await openTable(flags);
    const nameTable = await openTable(names);
    flags.pause();
    await nameTable.waitFor(names.publish("n", "1"));
    flags.fail("TOPIC_AUTHORIZATION_FAILED");
    await nameTable.waitFor(names.publish("n", "2"));
    expect(flagTable.status).toBe("caught_up");
    await flags.close();
    await flagTable.waitFor(flags.publish("f", on));
    await names.close();
    await nameTable.waitFor(names.publish("n", "3"));
  });

  test("works for brokers and clients without topic ids", async () => {
    const broker = await EmbeddedBroker.start({ asVersion: "2.0" });
    opened.push(broker);
    const topic = await newTopic({ broker });
    const table = await openTable(topic);
    topic.pause();
    topic.publish("a", on);
    expect(await table.barrier({ timeoutMs: 50 })).toBe(false);
    topic.resume();
    expect(await table.barrier()).toBe(true);
    topic.fail("TOPIC_AUTHORIZATION_FAILED");
    await until(() => table.status === "failed");
  });

  test("refuses options that make no sense, and leaves nothing open", async () => {
    const create = (options: object): Promise<unknown> =>
      rejection(TestTopic.create(options as unknown as TestTopicOptions<Flag>));
    expect(await create({})).toMatchObject({ code: "INVALID_OPTION", option: "value" });
    expect(await create({ value: json(), key: 5 })).toMatchObject({ option: "key" });
    expect(await create({ value: json(), partitions: 0 })).toMatchObject({ option: "partitions" });
    expect(await create({ value: json(), topic: "t" })).toMatchObject({ option: "topic" });
    expect(await create({ value: json(), broker: "localhost" })).toMatchObject({ option: "broker" });
    expect(await create({ value: json(), name: "no spaces" })).toMatchObject({ code: "INVALID_TOPIC_EXCEPTION" });
    const topic = await newTopic();
    expect(() => topic.publish("\ud800", on)).toThrow("lone surrogate");
    expect(() => topic.publish("a", on, { offset: 1 } as object)).toThrow("offset");
  });
});
