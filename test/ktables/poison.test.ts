import { encodeBatch } from "@ktables/record-batch";
import {
  type Codec,
  json,
  KafkaTable,
  type KafkaTableOptions,
  type PoisonDecision,
  PoisonedRecordError,
  type PoisonRecord,
  string,
  TableFailedError,
} from "ktables";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { rejection, until, utf8 } from "../suites/support.ts";
import { Fixture, record } from "./support.ts";

const fixture = new Fixture();

/** Refuses what begins with "bad". */
const picky: Codec<string> = {
  ...string(),
  decode: (bytes) => {
    const text = string().decode(bytes);
    if (text.startsWith("bad")) throw new Error(`refused: ${text}`);
    return text;
  },
};

function append(...records: readonly (readonly [string, string | null])[]): void {
  for (const [key, value] of records) {
    fixture.broker.append("t", 0, encodeBatch({ records: [record(key, value)] }));
  }
}

async function open(options: Partial<KafkaTableOptions<string>> = {}): Promise<KafkaTable<string>> {
  return fixture.openTable({ value: picky, ...options });
}

/** Two keys with a good value each, then a bad one for one of them and for a key that has none. */
function appendPoison(): void {
  append(["a", "1"], ["b", "1"], ["a", "bad 2"], ["c", "bad 1"]);
}

const refused = (text: string): unknown => expect.objectContaining({ message: `refused: ${text}` });

describe("a value that cannot be decoded", () => {
  test("leaves the previous one in place, and is listed", async () => {
    appendPoison();
    const table = await open();
    expect(Object.fromEntries(table)).toEqual({ a: "1", b: "1" });
    expect(table.poisoned()).toEqual([
      {
        key: "a",
        partition: 0,
        offset: 2,
        error: refused("bad 2"),
        serving: { from: "previous", value: "1", partition: undefined, offset: undefined },
      },
      { key: "c", partition: 0, offset: 3, error: refused("bad 1"), serving: { from: "nothing" } },
    ]);
    expect(table.health().poisonedKeys).toBe(2);
    expect(table.stats).toMatchObject({ poisonedKeys: 2, valueDecodeErrors: 2, recordsApplied: 2 });
    expect(fixture.logger.messages("warn")[0]).toContain("kept the previous value of a key");
  });

  test("comes with where the previous one is, if the table keeps that", async () => {
    appendPoison();
    const table = await open({ metadata: true });
    expect(table.poisoned()[0]?.serving).toEqual({ from: "previous", value: "1", partition: 0, offset: 0 });
  });

  test("is forgotten when a good value, or a tombstone, comes for the key", async () => {
    appendPoison();
    const table = await open();
    append(["c", null], ["b", "2"]);
    await table.barrier();
    expect(table.poisoned().map(({ key }) => key)).toEqual(["a"]);
    append(["a", "bad 3"]);
    await table.barrier();
    expect(table.poisoned()).toMatchObject([{ key: "a", offset: 6, serving: { value: "1" } }]);
    append(["a", "4"]);
    await table.barrier();
    expect(table.poisoned()).toEqual([]);
    expect(table.health().poisonedKeys).toBe(0);
    expect(table.stats).toMatchObject({ poisonedKeys: 0, valueDecodeErrors: 3 });
  });

  test("drops the key, which listeners hear of, where that is the policy", async () => {
    append(["a", "1"]);
    const deleted: string[] = [];
    const table = await open({ onPoison: "drop", onDelete: (key) => void deleted.push(key) });
    const changes = table.changes();
    append(["a", "bad 2"]);
    await table.barrier();
    expect(table.size).toBe(0);
    expect(deleted).toEqual(["a"]);
    await changes.next();
    expect(await changes.next()).toMatchObject({
      value: { type: "delete", key: "a", oldValue: "1", phase: "live", partition: 0, offset: 1 },
    });
    expect(table.poisoned()).toMatchObject([{ key: "a", offset: 1, serving: { from: "nothing" } }]);
    expect(fixture.logger.messages("warn")[0]).toContain("offset 1: dropped a key");
    append(["a", "3"]);
    await table.barrier();
    expect(table.get("a")).toBe("3");
    expect(table.poisoned()).toEqual([]);
  });

  test("fails the table, which names the record, where that is the policy", async () => {
    append(["a", "1"]);
    const table = await open({ onPoison: "fail" });
    append(["b", "1"], ["a", "bad 2"], ["b", "2"]);
    await until(() => table.status === "failed");
    expect(table.failure).toBeInstanceOf(PoisonedRecordError);
    expect(table.failure).toMatchObject({
      code: "POISONED_RECORD",
      retriable: false,
      topic: "t",
      partition: 0,
      offset: 2,
      key: "a",
      cause: refused("bad 2"),
      message: 'Topic "t" partition 0 offset 2: the value of key "a" could not be decoded: refused: bad 2',
    });
    expect(Object.fromEntries(table)).toEqual({ a: "1", b: "1" });
  });

  test("fails the start, too, where that is the policy", async () => {
    appendPoison();
    const error = await rejection(open({ onPoison: "fail" }));
    expect(error).toBeInstanceOf(TableFailedError);
    expect(error.cause).toMatchObject({ code: "POISONED_RECORD", offset: 2 });
  });

  test("is judged by a function, which sees everything and may give another value", async () => {
    appendPoison();
    const seen: unknown[] = [];
    const onPoison = (poison: PoisonRecord<string>): PoisonDecision<string> => {
      seen.push({ ...poison, bytes: string().decode(poison.bytes) });
      return poison.previous === undefined ? { value: "default" } : "keep-previous";
    };
    const table = await open({ onPoison });
    expect(seen).toEqual([
      { key: "a", partition: 0, offset: 2, error: refused("bad 2"), previous: "1", bytes: "bad 2" },
      { key: "c", partition: 0, offset: 3, error: refused("bad 1"), previous: undefined, bytes: "bad 1" },
    ]);
    expect(Object.fromEntries(table)).toEqual({ a: "1", b: "1", c: "default" });
    expect(table.poisoned().map(({ serving }) => serving)).toMatchObject([
      { from: "previous", value: "1" },
      { from: "replacement", value: "default" },
    ]);
    expect(table.stats).toMatchObject({ recordsApplied: 2, valueDecodeErrors: 2 });
  });

  test.each(["drop", "fail"] as const)("does what the function answers: %s", async (decision) => {
    append(["a", "1"]);
    const table = await open({ onPoison: () => decision });
    append(["a", "bad 2"]);
    await until(() => table.stats.valueDecodeErrors === 1);
    expect(table.status).toBe(decision === "fail" ? "failed" : "caught_up");
    expect(table.has("a")).toBe(decision === "fail");
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("no idea");
      },
    ],
    ["answers nothing", () => undefined],
    ["answers later", () => Promise.resolve("drop")],
    ["answers something else", () => "keep"],
  ])("keeps the previous one when the function %s, which is counted and logged", async (_, onPoison) => {
    append(["a", "1"]);
    const table = await open({ onPoison: onPoison as never });
    append(["a", "bad 2"], ["b", "1"]);
    await table.barrier();
    expect(Object.fromEntries(table)).toEqual({ a: "1", b: "1" });
    expect(table.stats).toMatchObject({ callbackErrors: 1, poisonedKeys: 1 });
    expect(table.poisoned()).toMatchObject([{ key: "a", serving: { from: "previous", value: "1" } }]);
    expect(fixture.logger.messages("warn")[0]).toContain("onPoison threw: ");
  });

  test("may be one that a schema refuses", async () => {
    append(["a", '{"url":"http://a"}'], ["a", '{"url":7}'], ["b", "{"]);
    const table = new KafkaTable({
      connection: fixture.connection(),
      topic: "t",
      value: json(z.object({ url: z.string() })),
    });
    await table.start();
    try {
      expect(table.get("a")).toEqual({ url: "http://a" });
      expect(table.poisoned()).toMatchObject([
        { key: "a", error: { code: "DECODE_FAILED", message: expect.stringContaining("url: ") } },
        { key: "b", error: { code: "DECODE_FAILED", message: "the value is not valid JSON in UTF-8" } },
      ]);
    } finally {
      await table.stop();
    }
  });

  test("is no matter of a schema that answers later: that ends the table", async () => {
    append(["a", '"text"']);
    const later = z.string().refine(async () => true);
    const error = await rejection(
      KafkaTable.open({ connection: fixture.connection(), topic: "t", value: json(later) }),
    );
    expect(error.cause).toMatchObject({ name: "AsyncSchemaError", code: "ASYNC_SCHEMA" });
  });

  test("has no key when that cannot be decoded, and is not listed", async () => {
    const records = [{ key: Uint8Array.of(0xff), value: utf8("bad"), timestamp: 0 }];
    fixture.broker.append("t", 0, encodeBatch({ records }));
    const table = await open({ onPoison: "fail" });
    expect(table.poisoned()).toEqual([]);
    expect(table.stats).toMatchObject({ keyDecodeErrors: 1, valueDecodeErrors: 0 });
  });

  test("is judged in a topic that is read anew, and the list is that of what is served", async () => {
    appendPoison();
    const table = await open();
    await fixture.broker.deleteTopic("t");
    await fixture.broker.createTopic("t", { configs: { "cleanup.policy": "compact" } });
    append(["b", "bad"], ["d", "1"]);
    await until(() => table.stats.resyncs === 1);
    expect(table.poisoned()).toMatchObject([{ key: "b", offset: 0, serving: { from: "nothing" } }]);
    expect(Object.fromEntries(table)).toEqual({ d: "1" });
  });
});

describe("values in two partitions", () => {
  const several = new Fixture({ topics: [{ name: "t", partitions: 2 }] });

  function add(partition: number, key: string, value: string | null, timestamp: number): void {
    several.broker.append("t", partition, encodeBatch({ records: [{ ...record(key, value), timestamp }] }));
  }

  test("that cannot be decoded are listed for each, until each has a good record", async () => {
    add(0, "a", "1", 1000);
    const table = await several.openTable({ value: picky });
    add(0, "a", "bad 0", 2000);
    add(1, "a", "bad 1", 2000);
    await table.barrier();
    expect(
      table
        .poisoned()
        .map(({ partition }) => partition)
        .sort((a, b) => a - b),
    ).toEqual([0, 1]);
    expect(table.stats.poisonedKeys).toBe(2);
    add(1, "a", "2", 3000);
    await table.barrier();
    expect(table.get("a")).toBe("2");
    expect(table.poisoned()).toMatchObject([
      { partition: 0, offset: 1, serving: { value: "2", partition: 1, offset: 1 } },
    ]);
    add(0, "a", null, 4000);
    await table.barrier();
    expect(table.poisoned()).toEqual([]);
  });

  test("do not serve a replacement where a newer one is", async () => {
    add(0, "a", "1", 3000);
    const table = await several.openTable({ value: picky, onPoison: () => ({ value: "instead" }) });
    add(1, "a", "bad", 2000);
    await table.barrier();
    expect(table.poisoned()).toMatchObject([{ partition: 1, serving: { from: "previous", value: "1", partition: 0 } }]);
    add(0, "a", null, 4000);
    await table.barrier();
    expect(table.get("a")).toBe("instead");
    expect(table.poisoned()).toMatchObject([{ partition: 1, serving: { from: "replacement", value: "instead" } }]);
  });
});

describe("the option onPoison", () => {
  test.each([["keep"], [true], [{}], [async () => "drop"], [null]])("refuses %s", (onPoison) => {
    expect(() => fixture.table({ onPoison: onPoison as never })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option: "onPoison" }),
    );
  });
});
