import { KafkaClient } from "@ktables/client";
import { type KafkaTable, type KafkaTableOptions, KafkaTableWriter, string } from "ktables";
import { describe, expect, test } from "vitest";
import { rejection } from "../suites/support.ts";
import { Fixture } from "./support.ts";

const fixture = new Fixture({ topics: [{ name: "t", partitions: 4, configs: { "cleanup.policy": "compact" } }] });
const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);

describe("a table of some partitions", () => {
  const some = (partitions: readonly number[], options: Partial<KafkaTableOptions<string>> = {}) =>
    fixture.openTable({ partitions, ...options });

  test("holds their keys only, and together the tables hold every key once", async () => {
    await fixture.write(...keys.map((key) => [key, "1"] as const));
    const tables = [await some([0, 2]), await some([1]), await some([3])];
    const held = tables.map((table) => [...table.keys()]);
    expect(held.flat().sort()).toEqual(keys.toSorted());
    expect(tables.map((table) => table.health().partitions.map(({ partition }) => partition))).toEqual([
      [0, 2],
      [1],
      [3],
    ]);
    expect(tables.map(({ isCaughtUp }) => isCaughtUp)).toEqual([true, true, true]);
  });

  test("tells which partition a key belongs to, so that a request can be sent to who holds it", async () => {
    await fixture.write(...keys.map((key) => [key, "1"] as const));
    const tables = new Map<number, KafkaTable<string>>();
    for (const partition of [0, 1, 2, 3]) tables.set(partition, await some([partition]));
    const [any] = tables.values();
    for (const key of keys) expect(tables.get(any?.partitionFor(key) ?? -1)?.get(key)).toBe("1");
    expect(() => fixture.table().partitionFor("k")).toThrow(expect.objectContaining({ code: "NOT_STARTED" }));
    expect(() => any?.partitionFor("\ud800")).toThrow(expect.objectContaining({ code: "ENCODE_FAILED" }));
  });

  test("waits for its own partitions only", async () => {
    const table = await some([1]);
    const writer = await fixture.openWriter();
    const [ours, other] = [1, 2].map((partition) => keys.find((key) => table.partitionFor(key) === partition) ?? "");
    fixture.broker.writeTransaction("t", 2, [{ key: null, value: null, timestamp: 0 }], "open");
    const token = await writer.set(ours ?? "", "1");
    expect(await table.barrier()).toBe(true);
    await table.waitFor(token);
    expect([...table]).toEqual([[ours, "1"]]);
    const foreign = await writer.set(other ?? "", "1");
    expect(await rejection(table.waitFor(foreign))).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining("the token is of partition 2, the table reads 1 only"),
    });
  });

  test("creates no topic, and fails where the topic or a partition is missing", async () => {
    const missing = fixture.table({ topic: "missing", partitions: [0], catchupTimeoutMs: 300 });
    expect((await rejection(missing.start())).message).toContain("missing");
    expect(fixture.apis).not.toContain("CreateTopics");
    expect(await rejection(some([4]))).toMatchObject({ partition: 4 });
  });

  test.each([[[]], [[0, 0]], [[-1]], [["0"]]])("partitions %j are refused", (partitions) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    expect(() => fixture.table({ partitions: partitions as number[] })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option: "partitions" }),
    );
  });

  test("with ensureTopic is refused", () => {
    expect(() => fixture.table({ partitions: [0], ensureTopic: true })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", option: "ensureTopic" }),
    );
  });
});

test("several tables and writers share one client, which outlives them", async () => {
  const client = new KafkaClient(fixture.connection());
  for (const name of ["a", "b", "c"])
    await fixture.broker.createTopic(name, { configs: { "cleanup.policy": "compact" } });
  const options = { connection: client, value: string() };
  const tables = await Promise.all(["a", "b", "c"].map((topic) => fixture.openTable({ ...options, topic })));
  const writers = await Promise.all(["a", "b", "c"].map((topic) => fixture.openWriter({ ...options, topic })));
  const tokens = await Promise.all(writers.map((writer) => writer.set("k", writer.topic)));
  await Promise.all(tables.map((table, index) => table.waitFor(tokens[index] ?? [])));
  expect(tables.map((table) => table.get("k"))).toEqual(["a", "b", "c"]);
  for (const item of [...tables, ...writers]) await item.stop();
  const again = await KafkaTableWriter.open({ ...options, topic: "a" });
  await again.set("k", "still there");
  await again.stop();
  client.close();
});
