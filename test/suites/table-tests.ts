import { createTopic, listOffsets } from "@ktables/client";
import { bytes, json, KafkaTable, type KafkaTableOptions, KafkaTableWriter, string } from "ktables";
import { describe, expect, type test as vitestTest } from "vitest";
import { newTopic, rejection, storeUnderTest, until, utf8 } from "./support.ts";
import type { TableFixture } from "./table-fixture.ts";

interface Service {
  readonly url: string;
  readonly version?: number;
}

/** What a table shows, tells and waits for. */
export function tableTests(fixture: TableFixture, test: typeof vitestTest): void {
  const { connection, newTable, openTable, openWriter, produce, plainTopic } = fixture;

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
      expect(fixture.logger.messages("warn")).toEqual([expect.stringContaining(`"${topic}": partition 0 offset 0`)]);
    });

    test("a key that is not UTF-8 is skipped, of values and of tombstones", async () => {
      const topic = newTopic("bad-key");
      await createTopic(fixture.client, topic);
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
      await createTopic(fixture.client, topic);
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
      expect(fixture.logger.messages("warn")).toHaveLength(1);
      await table.stop();
      expect(fixture.logger.messages("warn")).toEqual([expect.anything(), "19 more of this kind: keyless"]);
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
      const table = await KafkaTable.open({ connection: fixture.client, topic, value, store: storeUnderTest });
      const writer = await KafkaTableWriter.open({ connection: fixture.client, topic, value });
      const other = await KafkaTable.open({ connection: fixture.client, topic, value, store: storeUnderTest });
      await writer.set("k", "v");
      expect(await table.barrier()).toBe(true);
      expect(await other.barrier()).toBe(true);
      expect([table.get("k"), other.get("k")]).toEqual(["v", "v"]);
      await Promise.all([table.stop(), other.stop(), writer.stop()]);
      expect(fixture.client.isClosed).toBe(false);
      expect((await listOffsets(fixture.client, topic, "latest")).get(0)).toBe(1);
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
      const tableLog = fixture.logger;
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
        // What is asked for is known before reading has begun.
        store: storeUnderTest === "auto" ? undefined : storeUnderTest,
        recordsApplied: 0,
        tombstonesApplied: 0,
        keylessRecords: 0,
        keyDecodeErrors: 0,
        valueDecodeErrors: 0,
        crossPartitionRecords: 0,
        recordsExpired: 0,
        poisonedKeys: 0,
        crossPartitionKeys: 0,
        callbackErrors: 0,
        catchUpMs: undefined,
        replayedAtCatchUp: undefined,
        resyncs: 0,
        pendingWaits: 0,
      });
      await table.start();
      const { stats } = table;
      expect(stats.store).toBe(storeUnderTest === "auto" ? "decoded" : storeUnderTest);
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
      expect(snapshot.get("a")).toEqual({ url: "1" });
      // From bytes, a value is made for each that asks, unless it was asked for lately.
      if (table.stats.store === "decoded") expect(snapshot.get("a")).toBe(table.get("a"));
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
      await createTopic(fixture.client, topic);
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
}
