/** Behaviours of the Python package that no other test shows; `docs/python-parity.md` says which test shows which. */
import { inspect } from "node:util";
import {
  type CompositeKeyCodec,
  type ConnectionOption,
  type EnsureTopicOutcome,
  type EnsureTopicResult,
  ensureTopic,
  GroupedKafkaTable,
  GroupedKafkaTableWriter,
  KafkaClient,
  KafkaTable,
  KafkaTableWriter,
  type PolicyMismatchAction,
  string,
  type TableStatus,
  type ViewStats,
} from "ktables";
import { describe, expect, expectTypeOf, test } from "vitest";
import { resolveTableOptions } from "../../packages/ktables/src/table-options.ts";
import { rejection, until } from "../suites/support.ts";
import { Fixture } from "./support.ts";

const fixture = new Fixture();
const value = string();

const owners = [
  ["KafkaTable", KafkaTable],
  ["KafkaTableWriter", KafkaTableWriter],
  ["GroupedKafkaTable", GroupedKafkaTable],
  ["GroupedKafkaTableWriter", GroupedKafkaTableWriter],
] as const;

describe.each(owners)("%s", (_, Owner) => {
  test("takes a string, a config or a client as connection, and refuses anything else first of all", async () => {
    const make = (connection: unknown, topic = "t"): unknown =>
      new Owner({ connection: connection as ConnectionOption, topic, value });
    for (const wrong of [42, true, null, [], () => "127.0.0.1:1", Symbol("connection")]) {
      expect(() => make(wrong, "")).toThrow(expect.objectContaining({ option: "connection" }));
    }
    for (const empty of ["", { bootstrapServers: "" }, { bootstrapServers: [] }]) {
      expect(() => make(empty, "")).toThrow(expect.objectContaining({ option: "bootstrapServers" }));
    }
    for (const right of ["127.0.0.1:1", { bootstrapServers: "127.0.0.1:1" }, { bootstrapServers: ["127.0.0.1:1"] }]) {
      make(right);
    }
    await using client = new KafkaClient(fixture.connection());
    make(client);
    expect(fixture.broker.requests).toEqual([]);
  });

  test("says where options belong that others put into the connection", () => {
    const homes = {
      topic: "beside the connection",
      fetchMaxWaitMs: "option of KafkaTable",
      catchupTimeoutMs: "option of KafkaTable",
      acks: "option of KafkaTableWriter",
      idempotent: "option of KafkaTableWriter",
      enableIdempotence: "option of KafkaTableWriter",
      groupId: "no consumer group",
      autoCommit: "no consumer group",
      enableAutoCommit: "no consumer group",
      autoOffsetReset: "always read from the beginning",
      fromBeginning: "always read from the beginning",
    };
    for (const [name, home] of Object.entries(homes)) {
      const connection = { bootstrapServers: "127.0.0.1:1", [name]: "x" };
      const act = (): unknown => new Owner({ connection, topic: "t", value });
      expect(act).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option: name }));
      expect(act).toThrow(home);
    }
    const unknown = { bootstrapServers: "127.0.0.1:1", compresion: "gzip", retrys: 1 };
    expect(() => new Owner({ connection: unknown, topic: "t", value })).toThrow(/"compresion", "retrys"/);
  });

  test.each(["TopicConfigMismatchError", "BrokerError"])(
    "whose start fails with %s leaves nothing open",
    async (kind) => {
      await fixture.broker.createTopic("plain", { configs: { "cleanup.policy": "delete" } });
      let open = 0;
      let wasAsked = false;
      fixture.broker.intercept("CreateTopics", (_request, { signal }) => {
        open++;
        signal.addEventListener("abort", () => open--);
        wasAsked = true;
        return kind === "BrokerError" ? { throttleTimeMs: 0, topics: [] } : "pass";
      });
      const connection = fixture.connection();
      const owner = new Owner({ connection, topic: "plain", value, onPolicyMismatch: "raise" });
      const error = await rejection(owner.start());
      // The error is what had stood in the way, not one of the unwinding.
      expect(error.name).toBe(kind);
      expect([wasAsked, owner.started]).toEqual([true, false]);
      await until(() => open === 0);
    },
  );
});

describe("a table", () => {
  test("has these defaults", () => {
    expect(resolveTableOptions({ connection: "127.0.0.1:1", topic: "t", value })).toMatchObject({
      catchupTimeoutMs: 30_000,
      // Python's is 500, for which its poll loop has a use.
      fetchMaxWaitMs: 5000,
      isolation: "read_committed",
      ensureTopic: true,
      provision: {
        topicConfigs: { "cleanup.policy": "compact" },
        partitions: 1,
        replicationFactor: 1,
        onPolicyMismatch: "warn",
      },
    });
  });

  test("ensures the topic, learns where it ends, and then reads", async () => {
    await fixture.write(["a", "1"]);
    const before = fixture.apis.length;
    await fixture.openTable();
    const apis = fixture.apis.slice(before);
    const order = ["CreateTopics", "ListOffsets", "Fetch"].map((api) => apis.indexOf(api as never));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order[0]).toBeGreaterThanOrEqual(0);
    expect(apis.filter((api) => /Offset(Commit|Fetch)|Group|FindCoordinator/.test(api))).toEqual([]);
  });

  test("shows its size when it is started, and its writer that it is", async () => {
    await fixture.write(["a", "1"], ["b", "1"]);
    const table = await fixture.openTable();
    expect(inspect(table)).toBe(`KafkaTable(topic "t", caught_up, 2 keys, store "${table.stats.store}")`);
    expect(inspect(await fixture.openWriter())).toBe('KafkaTableWriter(topic "t", started)');
  });

  test("counts a record before the hook is called", async () => {
    await fixture.write(["a", "1"], ["a", null]);
    const seen: number[][] = [];
    let table: KafkaTable<string> | undefined;
    const look = (): void => {
      if (table !== undefined) seen.push([table.stats.recordsApplied, table.stats.tombstonesApplied]);
    };
    table = fixture.table({ onSet: look, onDelete: look });
    await table.start();
    expect(seen).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });

  test("answers a barrier while its fetch waits at the broker for hours", async () => {
    await fixture.write(["a", "1"]);
    const table = await fixture.openTable({ fetchMaxWaitMs: 2_000_000_000 });
    expect(await table.barrier()).toBe(true);
    expect(await Promise.all([table.barrier(), table.barrier()])).toEqual([true, true]);
  });

  test("gets a record when it is written, not when the wait of its fetch is over", async () => {
    const table = await fixture.openTable({ fetchMaxWaitMs: 2_000_000_000 });
    const writer = await fixture.openWriter();
    for (let round = 0; round < 5; round++) {
      await table.waitFor(await writer.set("k", `${round}`));
      expect(table.get("k")).toBe(`${round}`);
    }
  });
});

describe("ensureTopic", () => {
  test("takes a string, a config or a client, and closes only what it has opened", async () => {
    const { bootstrapServers } = fixture.broker;
    expect(await ensureTopic(bootstrapServers, "by-string")).toMatchObject({ outcome: "created" });
    expect(await ensureTopic(fixture.connection(), "by-config")).toMatchObject({ outcome: "created" });
    await using client = new KafkaClient(fixture.connection());
    expect(await ensureTopic(client, "by-client")).toMatchObject({ outcome: "created" });
    expect(client.isClosed).toBe(false);
    for (const wrong of [42, null, []]) {
      expect(await rejection(ensureTopic(wrong as never, "t"))).toMatchObject({ option: "connection" });
    }
    expect(await rejection(ensureTopic("", ""))).toMatchObject({ option: "bootstrapServers" });
  });

  test("creates one partition with one replica unless it is told otherwise", async () => {
    const created: unknown[] = [];
    fixture.broker.intercept("CreateTopics", ({ topics }) => {
      created.push(...topics.map(({ numPartitions, replicationFactor }) => [numPartitions, replicationFactor]));
      return "pass";
    });
    await ensureTopic(fixture.connection(), "by-default");
    await ensureTopic(fixture.connection(), "as-told", { partitions: 3, replicationFactor: -1 });
    expect(created).toEqual([
      [1, 1],
      [3, -1],
    ]);
  });

  test("says nothing of retention when it has reconciled a topic to compact alone", async () => {
    await fixture.broker.createTopic("plain", { configs: { "cleanup.policy": "delete", "segment.ms": "1234567" } });
    const options = { onPolicyMismatch: "reconcile" } as const;
    expect(await ensureTopic(fixture.connection(), "plain", options)).toEqual({
      outcome: "reconciled",
      actualPolicy: "delete",
    });
    expect(fixture.logger.messages("info")).toEqual([expect.stringContaining("unchanged: segment.ms")]);
  });
});

test("the types of the Python package have their names here", () => {
  expectTypeOf<EnsureTopicOutcome>().toEqualTypeOf<
    "created" | "verified" | "reconciled" | "mismatch" | "unreadable" | "skipped"
  >();
  expectTypeOf<EnsureTopicResult>().toHaveProperty("outcome");
  expectTypeOf<PolicyMismatchAction>().toEqualTypeOf<"warn" | "raise" | "reconcile" | "ignore">();
  expectTypeOf<"unstarted" | "loading" | "caught_up" | "degraded" | "failed">().toExtend<TableStatus>();
  expectTypeOf<ViewStats>().toHaveProperty("callbackErrors");
  expectTypeOf<CompositeKeyCodec>().toHaveProperty("decode");
});
