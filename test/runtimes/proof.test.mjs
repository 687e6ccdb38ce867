/*
 * Only run on real Kafka, after the Java peer has written the topic that KTABLES_PROOF describes: what the table holds
 * must be what Java's consumer read; what the writer writes is compared by the runner afterwards.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { bytes, KafkaTable, KafkaTableWriter } from "ktables";

const proof = JSON.parse(await readFile(process.env.KTABLES_PROOF, "utf8"));

test("a compacted topic with every codec, tombstones and transactions reads as in Java", async () => {
  const table = await KafkaTable.open({
    connection: proof.bootstrapServers,
    topic: proof.topic,
    value: bytes(),
    ensureTopic: false,
  });
  try {
    assert.equal(table.status, "caught_up");
    const found = new Map([...table].map(([key, value]) => [key, Buffer.from(value).toString("base64")]));
    assert.equal(found.size, Object.keys(proof.entries).length);
    for (const [key, value] of Object.entries(proof.entries)) assert.equal(found.get(key), value, key);
    assert.equal(table.stats.keyDecodeErrors + table.stats.valueDecodeErrors + table.stats.keylessRecords, 0);
  } finally {
    await table.stop();
  }
});

test("what the writer writes is there for Java to read", async () => {
  const topic = process.env.KTABLES_WRITE_TOPIC;
  const writer = await KafkaTableWriter.open({
    connection: proof.bootstrapServers,
    topic,
    value: bytes(),
    partitions: proof.writePartitions,
    compression: process.env.KTABLES_WRITE_COMPRESSION,
  });
  const encoder = new TextEncoder();
  const acknowledged = {};
  try {
    const tokens = await Promise.all(
      proof.keysToWrite.map((key, index) =>
        index % 10 === 9 ? writer.delete(key) : writer.set(key, encoder.encode(`value of ${key} ${index}`)),
      ),
    );
    proof.keysToWrite.forEach((key, index) => {
      acknowledged[key] = tokens[index];
    });
  } finally {
    await writer.stop();
  }
  assert.ok(Object.values(acknowledged).every((token) => token.offset >= 0));
});
