import { inspect } from "node:util";
import { Producer } from "@ktables/client";
import * as fc from "fast-check";
import {
  GroupedKafkaTable,
  type GroupedKafkaTableOptions,
  GroupedKafkaTableWriter,
  json,
  KafkaClient,
  KafkaTable,
  LengthPrefixedKeyCodec,
  string,
} from "ktables";
import { afterEach, describe, expect, test } from "vitest";
import { recordingLogger, rejection, until, utf8 } from "../suites/support.ts";
import { Door, Fixture } from "./support.ts";

const fixture = new Fixture();
const codec = new LengthPrefixedKeyCodec();
const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const item of opened.splice(0)) await item.stop();
});

function newTable(options: Partial<GroupedKafkaTableOptions<string>> = {}): GroupedKafkaTable<string> {
  const connection = fixture.connection();
  const table = new GroupedKafkaTable({ connection, topic: "t", value: string(), ...options });
  opened.push(table);
  return table;
}

async function openTable(options: Partial<GroupedKafkaTableOptions<string>> = {}): Promise<GroupedKafkaTable<string>> {
  const table = newTable(options);
  await table.start();
  return table;
}

/** Writes values, or tombstones for null, of members. */
function write(...records: readonly (readonly [group: string, member: string, value: string | null])[]): Promise<void> {
  return fixture.write(...records.map(([group, member, value]) => [codec.encode(group, member), value] as const));
}

async function recreate(): Promise<void> {
  await fixture.broker.deleteTopic("t");
  await fixture.broker.createTopic("t", { configs: { "cleanup.policy": "compact" } });
}

function asObject(contents: ReadonlyMap<string, ReadonlyMap<string, unknown>>): unknown {
  return Object.fromEntries(Array.from(contents, ([group, members]) => [group, Object.fromEntries(members)]));
}

describe("options of grouped tables and writers", () => {
  const valid = { connection: "127.0.0.1:1", topic: "t", value: string() };
  const makeTable = (options: unknown): unknown => new GroupedKafkaTable(options as never);
  const makeWriter = (options: unknown): unknown => new GroupedKafkaTableWriter(options as never);

  test.each<[string, object, string, string]>([
    ["a key codec of bytes", { key: string() }, "key", "keyCodec"],
    ["a composite key codec that is none", { keyCodec: { encode: () => "" } }, "keyCodec", "callable"],
    ["a composite key codec that is no object", { keyCodec: "length-prefixed" }, "keyCodec", "callable"],
    ["an empty topic of groups", { topic: "" }, "topic", "non-empty"],
    ["a missing connection of groups", { connection: undefined }, "connection", "missing"],
    ["an unknown option of groups", { tpoic: "t" }, "tpoic", "unknown option"],
    ["an unknown action of groups", { onPolicyMismatch: "delete" }, "onPolicyMismatch", '"reconcile"'],
    [
      "raise of groups, with nothing to check",
      { onPolicyMismatch: "raise", ensureTopic: false },
      "onPolicyMismatch",
      "ensureTopic: true",
    ],
    ["a store of groups", { store: "bytes" }, "store", "option of KafkaTable"],
    ["topic configs of groups that are no strings", { topicConfigs: { a: 1 } }, "topicConfigs", "object of strings"],
  ])("%s: refused", (_, options, option, text) => {
    for (const make of [makeTable, makeWriter]) {
      const act = (): unknown => make({ ...valid, ...options });
      expect(act).toThrow(expect.objectContaining({ name: "InvalidOptionError", option }));
      expect(act).toThrow(text);
    }
  });

  test("anything but an object is refused, and so are hooks that cannot be called", () => {
    for (const options of [undefined, null, "127.0.0.1:9092", []]) {
      expect(() => makeTable(options)).toThrow("GroupedKafkaTable: options must be an object");
      expect(() => makeWriter(options)).toThrow("GroupedKafkaTableWriter: options must be an object");
    }
    for (const hook of ["onSet", "onDelete", "onResync"]) {
      expect(() => makeTable({ ...valid, [hook]: true })).toThrow(`"${hook}" must be callable`);
      expect(() => makeWriter({ ...valid, [hook]: () => undefined })).toThrow("it is an option of KafkaTable");
    }
    expect(() => makeTable({ ...valid, fetchMaxWaitMs: -1 })).toThrow("fetchMaxWaitMs");
    expect(() => makeTable({ ...valid, acks: 1 })).toThrow("it is an option of KafkaTableWriter");
    expect(() => makeWriter({ ...valid, acks: 2 })).toThrow("acks");
    expect(() => makeWriter({ ...valid, idempotent: true, acks: 1 })).toThrow('acks: "all"');
  });

  test("those of the table or writer within reach the broker", async () => {
    const waits: number[] = [];
    const acks: number[] = [];
    fixture.broker.intercept("Fetch", ({ maxWaitMs }) => {
      waits.push(maxWaitMs);
      return "pass";
    });
    fixture.broker.intercept("Produce", (request) => {
      acks.push(request.acks);
      return "pass";
    });
    await fixture.broker.createTopic("not-compacted", { configs: { "cleanup.policy": "delete" } });
    await openTable({ fetchMaxWaitMs: 123 });
    await until(() => waits.includes(123));
    // The first one shall not be held back.
    expect(new Set(waits)).toEqual(new Set([0, 123]));
    const common = { connection: fixture.connection(), value: string() };
    const writer = await GroupedKafkaTableWriter.open({ ...common, topic: "t", acks: 1, idempotent: false });
    opened.push(writer);
    await writer.set("g", "m", "v");
    expect(acks).toEqual([1]);
    expect(fixture.apis).not.toContain("InitProducerId");
    const strict = { topic: "not-compacted", onPolicyMismatch: "raise" } as const;
    expect((await rejection(newTable(strict).start())).code).toBe("TOPIC_CONFIG_MISMATCH");
    expect((await rejection(GroupedKafkaTableWriter.open({ ...common, ...strict }))).code).toBe(
      "TOPIC_CONFIG_MISMATCH",
    );
    const configs = { "cleanup.policy": "compact", "segment.ms": "1234" };
    const created = await openTable({ topic: "new", topicConfigs: configs, partitions: 3 });
    expect(created.health().partitions).toHaveLength(3);
    const verified = await openTable({ topic: "new", onPolicyMismatch: "raise" });
    expect(verified.status).toBe("caught_up");
  });
});

describe("a grouped table", () => {
  test("is not started by its constructor, can be asked about itself, and cannot be read", async () => {
    const table = newTable();
    expect([table.topic, table.status, table.started, table.isCaughtUp, table.failure]).toEqual([
      "t",
      "unstarted",
      false,
      false,
      undefined,
    ]);
    expect(table.stats.recordsApplied).toBe(0);
    expect(table.foreignKeyCount).toBe(0);
    expect(table.health().status).toBe("unstarted");
    const reads = [
      () => table.getMember("g", "m"),
      () => table.hasMember("g", "m"),
      () => table.members("g"),
      () => table.memberCount("g"),
      () => table.hasGroup("g"),
      () => table.groups(),
      () => table.groupCount,
      () => table.snapshot(),
      () => table.changes(),
    ];
    for (const read of reads) expect(read).toThrow(expect.objectContaining({ code: "NOT_STARTED" }));
    expect((await rejection(table.barrier())).code).toBe("NOT_STARTED");
    expect((await rejection(table.waitUntilCaughtUp())).code).toBe("NOT_STARTED");
    expect((await rejection(table.waitFor([]))).code).toBe("NOT_STARTED");
    await table.stop();
    expect(table.status).toBe("unstarted");
    expect(fixture.apis).toEqual([]);
    await table.start();
    expect((await rejection(table.start())).code).toBe("ALREADY_STARTED");
    expect(table.status).toBe("caught_up");
  });

  test("shows topic, status and groups, and no secret; so does its writer", async () => {
    const connection = fixture.connection({ clientId: "secret-client" });
    const table = newTable({ connection });
    expect(String(table)).toBe('GroupedKafkaTable(topic "t", unstarted)');
    await write(["g", "a", "1"], ["g", "b", "1"], ["h", "a", "1"]);
    await table.start();
    expect(inspect(table)).toBe('GroupedKafkaTable(topic "t", caught_up, 2 groups)');
    const writer = new GroupedKafkaTableWriter({ connection, topic: "t", value: string() });
    expect(inspect(writer)).toBe('GroupedKafkaTableWriter(topic "t", not started)');
  });

  test("has no mutators, and is not another kind of KafkaTable", () => {
    expect(newTable()).not.toBeInstanceOf(KafkaTable);
    for (const name of ["set", "delete", "clear"]) expect(name in GroupedKafkaTable.prototype).toBe(false);
  });

  test("serves its last groups after a failure, and says what it was", async () => {
    await write(["g", "m", "1"]);
    const table = await openTable({ fetchMaxWaitMs: 100 });
    const changes = table.changes();
    fixture.broker.intercept("Fetch", async (_request, context) => {
      const answer = await context.handle();
      return answer === undefined ? "close" : { ...answer, errorCode: 29 };
    });
    await until(() => table.status === "failed");
    expect(table.failure).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED" });
    expect(table.isCaughtUp).toBe(true);
    expect(asObject(table.snapshot())).toEqual({ g: { m: "1" } });
    expect(await table.barrier()).toBe(false);
    expect((await rejection(table.waitFor([{ topic: "t", partition: 0, offset: 9 }]))).code).toBe("TABLE_FAILED");
    expect(await changes.next()).toMatchObject({ value: { type: "caught-up" } });
    expect((await rejection(changes.next())).code).toBe("TABLE_FAILED");
  });

  test("a start that was aborted may be repeated", async () => {
    await write(["g", "m", "1"]);
    const table = newTable();
    const stop = new AbortController();
    const remove = fixture.broker.intercept("ListOffsets", () => {
      stop.abort(new Error("enough"));
      return "pass";
    });
    expect(await rejection(table.start({ signal: stop.signal }))).toMatchObject({ message: "enough" });
    remove();
    expect(table.started).toBe(false);
    await table.start();
    expect(asObject(table.snapshot())).toEqual({ g: { m: "1" } });
  });

  test("await using stops table and writer", async () => {
    const common = { connection: fixture.connection(), topic: "t", value: string() };
    let table: GroupedKafkaTable<string>;
    let writer: GroupedKafkaTableWriter<string>;
    {
      await using openWriter = await GroupedKafkaTableWriter.open(common);
      await using open = await GroupedKafkaTable.open(common);
      [table, writer] = [open, openWriter];
      await table.waitFor(await writer.set("g", "m", "v"));
    }
    expect([table.status, writer.started]).toEqual(["stopped", false]);
    expect(table.getMember("g", "m")).toBe("v");
    await writer.start();
    expect(writer.started).toBe(true);
    await writer.close();
  });

  test("a writer sends nothing when a group, a member or a value cannot be encoded, or before its start", async () => {
    const common = { connection: fixture.connection(), topic: "t", value: json<unknown>() };
    const writer = new GroupedKafkaTableWriter(common);
    expect((await rejection(writer.set("g", "m", 1))).code).toBe("NOT_STARTED");
    opened.push(writer);
    await writer.start();
    for (const [group, member] of [
      ["\ud83d", "m"],
      ["g", "\ude00"],
      ["\ud83d", "\ude00"],
    ] as const) {
      expect((await rejection(writer.set(group, member, 1))).code).toBe("ENCODE_FAILED");
      expect((await rejection(writer.delete(group, member))).code).toBe("ENCODE_FAILED");
    }
    expect((await rejection(writer.set("g", "m", undefined))).code).toBe("ENCODE_FAILED");
    const broken = { encode: (): string => null as never, decode: () => undefined };
    const other = await GroupedKafkaTableWriter.open({ ...common, keyCodec: broken });
    opened.push(other);
    expect((await rejection(other.set("g", "m", 1))).code).toBe("ENCODE_FAILED");
    const aborted = AbortSignal.abort(new Error("too late"));
    expect(await rejection(writer.set("g", "m", 1, { signal: aborted }))).toMatchObject({ message: "too late" });
    expect(fixture.apis).not.toContain("Produce");
  });

  test("wrong options of its calls are refused", async () => {
    const table = await openTable();
    const refused = expect.objectContaining({ code: "INVALID_OPTION" });
    expect(() => table.changes({ group: 1 as never })).toThrow(refused);
    expect(() => table.changes({ prefix: "g" } as never)).toThrow(refused);
    expect(() => table.changes({ initial: "all" as never })).toThrow(refused);
    expect(await rejection(table.barrier({ timeout: 1 } as never))).toEqual(refused);
  });

  test("a feed of changes ends by its signal, by return, and serves calls in turn", async () => {
    await write(["a", "m", "1"], ["b", "m", "1"], ["a", "n", "1"]);
    const table = await openTable();
    const stop = new AbortController();
    const ended = table.changes({ signal: stop.signal });
    expect(await ended.next()).toMatchObject({ value: { type: "caught-up" } });
    const next = ended.next();
    stop.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    const snapshot = table.changes({ initial: "snapshot", group: "a" });
    const taken = await Promise.all([snapshot.next(), snapshot.next(), snapshot.next()]);
    expect(taken).toMatchObject([
      { value: { member: "m" } },
      { value: { member: "n" } },
      { value: { type: "caught-up" } },
    ]);
    const waiting = snapshot.next();
    await snapshot.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await using scoped = table.changes();
    expect((await scoped.next()).done).toBe(false);
  });
});

test("a feed of one group keeps no changes of others, and ends with an overflow of its own", async () => {
  const table = await openTable();
  const feed = table.changes({ group: "g", maxBuffered: 2 });
  await write(["g", "a", "1"], ["h", "a", "1"], ["h", "b", "1"], ["g", "b", "1"], ["h", "c", "1"]);
  expect(await table.barrier()).toBe(true);
  const taken = await Promise.all([feed.next(), feed.next(), feed.next()]);
  expect(taken).toMatchObject([
    { value: { type: "caught-up" } },
    { value: { member: "a" } },
    { value: { member: "b" } },
  ]);
  await write(["g", "a", "2"], ["g", "b", "2"], ["g", "c", "2"]);
  expect(await table.barrier()).toBe(true);
  const ended = await Promise.allSettled([feed.next(), feed.next(), feed.next(), feed.next()]);
  const overflow = { status: "rejected", reason: { code: "CHANGES_OVERFLOW" } };
  expect(ended.filter(({ status }) => status === "rejected")).toMatchObject([overflow]);
  expect(table.status).toBe("caught_up");
  expect(() => table.changes({ group: "\ud83d" })).toThrow(expect.objectContaining({ code: "ENCODE_FAILED" }));
});

test("a grouped table of some partitions has the members in them, and tells where the others are", async () => {
  await fixture.broker.createTopic("wide", { partitions: 2, configs: { "cleanup.policy": "compact" } });
  const connection = fixture.connection();
  const writer = await GroupedKafkaTableWriter.open({ connection, topic: "wide", value: string() });
  opened.push(writer);
  const names = Array.from({ length: 20 }, (_, index) => `m${index}`);
  const tokens = await Promise.all(names.map((member) => writer.set("g", member, "1")));
  const tables = [
    await openTable({ topic: "wide", partitions: [0] }),
    await openTable({ topic: "wide", partitions: [1] }),
  ];
  for (const [index, member] of names.entries()) {
    const partition = tables[0]?.partitionFor("g", member);
    expect(partition).toBe(tables[1]?.partitionFor("g", member));
    expect(partition).toBe(tokens[index]?.partition);
    expect(tables.map((table) => table.hasMember("g", member))).toEqual([partition === 0, partition === 1]);
  }
  expect(() => newTable().partitionFor("g", "m")).toThrow(expect.objectContaining({ code: "NOT_STARTED" }));
});

describe("a grouped table whose log is gone", () => {
  test("follows the swap at once, for readers, hooks and feeds", async () => {
    await write(["same", "m", "1"], ["g", "changed", "1"], ["g", "gone", "1"], ["only", "gone", "1"]);
    await fixture.write(["foreign", "1"]);
    const seenByHooks: unknown[] = [];
    let table: GroupedKafkaTable<string> | undefined;
    const look = (): void => void (table && seenByHooks.push(asObject(table.snapshot())));
    table = newTable({ onSet: look, onDelete: look, onResync: look });
    await table.start();
    const feed = table.changes();
    const before = { same: { m: "1" }, g: { changed: "1", gone: "1" }, only: { gone: "1" } };
    const after = { same: { m: "1" }, g: { changed: "2" }, new: { m: "2" } };
    expect(asObject(table.snapshot())).toEqual(before);
    seenByHooks.length = 0;

    const door = new Door();
    fixture.broker.intercept("ListOffsets", door.wait);
    await recreate();
    await write(["same", "m", "1"], ["g", "changed", "2"], ["new", "m", "2"]);
    await until(() => table.status === "resyncing");
    expect(asObject(table.snapshot())).toEqual(before);
    const seen = new Set<string>();
    door.open();
    await until(() => {
      seen.add(JSON.stringify(asObject(table.snapshot())));
      return table.status === "caught_up";
    });
    expect([...seen].map((text) => JSON.parse(text) as unknown)).toEqual([before, after]);
    // onResync, three deleted keys of which one is foreign, two set.
    expect(seenByHooks).toEqual([after, after, after, after, after]);
    await table.stop();
    const told: string[] = [];
    for await (const change of feed) {
      told.push("group" in change ? `${change.phase} ${change.type} ${change.group} ${change.member}` : change.type);
    }
    expect(told).toEqual([
      "caught-up",
      "resync",
      "resync delete g gone",
      "resync delete only gone",
      "resync set g changed",
      "resync set new m",
    ]);
    expect(table.stats.resyncs).toBe(1);
  });

  test("tells onResync what had happened; a throw there changes nothing", async () => {
    const losses: unknown[] = [];
    await write(["old", "m", "1"]);
    const table = await openTable({
      onResync: (loss) => {
        losses.push(loss.code);
        throw new Error("hook is broken");
      },
    });
    await recreate();
    await write(["new", "m", "1"]);
    await until(() => table.hasGroup("new"));
    expect(losses).toEqual(["TOPIC_RECREATED"]);
    expect(table.stats.callbackErrors).toBe(1);
    expect(asObject(table.snapshot())).toEqual({ new: { m: "1" } });
    expect(fixture.logger.messages("warn").join()).toContain("onResync threw: hook is broken");
  });

  test("with onReset freeze keeps its groups", async () => {
    await write(["g", "m", "1"]);
    const table = await openTable({ onReset: "freeze" });
    await recreate();
    await until(() => table.status === "stale");
    expect(asObject(table.snapshot())).toEqual({ g: { m: "1" } });
  });
});

// Few, so that they meet.
const groups = fc.constantFrom("", "😀", "1", "g:");
const members = fc.constantFrom("", "😀", ":x");
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("set"), group: groups, member: members, value: fc.nat(9) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("delete"), group: groups, member: members }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("poison"), group: groups, member: members }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("foreign"),
      key: fc.constantFrom("", "g", "01:g", "9:g", ":g"),
      value: fc.option(fc.nat(9)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("recreate", "restart") }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

test("equals nested maps that are fed the same history, after every step of it", async () => {
  const logger = recordingLogger();
  await using client = new KafkaClient({ bootstrapServers: fixture.broker.bootstrapServers, logger });
  await using producer = new Producer(client);
  let runs = 0;

  const run = async (steps: readonly Step[]): Promise<void> => {
    const topic = `history-${runs++}`;
    await fixture.broker.createTopic(topic, { configs: { "cleanup.policy": "compact" } });
    const common = { connection: fixture.connection(), topic, value: json<number>(), ensureTopic: false };
    const writer = await GroupedKafkaTableWriter.open(common);
    /** What hooks and changes lead to, which must be what the table has. */
    const byHooks = new Map<string, Map<string, number>>();
    const put = (to: typeof byHooks, group: string, member: string, value: number | undefined): void => {
      const of = to.get(group) ?? new Map<string, number>();
      if (value === undefined) of.delete(member);
      else of.set(member, value);
      to.set(group, of);
      if (of.size === 0) to.delete(group);
    };
    const options: GroupedKafkaTableOptions<number> = {
      ...common,
      onSet: (group, member, value) => put(byHooks, group, member, value),
      onDelete: (group, member) => put(byHooks, group, member, undefined),
    };
    let table = await GroupedKafkaTable.open(options);
    const model = new Map<string, Map<string, number>>();
    let foreign = 0;
    try {
      for (const event of steps) {
        if ("group" in event && "value" in event) {
          put(model, event.group, event.member, event.value);
          await writer.set(event.group, event.member, event.value);
        } else if ("group" in event && event.kind === "delete") {
          put(model, event.group, event.member, undefined);
          await writer.delete(event.group, event.member);
        } else if ("group" in event) {
          const key = utf8(codec.encode(event.group, event.member));
          await producer.send({ topic, key, value: utf8("{"), partition: 0 });
        } else if ("key" in event) {
          foreign++;
          const value = event.value === null ? null : utf8(`${event.value}`);
          await producer.send({ topic, key: utf8(event.key), value, partition: 0 });
        } else if (event.kind === "restart") {
          await table.stop();
          byHooks.clear();
          table = await GroupedKafkaTable.open(options);
        } else {
          const { resyncs } = table.stats;
          await fixture.broker.deleteTopic(topic);
          await fixture.broker.createTopic(topic, { configs: { "cleanup.policy": "compact" } });
          model.clear();
          await until(() => table.stats.resyncs > resyncs);
        }
        expect(await table.barrier()).toBe(true);
        expect(table.snapshot()).toEqual(model);
        expect(byHooks).toEqual(model);
        expect(table.groups()).toEqual(new Set(model.keys()));
        for (const [group, expected] of model) expect(table.memberCount(group)).toBe(expected.size);
      }
      if (!steps.some(({ kind }) => kind === "recreate" || kind === "restart")) {
        expect(table.foreignKeyCount).toBe(foreign);
      }
    } finally {
      await Promise.all([table.stop(), writer.stop()]);
    }
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), run), { numRuns: 25 });
}, 120_000);

describe("records of members", () => {
  const value = {
    ...string(),
    decode: (bytes: Uint8Array): string => {
      const text = string().decode(bytes);
      if (text === "bad") throw new Error("refused");
      return text;
    },
  };

  test("have places where that is asked for", async () => {
    await write(["g", "m", "1"], ["g", "m", "2"]);
    const table = await openTable({ metadata: true });
    expect(table.entry("g", "m")).toMatchObject({ group: "g", member: "m", value: "2", partition: 0, offset: 1 });
    expect(table.entry("g", "m")).not.toHaveProperty("key");
    expect(table.entry("g", "absent")).toBeUndefined();
    const plain = await openTable();
    expect(() => plain.entry("g", "m")).toThrow(expect.objectContaining({ option: "metadata" }));
  });

  test("that cannot be decoded are listed by group and member, without foreign keys", async () => {
    await write(["g", "m", "1"], ["g", "m", "bad"], ["g", "n", "bad"]);
    await fixture.write(["foreign", "bad"]);
    const table = await openTable({ value });
    expect(table.poisoned()).toEqual([
      {
        group: "g",
        member: "m",
        partition: 0,
        offset: 1,
        error: expect.objectContaining({ message: "refused" }),
        serving: { from: "previous", value: "1", partition: undefined, offset: undefined },
      },
      expect.objectContaining({ group: "g", member: "n", serving: { from: "nothing" } }),
    ]);
  });

  test("that cannot be decoded are judged by group and member, those of foreign keys by nobody", async () => {
    await write(["g", "m", "1"], ["g", "m", "bad"], ["g", "n", "bad"]);
    await fixture.write(["foreign", "bad"]);
    const asked: unknown[] = [];
    const table = await openTable({
      value,
      onPoison: ({ group, member, previous, ...rest }) => {
        asked.push([group, member, previous, "key" in rest]);
        return previous === undefined ? { value: "instead" } : "drop";
      },
    });
    expect(asked).toEqual([
      ["g", "m", "1", false],
      ["g", "n", undefined, false],
    ]);
    expect(asObject(table.snapshot())).toEqual({ g: { n: "instead" } });
  });

  test.each([["keep"], [async () => "drop"]])("are not judged by %s", (onPoison) => {
    expect(() => newTable({ onPoison: onPoison as never })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option: "onPoison" }),
    );
  });

  test("that the log has let go of leave their group", async () => {
    await fixture.broker.createTopic("expiring", { configs: { "cleanup.policy": "compact,delete" } });
    const writer = await GroupedKafkaTableWriter.open({
      connection: fixture.connection(),
      topic: "expiring",
      value: string(),
    });
    opened.push(writer);
    await writer.set("g", "m", "1");
    await writer.set("h", "m", "1");
    const table = await openTable({ topic: "expiring", expireWithLog: true, fetchMaxWaitMs: 100 });
    fixture.broker.deleteRecords("expiring", 0, 1);
    await until(() => !table.hasGroup("g"));
    expect(asObject(table.snapshot())).toEqual({ h: { m: "1" } });
  });
});
