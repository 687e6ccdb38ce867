import { encodeBatch, readBatches } from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import { editable } from "../client/embedded.ts";
import { until, utf8 } from "../suites/support.ts";
import { Fixture, record } from "./support.ts";

const fixture = new Fixture({ topics: [{ name: "t", configs: { "cleanup.policy": "compact,delete" } }] });

function append(key: string, value: string | null, more: object = {}): void {
  fixture.broker.append("t", 0, encodeBatch({ records: [{ ...record(key, value), ...more }] }));
}

describe("entry()", () => {
  test("is refused, with the name of the option, where metadata was not asked for", async () => {
    append("k", "1");
    const table = await fixture.openTable({ expireWithLog: true, fetchMaxWaitMs: 100 });
    for (const key of ["k", "absent"]) {
      expect(() => table.entry(key)).toThrow(
        expect.objectContaining({ name: "InvalidOptionError", code: "INVALID_OPTION", option: "metadata" }),
      );
    }
    expect(() => table.entry("k")).toThrow('The table of topic "t" keeps no metadata: entry() needs');
  });

  test("is refused before the start", () => {
    expect(() => fixture.table({ metadata: true }).entry("k")).toThrow(
      expect.objectContaining({ code: "NOT_STARTED" }),
    );
  });

  test("stands still, and keeps no part of what the brokers sent", async () => {
    append("k", "1", { headers: [{ key: "h", value: utf8("v") }] });
    const table = await fixture.openTable({ metadata: true });
    const entry = table.entry("k");
    append("k", "2");
    await table.barrier();
    expect(entry).toMatchObject({ value: "1", offset: 0, timestamp: 1_700_000_000_000 });
    expect(entry?.headers[0]?.value?.buffer.byteLength).toBe(1);
    expect(table.entry("k")).toMatchObject({ value: "2", offset: 1, headers: [] });
    expect(() => Object.assign(entry ?? {}, { value: "3" })).toThrow(TypeError);
    expect(() => Object.assign(entry?.headers ?? [], { 0: "x" })).toThrow(TypeError);
  });

  test("has -1 for a record without a timestamp", async () => {
    append("k", "1", { timestamp: -1 });
    const table = await fixture.openTable({ metadata: true });
    expect(table.entry("k")?.timestamp).toBe(-1);
  });

  test("follows a topic that is read anew", async () => {
    append("k", "1");
    append("k", "2");
    const table = await fixture.openTable({ metadata: true });
    expect(table.entry("k")?.offset).toBe(1);
    await fixture.broker.deleteTopic("t");
    await fixture.broker.createTopic("t");
    append("k", "2");
    await until(() => table.stats.resyncs === 1);
    expect(table.entry("k")).toMatchObject({ value: "2", offset: 0 });
  });
});

describe("a table that expires with its log (case 46)", () => {
  test("drops the keys whose records are gone, tells everybody, and counts", async () => {
    append("a", "1");
    append("b", "1");
    append("a", "2");
    const deleted: string[] = [];
    const table = await fixture.openTable({
      expireWithLog: true,
      fetchMaxWaitMs: 100,
      onDelete: (key) => void deleted.push(key),
    });
    const changes = table.changes();
    fixture.broker.deleteRecords("t", 0, 2);
    await until(() => table.size === 1);
    expect(Object.fromEntries(table)).toEqual({ a: "2" });
    expect(deleted).toEqual(["b"]);
    expect(table.stats).toMatchObject({ recordsExpired: 1, tombstonesApplied: 0, resyncs: 0 });
    await changes.next();
    expect(await changes.next()).toMatchObject({
      value: { type: "delete", key: "b", oldValue: "1", phase: "expired", partition: 0, offset: 1 },
    });
    expect([...table.scan()]).toEqual([["a", "2"]]);
  });

  test("forgets what could not be decoded, once that is gone", async () => {
    append("a", "1");
    append("a", "bad");
    const decode = (bytes: Uint8Array): string => {
      if (bytes.length === 3) throw new Error("bad");
      return new TextDecoder().decode(bytes);
    };
    const table = await fixture.openTable({
      expireWithLog: true,
      fetchMaxWaitMs: 100,
      value: { encode: utf8, decode },
    });
    fixture.broker.deleteRecords("t", 0, 1);
    await until(() => table.size === 0);
    expect(table.poisoned()).toMatchObject([{ key: "a", offset: 1, serving: { from: "nothing" } }]);
    append("b", "1");
    fixture.broker.deleteRecords("t", 0, 2);
    await until(() => table.stats.poisonedKeys === 0);
    expect([...table.keys()]).toEqual(["b"]);
  });

  test("also drops what a broker still gives from below the start that it tells", async () => {
    for (const key of ["a", "b", "c"]) append(key, "1");
    fixture.broker.intercept("Fetch", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (answer === undefined || !partition?.records) return "pass";
      // One batch at a time, the first two of which should be gone.
      const [first] = readBatches(partition.records);
      partition.records = partition.records.subarray(0, first?.sizeInBytes);
      partition.logStartOffset = 2;
      return answer;
    });
    const table = await fixture.openTable({ expireWithLog: true, fetchMaxWaitMs: 100 });
    expect([...table.keys()]).toEqual(["c"]);
    expect(table.stats.recordsExpired).toBe(2);
  });

  test("reveals what another partition has", async () => {
    await fixture.broker.createTopic("two", { partitions: 2 });
    const add = (partition: number, value: string, timestamp: number): void => {
      const records = [{ ...record("k", value), timestamp }];
      fixture.broker.append("two", partition, encodeBatch({ records }));
    };
    add(0, "older", 1000);
    add(1, "newer", 2000);
    const table = await fixture.openTable({ topic: "two", expireWithLog: true, fetchMaxWaitMs: 100 });
    expect(table.get("k")).toBe("newer");
    fixture.broker.deleteRecords("two", 1, 1);
    await until(() => table.get("k") === "older");
    expect(table.stats).toMatchObject({ recordsExpired: 1, crossPartitionKeys: 0 });
  });

  test("keeps everything without the option", async () => {
    append("a", "1");
    append("b", "1");
    const table = await fixture.openTable({ fetchMaxWaitMs: 100 });
    fixture.broker.deleteRecords("t", 0, 1);
    await until(() => table.health().partitions[0]?.logStartOffset === 1);
    expect([...table.keys()]).toEqual(["a", "b"]);
    expect(table.stats.recordsExpired).toBe(0);
  });
});
