import {
  KafkaClient,
  listOffsets,
  Producer,
  partitionForKey,
  type RecordBatch,
  type RecordMetadata,
  silentLogger,
  TopicReader,
  type TopicReaderOptions,
} from "@ktables/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JavaPeer } from "../harness/java-peer.ts";
import { startJavaPeer } from "../harness/java-peer.ts";
import { startKafka } from "../harness/kafka.ts";
import type { KafkaCluster } from "../harness/kafka-cluster.ts";
import type { PeerRecord, ReadRecord } from "../harness/peer-commands.ts";
import { waitUntil } from "../harness/wait-until.ts";

const codecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString("base64");
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes that repeat themselves in every run. */
function randomBytes(seed: number): (length: number) => Uint8Array {
  let state = seed;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}

/** Everything that a reader of ours sees, in the form in which the Java peer reports what it has read. */
class Seen {
  readonly records: ReadRecord[] = [];
  readonly reader: TopicReader;

  constructor(client: KafkaClient, topic: string, options: Partial<TopicReaderOptions> = {}) {
    this.reader = new TopicReader(client, {
      topic,
      onBatch: (partition: number, batch: RecordBatch, fromOffset: number) => {
        batch.visit((record) => {
          if (record.offset < fromOffset) return;
          this.records.push({
            partition,
            offset: record.offset,
            timestamp: record.timestamp(),
            keyBase64: base64(record.key()),
            valueBase64: base64(record.value()),
            headers: record.headers().map(({ key, value }) => ({ key, valueBase64: base64(value) })),
          });
        });
      },
      ...options,
    });
  }

  /** Resolves when the reader has passed these offsets. */
  async reaches(ends: ReadonlyMap<number, number>): Promise<void> {
    await waitUntil("the reader's catching up", async () => {
      if (this.reader.failure !== undefined) throw this.reader.failure;
      return [...ends].every(([partition, end]) => (this.reader.position(partition) ?? -1) >= end) ? true : undefined;
    });
  }
}

const inOrder = (records: readonly ReadRecord[]): ReadRecord[] =>
  records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);

describe("one node", () => {
  let cluster: KafkaCluster;
  let java: JavaPeer;
  let client: KafkaClient;
  let bootstrapServers: string;

  beforeAll(async () => {
    [cluster, java] = await Promise.all([startKafka(), startJavaPeer()]);
    ({ bootstrapServers } = cluster);
    client = new KafkaClient({ bootstrapServers, logger: silentLogger });
  });
  afterAll(async () => {
    client?.close();
    await Promise.all([cluster?.stop(), java?.stop()]);
  });

  test.each(codecs)("what we write with compression %s, Java reads back identical", async (compression) => {
    const topic = `from-us-${compression}`;
    await java.call("createTopic", { bootstrapServers, topic, partitions: 3 });
    await using producer = new Producer(client, { compression, maxBatchBytes: 20_000 });
    const random = randomBytes(7);
    const expected: ReadRecord[] = [];
    const sent = Array.from({ length: 500 }, async (_, index) => {
      const key = random(1 + (index % 30));
      const value = index % 5 === 0 ? null : index % 7 === 0 ? new Uint8Array() : bytes("value ".repeat(index % 100));
      const headers =
        index % 3 === 0
          ? [
              { key: "h é", value: random(5) },
              { key: "", value: null },
            ]
          : [];
      const record = { topic, key, value, headers, timestamp: 1_600_000_000_000 + index * 1000 };
      const { partition, offset, timestamp } = await producer.send(record);
      expected.push({
        partition,
        offset,
        timestamp,
        keyBase64: base64(key),
        valueBase64: base64(value),
        headers: headers.map((header) => ({ key: header.key, valueBase64: base64(header.value) })),
      });
    });
    await Promise.all(sent);
    const { records } = await java.call("consume", { bootstrapServers, topic });
    expect(inOrder(records)).toEqual(inOrder(expected));
  });

  test("10 000 keys go to the partitions that Java's default partitioner chooses", async () => {
    const topic = "partitions";
    const partitions = 7;
    await java.call("createTopic", { bootstrapServers, topic, partitions });
    const random = randomBytes(99);
    const keys = Array.from({ length: 10_000 }, (_, index) => random(index % 41));
    const records = keys.map((key): PeerRecord => ({ keyBase64: base64(key), value: null }));
    const written = await java.call("produce", { bootstrapServers, topic, records });
    expect(keys.map((key) => partitionForKey(key, partitions))).toEqual(written.map(({ partition }) => partition));
    expect(new Set(written.map(({ partition }) => partition)).size).toBe(partitions);
  });

  test("what Java writes with every codec and in transactions, we read as Java reads it", async () => {
    const topic = "from-java";
    await java.call("createTopic", { bootstrapServers, topic, partitions: 2 });
    const records = (name: string): PeerRecord[] =>
      Array.from({ length: 40 }, (_, index) => ({
        key: `${name} ${index}`,
        value: index % 4 === 0 ? null : `value ${index}`.repeat(20),
        partition: index % 2,
        timestamp: 1_600_000_000_000 + index,
        headers:
          index % 5 === 0
            ? [
                { key: "h", value: "x" },
                { key: "n", value: null },
              ]
            : [],
      }));
    for (const compression of codecs) {
      await java.call("produce", { bootstrapServers, topic, compression, records: records(compression) });
      await java.call("transaction", {
        bootstrapServers,
        topic,
        compression,
        records: records(`+${compression}`),
        outcome: "commit",
      });
      await java.call("transaction", {
        bootstrapServers,
        topic,
        compression,
        records: records(`-${compression}`),
        outcome: "abort",
      });
    }
    const { transactionalId } = await java.call("transaction", {
      bootstrapServers,
      topic,
      records: records("open"),
      outcome: "open",
    });
    await java.call("produce", { bootstrapServers, topic, records: records("after") });

    const committed = new Seen(client, topic);
    const all = new Seen(client, topic, { isolation: "read_uncommitted" });
    await Promise.all([committed.reader.start(), all.reader.start()]);
    const stable = await listOffsets(client, topic, "latest", { isolation: "read_committed" });
    const latest = await listOffsets(client, topic, "latest");
    await Promise.all([committed.reaches(stable), all.reaches(latest)]);
    const [javaCommitted, javaAll] = await Promise.all([
      java.call("consume", { bootstrapServers, topic }),
      java.call("consume", { bootstrapServers, topic, isolation: "read_uncommitted" }),
    ]);
    expect(inOrder(committed.records)).toEqual(inOrder(javaCommitted.records));
    expect(inOrder(all.records)).toEqual(inOrder(javaAll.records));
    expect(all.records.length).toBe(40 * (3 * codecs.length + 2));
    expect(committed.records.length).toBe(40 * 2 * codecs.length);

    await java.call("endTransaction", { transactionalId, outcome: "abort" });
    const ends = await waitUntil("the end of the transaction", async () => {
      const now = await listOffsets(client, topic, "latest", { isolation: "read_committed" });
      return [...now].every(([partition, end]) => end > (stable.get(partition) ?? 0)) ? now : undefined;
    });
    await committed.reaches(ends);
    const final = await java.call("consume", { bootstrapServers, topic });
    expect(inOrder(committed.records)).toEqual(inOrder(final.records));
    expect(committed.records.length).toBe(40 * (2 * codecs.length + 1));
    await Promise.all([committed.reader.close(), all.reader.close()]);
  });

  test("a batch that the topic does not take is split, and a null key in a compacted topic is refused", async () => {
    await java.call("createTopic", { bootstrapServers, topic: "small", configs: { "max.message.bytes": "2000" } });
    await using producer = new Producer(client);
    const value = randomBytes(3)(300);
    const written = await Promise.all(
      Array.from({ length: 50 }, (_, index) => producer.send({ topic: "small", key: bytes(`${index}`), value })),
    );
    expect(written.map(({ offset }) => offset)).toEqual(written.map((_, index) => index));
    await expect(producer.send({ topic: "small", key: bytes("k"), value: randomBytes(3)(3000) })).rejects.toMatchObject(
      {
        code: "MESSAGE_TOO_LARGE",
        maybeWritten: false,
      },
    );
    await java.call("createTopic", { bootstrapServers, topic: "compacted", configs: { "cleanup.policy": "compact" } });
    await expect(producer.send({ topic: "compacted", key: null, value })).rejects.toMatchObject({
      code: "INVALID_RECORD",
    });
    expect((await producer.send({ topic: "compacted", key: bytes("k"), value })).offset).toBe(0);
  });

  test("a topic that is deleted and created again ends the reader, and takes what is written then", async () => {
    const topic = "recreated";
    await java.call("createTopic", { bootstrapServers, topic });
    await using producer = new Producer(client);
    await producer.send({ topic, key: bytes("old"), value: null });
    const failed = Promise.withResolvers<Error>();
    const seen = new Seen(client, topic, { onFailure: failed.resolve });
    await seen.reader.start();
    await seen.reaches(new Map([[0, 1]]));
    await java.call("deleteTopic", { bootstrapServers, topic });
    await waitUntil("the deletion", async () => java.call("createTopic", { bootstrapServers, topic }));
    expect((await producer.send({ topic, key: bytes("new"), value: null })).offset).toBe(0);
    expect(await failed.promise).toMatchObject({ code: "TOPIC_RECREATED" });
    await seen.reader.close();
  });
});

test("three nodes, a leader is killed under continuous writing and reading: nothing lost, nothing twice, order kept", async () => {
  await using cluster = await startKafka({ nodes: 3, launcher: "java" });
  await using java = await startJavaPeer();
  const { bootstrapServers } = cluster;
  const topic = "survivor";
  await java.call("createTopic", {
    bootstrapServers,
    topic,
    partitions: 3,
    replicationFactor: 3,
    configs: { "min.insync.replicas": "2" },
  });
  await using client = new KafkaClient({ bootstrapServers, logger: silentLogger });
  const seen = new Seen(client, topic);
  await seen.reader.start();
  await using producer = new Producer(client, { maxBatchBytes: 2000 });

  const acknowledged: RecordMetadata[] = [];
  const failures: unknown[] = [];
  let sent = 0;
  const stop = new AbortController();
  const writing = (async () => {
    while (!stop.signal.aborted) {
      for (let count = 0; count < 5; count++) {
        const index = sent++;
        producer.send({ topic, key: bytes(`key ${index % 40}`), value: bytes(String(index)) }).then(
          (metadata) => acknowledged.push(metadata),
          (error: unknown) => failures.push(error),
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const progress = async (count: number): Promise<void> => {
    const target = acknowledged.length + count;
    const reached = (): true | undefined =>
      acknowledged.length >= target && seen.records.length >= target ? true : undefined;
    await waitUntil("acknowledgements and reading", async () => reached());
  };
  await progress(500);
  for (const partition of [0, 1]) {
    const { partitions } = await java.call("describeTopic", { bootstrapServers, topic });
    const leader = partitions[partition]?.leader ?? -1;
    await cluster.killNode(leader);
    await progress(1000);
    await cluster.restartNode(leader);
    await progress(500);
  }
  stop.abort();
  await writing;
  await producer.flush();
  expect(failures).toEqual([]);
  expect(acknowledged).toHaveLength(sent);

  await seen.reaches(await listOffsets(client, topic, "latest"));
  const { records } = await java.call("consume", { bootstrapServers, topic });
  expect(inOrder(seen.records)).toEqual(inOrder(records));
  const numbers = records.map(({ valueBase64 }) => Number(Buffer.from(valueBase64 ?? "", "base64").toString()));
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, index) => index));
  for (const partition of [0, 1, 2]) {
    // A partition's records were sent in the order of their numbers, so they must lie in it in that order.
    const own = inOrder(records.filter((record) => record.partition === partition));
    const ownNumbers = own.map(({ valueBase64 }) => Number(Buffer.from(valueBase64 ?? "", "base64").toString()));
    expect(ownNumbers).toEqual(ownNumbers.toSorted((a, b) => a - b));
  }
  await seen.reader.close();
});
