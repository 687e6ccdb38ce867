import { afterAll, expect, test } from "vitest";
import { startJavaPeer } from "../harness/java-peer.ts";
import { startKafka } from "../harness/kafka.ts";

const cleanup: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

test("a container's Kafka serves the Java peer on every codec and in transactions", async () => {
  const cluster = await startKafka({ launcher: "testcontainers" });
  cleanup.push(() => cluster.stop());
  const java = await startJavaPeer();
  cleanup.push(() => java.stop());
  const { bootstrapServers } = cluster;
  const topic = "in-a-container";
  // The broker compresses again, so its own codecs are used too.
  for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
    const configs = { "compression.type": compression === "none" ? "uncompressed" : compression };
    await java.call("createTopic", { bootstrapServers, topic: `${topic}-${compression}`, configs });
    const records = [{ key: "k", value: compression }];
    await java.call("produce", { bootstrapServers, topic: `${topic}-${compression}`, compression: "gzip", records });
    const read = await java.call("consume", { bootstrapServers, topic: `${topic}-${compression}` });
    expect(read.records.map(({ valueBase64 }) => Buffer.from(valueBase64 ?? "", "base64").toString())).toEqual([
      compression,
    ]);
  }
  const transaction = { bootstrapServers, topic: `${topic}-none` };
  await java.call("transaction", { ...transaction, outcome: "commit", records: [{ key: "committed", value: "1" }] });
  await java.call("transaction", { ...transaction, outcome: "abort", records: [{ key: "aborted", value: "1" }] });
  expect(Object.keys((await java.call("table", transaction)).entries)).toHaveLength(2);
  expect(await cluster.output()).toContain("Kafka Server started");
});
