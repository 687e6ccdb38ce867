import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JavaPeer } from "../harness/java-peer.ts";
import type { KafkaCluster } from "../harness/kafka.ts";
import { compactTopic, EAGER_COMPACTION } from "../harness/log-cleaner.ts";
import type { ReadRecord } from "../harness/peer-commands.ts";
import { waitUntil } from "../harness/wait-until.ts";

const topic = "proof";
const partitions = 3;
const keys = 20_000;
export const writePartitions = 7;
export const writeCompressions = ["none", "gzip", "snappy", "lz4", "zstd"] as const;

/** Keys of every kind that a partitioner could trip over. */
export const keysToWrite: readonly string[] = [
  "",
  "__proto__",
  "constructor",
  "0",
  "ключ",
  "鍵",
  "😀",
  "a\u0000b",
  "\ufeffbom",
  "x".repeat(1000),
  ...Array.from({ length: 990 }, (_, index) => `key-${index}`),
];

export interface Proof {
  readonly file: string;
  readonly records: number;
  /** Batches that the cleaner kept without records; undefined where the brokers' files are out of reach. */
  readonly emptyBatches: number | undefined;
  readonly entries: number;
}

/**
 * Has the Java peer write 200 000 records over 20 000 keys with every codec and with tombstones, one committed and one
 * aborted transaction, lets the real log cleaner punch its holes, and notes what Java's consumer reads.
 */
export async function prepareProof(peer: JavaPeer, kafka: KafkaCluster, directory: string): Promise<Proof> {
  const { bootstrapServers } = kafka;
  await peer.call("createTopic", { bootstrapServers, topic, partitions, configs: { ...EAGER_COMPACTION } });
  const written = await peer.call("produceMany", {
    bootstrapServers,
    topic,
    count: 200_000,
    keys,
    valueSize: 100,
    compressions: ["gzip", "snappy", "lz4", "zstd"],
    tombstoneEvery: 17,
    seed: 42,
  });
  if (written.records !== 200_000 || written.tombstones === 0) throw new Error("the peer did not write as asked");
  await compactTopic(peer, { bootstrapServers, topic, partitions, maxRecords: keys + 1000 });
  const emptyBatches = await makeEmptyBatches(peer, kafka);
  const transaction = (name: string, outcome: "commit" | "abort") =>
    peer.call("transaction", {
      bootstrapServers,
      topic,
      outcome,
      records: Array.from({ length: 30 }, (_, index) => ({ key: `${name}-${index}`, value: `${name} ${index}` })),
    });
  await transaction("committed", "commit");
  // The aborted one comes last, so that the log ends with records that no reader may see.
  await transaction("aborted", "abort");
  const table = await peer.call("table", { bootstrapServers, topic, isolation: "read_committed" });
  const entries = Object.fromEntries(
    Object.entries(table.entries).map(([key, value]) => [Buffer.from(key, "base64").toString("utf8"), value]),
  );
  if (entries["committed-0"] === undefined || entries["aborted-0"] !== undefined) {
    throw new Error("Java's read_committed consumer does not see the transactions as expected");
  }
  const { records: remaining, positions } = await peer.call("consume", { bootstrapServers, topic });
  assertHoles(remaining, positions);
  const file = join(directory, "proof.json");
  await writeFile(file, JSON.stringify({ bootstrapServers, topic, entries, keysToWrite, writePartitions }));
  return { file, records: remaining.length, emptyBatches, entries: Object.keys(entries).length };
}

/** Without holes the proof would prove nothing about compaction. */
function assertHoles(records: readonly ReadRecord[], positions: Readonly<Record<string, number>>): void {
  for (let partition = 0; partition < partitions; partition++) {
    const own = records.filter((record) => record.partition === partition);
    const end = positions[String(partition)] ?? 0;
    if (own.length === 0 || own.length >= end) throw new Error(`partition ${partition} was not compacted`);
  }
}

/**
 * The cleaner keeps the last batch of each producer even when all of its records are superseded. Each round of rolling
 * has a producer of its own, whose record the next round supersedes. Returns the number of empty batches.
 */
async function makeEmptyBatches(peer: JavaPeer, kafka: KafkaCluster): Promise<number | undefined> {
  const [logDirectory] = kafka.nodes.map((node) => node.logDirectory);
  if (logDirectory === undefined) return undefined;
  const { bootstrapServers } = kafka;
  return waitUntil("the cleaner leaves an empty batch in every partition", async () => {
    await compactTopic(peer, { bootstrapServers, topic, partitions, maxRecords: keys + 1000 });
    const counts = await Promise.all(
      Array.from({ length: partitions }, (_, partition) =>
        countEmptyBatches(peer, join(logDirectory, `${topic}-${partition}`)),
      ),
    );
    return counts.every((count) => count > 0) ? counts.reduce((sum, count) => sum + count) : undefined;
  });
}

/** Reads the broker's own files, because no consumer ever shows a batch without records. */
async function countEmptyBatches(peer: JavaPeer, directory: string): Promise<number> {
  let count = 0;
  for (const segment of (await readdir(directory)).filter((name) => name.endsWith(".log"))) {
    // The cleaner may replace a segment between listing and reading it.
    const bytes = await readFile(join(directory, segment)).catch(() => Buffer.alloc(0));
    const { batches } = await peer.call("decodeBatch", { base64: bytes.toString("base64") });
    count += batches.filter(({ isControl, records }) => !isControl && records.length === 0).length;
  }
  return count;
}

/** Compares what a writer wrote with what Java reads. Returns the number of records compared. */
export async function checkWritten(peer: JavaPeer, bootstrapServers: string, written: string): Promise<number> {
  const { records } = await peer.call("consume", { bootstrapServers, topic: written });
  const byKey = new Map(records.map((record) => [Buffer.from(record.keyBase64 ?? "", "base64").toString(), record]));
  if (records.length !== keysToWrite.length || byKey.size !== keysToWrite.length) {
    throw new Error(`${written}: ${records.length} records of ${byKey.size} keys instead of ${keysToWrite.length}`);
  }
  for (const [index, key] of keysToWrite.entries()) {
    const record = byKey.get(key);
    const expected = index % 10 === 9 ? null : Buffer.from(`value of ${key} ${index}`).toString("base64");
    if (record === undefined || record.valueBase64 !== expected) throw new Error(`${written}: wrong value of "${key}"`);
    const { partition } = await peer.call("partitionForKey", { key, partitions: writePartitions });
    if (record.partition !== partition) {
      throw new Error(`${written}: "${key}" is in partition ${record.partition}, Java chooses ${partition}`);
    }
  }
  return records.length;
}
