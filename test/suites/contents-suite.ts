import { deleteRecords, KafkaClient, Producer, type ProducerRecord } from "@ktables/client";
import { type Change, json, KafkaTable, type KafkaTableOptions, KafkaTableWriter, silentLogger, string } from "ktables";
import * as v from "valibot";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { newTopic, type SuiteBroker, storeUnderTest, until, utf8 } from "./support.ts";

type Record = Omit<ProducerRecord, "topic" | "key" | "value"> & { readonly key: string; readonly value: string | null };

/** What a table keeps of its records and lets read: run on the embedded broker and on real Kafka alike. */
export function contentsSuite(name: string, start: () => Promise<SuiteBroker>): void {
  describe(`the contents of a table on ${name}`, () => {
    let broker: SuiteBroker;
    let client: KafkaClient;
    const opened: { stop(): Promise<void> }[] = [];

    beforeAll(async () => {
      broker = await start();
      client = new KafkaClient({ bootstrapServers: broker.bootstrapServers, logger: silentLogger });
    });
    afterEach(async () => {
      for (const item of opened.splice(0).reverse()) await item.stop();
    });
    afterAll(async () => {
      client?.close();
      await broker?.stop();
    });

    async function open<V>(options: Omit<KafkaTableOptions<V>, "connection">): Promise<KafkaTable<V>> {
      const table = await KafkaTable.open<V>({ connection: client, store: storeUnderTest, ...options });
      opened.push(table);
      return table;
    }

    /** Writes records one after the other; returns their offsets. */
    async function produce(topic: string, ...records: readonly Record[]): Promise<number[]> {
      const producer = new Producer(client);
      const offsets: number[] = [];
      for (const { key, value, ...rest } of records) {
        const written = { topic, key: utf8(key), value: value === null ? null : utf8(value), ...rest };
        offsets.push((await producer.send(written)).offset);
      }
      await producer.close();
      return offsets;
    }

    test("an entry has the partition, offset, timestamp and headers of its record", async () => {
      const topic = newTopic("entries");
      const table = await open({ topic, value: string(), metadata: true, partitions: 3 });
      const headers = [
        { key: "trace", value: utf8("42") },
        { key: "empty", value: new Uint8Array() },
        { key: "null", value: null },
        { key: "trace", value: utf8("43") },
      ];
      const timestamp = Date.now() - 1000;
      const [first, second] = await produce(
        topic,
        { key: "k", value: "1", partition: 2, timestamp },
        { key: "k", value: "2", partition: 2, timestamp: timestamp + 1, headers },
        { key: "plain", value: "3", partition: 1, timestamp },
      );
      expect(await table.barrier()).toBe(true);
      expect(table.entry("k")).toEqual({
        key: "k",
        value: "2",
        partition: 2,
        offset: second,
        timestamp: timestamp + 1,
        headers,
      });
      expect(second).toBe((first ?? 0) + 1);
      expect(table.entry("plain")).toMatchObject({ partition: 1, timestamp, headers: [] });
      expect(table.entry("absent")).toBeUndefined();
      await produce(topic, { key: "k", value: null, partition: 2 });
      await table.barrier();
      expect(table.entry("k")).toBeUndefined();
    });

    test("a scan goes by the bytes of the keys", async () => {
      const topic = newTopic("scan");
      const table = await open({ topic, value: string() });
      const keys = ["\u{10000}", "\uffff", "a/2", "b", "a/1", "a", "", "\u{1f600}", "é", "\ue000"];
      await produce(topic, ...keys.map((key) => ({ key, value: `value of ${key}` })));
      await table.barrier();
      const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect([...table.scan()]).toEqual(sorted.map((key) => [key, `value of ${key}`]));
      expect([...table.scan({ prefix: "a" })].map(([key]) => key)).toEqual(["a", "a/1", "a/2"]);
      expect([...table.scan({ from: "a/1", to: "b", reverse: true })].map(([key]) => key)).toEqual(["a/2", "a/1"]);
      expect([...table.scan({ from: "é", limit: 2 })].map(([key]) => key)).toEqual(["é", "\ue000"]);
    });

    const zodService = z.object({ url: z.url(), since: z.coerce.date() });
    const valibotService = v.object({
      url: v.pipe(v.string(), v.url()),
      since: v.pipe(
        v.string(),
        v.transform((text) => new Date(text)),
      ),
    });
    test.each([
      ["zod", json(zodService)],
      ["valibot", json(valibotService)],
    ])("a schema of %s judges what is written and what is read, and gives its own values", async (library, value) => {
      const topic = newTopic(library);
      const table = await open({ topic, value });
      const writer = await KafkaTableWriter.open({ connection: client, topic, value });
      opened.push(writer);
      const service = { url: "http://10.0.0.7:8080", since: new Date("2026-01-02T03:04:05Z") };
      await table.waitFor(await writer.set("billing", service));
      expect(table.get("billing")).toEqual(service);
      await expect(writer.set("billing", { ...service, url: "nowhere" })).rejects.toMatchObject({
        code: "ENCODE_FAILED",
        message: expect.stringContaining("url: "),
      });
      await produce(topic, { key: "billing", value: '{"url":"nowhere","since":"2026-01-01"}' });
      await table.barrier();
      expect(table.poisoned()).toMatchObject([
        { key: "billing", error: { code: "DECODE_FAILED" }, serving: { from: "previous", value: service } },
      ]);
      await table.waitFor(await writer.set("billing", service));
      expect(table.poisoned()).toEqual([]);
    });

    test("a key in several partitions is served the same by tables that were there before and after", async () => {
      const topic = newTopic("two-partitions");
      const live = await open({ topic, value: string(), partitions: 3 });
      const now = Date.now();
      const at = (partition: number, key: string, value: string | null, age: number): Record => {
        return { key, value, partition, timestamp: now - age };
      };
      await produce(
        topic,
        at(0, "newest first", "new", 1000),
        at(1, "newest first", "old", 2000),
        at(1, "newest last", "old", 2000),
        at(0, "newest last", "new", 1000),
        at(0, "equally old", "lower", 1000),
        at(2, "equally old", "higher", 1000),
        at(0, "deleted in one", "old", 2000),
        at(1, "deleted in one", "new", 1000),
        at(1, "deleted in one", null, 500),
        at(2, "deleted elsewhere", "value", 1000),
        at(0, "deleted elsewhere", null, 500),
        at(0, "single", "value", 1000),
      );
      const expected = {
        "newest first": "new",
        "newest last": "new",
        "equally old": "higher",
        "deleted in one": "old",
        "deleted elsewhere": "value",
        single: "value",
      };
      await live.barrier();
      for (const table of [live, await open({ topic, value: string() })]) {
        expect(Object.fromEntries(table)).toEqual(expected);
        expect(table.stats.crossPartitionKeys).toBe(3);
      }
    });

    test("what the log has let go of goes, where that is wanted, and the table is as one that is opened now", async () => {
      const topic = newTopic("expired");
      const topicConfigs = { "cleanup.policy": "compact,delete" };
      const common = { topic, value: string(), topicConfigs, onPolicyMismatch: "ignore", partitions: 2 } as const;
      const table = await open({ ...common, expireWithLog: true, fetchMaxWaitMs: 100 });
      const careless = await open(common);
      const of = (partition: number, key: string, value: string | null): Record => ({ key, value, partition });
      const [, , , offset = 0] = await produce(
        topic,
        of(0, "gone", "1"),
        of(0, "rewritten", "1"),
        of(1, "elsewhere", "1"),
        of(0, "rewritten", "2"),
        of(0, "kept", "1"),
      );
      await table.barrier();
      const changes: Change<string>[] = [];
      const feed = table.changes();
      void (async () => {
        for await (const change of feed) changes.push(change);
      })();
      await deleteRecords(client, topic, new Map([[0, offset]]));
      await until(() => changes.length === 2);
      expect(changes).toEqual([
        { type: "caught-up" },
        { type: "delete", key: "gone", oldValue: "1", phase: "expired", partition: 0, offset: offset - 2 },
      ]);
      expect(table.stats).toMatchObject({ recordsExpired: 1, resyncs: 0 });
      const fresh = await open(common);
      expect(table.snapshot()).toEqual(fresh.snapshot());
      expect(Object.fromEntries(table)).toEqual({ rewritten: "2", elsewhere: "1", kept: "1" });
      expect(careless.has("gone")).toBe(true);
      await deleteRecords(client, topic, new Map([[0, "latest"]]));
      await until(() => table.size === 1);
      expect([...table.keys()]).toEqual(["elsewhere"]);
      expect(table.stats.recordsExpired).toBe(3);
    });
  });
}
