import { createServer } from "node:net";
import { encodeBatch } from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import { Tap } from "../client/tapped-connector.ts";
import { rejection, until } from "../suites/support.ts";
import { Door, Fixture, record } from "./support.ts";

const topicAuthorizationFailed = 29;

describe("catching up", () => {
  const fixture = new Fixture();

  describe("ends by positions, whatever the log looks like", () => {
    test.each<[string, () => void | Promise<void>, [string, string][]]>([
      ["an empty topic", () => undefined, []],
      [
        "a log that starts above 0",
        async () => {
          await fixture.write(["a", "1"], ["b", "2"]);
          fixture.broker.deleteRecords("t", 0, 1);
        },
        [["b", "2"]],
      ],
      [
        "a log of which retention has left nothing",
        async () => {
          await fixture.write(["a", "1"], ["b", "2"]);
          fixture.broker.deleteRecords("t", 0, 2);
        },
        [],
      ],
      [
        "holes and empty batches after compaction",
        async () => {
          await fixture.write(["a", "1"], ["b", "1"], ["a", "2"], ["b", "2"], ["c", "1"], ["c", "2"], ["c", null]);
          fixture.broker.compact("t");
        },
        [
          ["a", "2"],
          ["b", "2"],
        ],
      ],
      [
        "a commit marker at the end",
        () => void fixture.broker.writeTransaction("t", 0, [record("a", "1")], "commit"),
        [["a", "1"]],
      ],
      [
        "an aborted transaction at the end",
        async () => {
          await fixture.write(["a", "1"]);
          fixture.broker.writeTransaction("t", 0, [record("a", "aborted"), record("b", "aborted")], "abort");
        },
        [["a", "1"]],
      ],
    ])("%s", async (_name, prepare, expected) => {
      await prepare();
      const table = await fixture.openTable();
      expect(table.status).toBe("caught_up");
      expect([...table]).toEqual(expected);
    });
  });

  test("asks the brokers all its questions at once", async () => {
    await fixture.write(["a", "1"]);
    const tap = new Tap();
    const door = new Door();
    fixture.broker.intercept("ListOffsets", door.wait);
    const opening = fixture.openTable({
      connection: fixture.connection({ connector: tap.connector }),
      ensureTopic: false,
    });
    const [listOffsets, apiVersions, describeConfigs] = [2, 18, 32];
    const asked = (): number[] => tap.requests.map(({ apiKey }) => apiKey).filter((apiKey) => apiKey !== 3);
    const expected = [apiVersions, apiVersions, describeConfigs, listOffsets, listOffsets];
    await until(() => asked().length >= expected.length);
    door.open();
    expect(asked().toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b));
    expect((await opening).get("a")).toBe("1");
  });

  test("a table that takes too long is degraded, and caught up when it gets there", async () => {
    await fixture.write(["a", "1"], ["b", null]);
    const door = new Door();
    fixture.broker.intercept("Fetch", door.wait);
    const table = await fixture.openTable({ catchupTimeoutMs: 500 });
    expect(table.status).toBe("degraded");
    expect(table.isCaughtUp).toBe(false);
    expect(fixture.logger.messages("error")).toEqual([
      expect.stringMatching(/not caught up within 500 ms: 0 records applied/),
    ]);
    const waiting = table.waitUntilCaughtUp();
    expect(await table.waitUntilCaughtUp({ timeoutMs: 1 })).toBe(false);
    door.open();
    expect(await waiting).toBe(true);
    expect(table.status).toBe("caught_up");
    expect(table.get("a")).toBe("1");
    expect(table.stats.pendingWaits).toBe(0);
  });

  test("an empty topic needs no answer to a fetch", async () => {
    fixture.broker.intercept("Fetch", () => "ignore");
    const table = fixture.table();
    const starting = table.start();
    const waiting = table.waitUntilCaughtUp();
    await starting;
    expect(await waiting).toBe(true);
    expect(table.status).toBe("caught_up");
  });

  test("a start that failed has no influence on the next one", async () => {
    await fixture.broker.createTopic("wide", { partitions: 2, configs: { "cleanup.policy": "compact" } });
    fixture.broker.writeTransaction("wide", 1, [record("a", "1")], "commit");
    let metadata = 0;
    const remove = fixture.broker.intercept("Metadata", () => (++metadata === 1 ? "pass" : "ignore"));
    const abort = new AbortController();
    const table = fixture.table({ topic: "wide" });
    const starting = rejection(table.start({ signal: abort.signal }));
    await until(() => metadata === 2);
    abort.abort();
    expect(await starting).toMatchObject({ name: "AbortError" });
    remove();
    await fixture.broker.deleteTopic("wide");
    await fixture.broker.createTopic("wide", { configs: { "cleanup.policy": "compact" } });
    await table.start();
    expect([table.status, table.size]).toEqual(["caught_up", 0]);
  });

  test("a table that is loading can be read", async () => {
    await fixture.write(["a", "1"]);
    const door = new Door();
    fixture.broker.intercept("Fetch", door.wait);
    const table = fixture.table();
    const starting = table.start();
    await until(() => fixture.apis.includes("Fetch"));
    expect([table.status, table.started, table.size]).toEqual(["loading", true, 0]);
    door.open();
    await starting;
    expect(table.size).toBe(1);
  });

  test("a reader that dies while catching up fails the start, and closes everything", async () => {
    await fixture.write(["a", "1"]);
    let ended = false;
    fixture.broker.intercept("Fetch", async (_request, context) => {
      context.signal.addEventListener("abort", () => {
        ended = true;
      });
      const answer = await context.handle();
      return answer === undefined ? "close" : { ...answer, errorCode: topicAuthorizationFailed };
    });
    const table = fixture.table();
    const error = await rejection(table.start());
    expect(error).toMatchObject({ code: "TABLE_FAILED", cause: { code: "TOPIC_AUTHORIZATION_FAILED" } });
    expect(error.message).toContain("died during catch-up");
    expect([table.status, table.started, table.size]).toEqual(["failed", true, 0]);
    expect(table.failure).toBe(error.cause);
    expect(await table.barrier()).toBe(false);
    expect(await table.waitUntilCaughtUp()).toBe(false);
    await until(() => ended);
  });

  test.each(["CreateTopics", "DescribeConfigs", "ListOffsets", "Metadata"] as const)(
    "catchupTimeoutMs also bounds a start that hangs in %s",
    async (api) => {
      fixture.broker.intercept(api, () => "ignore");
      const onPolicyMismatch = api === "DescribeConfigs" ? "raise" : "warn";
      const table = fixture.table({ catchupTimeoutMs: 120, onPolicyMismatch });
      expect(await rejection(table.start())).toMatchObject({ code: "TIMEOUT" });
      expect(table.status).toBe("unstarted");
      expect(table.started).toBe(false);
    },
  );

  test("an unreachable broker fails the start with its address, within catchupTimeoutMs", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const connection = fixture.connection({ bootstrapServers: `127.0.0.1:${port}` });
    const error = await rejection(fixture.table({ connection, catchupTimeoutMs: 500 }).start());
    expect(error).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(error.message).toContain(`127.0.0.1:${port}`);
  });

  test.each(["CreateTopics", "ListOffsets", "Metadata"] as const)(
    "an aborted start that waits for %s leaves the table as it was",
    async (api) => {
      const remove = fixture.broker.intercept(api, () => "ignore");
      const reason = new Error("changed my mind");
      const abort = new AbortController();
      const table = fixture.table();
      const starting = rejection(table.start({ signal: abort.signal }));
      await until(() => fixture.apis.includes(api));
      const waiting = table.waitUntilCaughtUp();
      abort.abort(reason);
      expect(await starting).toBe(reason);
      expect(await waiting).toBe(false);
      expect(table.status).toBe("unstarted");
      remove();
      await table.start();
      expect(table.status).toBe("caught_up");
    },
  );

  test("an aborted start that was reading stops the table", async () => {
    await fixture.write(["a", "1"]);
    fixture.broker.intercept("Fetch", () => "ignore");
    const reason = new Error("changed my mind");
    const abort = new AbortController();
    const table = fixture.table();
    const starting = rejection(table.start({ signal: abort.signal }));
    await until(() => fixture.apis.includes("Fetch"));
    abort.abort(reason);
    expect(await starting).toBe(reason);
    expect(table.status).toBe("stopped");
    expect(await rejection(table.start({ signal: AbortSignal.abort(reason) }))).toMatchObject({
      code: "ALREADY_STARTED",
    });
  });

  test("a signal that is aborted before the start touches nothing", async () => {
    const table = fixture.table();
    const reason = new Error("too late");
    expect(await rejection(table.start({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(fixture.broker.requests).toEqual([]);
    await table.start();
  });

  test.each(["CreateTopics", "ListOffsets", "Fetch"] as const)(
    "stopping a table whose start waits for %s ends the start",
    async (api) => {
      await fixture.write(["a", "1"]);
      const before = fixture.apis.length;
      fixture.broker.intercept(api, () => "ignore");
      const table = fixture.table();
      const starting = rejection(table.start());
      await until(() => fixture.apis.slice(before).includes(api));
      const waiting = table.waitUntilCaughtUp();
      await table.stop();
      expect(await starting).toMatchObject({ code: "STOPPED" });
      expect(await waiting).toBe(false);
      expect(table.status).toBe("stopped");
    },
  );

  test("partitions that appear while the table loads are caught up with, too", async () => {
    await fixture.write(["a", "1"]);
    const door = new Door();
    fixture.broker.intercept("Fetch", door.wait);
    const table = fixture.table({ connection: fixture.connection({ metadataMaxAgeMs: 20 }) });
    const starting = table.start();
    await until(() => fixture.apis.includes("Fetch"));
    const lookUps = fixture.apis.filter((api) => api === "ListOffsets").length;
    await fixture.broker.createPartitions("t", 2);
    fixture.broker.writeTransaction("t", 1, [record("b", "2")], "commit");
    // The reader asks where the new partition begins, and the table where it ends.
    await until(() => fixture.apis.filter((api) => api === "ListOffsets").length >= lookUps + 2);
    door.open();
    await starting;
    expect(new Map(table)).toEqual(
      new Map([
        ["a", "1"],
        ["b", "2"],
      ]),
    );
  });

  test("partitions that appear while the table starts are caught up with, too", async () => {
    let metadata = 0;
    fixture.broker.intercept("Metadata", async () => {
      // The first is asked for the end offsets, the second by the reader.
      if (++metadata === 2) {
        await fixture.broker.createPartitions("t", 2);
        fixture.broker.writeTransaction("t", 1, [record("b", "2")], "commit");
      }
      return "pass";
    });
    const table = await fixture.openTable();
    expect([...table]).toEqual([["b", "2"]]);
  });

  test("partitions that appear later bring live updates", async () => {
    const table = await fixture.openTable({ connection: fixture.connection({ metadataMaxAgeMs: 20 }) });
    await fixture.broker.createPartitions("t", 2);
    fixture.broker.writeTransaction("t", 1, [record("b", "2")], "commit");
    await until(() => table.get("b") === "2");
    expect(table.stats.replayedAtCatchUp).toBe(0);
  });

  test("fetchMaxWaitMs and the isolation reach the broker", async () => {
    const seen: unknown[] = [];
    fixture.broker.intercept("Fetch", ({ maxWaitMs, isolationLevel }) => {
      seen.push([maxWaitMs, isolationLevel]);
      return "pass";
    });
    await fixture.openTable({ fetchMaxWaitMs: 77, isolation: "read_uncommitted" });
    await until(() => seen.length > 1);
    // The first one shall not be held back.
    expect(seen.slice(0, 2)).toEqual([
      [0, 0],
      [77, 0],
    ]);
    seen.length = 0;
    await fixture.openTable();
    await until(() => seen.some((item) => JSON.stringify(item) === "[5000,1]"));
  });

  test("records that are written faster than they are read do not put the end off (case 27)", async () => {
    await fixture.write(["a", "1"], ["b", "1"], ["c", "1"]);
    const batch = encodeBatch({ records: [record("later", "1")] });
    fixture.broker.intercept("Fetch", (request) => {
      // Each answer brings one batch, and meanwhile there are two more.
      Object.assign(request, { maxBytes: 1 });
      for (let count = 0; count < 2; count++) fixture.broker.append("t", 0, batch);
      return "pass";
    });
    const table = await fixture.openTable();
    expect(table.status).toBe("caught_up");
    expect(["a", "b", "c"].map((key) => table.get(key))).toEqual(["1", "1", "1"]);
    expect(table.health().lag).toBeGreaterThan(0);
    expect(table.stats.replayedAtCatchUp).toBeLessThan(fixture.broker.endOffset("t", 0));
  });

  test("the rack of the connection reaches the broker", async () => {
    const racks: string[] = [];
    fixture.broker.intercept("Fetch", ({ rackId }) => (racks.push(rackId), "pass"));
    await fixture.openTable({ connection: fixture.connection({ rack: "here" }) });
    await until(() => racks.length > 0);
    expect(racks[0]).toBe("here");
  });

  test("where no topic is to be ensured, nothing is asked but how long tombstones are kept, by the table", async () => {
    const asked: unknown[] = [];
    fixture.broker.intercept("DescribeConfigs", ({ resources }) => {
      asked.push(...resources.map(({ configurationKeys }) => configurationKeys));
      return "pass";
    });
    await fixture.openTable({ ensureTopic: false });
    await fixture.openWriter({ ensureTopic: false });
    expect(fixture.apis).not.toContain("CreateTopics");
    expect(asked).toEqual([["delete.retention.ms"]]);
  });
});
