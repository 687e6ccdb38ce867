import { createTopic, KafkaClient, Producer } from "@ktables/client";
import {
  type CompositeKeyCodec,
  GroupedKafkaTable,
  type GroupedKafkaTableOptions,
  GroupedKafkaTableWriter,
  json,
  KafkaTable,
  LengthPrefixedKeyCodec,
  string,
} from "ktables";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newTopic, recordingLogger, rejection, type SuiteBroker, until, utf8 } from "./support.ts";

type TableOptions<V> = Omit<GroupedKafkaTableOptions<V>, "connection" | "topic" | "value">;

/** What grouped tables and writers do on any Kafka: run on the embedded broker and on the real one alike. */
export function groupedSuite(name: string, start: () => Promise<SuiteBroker>): void {
  describe(`grouped table and writer on ${name}`, () => {
    let broker: SuiteBroker;
    let client: KafkaClient;
    const opened: { stop(): Promise<void> }[] = [];

    beforeAll(async () => {
      broker = await start();
      client = new KafkaClient({ bootstrapServers: broker.bootstrapServers, logger: recordingLogger() });
    });
    afterEach(async () => {
      for (const item of opened.splice(0).reverse()) await item.stop();
    });
    afterAll(async () => {
      client?.close();
      await broker?.stop();
    });

    async function openTable(
      topic: string,
      options: TableOptions<string> = {},
      logger = recordingLogger(),
    ): Promise<GroupedKafkaTable<string>> {
      const connection = { bootstrapServers: broker.bootstrapServers, logger };
      const table = new GroupedKafkaTable({ connection, topic, value: string(), ...options });
      opened.push(table);
      await table.start();
      return table;
    }

    async function openWriter(topic: string): Promise<GroupedKafkaTableWriter<string>> {
      const writer = await GroupedKafkaTableWriter.open({ connection: client, topic, value: string(), partitions: 3 });
      opened.push(writer);
      return writer;
    }

    /** Writes keys that are not made by any codec, one record after the other. */
    async function produce(topic: string, ...records: readonly (readonly [string, string | null])[]): Promise<void> {
      const producer = new Producer(client);
      for (const [key, value] of records) {
        await producer.send({ topic, key: utf8(key), value: value === null ? null : utf8(value), partition: 0 });
      }
      await producer.close();
    }

    test("reads groups, members and counts, and what is absent is absent", async () => {
      const topic = newTopic("grouped-reads");
      const writer = await openWriter(topic);
      await writer.set("users", "ada", "1");
      await writer.set("users", "bob", "2");
      await writer.set("rooms", "ada", "3");
      const table = await openTable(topic);
      expect(table.getMember("users", "ada")).toBe("1");
      expect(table.getMember("rooms", "ada")).toBe("3");
      expect(table.getMember("users", "eve")).toBeUndefined();
      expect(table.getMember("halls", "ada")).toBeUndefined();
      expect([table.hasMember("users", "bob"), table.hasMember("rooms", "bob")]).toEqual([true, false]);
      expect([table.hasMember("users", "eve"), table.hasMember("halls", "ada")]).toEqual([false, false]);
      expect(table.members("users")).toEqual(
        new Map([
          ["ada", "1"],
          ["bob", "2"],
        ]),
      );
      expect(table.members("halls")).toEqual(new Map());
      expect([table.memberCount("users"), table.memberCount("rooms"), table.memberCount("halls")]).toEqual([2, 1, 0]);
      expect([table.hasGroup("users"), table.hasGroup("halls")]).toEqual([true, false]);
      expect(table.groups()).toEqual(new Set(["users", "rooms"]));
      expect(table.groupCount).toBe(2);
      expect(table.foreignKeyCount).toBe(0);
    });

    test("a group is gone with its last member; a tombstone for what is not there changes nothing", async () => {
      const topic = newTopic("grouped-tombstones");
      const writer = await openWriter(topic);
      const table = await openTable(topic);
      await writer.set("g", "a", "1");
      await writer.set("g", "b", "2");
      await table.waitFor(await writer.delete("g", "never there"));
      await table.waitFor(await writer.delete("no such group", "a"));
      expect(await table.barrier()).toBe(true);
      expect(table.snapshot()).toEqual(
        new Map([
          [
            "g",
            new Map([
              ["a", "1"],
              ["b", "2"],
            ]),
          ],
        ]),
      );
      await table.waitFor(await writer.delete("g", "a"));
      expect(await table.barrier()).toBe(true);
      expect(table.members("g")).toEqual(new Map([["b", "2"]]));
      await table.waitFor(await writer.delete("g", "b"));
      expect(table.hasGroup("g")).toBe(false);
      expect(table.groups()).toEqual(new Set());
      await table.waitFor(await writer.set("g", "b", "3"));
      expect(table.members("g")).toEqual(new Map([["b", "3"]]));
      expect(table.stats).toMatchObject({ recordsApplied: 3, tombstonesApplied: 4 });
    });

    test("one key for each member: two writers of one group, and equal members of two groups, do not meet", async () => {
      const topic = newTopic("grouped-writers");
      const [one, other] = [await openWriter(topic), await openWriter(topic)];
      const table = await openTable(topic);
      const names = Array.from({ length: 30 }, (_, index) => `m${index}`);
      const tokens = await Promise.all(
        names.flatMap((member, index) => [
          (index % 2 === 0 ? one : other).set("shared", member, `${index}`),
          one.set("left", member, "left"),
          other.set("right", member, "right"),
        ]),
      );
      await table.waitFor(tokens);
      await table.waitFor(await one.delete("left", "m0"));
      expect(table.members("shared")).toEqual(new Map(names.map((member, index) => [member, `${index}`])));
      expect([table.memberCount("left"), table.memberCount("right")]).toEqual([29, 30]);
      expect(table.getMember("right", "m0")).toBe("right");
      const flat = await KafkaTable.open({ connection: client, topic, value: string() });
      opened.push(flat);
      expect(flat.size).toBe(89);
      expect(flat.get("6:sharedm3")).toBe("3");
    });

    test("groups and members may be any text, or empty", async () => {
      const topic = newTopic("grouped-text");
      const pairs = [
        ["", ""],
        ["", "m"],
        ["g", ""],
        ["1", "2:x"],
        ["12", ":x"],
        ["a:b", "c:d"],
        ["👩‍👩‍👧", "👧"],
        ["👩", "‍👩‍👧👧"],
        ["😀", "😀😀"],
        ["😀😀", "😀"],
        ["é", "\u0301"],
        ["__proto__", "constructor"],
        ["\u0000\n", "\uFEFF"],
      ] as const;
      const writer = await openWriter(topic);
      for (const [index, [group, member]] of pairs.entries()) await writer.set(group, member, `${index}`);
      const table = await openTable(topic);
      for (const [index, [group, member]] of pairs.entries()) expect(table.getMember(group, member)).toBe(`${index}`);
      expect([...table.snapshot().values()].reduce((sum, members) => sum + members.size, 0)).toBe(pairs.length);
      expect(table.foreignKeyCount).toBe(0);
    });

    test("what is returned stands still at both levels, and the values are shared", async () => {
      const topic = newTopic("grouped-copies");
      const value = json<{ seen?: boolean }>();
      const common = { connection: client, topic, value };
      const writer = await GroupedKafkaTableWriter.open(common);
      const table = await GroupedKafkaTable.open(common);
      opened.push(writer, table);
      await table.waitFor(await writer.set("g", "a", {}));
      const [members, groups, snapshot] = [table.members("g"), table.groups(), table.snapshot()];
      await table.waitFor(await writer.set("g", "b", {}));
      await table.waitFor(await writer.set("h", "a", {}));
      expect([...members.keys()]).toEqual(["a"]);
      expect([...groups]).toEqual(["g"]);
      expect([...snapshot.keys()]).toEqual(["g"]);
      expect(snapshot.get("g")?.size).toBe(1);
      snapshot.get("g")?.clear();
      snapshot.clear();
      groups.clear();
      (members as Map<string, unknown>).clear();
      expect([...table.groups()]).toEqual(["g", "h"]);
      expect([...table.members("g").keys()]).toEqual(["a", "b"]);
      const shared = table.members("g").get("a");
      if (shared !== undefined) shared.seen = true;
      expect(table.getMember("g", "a")).toEqual({ seen: true });
      expect(table.snapshot().get("g")?.get("a")).toBe(shared);
    });

    test("a value that is decoded as null is stored", async () => {
      const topic = newTopic("grouped-null");
      const common = { connection: client, topic, value: json<null>() };
      const writer = await GroupedKafkaTableWriter.open(common);
      opened.push(writer);
      await writer.set("g", "m", null);
      const table = await GroupedKafkaTable.open(common);
      opened.push(table);
      expect(table.hasMember("g", "m")).toBe(true);
      expect(table.getMember("g", "m")).toBeNull();
    });

    test("foreign keys are left out and counted, of values and of tombstones, and hurt nobody", async () => {
      const topic = newTopic("grouped-foreign");
      await createTopic(client, topic);
      const logger = recordingLogger();
      await produce(topic, ["plain", "1"], ["01:xy", "2"], ["99:short", null], ["1:gm", "4"], ["plain", "5"]);
      const table = await openTable(topic, { ensureTopic: false }, logger);
      expect(table.foreignKeyCount).toBe(4);
      expect(table.snapshot()).toEqual(new Map([["g", new Map([["m", "4"]])]]));
      // They are in the table of keys, and in its statistics.
      expect(table.stats).toMatchObject({ recordsApplied: 4, tombstonesApplied: 1, keyDecodeErrors: 0 });
      await produce(topic, ["plain", null]);
      expect(await table.barrier()).toBe(true);
      expect(table.foreignKeyCount).toBe(5);
      expect(table.status).toBe("caught_up");
      await table.stop();
      expect(logger.messages("warn")).toEqual([
        expect.stringContaining("left out a key that is not one of the codec's"),
        "4 more of this kind: foreign key",
      ]);
    });

    test("a foreign key that looks like one of the codec's becomes a member", async () => {
      const topic = newTopic("grouped-lookalike");
      await createTopic(client, topic);
      await produce(topic, ["2:30 p.m.", "a time of day"]);
      const table = await openTable(topic);
      expect(table.getMember("30", " p.m.")).toBe("a time of day");
      expect(table.foreignKeyCount).toBe(0);
    });

    test("a key codec that throws, or gives something else, leaves the key out, and the reader lives", async () => {
      const topic = newTopic("grouped-codec-throws");
      await createTopic(client, topic);
      await produce(topic, ["throws", "1"], ["number", "2"], ["promise", "3"], ["fine", "4"], ["throws", null]);
      const logger = recordingLogger();
      const answers: Readonly<Record<string, unknown>> = { number: [1, 2], promise: Promise.resolve(["g", "m"]) };
      const keyCodec: CompositeKeyCodec = {
        encode: (group, member) => group + member,
        decode: (key) => {
          if (key === "throws") throw new Error("the codec is broken");
          return (answers[key] ?? ["g", key]) as readonly [string, string];
        },
      };
      const table = await openTable(topic, { ensureTopic: false, keyCodec }, logger);
      expect(table.snapshot()).toEqual(new Map([["g", new Map([["fine", "4"]])]]));
      expect(table.foreignKeyCount).toBe(4);
      expect(table.stats).toMatchObject({ recordsApplied: 4, tombstonesApplied: 1, callbackErrors: 0 });
      expect(table.status).toBe("caught_up");
      expect(logger.messages("warn")[0]).toContain("the codec is broken");
    });

    test("another codec serves table and writer", async () => {
      const topic = newTopic("grouped-codec");
      const common = { connection: client, topic, value: string(), keyCodec: new LengthPrefixedKeyCodec("/") };
      const writer = await GroupedKafkaTableWriter.open(common);
      const table = await GroupedKafkaTable.open(common);
      const flat = await KafkaTable.open({ connection: client, topic, value: string() });
      opened.push(writer, table, flat);
      const token = await writer.set("g", "m", "v");
      await Promise.all([table.waitFor(token), flat.waitFor(token)]);
      expect(table.getMember("g", "m")).toBe("v");
      expect([...flat]).toEqual([["1/gm", "v"]]);
    });

    test("hooks are told group and member, historical ones too, after the change is made", async () => {
      const topic = newTopic("grouped-hooks");
      const writer = await openWriter(topic);
      const common = { partitions: 1 };
      await writer.set("g", "m", "1");
      await writer.set("g", "m", "2");
      const calls: unknown[] = [];
      let table: GroupedKafkaTable<string> | undefined;
      const seen = (): unknown => table?.getMember("g", "m");
      const options: GroupedKafkaTableOptions<string> = {
        connection: client,
        topic,
        value: string(),
        ...common,
        onSet: (group, member, value) => calls.push(["set", group, member, value, seen()]),
        onDelete: (group, member) => calls.push(["delete", group, member, seen()]),
      };
      table = new GroupedKafkaTable(options);
      opened.push(table);
      await table.start();
      await table.waitFor(await writer.delete("g", "m"));
      await table.waitFor(await writer.delete("no", "such"));
      expect(calls).toEqual([
        ["set", "g", "m", "1", "1"],
        ["set", "g", "m", "2", "2"],
        ["delete", "g", "m", undefined],
        ["delete", "no", "such", undefined],
      ]);
    });

    test("a hook that throws is counted, and the member stays", async () => {
      const topic = newTopic("grouped-hook-throws");
      const writer = await openWriter(topic);
      const table = await openTable(topic, {
        onSet: () => {
          throw new Error("hook is broken");
        },
        onDelete: () => Promise.reject(new Error("async hook is broken")) as never,
      });
      await table.waitFor(await writer.set("g", "a", "1"));
      await table.waitFor(await writer.delete("g", "b"));
      await until(() => table.stats.callbackErrors === 2);
      expect(table.members("g")).toEqual(new Map([["a", "1"]]));
      expect(table.status).toBe("caught_up");
    });

    test("changes come with group and member, of one group or of all, without foreign keys", async () => {
      const topic = newTopic("grouped-changes");
      const writer = await openWriter(topic);
      await writer.set("g", "m", "1");
      await writer.set("h", "m", "1");
      const table = await openTable(topic);
      const all = table.changes();
      const one = table.changes({ group: "g", initial: "snapshot" });
      await produce(topic, ["foreign", "x"]);
      await table.waitFor(await writer.set("h", "m", "2"));
      await table.waitFor(await writer.delete("g", "m"));
      await table.waitFor(await writer.set("g", "n", "3"));
      await table.stop();
      const told = async (feed: typeof all): Promise<unknown[]> => {
        const changes: unknown[] = [];
        for await (const change of feed) {
          if (change.type === "caught-up" || change.type === "resync") changes.push(change.type);
          else {
            const { type, group, member, oldValue, phase } = change;
            changes.push([phase, type, group, member, oldValue, change.type === "set" ? change.value : undefined]);
          }
        }
        return changes;
      };
      const deleted = ["live", "delete", "g", "m", "1", undefined];
      const added = ["live", "set", "g", "n", undefined, "3"];
      expect(await told(all)).toEqual(["caught-up", ["live", "set", "h", "m", "1", "2"], deleted, added]);
      expect(await told(one)).toEqual([["initial", "set", "g", "m", undefined, "1"], "caught-up", deleted, added]);
    });

    test("what was written before a barrier is there after it; a new topic is caught up at once", async () => {
      const topic = newTopic("grouped-barrier");
      const table = await openTable(topic);
      expect([table.status, table.isCaughtUp, table.groupCount]).toEqual(["caught_up", true, 0]);
      const writer = await openWriter(topic);
      for (let round = 0; round < 10; round++) {
        await writer.set("g", "m", `${round}`);
        expect(await table.barrier({ timeoutMs: 10_000 })).toBe(true);
        expect(table.getMember("g", "m")).toBe(`${round}`);
      }
      expect(await table.waitUntilCaughtUp()).toBe(true);
      expect(table.health()).toMatchObject({ status: "caught_up", lag: 0 });
    });

    test("a stopped table serves its last groups, and a new one reads the same again", async () => {
      const topic = newTopic("grouped-restart");
      const writer = await openWriter(topic);
      const table = await openTable(topic);
      for (let index = 0; index < 60; index++) await writer.set(`g${index % 7}`, `m${index % 11}`, `${index}`);
      for (let index = 0; index < 20; index++) await writer.delete(`g${index % 3}`, `m${index % 5}`);
      expect(await table.barrier()).toBe(true);
      const contents = table.snapshot();
      await table.stop();
      await writer.set("g0", "m0", "later");
      expect(table.status).toBe("stopped");
      expect(table.snapshot()).toEqual(contents);
      expect((await rejection(table.barrier())).code).toBe("STOPPED");
      await writer.delete("g0", "m0");
      expect((await openTable(topic)).snapshot()).toEqual(contents);
    });
  });
}
