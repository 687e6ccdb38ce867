import { type Change, KafkaTable, type KafkaTableOptions, KafkaTableWriter, string, type WriteToken } from "ktables";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newTopic, rejection, type SuiteBroker, storeUnderTest, until } from "./support.ts";

/** Tokens, change feeds and health: run on the embedded broker and on real Kafka alike. */
export function changesSuite(name: string, start: () => Promise<SuiteBroker>): void {
  describe(`following a table on ${name}`, () => {
    let broker: SuiteBroker;
    const opened: { stop(): Promise<void> }[] = [];

    beforeAll(async () => {
      broker = await start();
    });
    afterEach(async () => {
      for (const item of opened.splice(0).reverse()) await item.stop();
    });
    afterAll(async () => {
      await broker?.stop();
    });

    async function open(
      hint: string,
      options: Partial<KafkaTableOptions<string>> = {},
    ): Promise<{ table: KafkaTable<string>; writer: KafkaTableWriter<string>; topic: string }> {
      const topic = newTopic(hint);
      const common = { connection: broker.bootstrapServers, topic, value: string() };
      const writer = await KafkaTableWriter.open({ ...common, partitions: 3 });
      const table = await KafkaTable.open({ ...common, store: storeUnderTest, ...options });
      opened.push(writer, table);
      return { table, writer, topic };
    }

    describe("tokens", () => {
      test("a write is there when its token was waited for, also after JSON", async () => {
        const { table, writer } = await open("token");
        for (let round = 0; round < 20; round++) {
          const token = await writer.set("key", `value ${round}`);
          await table.waitFor(JSON.parse(JSON.stringify(token)) as WriteToken);
          expect(table.get("key")).toBe(`value ${round}`);
        }
        await table.waitFor(await writer.delete("key"));
        expect(table.has("key")).toBe(false);
      });

      test("many tokens of several partitions can be waited for at once", async () => {
        const { table, writer } = await open("tokens");
        const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
        const tokens = await Promise.all(keys.map((key) => writer.set(key, "value")));
        expect(new Set(tokens.map(({ partition }) => partition)).size).toBe(3);
        await table.waitFor(tokens);
        expect(keys.every((key) => table.has(key))).toBe(true);
        await table.waitFor([]);
      });

      test("a token that does not know its offset waits for what its partition has", async () => {
        const { table, writer, topic } = await open("offsetless-token");
        const { partition } = await writer.set("key", "value");
        await table.waitFor({ topic, partition, offset: -1 });
        expect(table.get("key")).toBe("value");
      });

      test("a write that never comes is waited for until the time is up or the signal says so", async () => {
        const { table, topic } = await open("token-of-the-future");
        const token = { topic, partition: 0, offset: 10 };
        expect((await rejection(table.waitFor(token, { timeoutMs: 30 }))).code).toBe("TIMEOUT");
        const reason = new Error("enough");
        expect(await rejection(table.waitFor(token, { signal: AbortSignal.abort(reason) }))).toBe(reason);
        const waiting = rejection(table.waitFor(token));
        expect(table.stats.pendingWaits).toBe(0);
        await until(() => table.stats.pendingWaits === 1);
        await table.stop();
        expect((await waiting).code).toBe("STOPPED");
        expect(table.stats.pendingWaits).toBe(0);
      });

      test("what is no token of the topic is refused", async () => {
        const { table, topic } = await open("no-token");
        const wrong: unknown[] = [
          undefined,
          { topic: "another", partition: 0, offset: 0 },
          { topic, partition: -1, offset: 0 },
          { topic, partition: 0, offset: 0.5 },
          { topic, partition: 0 },
        ];
        for (const token of wrong) {
          expect((await rejection(table.waitFor(token as WriteToken))).code).toBe("INVALID_OPTION");
        }
      });
    });

    describe("changes", () => {
      /** Takes as many changes as are expected. */
      async function take(feed: AsyncIterator<Change<string>>, count: number): Promise<Change<string>[]> {
        const taken: Change<string>[] = [];
        while (taken.length < count) {
          const { done, value } = await feed.next();
          if (done === true) break;
          taken.push(value);
        }
        return taken;
      }

      test("a feed tells of values set and removed, with the old value and the place", async () => {
        const { table, writer } = await open("changes");
        const feed = table.changes();
        expect(await take(feed, 1)).toEqual([{ type: "caught-up" }]);
        const first = await writer.set("key", "one");
        expect(await take(feed, 1)).toEqual([
          {
            type: "set",
            key: "key",
            value: "one",
            oldValue: undefined,
            phase: "live",
            partition: first.partition,
            offset: first.offset,
          },
        ]);
        await table.waitFor(await writer.set("key", "two"));
        expect(await take(feed, 1)).toMatchObject([{ type: "set", value: "two", oldValue: "one" }]);
        await writer.delete("key");
        expect(await take(feed, 1)).toMatchObject([{ type: "delete", key: "key", oldValue: "two" }]);
      });

      test("the contents come first when they are asked for, then the word that they are complete", async () => {
        const { table, writer } = await open("initial");
        await table.waitFor([await writer.set("a", "1"), await writer.set("b", "2"), await writer.set("c", "3")]);
        const feed = table.changes({ initial: "snapshot" });
        await table.waitFor(await writer.set("a", "new"));
        const taken = await take(feed, 5);
        expect(taken.slice(0, 3).map((change) => (change.type === "set" ? change.phase : change.type))).toEqual([
          "initial",
          "initial",
          "initial",
        ]);
        expect(taken.slice(3)).toMatchObject([
          { type: "caught-up" },
          { type: "set", key: "a", value: "new", oldValue: "1", phase: "live" },
        ]);
      });

      test("only keys with the prefix are told of", async () => {
        const { table, writer } = await open("prefix");
        const feed = table.changes({ prefix: "user/" });
        await writer.set("group/1", "no");
        await table.waitFor([await writer.set("user/1", "yes"), await writer.set("group/2", "no")]);
        expect(await take(feed, 2)).toMatchObject([{ type: "caught-up" }, { key: "user/1" }]);
      });

      test("a consumer that takes its time gets one change per key, from the first old value to the last value", async () => {
        const { table, writer } = await open("conflated");
        await table.waitFor(await writer.set("key", "0"));
        const feed = table.changes();
        for (let round = 1; round < 10; round++) await writer.set("key", String(round));
        await table.waitFor(await writer.set("key", "10"));
        expect(await take(feed, 2)).toMatchObject([{ type: "caught-up" }, { value: "10", oldValue: "0" }]);
      });

      test("a feed ends with its signal, with a break, and when the table is stopped", async () => {
        const { table, writer } = await open("ending");
        const controller = new AbortController();
        const seen: string[] = [];
        const consuming = (async () => {
          for await (const change of table.changes({ signal: controller.signal })) seen.push(change.type);
        })();
        await table.waitFor(await writer.set("key", "value"));
        await until(() => seen.length === 2);
        controller.abort();
        await consuming;
        expect(seen).toEqual(["caught-up", "set"]);
        for await (const change of table.changes()) {
          expect(change.type).toBe("caught-up");
          break;
        }
        const feed = table.changes();
        await take(feed, 1);
        const pending = feed.next();
        await table.stop();
        expect(await pending).toEqual({ done: true, value: undefined });
        // A stopped table still has its contents to tell of.
        expect(await take(table.changes({ initial: "snapshot" }), 3)).toMatchObject([
          { type: "set", key: "key", phase: "initial" },
          { type: "caught-up" },
        ]);
        expect((await table.changes({ signal: controller.signal }).next()).done).toBe(true);
      });

      test("two feeds of one table do not take each other's changes", async () => {
        const { table, writer } = await open("two-feeds");
        const feeds = [table.changes(), table.changes()];
        await table.waitFor(await writer.set("key", "value"));
        for (const feed of feeds) expect(await take(feed, 2)).toMatchObject([{ type: "caught-up" }, { key: "key" }]);
      });

      test("wrong options are refused, and so is a table that is not started", async () => {
        const { table } = await open("feed-options");
        expect(() => table.changes({ initial: "all" as "none" })).toThrow(/initial/);
        expect(() => table.changes({ filter: 1 } as object)).toThrow(/filter/);
        const unstarted = new KafkaTable({ connection: broker.bootstrapServers, topic: "t", value: string() });
        expect(() => unstarted.changes()).toThrow(/not started/);
      });
    });

    describe("health", () => {
      test("tells status, positions and lag of a table that follows", async () => {
        const { table, writer } = await open("health");
        await table.waitFor([await writer.set("a", "1"), await writer.set("b", "2")]);
        // The end of a partition without records is known from its first answer on, which may be the end of a long poll.
        const isAtEnd = (): boolean =>
          table.health().partitions.every(({ position, endOffset }) => position === endOffset);
        await until(isAtEnd);
        const health = table.health();
        expect(health).toMatchObject({ status: "caught_up", lag: 0, progress: undefined, lastError: undefined });
        expect(health.lastContactMs).toBeGreaterThanOrEqual(0);
        expect(new Set(health.partitions.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]));
        expect(health.partitions.reduce((sum, { position }) => sum + position, 0)).toBe(2);
        expect(Object.isFrozen(health)).toBe(true);
        await table.stop();
        expect(table.health().status).toBe("stopped");
      });

      test("is there before the start", () => {
        const table = new KafkaTable({ connection: broker.bootstrapServers, topic: "t", value: string() });
        expect(table.health()).toEqual({
          status: "unstarted",
          lag: 0,
          lastContactMs: undefined,
          progress: undefined,
          partitions: [],
          poisonedKeys: 0,
          lastError: undefined,
        });
      });
    });
  });
}
