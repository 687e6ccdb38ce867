import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { JavaPeerError, startJavaPeer } from "../harness/java-peer.ts";
import { kafkaAvailability, startKafka } from "../harness/kafka.ts";
import type { KafkaCluster, KafkaOptions } from "../harness/kafka-cluster.ts";
import { compactTopic, EAGER_COMPACTION } from "../harness/log-cleaner.ts";
import { probeCluster } from "../harness/metadata-probe.ts";
import { waitUntil } from "../harness/wait-until.ts";

const cleanup: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

async function kafka(options: KafkaOptions): Promise<KafkaCluster> {
  const cluster = await startKafka({ ...options, launcher: "java" });
  cleanup.push(() => cluster.stop());
  return cluster;
}

async function peer(): ReturnType<typeof startJavaPeer> {
  const started = await startJavaPeer();
  cleanup.push(() => started.stop());
  return started;
}

/** The directory that holds everything of a cluster that the java launcher started. */
function baseDirectory(cluster: KafkaCluster): string {
  return dirname(dirname(cluster.nodes[0]?.logDirectory ?? "/no/such/directory"));
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("one node", () => {
  test("the peer writes and reads, also in transactions, and nothing is left after stop", async () => {
    const [cluster, java] = await Promise.all([kafka({ version: "4.4.0" }), peer()]);
    const { bootstrapServers } = cluster;
    const topic = "round-trip";
    await java.call("createTopic", { bootstrapServers, topic, partitions: 3 });
    const compressions = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
    for (const compression of compressions) {
      const records = [
        { key: compression, value: compression, partition: 1, timestamp: 1234, headers: [{ key: "h", value: null }] },
        { keyBase64: "AP8=", value: null, partition: 1, timestamp: 1235 },
      ];
      await java.call("produce", { bootstrapServers, topic, compression, records });
    }
    await java.call("transaction", {
      bootstrapServers,
      topic,
      outcome: "commit",
      records: [{ key: "kept", value: "1" }],
    });
    await java.call("transaction", {
      bootstrapServers,
      topic,
      outcome: "abort",
      records: [{ key: "gone", value: "1" }],
    });

    const committed = await java.call("consume", { bootstrapServers, topic });
    const all = await java.call("consume", { bootstrapServers, topic, isolation: "read_uncommitted" });
    expect(committed.records.filter(({ timestamp }) => timestamp < 2000)).toEqual(
      compressions.flatMap((compression, index) => [
        {
          partition: 1,
          offset: 2 * index,
          timestamp: 1234,
          keyBase64: base64(compression),
          valueBase64: base64(compression),
          headers: [{ key: "h", valueBase64: null }],
        },
        { partition: 1, offset: 2 * index + 1, timestamp: 1235, keyBase64: "AP8=", valueBase64: null, headers: [] },
      ]),
    );
    expect(committed.records).toHaveLength(11);
    expect(all.records).toHaveLength(12);

    const table = await java.call("table", { bootstrapServers, topic });
    expect(Object.keys(table.entries).toSorted()).toEqual([...compressions, "kept"].map(base64).toSorted());
    // Two transactions, each with one record and one marker, on whatever partitions their keys belong to.
    expect(Object.values(table.positions).reduce((sum, position) => sum + position, 0)).toBe(10 + 4);

    const directory = baseDirectory(cluster);
    expect(existsSync(directory)).toBe(true);
    await cluster.stop();
    expect(existsSync(directory)).toBe(false);
    await expect(probeCluster("127.0.0.1", cluster.nodes[0]?.port ?? 0)).rejects.toThrow();
  });

  test("an open transaction holds back read_committed readers until it ends", async () => {
    const [cluster, java] = await Promise.all([kafka({}), peer()]);
    const { bootstrapServers } = cluster;
    const topic = "held-back";
    await java.call("createTopic", { bootstrapServers, topic });
    const { transactionalId } = await java.call("transaction", {
      bootstrapServers,
      topic,
      outcome: "open",
      records: [{ key: "k", value: "v" }],
    });
    await java.call("produce", { bootstrapServers, topic, records: [{ key: "later", value: "v" }] });
    const ends = async (isolation: "read_committed" | "read_uncommitted"): Promise<number | undefined> =>
      (await java.call("offsets", { bootstrapServers, topic, isolation })).end["0"];
    expect(await ends("read_committed")).toBe(0);
    expect(await ends("read_uncommitted")).toBe(2);
    await java.call("endTransaction", { transactionalId, outcome: "commit" });
    expect(await ends("read_committed")).toBe(3);
  });

  test("generated data is the same for the same seed, and the real cleaner compacts it", async () => {
    const [cluster, java] = await Promise.all([kafka({}), peer()]);
    const { bootstrapServers } = cluster;
    const tables: Record<string, string>[] = [];
    for (const topic of ["generated-1", "generated-2"]) {
      await java.call("createTopic", { bootstrapServers, topic, partitions: 2, configs: EAGER_COMPACTION });
      const report = await java.call("produceMany", {
        bootstrapServers,
        topic,
        count: 10_000,
        keys: 500,
        compressions: ["gzip", "snappy", "lz4", "zstd"],
        tombstoneEvery: 10,
      });
      const table = await java.call("table", { bootstrapServers, topic });
      expect(Object.keys(table.entries)).toHaveLength(report.liveKeys);
      expect(report.tombstones).toBe(1000);
      tables.push(table.entries);
    }
    expect(tables[0]).toEqual(tables[1]);
    const left = await compactTopic(java, { bootstrapServers, topic: "generated-1", partitions: 2, maxRecords: 600 });
    expect(left).toBeLessThanOrEqual(600);
  });
});

test("three nodes: all list each other, a killed one comes back, nothing is left after stop", async () => {
  const [cluster, java] = await Promise.all([kafka({ nodes: 3 }), peer()]);
  const { bootstrapServers, nodes } = cluster;
  const ids = (): Promise<number[]> =>
    java
      .call("describeCluster", { bootstrapServers })
      .then((answer) => answer.nodes.map(({ id }) => id).toSorted((a, b) => a - b));
  expect(nodes.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(await ids()).toEqual([1, 2, 3]);

  const topic = "replicated";
  await java.call("createTopic", { bootstrapServers, topic, assignments: [[2, 3, 1]] });
  const leader = async (): Promise<number | undefined> =>
    (await java.call("describeTopic", { bootstrapServers, topic })).partitions[0]?.leader;
  expect(await leader()).toBe(2);
  await java.call("moveLeader", { bootstrapServers, topic, replicas: [3, 1, 2] });
  expect(await leader()).toBe(3);

  await cluster.killNode(3);
  await expect(probeCluster("127.0.0.1", nodes[2]?.port ?? 0)).rejects.toThrow();
  await java.call("produce", { bootstrapServers, topic, records: [{ key: "k", value: "without node 3" }] });
  await cluster.restartNode(3);
  expect(await ids()).toEqual([1, 2, 3]);
  expect((await java.call("consume", { bootstrapServers, topic })).records).toHaveLength(1);

  const directory = baseDirectory(cluster);
  await cluster.stop();
  expect(existsSync(directory)).toBe(false);
});

describe("the codec commands", () => {
  test("messages of the Java client go both ways, records included", async () => {
    const java = await peer();
    const batch = await java.call("encodeBatch", {
      compression: "zstd",
      baseOffset: 5,
      lastOffset: 9,
      records: [{ key: "k", value: null, offset: 7, timestamp: 3 }],
    });
    const message = {
      throttleTimeMs: 0,
      errorCode: 0,
      sessionId: 0,
      responses: [
        {
          topicId: "AAAAAAAAAAAAAAAAAAAAAA",
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 0,
              highWatermark: 10,
              lastStableOffset: 10,
              logStartOffset: 0,
              abortedTransactions: null,
              preferredReadReplica: -1,
              records: batch.base64,
            },
          ],
        },
      ],
    };
    const encoded = await java.call("encodeMessage", { name: "FetchResponse", version: 13, json: message });
    const decoded = await java.call("decodeMessage", { name: "FetchResponse", version: 13, ...encoded });
    expect(decoded).toEqual({ json: message, remaining: 0 });
    const { batches } = await java.call("decodeBatch", batch);
    expect(batches).toMatchObject([{ baseOffset: 5, lastOffset: 9, compression: "zstd", records: [{ offset: 7 }] }]);
    // The published anchor of Java's default partitioner.
    expect(await java.call("partitionForKey", { key: "21", partitions: 1000 })).toEqual({ partition: 340 });
  });

  test("a failure inside Java rejects with its class and message, and the peer goes on", async () => {
    const java = await peer();
    const failure = java.call("encodeMessage", { name: "FetchResponse", version: 13, json: {} });
    await expect(failure).rejects.toThrow(JavaPeerError);
    await expect(failure).rejects.toThrow(/unable to locate field 'throttleTimeMs'/);
    expect((await java.call("describeApi", { name: "Fetch" })).apiKey).toBe(1);
    await java.stop();
    await expect(java.call("describeApi", { name: "Fetch" })).rejects.toThrow(/has ended/);
  });
});

describe("the choice of a launcher", () => {
  test("availability names the launcher that would serve", async () => {
    expect(await kafkaAvailability({ launcher: "java" })).toEqual({ available: true, how: 'launcher "java"' });
  });

  test("a cluster of the environment is used where it fits, and is not stopped", async () => {
    const own = await kafka({});
    vi.stubEnv("KAFKA_BOOTSTRAP_SERVERS", own.bootstrapServers);
    vi.stubEnv("KTABLES_LAUNCHER", "");
    cleanup.push(() => Promise.resolve(void vi.unstubAllEnvs()));
    const found = await startKafka();
    expect(found).toMatchObject({ launcher: "external", bootstrapServers: own.bootstrapServers, version: "unknown" });
    await found.stop();
    expect((await probeCluster("127.0.0.1", own.nodes[0]?.port ?? 0)).brokers).toHaveLength(1);
    const unfit = await kafkaAvailability({ launcher: "external", nodes: 3 });
    expect(unfit).toMatchObject({ available: false });
    expect(unfit.how).toContain("has 1 broker(s), not 3");
    await own.stop();
    expect((await kafkaAvailability({ launcher: "external" })).how).toContain("no broker answers");
  });
});

test("processes and directories do not outlive a test process that is killed", async () => {
  const directory = await mkdtemp(join(tmpdir(), "ktables-watchdog-"));
  const released = await mkdtemp(join(tmpdir(), "ktables-watchdog-"));
  cleanup.push(() => rm(released, { recursive: true }));
  const program = `
    import { spawn } from "node:child_process";
    import { track } from ${JSON.stringify(new URL("../harness/watchdog.ts", import.meta.url).href)};
    const forgotten = spawn("sleep", ["600"], { stdio: ["ignore", "inherit", "ignore"], detached: true });
    track("process", forgotten.pid);
    track("directory", ${JSON.stringify(directory)});
    track("directory", ${JSON.stringify(released)})();
    process.stdout.write("ready");
    setInterval(() => undefined, 1000);
  `;
  const victim = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(victim.stdout, "data");
  // The forgotten process shares this pipe, so the pipe closes only when that process is gone too.
  const bothAreGone = once(victim, "close");
  victim.kill("SIGKILL");
  await bothAreGone;
  await waitUntil("the directory is gone", () => Promise.resolve(existsSync(directory) ? undefined : true));
  expect(existsSync(released)).toBe(true);
});
