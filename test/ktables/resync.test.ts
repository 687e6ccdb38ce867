import { encodeBatch, type RecordInput } from "@ktables/record-batch";
import { type Change, type ChangeFeed, type KafkaTable, type KafkaTableOptions, TableFailedError } from "ktables";
import { afterEach, describe, expect, test, vi } from "vitest";
import { rejection, until } from "../suites/support.ts";
import { Door, Fixture, record } from "./support.ts";

const fixture = new Fixture();
const topicAuthorizationFailed = 29;

function append(...records: readonly RecordInput[]): void {
  fixture.broker.append("t", 0, encodeBatch({ records }));
}

async function recreate(partitions = 1): Promise<void> {
  await fixture.broker.deleteTopic("t");
  await fixture.broker.createTopic("t", { partitions, configs: { "cleanup.policy": "compact" } });
}

/** Lets nobody read from the topic's beginning, which is what a rebuild does, until the door is open. */
function holdRebuilds(door: Door): void {
  fixture.broker.intercept("ListOffsets", door.wait);
}

/** What a feed tells until its next rest, without the places. */
class Told {
  readonly changes: string[] = [];

  constructor(feed: ChangeFeed<string>) {
    void this.#read(feed);
  }

  async #read(feed: ChangeFeed<string>): Promise<void> {
    try {
      for await (const change of feed) this.changes.push(Told.text(change));
    } catch (error) {
      this.changes.push(String(error));
    }
  }

  static text(change: Change<string>): string {
    if (change.type === "caught-up") return change.type;
    if (change.type === "resync") return `resync ${change.loss.code}`;
    const { type, phase, key, oldValue } = change;
    return `${phase} ${type} ${key}: ${oldValue} -> ${change.type === "set" ? change.value : undefined}`;
  }
}

async function openWithThree(options: Partial<KafkaTableOptions<string>> = {}): Promise<KafkaTable<string>> {
  append(record("same", "1"), record("changed", "1"), record("gone", "1"));
  return fixture.openTable(options);
}

describe("a table whose log is gone", () => {
  test("serves what it had, says so, and replaces it at once when the topic was read anew", async () => {
    const table = await openWithThree();
    const told = new Told(table.changes());
    const door = new Door();
    holdRebuilds(door);
    await recreate();
    append(record("same", "1"), record("changed", "2"), record("new", "2"));
    await until(() => table.status === "resyncing");
    expect([...table]).toEqual([
      ["same", "1"],
      ["changed", "1"],
      ["gone", "1"],
    ]);
    expect(table.isCaughtUp).toBe(true);
    expect(table.failure).toBeUndefined();
    expect(table.health()).toMatchObject({ status: "resyncing", lastError: { code: "TOPIC_RECREATED" } });
    expect(table.health().progress).toBeDefined();

    const sizes = new Set<string>();
    const seen: string[] = [];
    door.open();
    await until(() => {
      const contents = JSON.stringify([...table]);
      if (!sizes.has(contents)) seen.push(contents);
      sizes.add(contents);
      return table.status === "caught_up";
    });
    // Never something in between.
    expect(seen).toHaveLength(2);
    expect(new Map(table)).toEqual(
      new Map([
        ["same", "1"],
        ["changed", "2"],
        ["new", "2"],
      ]),
    );
    append(record("new", "3"));
    expect(await table.barrier()).toBe(true);
    await until(() => told.changes.length === 6);
    expect(told.changes).toEqual([
      "caught-up",
      "resync TOPIC_RECREATED",
      "resync delete gone: 1 -> undefined",
      "resync set changed: 1 -> 2",
      "resync set new: undefined -> 2",
      "live set new: 2 -> 3",
    ]);
    expect(table.stats).toMatchObject({ resyncs: 1, recordsApplied: 7, replayedAtCatchUp: 3 });
    expect(fixture.logger.messages("warn").at(-1)).toMatch(/reads it anew, and serves what it had/);
    expect(fixture.logger.messages("info").at(-1)).toContain("2 keys were set and 1 removed");
  });

  test("tells hooks the difference only", async () => {
    const calls: string[] = [];
    const table = await openWithThree({
      onSet: (key, value) => void calls.push(`${key} ${value}`),
      onDelete: (key) => void calls.push(`${key} gone`),
    });
    calls.length = 0;
    await recreate();
    append(record("same", "1"), record("changed", "2"), record("new", "2"), record("new", null));
    await until(() => table.stats.resyncs === 1);
    append(record("same", "4"));
    await until(() => table.get("same") === "4");
    expect(calls).toEqual(["gone gone", "changed 2", "same 4"]);
  });

  test("because records were removed before they were read is read anew", async () => {
    const table = await openWithThree();
    const door = new Door();
    fixture.broker.intercept("Fetch", door.wait);
    await until(() => fixture.apis.filter((api) => api === "Fetch").length > 1);
    append(record("gone", null), record("changed", "2"), record("same", "1"));
    fixture.broker.deleteRecords("t", 0, 4);
    door.open();
    await until(() => table.stats.resyncs === 1);
    expect([...table]).toEqual([
      ["changed", "2"],
      ["same", "1"],
    ]);
    expect(table.health().lastError).toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });

  test("because an unclean election has truncated it is read anew, though it has grown since", async () => {
    append(record("a", "1"));
    append(record("b", "1"));
    append(record("c", "1"));
    const table = await fixture.openTable();
    fixture.broker.truncate("t", 0, 1);
    append(record("x", "1"), record("y", "1"), record("z", "1"));
    await until(() => table.stats.resyncs === 1);
    expect([...table.keys()]).toEqual(["a", "x", "y", "z"]);
    expect(table.status).toBe("caught_up");
  });

  test("while it was loading is read anew, and the start ends as ever", async () => {
    append(record("old", "1"));
    const door = new Door();
    const stopHolding = fixture.broker.intercept("Fetch", door.wait);
    const table = fixture.table();
    const starting = table.start();
    await until(() => fixture.apis.includes("Fetch"));
    await recreate();
    append(record("new", "1"));
    stopHolding();
    door.open();
    await starting;
    expect(table.status).toBe("caught_up");
    expect([...table]).toEqual([["new", "1"]]);
  });

  test("again while it is read anew is read anew once more", async () => {
    const table = await openWithThree();
    const door = new Door();
    let rebuilds = 0;
    const stopHolding = fixture.broker.intercept("ListOffsets", async () => {
      rebuilds++;
      await door.opened;
      return "pass";
    });
    await recreate();
    append(record("second", "1"));
    await until(() => rebuilds > 0);
    stopHolding();
    const fetches = new Door();
    const stopHoldingFetches = fixture.broker.intercept("Fetch", fetches.wait);
    const before = fixture.apis.filter((api) => api === "Fetch").length;
    door.open();
    await until(() => fixture.apis.filter((api) => api === "Fetch").length > before);
    await recreate();
    append(record("third", "1"));
    stopHoldingFetches();
    fetches.open();
    await until(() => table.status === "caught_up");
    expect([...table]).toEqual([["third", "1"]]);
    expect(table.stats.resyncs).toBe(1);
  });

  test("and that may not be read any more fails with the old contents", async () => {
    const table = await openWithThree();
    const told = new Told(table.changes());
    fixture.broker.intercept("Fetch", async (_request, context) => {
      const answer = await context.handle();
      return answer === undefined ? "close" : { ...answer, errorCode: topicAuthorizationFailed };
    });
    await recreate();
    await until(() => table.status === "failed");
    expect(table.failure).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED" });
    expect(table.size).toBe(3);
    await until(() => told.changes.length === 2);
    expect(told.changes).toEqual(["caught-up", expect.stringContaining("TOPIC_AUTHORIZATION_FAILED")]);
  });

  test("is stopped in the middle of reading anew, and nothing of that stays", async () => {
    const table = await openWithThree();
    let isConnected = false;
    fixture.broker.intercept("ListOffsets", async (_request, { signal }) => {
      isConnected = true;
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          isConnected = false;
          resolve("ignore");
        });
      });
    });
    await recreate();
    append(record("new", "1"));
    await until(() => table.status === "resyncing" && isConnected);
    await table.stop();
    expect(table.status).toBe("stopped");
    expect(table.size).toBe(3);
    await until(() => !isConnected);
  });

  test("lets those who wait go on when it was read anew", async () => {
    const table = await openWithThree();
    const door = new Door();
    const fetches = new Door();
    const stopHolding = fixture.broker.intercept("Fetch", fetches.wait);
    await until(() => fixture.apis.filter((api) => api === "Fetch").length > 1);
    for (let count = 0; count < 5; count++) append(record("changed", `${count}`));
    const barrier = table.barrier();
    const waiting = table.waitFor({ topic: "t", partition: 0, offset: 7 });
    await until(() => table.stats.pendingWaits === 2);
    holdRebuilds(door);
    await recreate();
    append(record("new", "1"));
    stopHolding();
    fetches.open();
    await until(() => table.status === "resyncing");
    expect(table.stats.pendingWaits).toBe(2);
    door.open();
    expect(await barrier).toBe(true);
    await waiting;
    expect([...table]).toEqual([["new", "1"]]);
  });

  test("with onReset freeze keeps what it had and says that it is stale", async () => {
    let connections = 0;
    fixture.broker.intercept("ListOffsets", (_request, { signal }) => {
      connections++;
      signal.addEventListener("abort", () => connections--);
      return "pass";
    });
    const table = await openWithThree({ onReset: "freeze" });
    expect(connections).toBeGreaterThan(0);
    const told = new Told(table.changes());
    const waiting = rejection(table.waitFor({ topic: "t", partition: 0, offset: 100 }));
    await recreate();
    append(record("new", "1"));
    await until(() => table.status === "stale");
    expect(await waiting).toBeInstanceOf(TableFailedError);
    expect(table.failure).toBeUndefined();
    expect(table.size).toBe(3);
    expect(table.health()).toMatchObject({ status: "stale", lastError: { code: "TOPIC_RECREATED" } });
    expect(await table.barrier()).toBe(false);
    expect(await table.waitUntilCaughtUp()).toBe(true);
    expect(told.changes).toEqual(["caught-up"]);
    expect(fixture.logger.messages("error")).toEqual([
      expect.stringMatching(/stays as it is, with 3 keys, and follows/),
    ]);
    await until(() => connections === 0);
    await table.stop();
    expect(table.status).toBe("stopped");
  });

  test("with onReset fail ends with what had happened", async () => {
    const table = await openWithThree({ onReset: "fail" });
    await recreate();
    await until(() => table.status === "failed");
    expect(table.failure).toMatchObject({ code: "TOPIC_RECREATED" });
    expect(table.size).toBe(3);
  });

  test("with more partitions than before reads them all", async () => {
    const table = await openWithThree();
    await recreate(3);
    for (const partition of [0, 1, 2]) {
      fixture.broker.append("t", partition, encodeBatch({ records: [record(`p${partition}`, "1")] }));
    }
    await until(() => table.stats.resyncs === 1);
    expect([...table.keys()].sort()).toEqual(["p0", "p1", "p2"]);
    expect(table.health().partitions).toHaveLength(3);
  });
});

describe("out of reach for longer than tombstones are kept", () => {
  afterEach(() => vi.restoreAllMocks());

  /** A deletion, and so long an outage, as far as clocks say; the cleaner does its work before and after. */
  async function outage(table: KafkaTable<string>, ms: number): Promise<void> {
    const troubles = fixture.logger.messages("warn").length;
    const answerAgain = fixture.broker.intercept("Fetch", () => "close");
    await until(() => fixture.logger.messages("warn").length > troubles);
    append(record("gone", null));
    append(record("new", "1"));
    fixture.broker.compact("t");
    const now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now + ms);
    fixture.broker.compact("t");
    answerAgain();
    await until(() => table.get("new") === "1");
  }

  test.each([
    ["an hour", { "delete.retention.ms": "3600000" }, 2 * 3_600_000, 1],
    ["a day, which is Kafka's default", {}, 25 * 3_600_000, 1],
    ["a day, after less", {}, 23 * 3_600_000, 0],
  ])("which is %s", async (_, configs, ms, resyncs) => {
    await fixture.broker.deleteTopic("t");
    await fixture.broker.createTopic("t", { configs: { "cleanup.policy": "compact", ...configs } });
    const table = await openWithThree();
    await outage(table, ms);
    await until(() => table.status === "caught_up");
    expect(table.stats.resyncs).toBe(resyncs);
    expect(table.has("gone")).toBe(false);
  });

  test("and the topic's configuration may not be read: Kafka's default counts", async () => {
    fixture.broker.intercept("DescribeConfigs", async (_request, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      const refused = { errorCode: topicAuthorizationFailed, configs: [] };
      return { ...answer, results: answer.results.map((result) => ({ ...result, ...refused })) };
    });
    const table = await openWithThree({ ensureTopic: false });
    await outage(table, 25 * 3_600_000);
    await until(() => table.stats.resyncs === 1);
  });
});
