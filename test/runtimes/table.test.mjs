/*
 * The published package in one runtime: node:test runs under Node, Deno and Bun alike. Without KTABLES_BOOTSTRAP it
 * uses the embedded broker of the same package.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { GroupedKafkaTable, GroupedKafkaTableWriter, json, KafkaTable, KafkaTableWriter, string } from "ktables";
import { KafkaClient } from "ktables/client";
import { nextBatch } from "ktables/record-batch";
import { EmbeddedBroker } from "ktables/testing";

let broker;
let connection = process.env.KTABLES_BOOTSTRAP;
const topicOf = (name) => `${name}-${Math.random().toString(36).slice(2)}`;

before(async () => {
  if (connection === undefined) {
    broker = await EmbeddedBroker.start();
    connection = broker.bootstrapServers;
  }
});
after(async () => {
  await broker?.close();
});

test("a table sees what a writer sets, updates and deletes", async () => {
  const topic = { connection, topic: topicOf("services"), value: json() };
  const writer = await KafkaTableWriter.open(topic);
  const table = await KafkaTable.open(topic);
  try {
    assert.equal(table.status, "caught_up");
    assert.equal(table.size, 0);
    await writer.set("billing", { url: "http://10.0.0.7:8080" });
    const token = await writer.set("search", { url: "http://10.0.0.8:8080" });
    assert.equal(typeof token.offset, "number");
    assert.deepEqual(JSON.parse(JSON.stringify(token)), token);
    assert.equal(await table.barrier({ timeoutMs: 10_000 }), true);
    assert.deepEqual(table.get("billing"), { url: "http://10.0.0.7:8080" });
    await writer.set("billing", { url: "http://10.0.0.9:8080" });
    await writer.delete("search");
    assert.equal(await table.barrier({ timeoutMs: 10_000 }), true);
    assert.deepEqual([...table], [["billing", { url: "http://10.0.0.9:8080" }]]);
  } finally {
    await table.stop();
    await writer.stop();
  }
});

test("a grouped table has the members of every group, whatever their names", async () => {
  const topic = { connection, topic: topicOf("instances"), value: json() };
  const writer = await GroupedKafkaTableWriter.open(topic);
  const table = await GroupedKafkaTable.open(topic);
  try {
    await writer.set("👩‍🚀", "", 1);
    await writer.set("👩‍🚀", "🚀", 2);
    await table.waitFor(await writer.set("gone", "m", 3));
    assert.deepEqual([...table.groups()], ["👩‍🚀", "gone"]);
    await table.waitFor(await writer.delete("gone", "m"));
    assert.deepEqual(
      [...table.members("👩‍🚀")],
      [
        ["", 1],
        ["🚀", 2],
      ],
    );
    assert.equal(table.hasGroup("gone"), false);
    await assert.rejects(writer.set("\ud83d", "\ude00", 1), { code: "ENCODE_FAILED" });
  } finally {
    await table.stop();
    await writer.stop();
  }
});

for (const store of ["decoded", "bytes"]) {
  test(`a second table replays the topic from its beginning (${store})`, async () => {
    const topic = { connection, topic: topicOf("flags"), value: string() };
    const writer = await KafkaTableWriter.open({ ...topic, partitions: 3 });
    await Promise.all(Array.from({ length: 500 }, (_, index) => writer.set(`flag-${index % 50}`, `v${index}`)));
    await writer.stop();
    const table = await KafkaTable.open({ ...topic, store });
    assert.equal(table.stats.store, store);
    assert.equal(table.size, 50);
    assert.equal(table.get("flag-7"), "v457");
    await table.stop();
    assert.equal(table.status, "stopped");
    assert.equal(table.get("flag-7"), "v457");
    assert.deepEqual(table.snapshot(), new Map([...table.keys()].map((key) => [key, table.get(key)])));
  });
}

test("tables and writers share one client", async () => {
  const client = new KafkaClient(connection);
  const topic = { connection: client, topic: topicOf("shared"), value: string() };
  const writer = await KafkaTableWriter.open(topic);
  const table = await KafkaTable.open(topic);
  await writer.set("😀", "emoji keys work");
  assert.equal(await table.barrier({ timeoutMs: 10_000 }), true);
  assert.equal(table.get("😀"), "emoji keys work");
  await table.stop();
  await writer.stop();
  client.close();
});

test("errors carry a code, and the process is not held up", async () => {
  assert.throws(() => new KafkaTable({ connection, topic: "", value: string() }), { code: "INVALID_OPTION" });
  await assert.rejects(
    KafkaTable.open({ connection: "127.0.0.1:1", topic: "t", value: string(), catchupTimeoutMs: 500 }),
    (error) => error.code === "CONNECTION_FAILED" && error.message.includes("127.0.0.1:1"),
  );
});

test("the record batch decoder comes along", () => {
  assert.equal(nextBatch(new Uint8Array(0), 0), undefined);
});
