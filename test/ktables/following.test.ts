import { KafkaClient } from "@ktables/client";
import { KafkaError, PositionLostError } from "ktables";
import { describe, expect, test, vi } from "vitest";
import { until } from "../suites/support.ts";
import { Door, Fixture, record } from "./support.ts";

const topicAuthorizationFailed = 29;

describe("following a topic", () => {
  const fixture = new Fixture();

  test("aborted transactions are never seen, committed ones are", async () => {
    const table = await fixture.openTable();
    fixture.broker.writeTransaction("t", 0, [record("a", "aborted")], "abort");
    fixture.broker.writeTransaction("t", 0, [record("b", "committed")], "commit");
    expect(await table.barrier()).toBe(true);
    expect([...table]).toEqual([["b", "committed"]]);
    const everything = await fixture.openTable({ isolation: "read_uncommitted" });
    expect([...everything]).toEqual([
      ["a", "aborted"],
      ["b", "committed"],
    ]);
  });

  test("a barrier on a quiet table is one request, however many ask at once", async () => {
    await fixture.write(["a", "1"]);
    // Polls are parked, so that no answer to one can be what lets a barrier through.
    const table = await fixture.openTable({ fetchMaxWaitMs: 3_600_000 });
    const before = fixture.apis.length;
    expect(await Promise.all(Array.from({ length: 10 }, () => table.barrier()))).not.toContain(false);
    const asked = fixture.apis.slice(before);
    expect(asked.filter((api) => api !== "Fetch")).toEqual(["ListOffsets"]);
  });

  test("an open transaction holds up the start and barriers until it ends", async () => {
    const { producerId } = fixture.broker.writeTransaction("t", 0, [record("a", "1")], "open");
    await fixture.write(["b", "2"]);
    const table = await fixture.openTable({ catchupTimeoutMs: 500 });
    expect([table.status, table.size]).toEqual(["degraded", 0]);
    const barrier = table.barrier();
    await until(() => table.stats.pendingWaits === 1);
    fixture.broker.endTransaction("t", 0, producerId, "commit");
    expect(await barrier).toBe(true);
    expect(table.status).toBe("caught_up");
    expect([...table]).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
  });

  test("an outage of the brokers changes nothing but the log", async () => {
    const table = await fixture.openTable();
    await fixture.broker.stopNode(0);
    await until(() => fixture.logger.messages("warn").length > 0);
    expect([table.status, table.failure]).toEqual(["caught_up", undefined]);
    await fixture.broker.startNode(0);
    await fixture.write(["a", "1"]);
    expect(await table.barrier()).toBe(true);
    expect(table.get("a")).toBe("1");
  });

  test("an error that does not go away by itself freezes the table, and closes its connections", async () => {
    await fixture.write(["a", "1"]);
    let ended = false;
    fixture.broker.intercept("ListOffsets", (_request, context) => {
      context.signal.addEventListener("abort", () => {
        ended = true;
      });
      return "pass";
    });
    const table = await fixture.openTable({ fetchMaxWaitMs: 100 });
    fixture.broker.intercept("Fetch", async (_request, context) => {
      const answer = await context.handle();
      return answer === undefined ? "close" : { ...answer, errorCode: topicAuthorizationFailed };
    });
    await until(() => table.status === "failed");
    expect(table.failure).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED" });
    expect(table.get("a")).toBe("1");
    expect(fixture.logger.messages("error")).toEqual([
      expect.stringMatching(/has failed and stays as it is, with 1 keys: .*TOPIC_AUTHORIZATION_FAILED/),
    ]);
    expect(await table.waitUntilCaughtUp()).toBe(false);
    await until(() => ended);
    await table.stop();
    expect(table.status).toBe("failed");
  });

  test("a log that was truncated fails a table that is to fail, with the place, though it has grown since", async () => {
    await fixture.write(["a", "1"], ["b", "1"], ["c", "1"]);
    const table = await fixture.openTable({ onReset: "fail" });
    fixture.broker.truncate("t", 0, 1);
    await fixture.write(["x", "1"], ["y", "1"], ["z", "1"]);
    await until(() => table.status === "failed");
    expect(table.failure).toBeInstanceOf(PositionLostError);
    expect(table.failure).toMatchObject({ code: "LOG_TRUNCATED", partition: 0, position: 3, divergingOffset: 1 });
    expect([...table.keys()]).toEqual(["a", "b", "c"]);
  });

  test("a shared client that is closed under a table fails it", async () => {
    const client = new KafkaClient(fixture.connection());
    const table = await fixture.openTable({ connection: client });
    client.close();
    expect(table.status).toBe("failed");
    expect(table.failure).toMatchObject({ code: "CLOSED" });
  });

  test("more keys than a Map can hold fail the table with a clear error", async () => {
    const table = await fixture.openTable({ store: "decoded" });
    const realSet = Object.getOwnPropertyDescriptor(Map.prototype, "set")?.value as (
      key: unknown,
      value: unknown,
    ) => Map<unknown, unknown>;
    const spy = vi.spyOn(Map.prototype, "set").mockImplementation(function (this: Map<unknown, unknown>, key, value) {
      if (key === "one too many") throw new RangeError("Map maximum size exceeded");
      return realSet.call(this, key, value);
    });
    try {
      await fixture.write(["a", "1"], ["one too many", "2"], ["c", "3"]);
      await until(() => table.status === "failed");
    } finally {
      spy.mockRestore();
    }
    expect(table.failure).toMatchObject({ code: "TABLE_FULL", size: 1, cause: expect.any(RangeError) });
    expect([...table]).toEqual([["a", "1"]]);
  });

  test("a record of a batch that was applied before is not applied again", async () => {
    const table = await fixture.openTable();
    const writer = await fixture.openWriter();
    await writer.set("a", "1");
    expect(await table.barrier()).toBe(true);
    // Cut while the answer is on its way: the reader asks again.
    fixture.broker.intercept(
      "Fetch",
      async (_request, context) => {
        await context.handle();
        return "close";
      },
      { times: 1 },
    );
    await writer.set("a", "2");
    await writer.set("b", "3");
    expect(await table.barrier()).toBe(true);
    expect(table.stats.recordsApplied).toBe(3);
  });

  test("a stop wakes whoever waits, and nothing is left", async () => {
    fixture.broker.writeTransaction("t", 0, [record("a", "1")], "open");
    const table = await fixture.openTable({ catchupTimeoutMs: 500 });
    const waits = [table.waitUntilCaughtUp(), table.barrier(), table.barrier({ timeoutMs: 10_000 })];
    await until(() => table.stats.pendingWaits === 3);
    await table.stop();
    expect(await Promise.all(waits)).toEqual([false, false, false]);
    expect([table.status, table.stats.pendingWaits]).toEqual(["stopped", 0]);
  });
});

describe("a barrier is false", () => {
  const fixture = new Fixture();

  test("when its time is over; the table is none the worse", async () => {
    const { producerId } = fixture.broker.writeTransaction("t", 0, [record("a", "1")], "open");
    const table = await fixture.openTable({ catchupTimeoutMs: 500 });
    expect(await table.barrier({ timeoutMs: 20 })).toBe(false);
    expect(table.stats.pendingWaits).toBe(0);
    fixture.broker.endTransaction("t", 0, producerId, "commit");
    expect(await table.barrier()).toBe(true);
  });

  test("when the end of the topic cannot be learnt", async () => {
    const table = await fixture.openTable();
    const remove = fixture.broker.intercept("ListOffsets", async (_request, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      const topics = answer.topics.map((topic) => ({
        ...topic,
        partitions: topic.partitions.map((partition) => ({ ...partition, errorCode: topicAuthorizationFailed })),
      }));
      return { ...answer, topics };
    });
    expect(await table.barrier()).toBe(false);
    remove();
    expect(table.status).toBe("caught_up");
    expect(await table.barrier()).toBe(true);
  });

  test("when the broker hangs and time passes", async () => {
    const table = await fixture.openTable();
    fixture.broker.intercept("ListOffsets", () => "ignore");
    expect(await table.barrier({ timeoutMs: 30 })).toBe(false);
    expect([table.status, table.stats.pendingWaits]).toEqual(["caught_up", 0]);
  });

  test("when the reader dies meanwhile, at once", async () => {
    fixture.broker.writeTransaction("t", 0, [record("a", "1")], "open");
    const table = await fixture.openTable({ catchupTimeoutMs: 500, fetchMaxWaitMs: 100 });
    const barriers = [table.barrier(), table.barrier(), table.waitUntilCaughtUp()];
    await until(() => table.stats.pendingWaits === 3);
    fixture.broker.intercept("Fetch", async (_request, context) => {
      const answer = await context.handle();
      return answer === undefined ? "close" : { ...answer, errorCode: topicAuthorizationFailed };
    });
    expect(await Promise.all(barriers)).toEqual([false, false, false]);
    const asked = fixture.broker.requests.length;
    expect(await table.barrier()).toBe(false);
    expect(fixture.broker.requests).toHaveLength(asked);
  });

  test("but rejects when the caller gives up, and leaves nothing behind", async () => {
    fixture.broker.writeTransaction("t", 0, [record("a", "1")], "open");
    const table = await fixture.openTable({ catchupTimeoutMs: 500 });
    const abort = new AbortController();
    const barrier = table.barrier({ signal: abort.signal });
    await until(() => table.stats.pendingWaits === 1);
    const reason = new KafkaError("gave up", { code: "MINE" });
    abort.abort(reason);
    await expect(barrier).rejects.toBe(reason);
    expect(table.stats.pendingWaits).toBe(0);
  });
});

describe("a barrier is true", () => {
  const fixture = new Fixture();

  test("only when the record is applied, and then at once", async () => {
    const table = await fixture.openTable();
    // The first one is not parked.
    await until(() => fixture.apis.filter((api) => api === "Fetch").length === 2);
    const door = new Door();
    fixture.broker.intercept("Fetch", door.wait);
    const writer = await fixture.openWriter();
    // Brought by the fetch that is parked at the broker since before the interceptor.
    await writer.set("a", "1");
    await until(() => table.has("a"));
    await writer.set("b", "2");
    let isTrue = false;
    const barrier = table.barrier().then((result) => {
      isTrue = result;
      return table.get("b");
    });
    await until(() => table.stats.pendingWaits === 1);
    expect([isTrue, table.has("b")]).toEqual([false, false]);
    door.open();
    expect(await barrier).toBe("2");
  });

  test("also when every fetch brings one small batch", async () => {
    const door = new Door();
    const table = await fixture.openTable();
    fixture.broker.intercept("Fetch", async (request, context) => {
      await door.opened;
      const answer = await context.handle();
      if (answer === undefined) return "close";
      const responses = answer.responses.map((topic) => ({
        ...topic,
        partitions: topic.partitions.map((partition) => ({ ...partition, records: firstBatch(partition.records) })),
      }));
      expect(request.topics).toHaveLength(1);
      return { ...answer, responses };
    });
    await fixture.write(...Array.from({ length: 30 }, (_, i) => [`k${i}`, "v"] as const));
    const barrier = table.barrier();
    door.open();
    expect(await barrier).toBe(true);
    expect(table.size).toBe(30);
  });
});

function firstBatch(records: Uint8Array | null): Uint8Array | null {
  if (records === null || records.length < 12) return records;
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  return records.subarray(0, 12 + view.getInt32(8));
}
