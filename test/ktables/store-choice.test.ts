import { encodeBatch } from "@ktables/record-batch";
import { bytes, type Codec, GroupedKafkaTable, json, KafkaTable, type KafkaTableOptions, string } from "ktables";
import { TestTopic } from "ktables/testing";
import { afterEach, describe, expect, test } from "vitest";
import { until, utf8 } from "../suites/support.ts";
import { Fixture, record } from "./support.ts";

const fixture = new Fixture();
const topicAuthorizationFailed = 29;
const opened: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const table of opened.splice(0)) await table.stop();
});

async function open<V>(options: Partial<KafkaTableOptions<V>> & Pick<KafkaTableOptions<V>, "value">) {
  const table = new KafkaTable<V>({ connection: fixture.connection(), topic: "t", ...options });
  opened.push(table);
  await table.start();
  return table;
}

/** One record and, as compaction leaves it, so many offsets that have none behind it. */
function append(
  offsets: number,
  {
    topic = "t",
    partition = 0,
    key = "k",
    value = "1",
  }: { topic?: string; partition?: number; key?: string; value?: string | null } = {},
): void {
  const { broker } = fixture;
  broker.append(topic, partition, encodeBatch({ records: [record(key, value)], lastOffset: offsets - 1 }));
}

describe("where a table keeps its values, unless it is told", () => {
  test.each([
    [99_999, "decoded"],
    [100_000, "bytes"],
  ] as const)("with %i offsets to be read: %s", async (offsets, store) => {
    append(offsets);
    const table = await open({ value: string() });
    expect(table.stats.store).toBe(store);
    expect(table.toString()).toBe(`KafkaTable(topic "t", caught_up, 1 keys, store "${store}")`);
    expect([...table]).toEqual([["k", "1"]]);
    expect(table.health().partitions).toMatchObject([{ position: offsets }]);
    // Neither grows out of the other, or shrinks into it, by what comes later.
    append(store === "decoded" ? 200_000 : 1, { value: "2" });
    await table.barrier();
    expect([table.get("k"), table.stats.store]).toEqual(["2", store]);
  });

  test("the partitions that are read count together, from where they begin", async () => {
    const topic = "several";
    await fixture.broker.createTopic(topic, { partitions: 3, configs: { "cleanup.policy": "compact,delete" } });
    for (const partition of [0, 1, 2]) append(50_000, { topic, partition, key: `k${partition}` });
    expect((await open({ topic, value: string() })).stats.store).toBe("bytes");
    expect((await open({ topic, value: string(), partitions: [1] })).stats.store).toBe("decoded");
    const both = await open({ topic, value: string(), partitions: [1, 2] });
    expect(both.stats.store).toBe("bytes");
    expect([...both.keys()].toSorted()).toEqual(["k1", "k2"]);
    fixture.broker.deleteRecords(topic, 1, 1);
    expect((await open({ topic, value: string(), partitions: [1, 2] })).stats.store).toBe("decoded");
  });

  test("nothing is said before reading has begun, unless there is no choice", async () => {
    const connection = fixture.connection();
    const table = new KafkaTable({ connection, topic: "t", value: string() });
    expect([table.stats.store, String(table)]).toEqual([undefined, 'KafkaTable(topic "t", unstarted)']);
    const asked = new KafkaTable({ connection, topic: "t", value: string(), store: "bytes" });
    expect([asked.stats.store, String(asked)]).toEqual(["bytes", 'KafkaTable(topic "t", unstarted, store "bytes")']);
    const starting = table.start();
    opened.push(table);
    // Already it can be read, and has nothing.
    expect([table.size, table.get("k"), [...table], table.stats.store]).toEqual([0, undefined, [], undefined]);
    await starting;
    expect(table.stats.store).toBe("decoded");
  });

  test("a key codec, or groups, need decoded values; lazy validation needs bytes", async () => {
    append(100_000);
    const key = { ...string() };
    expect((await open({ value: string(), key })).stats.store).toBe("decoded");
    const grouped = new GroupedKafkaTable({ connection: fixture.connection(), topic: "t", value: string() });
    opened.push(grouped);
    await grouped.start();
    expect(grouped.stats.store).toBe("decoded");
    await fixture.broker.createTopic("small", { configs: { "cleanup.policy": "compact" } });
    append(1, { topic: "small", value: "{" });
    const lazy = await open({ topic: "small", value: json(), validate: "lazy" });
    expect([lazy.stats.store, lazy.size, lazy.get("k"), lazy.size]).toEqual(["bytes", 1, undefined, 0]);
  });

  test.each([
    ["decoded", 100_000],
    ["bytes", 1],
  ] as const)("%s stays where that was asked for, with %i offsets", async (store, offsets) => {
    append(offsets);
    const table = await open({ value: string(), store });
    expect([table.stats.store, ...table.keys()]).toEqual([store, "k"]);
  });

  test.each([
    ["decoded", "bytes", 10, 100_000],
    ["bytes", "decoded", 100_000, 10],
  ] as const)("reading anew chooses anew: %s, then %s", async (before, after, offsetsBefore, offsetsAfter) => {
    append(offsetsBefore, { key: "gone" });
    append(1, { key: "same" });
    append(1, { key: "changed" });
    const table = await open({ value: json() });
    const changes: string[] = [];
    void (async () => {
      for await (const change of table.changes()) {
        if (change.type === "set" || change.type === "delete")
          changes.push(`${change.phase} ${change.type} ${change.key}`);
      }
    })();
    expect(table.stats.store).toBe(before);
    await fixture.broker.deleteTopic("t");
    await fixture.broker.createTopic("t", { configs: { "cleanup.policy": "compact" } });
    append(offsetsAfter, { key: "changed", value: "2" });
    append(1, { key: "same" });
    await until(() => table.stats.resyncs === 1);
    expect([table.stats.store, table.get("changed"), table.size]).toEqual([after, 2, 2]);
    await until(() => changes.length === 2);
    expect(changes).toEqual(["resync delete gone", "resync set changed"]);
    // Whoever listens hears of what comes to the other store as well.
    append(1, { key: "live" });
    await until(() => changes.length === 3);
    expect(changes[2]).toBe("live set live");
  });

  test("a start that is repeated chooses anew", async () => {
    const table = new KafkaTable({ connection: fixture.connection(), topic: "t", value: string() });
    opened.push(table);
    append(100_000);
    const allow = fixture.broker.intercept("ListOffsets", async (_request, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      const refused = { errorCode: topicAuthorizationFailed };
      const topics = answer.topics.map(({ name, partitions }) => {
        return { name, partitions: partitions.map((partition) => ({ ...partition, ...refused })) };
      });
      return { ...answer, topics };
    });
    await expect(table.start()).rejects.toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED" });
    expect(table.stats.store).toBeUndefined();
    allow();
    await table.start();
    expect(table.stats.store).toBe("bytes");
  });

  test("a topic for unit tests leaves the choice, unless it has a key codec", async () => {
    await using topic = await TestTopic.create({ value: string() });
    topic.publish("k", "1");
    await using table = await KafkaTable.open({ ...topic.options, store: "bytes" });
    expect([table.stats.store, table.get("k")]).toEqual(["bytes", "1"]);
  });
});

describe("a codec that decodes everything", () => {
  class Counting implements Codec<string> {
    readonly decodesEverything = true;
    decodings = 0;
    encode(value: string): Uint8Array {
      return utf8(value);
    }
    decode(encoded: Uint8Array): string {
      this.decodings++;
      const text = new TextDecoder().decode(encoded);
      if (text === "bad") throw new Error("it cannot after all");
      return text;
    }
  }

  test("is the one of bytes, and not those of text and JSON, which refuse some", () => {
    expect([bytes(), string(), json()].map(({ decodesEverything }) => decodesEverything)).toEqual([
      true,
      undefined,
      undefined,
    ]);
  });

  test.each(["eager", "lazy"] as const)(
    "is not called before a value is read, where bytes are kept: %s",
    async (validate) => {
      const value = new Counting();
      append(1);
      append(1, { value: "2" });
      const table = await open({ value, store: "bytes", validate });
      expect([table.size, table.has("k"), [...table.keys()], value.decodings]).toEqual([1, true, ["k"], 0]);
      expect([table.get("k"), table.get("k"), value.decodings]).toEqual(["2", "2", 1]);
      expect(table.stats).toMatchObject({ recordsApplied: 2, valueDecodeErrors: 0 });
    },
  );

  test("is called for each value that comes while somebody listens", async () => {
    const value = new Counting();
    const heard: string[] = [];
    append(1);
    append(1, { key: "l", value: "2" });
    const table = await open({
      value,
      store: "bytes",
      onSet: (key, value) => heard.push(`${key}: ${value}`),
      onDelete: (key) => heard.push(key),
    });
    expect([heard, value.decodings]).toEqual([["k: 1", "l: 2"], 2]);
    // The values from before are for feeds.
    append(1, { key: "l", value: "3" });
    append(1, { value: null });
    await until(() => heard.length === 4);
    expect([heard.slice(2), value.decodings]).toEqual([["l: 3", "k"], 3]);
    const changes = table.changes()[Symbol.asyncIterator]();
    expect((await changes.next()).value).toMatchObject({ type: "caught-up" });
    append(1, { key: "l", value: "4" });
    expect((await changes.next()).value).toMatchObject({ key: "l", value: "4", oldValue: "3" });
    expect(value.decodings).toBe(5);
  });

  test.each(["keep-previous", "fail"] as const)(
    "and throws all the same: the key is dropped when its value is read, whatever %s would do",
    async (onPoison) => {
      append(1);
      append(1, { value: "bad" });
      append(1, { key: "other" });
      const table = await open({ value: new Counting(), store: "bytes", onPoison });
      expect([table.size, table.poisoned()]).toEqual([2, []]);
      expect([table.get("k"), table.has("k"), table.size]).toEqual([undefined, false, 1]);
      expect(table.poisoned()).toMatchObject([{ key: "k", offset: 1, serving: { from: "nothing" } }]);
      expect(table.stats).toMatchObject({ valueDecodeErrors: 1, poisonedKeys: 1 });
    },
  );

  test("and throws all the same: decoded values are judged when they come", async () => {
    append(1);
    append(1, { value: "bad" });
    const table = await open({ value: new Counting(), store: "decoded" });
    expect([table.get("k"), table.stats.valueDecodeErrors]).toEqual(["1", 1]);
  });
});
