import {
  createTopic,
  describeTopicConfigs,
  KafkaClient,
  listOffsets,
  Producer,
  partitionForKey,
  setTopicConfigs,
} from "@ktables/client";
import {
  bytes,
  ensureTopic,
  json,
  type KafkaClientConfig,
  KafkaTable,
  type KafkaTableOptions,
  KafkaTableWriter,
  type KafkaTableWriterOptions,
  string,
} from "ktables";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { LostAnswers } from "./lost-answers.ts";
import {
  has,
  type Infidelities,
  newTopic,
  recordingLogger,
  rejection,
  type SuiteBroker,
  testDespite,
  until,
  utf8,
} from "./support.ts";

interface Service {
  readonly url: string;
  readonly version?: number;
}

/** What tables and writers do on any Kafka: run on the embedded broker and on the real one alike. */
export function tableSuite(name: string, start: () => Promise<SuiteBroker>, infidelities: Infidelities = {}): void {
  const test = testDespite(infidelities);
  describe(`table and writer on ${name}`, () => {
    let broker: SuiteBroker;
    let client: KafkaClient;
    let logger: ReturnType<typeof recordingLogger>;
    const opened: { stop(): Promise<void> }[] = [];

    beforeAll(async () => {
      broker = await start();
      client = new KafkaClient(broker.bootstrapServers);
    });
    afterEach(async () => {
      for (const item of opened.splice(0).reverse()) await item.stop();
    });
    afterAll(async () => {
      client?.close();
      await broker?.stop();
    });

    function connection(): KafkaClientConfig {
      logger = recordingLogger();
      return { bootstrapServers: broker.bootstrapServers, logger };
    }

    function newTable<V>(options: Omit<KafkaTableOptions<V>, "connection">): KafkaTable<V> {
      const table = new KafkaTable<V>({ connection: connection(), ...options });
      opened.push(table);
      return table;
    }

    async function openTable<V>(options: Omit<KafkaTableOptions<V>, "connection">): Promise<KafkaTable<V>> {
      const table = newTable(options);
      await table.start();
      return table;
    }

    async function openWriter<V>(
      options: Omit<KafkaTableWriterOptions<V>, "connection">,
    ): Promise<KafkaTableWriter<V>> {
      const writer = new KafkaTableWriter<V>({ connection: connection(), ...options });
      opened.push(writer);
      await writer.start();
      return writer;
    }

    /** Writes what the writer refuses to: records without a key, or with bytes that no codec made. */
    async function produce(topic: string, records: readonly (readonly [Uint8Array | null, Uint8Array | null])[]) {
      const producer = new Producer(client);
      for (const [key, value] of records) await producer.send({ topic, key, value, partition: 0 });
      await producer.close();
    }

    /** A topic that takes records without a key, as a compacted one does not. */
    async function plainTopic(): Promise<string> {
      const topic = newTopic("plain");
      await createTopic(client, topic, { configs: { "cleanup.policy": "delete" } });
      return topic;
    }

    describe("reading", () => {
      test("a new topic is caught up at once and takes later writes", async () => {
        const topic = newTopic("new");
        const table = await openTable({ topic, value: string(), partitions: 3 });
        expect(table.status).toBe("caught_up");
        expect(table.size).toBe(0);
        const writer = await openWriter({ topic, value: string() });
        await writer.set("a", "1");
        expect(await table.barrier()).toBe(true);
        expect(table.get("a")).toBe("1");
      });

      test("a table has everything that was in the topic when it is open", async () => {
        const topic = newTopic("replay");
        const writer = await openWriter({ topic, value: json<number>(), partitions: 3 });
        await Promise.all(Array.from({ length: 500 }, (_, i) => writer.set(`key-${i}`, i)));
        const table = await openTable({ topic, value: json<number>() });
        expect(table.size).toBe(500);
        for (let i = 0; i < 500; i++) expect(table.get(`key-${i}`)).toBe(i);
      });

      test("it is a read-only map with string keys", async () => {
        const topic = newTopic("map");
        const writer = await openWriter({ topic, value: string() });
        for (const key of ["b", "10", "2", "__proto__", "", "é😀"]) await writer.set(key, `value of ${key}`);
        const table = await openTable({ topic, value: string() });
        const expected = [
          ["b", "value of b"],
          ["10", "value of 10"],
          ["2", "value of 2"],
          ["__proto__", "value of __proto__"],
          ["", "value of "],
          ["é😀", "value of é😀"],
        ];
        expect([...table]).toEqual(expected);
        expect([...table.entries()]).toEqual(expected);
        expect([...table.keys()]).toEqual(expected.map(([key]) => key));
        expect([...table.values()]).toEqual(expected.map(([, value]) => value));
        const seen: unknown[] = [];
        table.forEach((value, key, map) => seen.push([key, value, map === table]));
        expect(seen).toEqual(expected.map(([key, value]) => [key, value, true]));
        expect(table.size).toBe(6);
        expect(table.has("__proto__")).toBe(true);
        expect(table.has("absent")).toBe(false);
        expect(table.get("absent")).toBeUndefined();
        expect("set" in table || "delete" in table || "clear" in table).toBe(false);
      });

      test("the last write of a key wins, compacted or not", async () => {
        const topic = newTopic("last");
        const writer = await openWriter({ topic, value: json<number>() });
        const writes: Promise<unknown>[] = [];
        for (let version = 0; version < 40; version++) {
          for (const key of ["a", "b", "c"]) writes.push(writer.set(key, version));
        }
        await Promise.all(writes);
        const table = await openTable({ topic, value: json<number>() });
        expect([...table]).toEqual([
          ["a", 39],
          ["b", 39],
          ["c", 39],
        ]);
        expect(table.stats.replayedAtCatchUp).toBe(120);
      });

      test("a tombstone removes a key, and empty bytes are a value", async () => {
        const topic = newTopic("tombstone");
        const writer = await openWriter({ topic, value: bytes() });
        await writer.set("gone", utf8("x"));
        await writer.set("empty", new Uint8Array());
        await writer.delete("gone");
        await writer.delete("never there");
        const table = await openTable({ topic, value: bytes() });
        expect([...table]).toEqual([["empty", new Uint8Array()]]);
        expect(table.stats.tombstonesApplied).toBe(2);
      });

      test("a record without a key is skipped and counted, one with an empty key is not", async () => {
        const topic = await plainTopic();
        await produce(topic, [
          [null, utf8("lost")],
          [utf8(""), utf8("kept")],
        ]);
        const table = await openTable({ topic, value: string(), ensureTopic: false });
        expect([...table]).toEqual([["", "kept"]]);
        expect(table.stats).toMatchObject({ keylessRecords: 1, recordsApplied: 1 });
        expect(logger.messages("warn")).toEqual([expect.stringContaining(`"${topic}": partition 0 offset 0`)]);
      });

      test("a key that is not UTF-8 is skipped, of values and of tombstones", async () => {
        const topic = newTopic("bad-key");
        await createTopic(client, topic);
        await produce(topic, [
          [Uint8Array.of(0xff), utf8("x")],
          [Uint8Array.of(0xfe), null],
          [Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), utf8("with a byte order mark")],
          [utf8("a"), utf8("without")],
        ]);
        const table = await openTable({ topic, value: string(), ensureTopic: false });
        expect([...table]).toEqual([
          ["\uFEFFa", "with a byte order mark"],
          ["a", "without"],
        ]);
        expect(table.stats).toMatchObject({ keyDecodeErrors: 2, recordsApplied: 2, tombstonesApplied: 0 });
      });

      test("a value that cannot be decoded leaves the previous one in place", async () => {
        const topic = newTopic("bad-value");
        await createTopic(client, topic);
        await produce(topic, [
          [utf8("k"), utf8('{"url":"first"}')],
          [utf8("k"), utf8("{not json")],
        ]);
        const table = await openTable({ topic, value: json<Service>(), ensureTopic: false });
        expect(table.get("k")).toEqual({ url: "first" });
        expect(table.stats).toMatchObject({ valueDecodeErrors: 1, recordsApplied: 1 });
        expect(table.status).toBe("caught_up");
        await produce(topic, [[utf8("k"), utf8('{"url":"third"}')]]);
        expect(await table.barrier()).toBe(true);
        expect(table.get("k")).toEqual({ url: "third" });
      });

      test("a decoder that returns null stores null", async () => {
        const topic = newTopic("null");
        const calls: unknown[] = [];
        const writer = await openWriter({ topic, value: json<null | number>() });
        await writer.set("k", 1);
        await writer.set("k", null);
        const table = await openTable({
          topic,
          value: json<null | number>(),
          onSet: (key, value) => calls.push(["set", key, value]),
          onDelete: (key) => calls.push(["delete", key]),
        });
        expect(table.has("k")).toBe(true);
        expect(table.get("k")).toBeNull();
        expect(calls).toEqual([
          ["set", "k", 1],
          ["set", "k", null],
        ]);
      });

      test("skipped records never hold up the start or a barrier", async () => {
        const topic = await plainTopic();
        const poison = [
          [null, utf8("x")],
          [Uint8Array.of(0xff), utf8("x")],
          [utf8("k"), utf8("{")],
        ] as const;
        await produce(topic, poison);
        const table = await openTable({ topic, value: json(), ensureTopic: false });
        expect(table.status).toBe("caught_up");
        await produce(topic, poison);
        expect(await table.barrier()).toBe(true);
        expect(table.size).toBe(0);
        expect(table.stats).toMatchObject({ keylessRecords: 2, keyDecodeErrors: 2, valueDecodeErrors: 2 });
      });

      test("many skipped records give one log line of each kind and a count at the end", async () => {
        const topic = await plainTopic();
        await produce(
          topic,
          Array.from({ length: 20 }, () => [null, utf8("x")] as const),
        );
        const table = await openTable({ topic, value: json(), ensureTopic: false });
        expect(table.stats.keylessRecords).toBe(20);
        expect(logger.messages("warn")).toHaveLength(1);
        await table.stop();
        expect(logger.messages("warn")).toEqual([expect.anything(), "19 more of this kind: keyless"]);
      });

      test("a table reads the same again after a restart", async () => {
        const topic = newTopic("again");
        const writer = await openWriter({ topic, value: json<number>(), partitions: 3 });
        for (let i = 0; i < 60; i++) await writer.set(`k${i % 20}`, i);
        for (let i = 0; i < 5; i++) await writer.delete(`k${i}`);
        const first = await openTable({ topic, value: json<number>() });
        const second = await openTable({ topic, value: json<number>() });
        expect(first.size).toBe(15);
        expect(second.snapshot()).toEqual(first.snapshot());
      });

      test("several tables and writers share one client, which they do not close", async () => {
        const topic = newTopic("shared");
        const value = string();
        const table = await KafkaTable.open({ connection: client, topic, value });
        const writer = await KafkaTableWriter.open({ connection: client, topic, value });
        const other = await KafkaTable.open({ connection: client, topic, value });
        await writer.set("k", "v");
        expect(await table.barrier()).toBe(true);
        expect(await other.barrier()).toBe(true);
        expect([table.get("k"), other.get("k")]).toEqual(["v", "v"]);
        await Promise.all([table.stop(), other.stop(), writer.stop()]);
        expect(client.isClosed).toBe(false);
        expect((await listOffsets(client, topic, "latest")).get(0)).toBe(1);
      });
    });

    describe("hooks and statistics", () => {
      test("hooks see every applied record, historical ones too, and no skipped one", async () => {
        const topic = await plainTopic();
        await produce(topic, [
          [utf8("k"), utf8("1")],
          [utf8("k"), utf8("2")],
          [utf8("k"), utf8("{")],
          [null, utf8("3")],
          [Uint8Array.of(0xff), utf8("4")],
          [utf8("absent"), null],
        ]);
        const calls: unknown[] = [];
        let table: KafkaTable<number> | undefined;
        const options: Omit<KafkaTableOptions<number>, "connection"> = {
          topic,
          value: json<number>(),
          ensureTopic: false,
          // What the hook sees in the table is what it is told.
          onSet: (key, value) => calls.push(["set", key, value, table?.get(key)]),
          onDelete: (key) => calls.push(["delete", key, table?.has(key)]),
        };
        table = newTable(options);
        await table.start();
        expect(calls).toEqual([
          ["set", "k", 1, 1],
          ["set", "k", 2, 2],
          ["delete", "absent", false],
        ]);
      });

      test("a hook that throws is logged and counted, and the record stays applied", async () => {
        const topic = newTopic("hooks");
        const table = await openTable({
          topic,
          value: string(),
          onSet: () => {
            throw new Error("hook is broken");
          },
          onDelete: () => Promise.reject(new Error("async hook is broken")) as never,
        });
        const tableLog = logger;
        const writer = await openWriter({ topic, value: string() });
        await writer.set("a", "1");
        await writer.set("b", "2");
        await writer.delete("b");
        expect(await table.barrier()).toBe(true);
        await until(() => table.stats.callbackErrors === 3);
        expect(table.status).toBe("caught_up");
        expect([...table]).toEqual([["a", "1"]]);
        expect(table.stats.recordsApplied).toBe(2);
        expect(tableLog.messages("warn").join()).toContain("hook is broken");
      });

      test("statistics are zero before the start, and counted afterwards", async () => {
        const topic = newTopic("stats");
        const writer = await openWriter({ topic, value: string() });
        for (const value of ["1", "2"]) await writer.set("k", value);
        await writer.delete("k");
        const table = newTable({ topic, value: string() });
        expect(table.stats).toEqual({
          recordsApplied: 0,
          tombstonesApplied: 0,
          keylessRecords: 0,
          keyDecodeErrors: 0,
          valueDecodeErrors: 0,
          callbackErrors: 0,
          catchUpMs: undefined,
          replayedAtCatchUp: undefined,
          resyncs: 0,
          pendingWaits: 0,
        });
        await table.start();
        const { stats } = table;
        expect(stats).toMatchObject({ recordsApplied: 2, tombstonesApplied: 1, replayedAtCatchUp: 3, pendingWaits: 0 });
        expect(stats.catchUpMs).toBeGreaterThan(0);
        expect(Object.isFrozen(stats)).toBe(true);
        await writer.set("k", "3");
        await table.barrier();
        expect(stats.recordsApplied).toBe(2);
        expect(table.stats).toMatchObject({ recordsApplied: 3, replayedAtCatchUp: 3, catchUpMs: stats.catchUpMs });
      });

      test("a snapshot stands still and shares the values", async () => {
        const topic = newTopic("snapshot");
        const writer = await openWriter({ topic, value: json<Service>() });
        await writer.set("a", { url: "1" });
        const table = await openTable({ topic, value: json<Service>() });
        const snapshot = table.snapshot();
        await writer.set("b", { url: "2" });
        await table.barrier();
        expect([...snapshot.keys()]).toEqual(["a"]);
        expect(snapshot.get("a")).toBe(table.get("a"));
        snapshot.clear();
        expect(table.size).toBe(2);
      });
    });

    describe("lifecycle", () => {
      test("a table is started once", async () => {
        const table = await openTable({ topic: newTopic("once"), value: string() });
        expect(await rejection(table.start())).toMatchObject({ code: "ALREADY_STARTED" });
        await table.stop();
        expect(await rejection(table.start())).toMatchObject({ code: "ALREADY_STARTED" });
      });

      test("stopping before the start does nothing, and twice does no harm", async () => {
        const table = newTable({ topic: newTopic("stop"), value: string() });
        await table.stop();
        expect([table.status, table.started]).toEqual(["unstarted", false]);
        await table.start();
        expect([table.status, table.started]).toEqual(["caught_up", true]);
        await Promise.all([table.stop(), table.stop()]);
        await table.stop();
        expect([table.status, table.started]).toEqual(["stopped", true]);
      });

      test("a stopped table serves what it had", async () => {
        const topic = newTopic("frozen");
        const writer = await openWriter({ topic, value: string() });
        await writer.set("k", "before");
        const table = await openTable({ topic, value: string() });
        await table.stop();
        await writer.set("k", "after");
        expect(table.get("k")).toBe("before");
        expect([table.size, [...table.keys()], table.isCaughtUp]).toEqual([1, ["k"], true]);
        expect(table.failure).toBeUndefined();
      });

      test("await using stops a table, and lets the body's error through", async () => {
        let leaked: KafkaTable<string> | undefined;
        const body = async (): Promise<void> => {
          await using table = await KafkaTable.open({
            connection: connection(),
            topic: newTopic("using"),
            value: string(),
          });
          leaked = table;
          throw new Error("from the body");
        };
        await expect(body()).rejects.toThrow("from the body");
        expect(leaked?.status).toBe("stopped");
      });

      test("a topic that does not exist fails the start with its name, and the table may try again", async () => {
        const topic = newTopic("missing");
        const table = newTable({ topic, value: string(), ensureTopic: false, catchupTimeoutMs: 1000 });
        const error = await rejection(table.start());
        expect(error).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION", topic });
        expect(table.status).toBe("unstarted");
        await createTopic(client, topic);
        await table.start();
        expect(table.status).toBe("caught_up");
      });
    });

    describe("barrier", () => {
      test("everything acknowledged before a barrier can be read after it", async () => {
        const topic = newTopic("barrier");
        const writer = await openWriter({ topic, value: json<number>(), partitions: 3 });
        const table = await openTable({ topic, value: json<number>() });
        for (let round = 0; round < 20; round++) {
          await Promise.all(["a", "b", "c", "d", "e"].map((key) => writer.set(key, round)));
          expect(await table.barrier()).toBe(true);
          expect(["a", "b", "c", "d", "e"].map((key) => table.get(key))).toEqual([round, round, round, round, round]);
        }
      });

      test("a barrier covers tombstones", async () => {
        const topic = newTopic("barrier-tombstone");
        const writer = await openWriter({ topic, value: string() });
        await writer.set("k", "v");
        const table = await openTable({ topic, value: string() });
        expect(table.has("k")).toBe(true);
        await writer.delete("k");
        expect(await table.barrier()).toBe(true);
        expect(table.has("k")).toBe(false);
      });

      test("barriers of an idle table are true, five at once too", async () => {
        const table = await openTable({ topic: newTopic("idle"), value: string() });
        expect(await table.barrier()).toBe(true);
        expect(await Promise.all([1, 2, 3, 4, 5].map(() => table.barrier({ timeoutMs: 10_000 })))).toEqual(
          Array(5).fill(true),
        );
        expect(table.stats.pendingWaits).toBe(0);
      });

      test("a barrier waits for the end as it was at the call, under endless writes", async () => {
        const topic = newTopic("churn");
        const writer = await openWriter({ topic, value: json<number>() });
        const table = await openTable({ topic, value: json<number>() });
        const enough = new AbortController();
        const churn = (async () => {
          for (let i = 0; !enough.signal.aborted; i++) await writer.set("k", i);
        })();
        for (let i = 0; i < 10; i++) expect(await table.barrier()).toBe(true);
        enough.abort();
        await churn;
      });

      test("a barrier before the start or after the stop is an error", async () => {
        const table = newTable({ topic: newTopic("misuse"), value: string() });
        expect(await rejection(table.barrier())).toMatchObject({ code: "NOT_STARTED" });
        expect(await rejection(table.waitUntilCaughtUp())).toMatchObject({ code: "NOT_STARTED" });
        await table.start();
        await table.stop();
        expect(await rejection(table.barrier())).toMatchObject({ code: "STOPPED" });
        expect(await table.waitUntilCaughtUp()).toBe(true);
      });

      test("an aborted signal rejects a barrier with its reason", async () => {
        const table = await openTable({ topic: newTopic("abort"), value: string() });
        const reason = new Error("enough");
        expect(await rejection(table.barrier({ signal: AbortSignal.abort(reason) }))).toBe(reason);
        expect(await rejection(table.waitUntilCaughtUp({ signal: AbortSignal.abort(reason) }))).toBe(reason);
        expect(await table.barrier()).toBe(true);
      });
    });

    describe("writer", () => {
      test("a write resolves with a token that says where it is", async () => {
        const topic = newTopic("token");
        const writer = await openWriter({ topic, value: string() });
        const first = await writer.set("k", "v");
        const second = await writer.delete("k");
        expect(first).toMatchObject({ topic, partition: 0, offset: 0 });
        expect(second).toMatchObject({ topic, partition: 0, offset: 1 });
        if (has(broker, "topic ids")) expect(first.topicId).toMatch(/^[\w-]{22}$/);
        else expect(first).not.toHaveProperty("topicId");
        expect(JSON.parse(JSON.stringify(first))).toEqual(first);
      });

      test("writes of one key stay in the order of the calls", async () => {
        const topic = newTopic("order");
        const writer = await openWriter({ topic, value: json<number>() });
        const tokens = await Promise.all(Array.from({ length: 200 }, (_, i) => writer.set("k", i)));
        expect(tokens.map(({ offset }) => offset)).toEqual(Array.from({ length: 200 }, (_, i) => i));
      });

      test("answers that are lost lead to no second copy where the broker knows the writer, and never to disorder", async () => {
        const topic = newTopic("lost-answers");
        const lost = new LostAnswers();
        const writer = new KafkaTableWriter({
          connection: { ...connection(), connector: lost.connector },
          topic,
          value: json<number>(),
          // One record a batch, so that several are under way.
          maxBatchBytes: 50,
        });
        opened.push(writer);
        await writer.start();
        // After the first answer several batches may be under way.
        await writer.set("k", 0);
        lost.cuts = 3;
        const writes = Array.from({ length: 40 }, (_, i) => writer.set("k", i + 1));
        await Promise.all(writes);
        expect(lost.cuts).toBe(0);
        const seen: number[] = [];
        await openTable({ topic, value: json<number>(), onSet: (_, value) => seen.push(value) });
        const first = seen.filter((value, index) => seen.indexOf(value) === index);
        expect(first).toEqual(Array.from({ length: 41 }, (_, i) => i));
        if (has(broker, "idempotence")) expect(seen).toEqual(first);
        // Without it one batch at a time is under way, which is the one that may be there twice.
        else expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      });

      test("writes that wait for room are written too, in order", async () => {
        const topic = newTopic("room");
        const writer = await openWriter({ topic, value: string(), maxBufferedBytes: 2000, lingerMs: 5 });
        const tokens = await Promise.all(Array.from({ length: 100 }, (_, i) => writer.set(`k${i}`, "v".repeat(900))));
        expect(tokens.map(({ offset }) => offset)).toEqual(Array.from({ length: 100 }, (_, i) => i));
      });

      test("keys go to the partitions that Java's default partitioner chooses", async () => {
        const topic = newTopic("partitions");
        const writer = await openWriter({ topic, value: string(), partitions: 5 });
        for (const key of ["", "a", "billing", "é😀", "some-longer-key-0123456789"]) {
          expect((await writer.set(key, "v")).partition).toBe(partitionForKey(utf8(key), 5));
        }
        // From the Java client: murmur2("21") % 5 with the sign bit cleared.
        expect((await writer.set("21", "v")).partition).toBe((-973932308 & 0x7fffffff) % 5);
      });

      test("a writer is of no use before the start, and can be started again after a stop", async () => {
        const topic = newTopic("restart");
        const writer = new KafkaTableWriter({ connection: connection(), topic, value: string() });
        opened.push(writer);
        expect(await rejection(writer.set("k", "v"))).toMatchObject({ code: "NOT_STARTED" });
        expect(await rejection(writer.delete("k"))).toMatchObject({ code: "NOT_STARTED" });
        await writer.stop();
        await writer.start();
        expect(await rejection(writer.start())).toMatchObject({ code: "ALREADY_STARTED" });
        expect((await writer.set("k", "1")).offset).toBe(0);
        await writer.stop();
        expect(writer.started).toBe(false);
        expect(await rejection(writer.set("k", "2"))).toMatchObject({ code: "NOT_STARTED" });
        await writer.start();
        expect((await writer.set("k", "2")).offset).toBe(1);
      });

      test("stopping a writer waits for what was written", async () => {
        const topic = newTopic("flush");
        const writer = await openWriter({ topic, value: json<number>(), lingerMs: 30 });
        const writes = Array.from({ length: 50 }, (_, i) => writer.set(`k${i}`, i));
        // All are on their way before the stop.
        await writes[0];
        const late = writer.set("late", 1);
        await new Promise((resolve) => setImmediate(resolve));
        await writer.stop();
        expect(await Promise.all([...writes, late])).toHaveLength(51);
        expect((await listOffsets(client, topic, "latest")).get(0)).toBe(51);
      });

      test("what cannot be encoded reaches the caller, and nothing is sent", async () => {
        const topic = newTopic("encode");
        const broken = new Error("encoder is broken");
        let result: unknown;
        const writer = await openWriter<string>({
          topic,
          value: {
            encode: () => {
              if (result instanceof Error) throw result;
              return result as Uint8Array;
            },
            decode: () => "",
          },
        });
        result = broken;
        expect(await rejection(writer.set("k", "v"))).toBe(broken);
        for (result of [null, undefined, "text", [1, 2]]) {
          expect(await rejection(writer.set("k", "v"))).toMatchObject({ code: "ENCODE_FAILED" });
        }
        result = utf8("v");
        expect(await rejection(writer.set("lone surrogate \uD800", "v"))).toMatchObject({ code: "ENCODE_FAILED" });
        expect(await rejection(writer.delete("\uDC00"))).toMatchObject({ code: "ENCODE_FAILED" });
        expect(await rejection(writer.set(undefined as unknown as string, "v"))).toMatchObject({
          code: "ENCODE_FAILED",
        });
        expect((await listOffsets(client, topic, "latest")).get(0)).toBe(0);
        expect((await writer.set("k", "v")).offset).toBe(0);
      });

      test.each([
        ["all", undefined],
        ["all", false],
        ["all", true],
        [1, undefined],
        [0, undefined],
      ] as const)("writes arrive with acks %s and idempotent %s", async (acks, idempotent) => {
        const topic = newTopic("acks");
        const writer = await openWriter({ topic, value: string(), acks, idempotent });
        if (idempotent === true && !has(broker, "idempotence")) {
          const error = await rejection(writer.set("k", "v"));
          expect(error).toMatchObject({ code: "UNSUPPORTED_API", maybeWritten: false });
          expect(error.message).toContain("InitProducerId");
          return;
        }
        const token = await writer.set("k", "v");
        expect(token.offset).toBe(acks === 0 ? -1 : 0);
        const table = await openTable({ topic, value: string() });
        // Nobody has acknowledged a write with acks 0, so that no barrier covers it.
        await until(() => table.get("k") === "v");
      });

      test.each(["gzip", "snappy", "lz4", "zstd"] as const)("a table reads what was written with %s", async (name) => {
        const topic = newTopic(name);
        const writer = await openWriter({ topic, value: string(), compression: name });
        if (name === "zstd" && !has(broker, "zstd")) {
          const error = await rejection(writer.set("k", "v"));
          expect(error).toMatchObject({ code: "UNSUPPORTED_API", maybeWritten: false });
          expect(error.message).toContain("zstd");
          return;
        }
        await Promise.all(Array.from({ length: 100 }, (_, i) => writer.set(`k${i}`, "value ".repeat(i))));
        const table = await openTable({ topic, value: string() });
        expect(table.size).toBe(100);
        expect(table.get("k99")).toBe("value ".repeat(99));
      });
    });

    describe("ensureTopic", () => {
      test("creates a missing topic, compacted, and finds it the next time", async () => {
        const topic = newTopic("ensure");
        const first = await ensureTopic(connection(), topic, { partitions: 2 });
        expect(first).toEqual({ outcome: "created", actualPolicy: null });
        expect(Object.isFrozen(first)).toBe(true);
        expect(logger.messages("info")).toEqual([expect.stringContaining(`Created topic "${topic}"`)]);
        expect((await client.topicMetadata(topic)).partitions).toHaveLength(2);
        expect(await ensureTopic(connection(), topic)).toEqual({ outcome: "verified", actualPolicy: "compact" });
        expect(logger.lines).toEqual([]);
        expect(await ensureTopic(connection(), topic, { onPolicyMismatch: "ignore" })).toEqual({
          outcome: "skipped",
          actualPolicy: null,
        });
      });

      test("-1 leaves partitions and replication to the broker", async () => {
        const topic = newTopic("defaults");
        const options = { partitions: -1, replicationFactor: -1 };
        if (!has(broker, "default partitions")) {
          const error = await rejection(ensureTopic(connection(), topic, options));
          expect(error).toMatchObject({ code: "INVALID_PARTITIONS" });
          return;
        }
        expect(await ensureTopic(connection(), topic, options)).toMatchObject({ outcome: "created" });
        expect((await client.topicMetadata(topic)).partitions.length).toBeGreaterThan(0);
      });

      test.each([
        ["compact", 0],
        ["compact,delete", 1],
        ["delete, compact", 1],
      ])("a topic with policy %s is verified, with %i remarks on retention", async (policy, remarks) => {
        const topic = newTopic("policy");
        await createTopic(client, topic, { configs: { "cleanup.policy": policy.replaceAll(" ", "") } });
        for (const onPolicyMismatch of ["warn", "raise", "reconcile"] as const) {
          const result = await ensureTopic(connection(), topic, { onPolicyMismatch });
          expect(result.outcome).toBe("verified");
          expect(logger.messages("info")).toHaveLength(remarks);
          expect(logger.messages("warn")).toEqual([]);
        }
      });

      test("declared policies are read as a list, spaces or not", async () => {
        const topic = await plainTopic();
        for (const policy of [" compact ", "delete, compact"]) {
          const options = { topicConfigs: { "cleanup.policy": policy } };
          expect(await ensureTopic(connection(), topic, options)).toMatchObject({ outcome: "mismatch" });
        }
        for (const topicConfigs of [{ "cleanup.policy": "delete" }, { "cleanup.policy": "" }, {}]) {
          const options = { topicConfigs, onPolicyMismatch: "raise" } as const;
          expect(await ensureTopic(connection(), topic, options)).toEqual({ outcome: "skipped", actualPolicy: null });
        }
      });

      test("a topic that is not compacted gives one warning, and the table starts all the same", async () => {
        const topic = await plainTopic();
        const table = await openTable({ topic, value: string() });
        expect(table.status).toBe("caught_up");
        expect(logger.messages("warn")).toEqual([expect.stringMatching(`"${topic}".*"delete".*"compact" is required`)]);
        expect(await ensureTopic(connection(), topic)).toEqual({ outcome: "mismatch", actualPolicy: "delete" });
      });

      test("raise refuses a topic that is not compacted, for table and writer", async () => {
        const topic = await plainTopic();
        const expected = {
          name: "TopicConfigMismatchError",
          code: "TOPIC_CONFIG_MISMATCH",
          topic,
          expected: "compact",
          actual: "delete",
        };
        const options = { topic, value: string(), onPolicyMismatch: "raise" } as const;
        const table = newTable(options);
        const error = await rejection(table.start());
        expect(error).toMatchObject(expected);
        for (const part of [topic, '"compact"', '"delete"']) expect(error.message).toContain(part);
        expect(table.status).toBe("unstarted");
        expect(await rejection(openWriter(options))).toMatchObject(expected);
      });

      test("reconcile sets the policy and keeps every other setting, once", async () => {
        const topic = newTopic("reconcile");
        await createTopic(client, topic, {
          configs: { "cleanup.policy": "delete", "segment.ms": "123456789", "delete.retention.ms": "1000" },
        });
        const options = {
          topicConfigs: { "cleanup.policy": "compact,delete" },
          onPolicyMismatch: "reconcile",
        } as const;
        if (!has(broker, "config changes")) {
          const error = await rejection(ensureTopic(connection(), topic, options));
          expect(error).toMatchObject({ code: "UNSUPPORTED_API", api: "IncrementalAlterConfigs" });
          return;
        }
        const result = await ensureTopic(connection(), topic, options);
        expect(result).toEqual({ outcome: "reconciled", actualPolicy: "delete" });
        // Brokers before 2.3 cannot change one setting alone (KIP-339); that it was done another way is said.
        const way = has(broker, "incremental config changes")
          ? []
          : [expect.stringMatching(/older than 2\.3.*kept: .*segment\.ms/)];
        expect(logger.messages("info")).toEqual([
          ...way,
          expect.stringContaining("2 other settings of the topic are unchanged: delete.retention.ms, segment.ms"),
          expect.stringContaining("within its retention disappear"),
        ]);
        const overrides = async (): Promise<object> => {
          const configs = (await describeTopicConfigs(client, topic)).filter(({ isOverride }) => isOverride);
          return Object.fromEntries(configs.map(({ name, value }) => [name, value]));
        };
        // Under KRaft the controller knows it first.
        await expect.poll(overrides, { timeout: 20_000 }).toEqual({
          "cleanup.policy": "compact,delete",
          "segment.ms": "123456789",
          "delete.retention.ms": "1000",
        });
        expect(await ensureTopic(connection(), topic, options)).toMatchObject({ outcome: "verified" });
      });

      test("a reader and a writer that reconcile at once agree", async () => {
        const topic = newTopic("both");
        await createTopic(client, topic, { configs: { "cleanup.policy": "delete" } });
        if (!has(broker, "config changes")) {
          expect(await rejection(setTopicConfigs(client, topic, { "segment.ms": "1000" }))).toMatchObject({
            code: "UNSUPPORTED_API",
          });
          return;
        }
        await setTopicConfigs(client, topic, { "segment.ms": "123456789" });
        const options = { topic, value: string(), onPolicyMismatch: "reconcile" } as const;
        await Promise.all([openTable(options), openWriter(options)]);
        const settings = async (): Promise<object> => {
          const configs = await describeTopicConfigs(client, topic, { names: ["cleanup.policy", "segment.ms"] });
          return Object.fromEntries(configs.map(({ name, value }) => [name, value]));
        };
        await expect.poll(settings, { timeout: 20_000 }).toEqual({
          "cleanup.policy": "compact",
          "segment.ms": "123456789",
        });
      });

      test("configs without a policy are created as given, with a warning", async () => {
        const topic = newTopic("no-policy");
        const options = { topicConfigs: { "segment.ms": "123456789" } };
        expect(await ensureTopic(connection(), topic, options)).toMatchObject({ outcome: "created" });
        expect(logger.messages("warn")).toEqual([expect.stringContaining("declare no cleanup.policy")]);
        const configs = await describeTopicConfigs(client, topic, { names: ["cleanup.policy", "segment.ms"] });
        expect(Object.fromEntries(configs.map(({ name, value }) => [name, value]))).toEqual({
          "cleanup.policy": "delete",
          "segment.ms": "123456789",
        });
      });

      test("what the broker refuses is thrown with its name and message", async () => {
        const invalid = await rejection(ensureTopic(connection(), "not a topic name!"));
        expect(invalid).toMatchObject({ code: "INVALID_TOPIC_EXCEPTION" });
        const config = { topicConfigs: { "cleanup.policy": "compact", "no.such.setting": "1" } };
        const unknown = await rejection(ensureTopic(connection(), newTopic("bad"), config));
        expect(unknown).toMatchObject({ code: "INVALID_CONFIG" });
        expect(unknown.message).toContain("no.such.setting");
        expect(unknown.message).not.toMatch(/\b(null|undefined|None)\b/);
      });
    });
  });
}
