/**
 * Makes the byte fixtures in fixtures/captured from real Kafka: starts brokers, brings about each situation and keeps
 * the partition's log as the broker wrote it, with what Java reads from it beside it.
 *
 *     node --conditions=@ktables/source test/record-batch/capture.ts [name …]
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type JavaPeer, startJavaPeer } from "../harness/java-peer.ts";
import { startKafka } from "../harness/kafka.ts";
import { EAGER_COMPACTION, ROLL_KEY } from "../harness/log-cleaner.ts";
import type { DecodedBatch, PeerRecord, ReadRecord } from "../harness/peer-commands.ts";
import { waitUntil } from "../harness/wait-until.ts";
import type { Captured } from "./captured.ts";

interface Situation {
  readonly name: string;
  readonly kafka: string;
  readonly configs?: Readonly<Record<string, string>>;
  /** False where the log holds formats that the Java consumer converts while reading. */
  readonly isReadByConsumer?: boolean;
  make(topic: Topic): Promise<void>;
  /** Whether the cleaner has got that far; the segment is rolled again and again until it has. */
  readonly isCleaned?: (batches: readonly DecodedBatch[]) => boolean;
}

const directory = new URL("fixtures/captured/", import.meta.url);
const firstTimestamp = 1_700_000_000_000;
const day = String(24 * 60 * 60 * 1000);

class Topic {
  readonly peer: JavaPeer;
  readonly bootstrapServers: string;
  readonly topic: string;
  /** Older message formats have no room for what an idempotent producer sends. */
  isIdempotent = true;
  #timestamp = firstTimestamp;

  constructor(peer: JavaPeer, bootstrapServers: string, topic: string) {
    this.peer = peer;
    this.bootstrapServers = bootstrapServers;
    this.topic = topic;
  }

  /** One batch of a producer of its own. "b=2" sets, "b" deletes. */
  async produce(compression: "none" | "gzip" | "snappy" | "lz4" | "zstd", ...changes: string[]): Promise<void> {
    await this.produceRecords(compression, this.#records(changes));
  }

  async produceRecords(compression: "none" | "gzip" | "snappy" | "lz4" | "zstd", records: PeerRecord[]): Promise<void> {
    const { bootstrapServers, topic } = this;
    const config = { "enable.idempotence": String(this.isIdempotent) };
    await this.peer.call("produce", { bootstrapServers, topic, compression, records, config });
  }

  async transaction(id: string, outcome: "commit" | "abort" | "open", ...changes: string[]): Promise<void> {
    const { bootstrapServers, topic } = this;
    const transactionalId = `${topic}-${id}`;
    const records = this.#records(changes);
    await this.peer.call("transaction", { bootstrapServers, topic, transactionalId, outcome, records });
  }

  async endTransaction(id: string, outcome: "commit" | "abort"): Promise<void> {
    await this.peer.call("endTransaction", { transactionalId: `${this.topic}-${id}`, outcome });
  }

  /** Closes the active segment, which the cleaner does not touch: its age is the distance of the timestamps. */
  async roll(): Promise<void> {
    this.#timestamp += 1000;
    await this.produce("none", `${ROLL_KEY}=1`);
  }

  #records(changes: readonly string[]): PeerRecord[] {
    return changes.map((change) => {
      const [key = "", value = null] = change.split("=");
      return { key, value, timestamp: this.#timestamp++ };
    });
  }
}

function hasHole(where: "head" | "middle" | "tail"): (batch: DecodedBatch) => boolean {
  return ({ baseOffset, lastOffset, records }) => {
    const first = records[0]?.offset;
    const last = records.at(-1)?.offset;
    if (first === undefined || last === undefined) return false;
    if (where === "head") return first > baseOffset;
    return where === "tail" ? last < lastOffset : last - first + 1 > records.length;
  };
}

const everyShape: PeerRecord[] = [
  { key: "plain", value: "first", timestamp: firstTimestamp },
  { key: "tombstone", value: null, timestamp: firstTimestamp + 5 },
  { key: null, value: "no key", timestamp: firstTimestamp - 5 },
  { key: "", value: "", timestamp: firstTimestamp + 2_592_000_000 },
  {
    key: "headers",
    value: "abc".repeat(100),
    timestamp: firstTimestamp + 1,
    headers: [
      { key: "h", value: "v" },
      { key: "h", value: null },
      { key: "", value: "" },
      { key: "日本", value: "\u0000" },
    ],
  },
];

async function everyCodec(
  topic: Topic,
  ...compressions: ("none" | "gzip" | "snappy" | "lz4" | "zstd")[]
): Promise<void> {
  for (const compression of compressions) await topic.produceRecords(compression, everyShape);
}

async function transactions(topic: Topic): Promise<void> {
  await topic.transaction("one", "commit", "a=1", "b=1", "c=1");
  await topic.transaction("one", "abort", "a=2", "b=2");
  await topic.produce("none", "plain=1");
  await topic.transaction("two", "open", "d=1");
  await topic.transaction("three", "open", "e=1", "f=1");
  await topic.produce("lz4", "plain=2");
  await topic.endTransaction("three", "abort");
  await topic.endTransaction("two", "commit");
  await topic.transaction("one", "abort", "a=3");
  await topic.transaction("one", "commit", "a=4");
}

async function holes(topic: Topic): Promise<void> {
  await topic.produce("none", "a=1", "b=1", "c=1", "d=1", "e=1");
  await topic.produce("gzip", "f=1", "g=1", "h=1", "i=1", "j=1");
  await topic.produce("lz4", "k=1", "l=1", "m=1", "n=1", "o=1");
  await topic.produce("none", "gone=1", "gone-too=1");
  await topic.produce("none", "a=2", "h=2", "o=2", "gone=2", "gone-too=2");
}

const situations: readonly Situation[] = [
  {
    name: "compacted-holes",
    kafka: "4.4.0",
    configs: EAGER_COMPACTION,
    make: holes,
    isCleaned: (batches) =>
      (["head", "middle", "tail"] as const).every((where) => batches.some(hasHole(where))) &&
      batches.some(({ records }) => records.length === 0),
  },
  {
    name: "tombstones-with-delete-horizon",
    kafka: "4.4.0",
    configs: { ...EAGER_COMPACTION, "delete.retention.ms": day },
    async make(topic) {
      await topic.produce("none", "a=1", "b=1", "c=1");
      await topic.produce("zstd", "d=1", "b", "e=1", "f");
      await topic.produce("none", "a", "c=2", "d=2");
    },
    isCleaned: (batches) => batches.filter(({ deleteHorizonMs }) => deleteHorizonMs !== undefined).length >= 2,
  },
  {
    name: "tombstones-gone",
    kafka: "4.4.0",
    configs: EAGER_COMPACTION,
    async make(topic) {
      await topic.produce("snappy", "a=1", "b=1", "c=1");
      await topic.produce("none", "a", "b");
    },
    isCleaned: (batches) => batches.some(({ lastOffset, records }) => lastOffset === 4 && records.length === 0),
  },
  { name: "transactions", kafka: "4.4.0", make: transactions },
  {
    name: "compacted-transactions",
    kafka: "4.4.0",
    configs: { ...EAGER_COMPACTION, "delete.retention.ms": day },
    make: transactions,
    // The data of what was aborted is gone, the markers wait for their delete horizon.
    isCleaned: (batches) =>
      batches.filter(({ isControl, deleteHorizonMs }) => isControl && deleteHorizonMs !== undefined).length >= 3,
  },
  {
    name: "compacted-transactions-markers-gone",
    kafka: "4.4.0",
    configs: EAGER_COMPACTION,
    make: transactions,
    // The last marker of a producer leaves an empty control batch.
    isCleaned: (batches) => batches.some(({ isControl, records }) => isControl && records.length === 0),
  },
  {
    name: "every-codec",
    kafka: "4.4.0",
    make: (topic) => everyCodec(topic, "none", "gzip", "snappy", "lz4", "zstd"),
  },
  {
    name: "log-append-time",
    kafka: "4.4.0",
    configs: { "message.timestamp.type": "LogAppendTime" },
    make: (topic) => everyCodec(topic, "none", "lz4"),
  },
  {
    name: "recompressed-by-the-broker",
    kafka: "4.4.0",
    configs: { "compression.type": "zstd" },
    make: (topic) => everyCodec(topic, "none", "snappy"),
  },
  {
    name: "kafka-2.8-compacted-transactions",
    kafka: "2.8.2",
    configs: { ...EAGER_COMPACTION, "delete.retention.ms": day },
    // In this order: a marker has the time of its day, so that its segment is never old enough for later records.
    async make(topic) {
      await holes(topic);
      await transactions(topic);
    },
    isCleaned: (batches) =>
      (["head", "middle", "tail"] as const).every((where) => batches.some(hasHole(where))) &&
      batches.some(({ isControl, isTransactional, records }) => isTransactional && !isControl && records.length === 0),
  },
  { name: "kafka-1.1-transactions", kafka: "1.1.1", make: transactions },
  {
    name: "kafka-1.1-every-codec",
    kafka: "1.1.1",
    make: (topic) => everyCodec(topic, "none", "gzip", "snappy", "lz4"),
  },
  {
    name: "magic-0",
    kafka: "1.1.1",
    configs: { "message.format.version": "0.9.0" },
    isReadByConsumer: false,
    async make(topic) {
      topic.isIdempotent = false;
      await topic.produce("none", "a=1", "b=1");
      await topic.produce("gzip", "c=1", "d");
    },
  },
  {
    name: "magic-1",
    kafka: "1.1.1",
    configs: { "message.format.version": "0.10.2" },
    isReadByConsumer: false,
    async make(topic) {
      topic.isIdempotent = false;
      await topic.produce("none", "a=1", "b=1");
      await topic.produce("lz4", "c=1", "d");
    },
  },
];

/** The segments of partition 0 in order, and what Java reads from them. */
async function readLog(peer: JavaPeer, logDirectory: string): Promise<{ bytes: Buffer; batches: DecodedBatch[] }> {
  const files = (await readdir(logDirectory)).filter((file) => file.endsWith(".log")).toSorted();
  const bytes = Buffer.concat(await Promise.all(files.map((file) => readFile(join(logDirectory, file)))));
  const { batches, remaining } = await peer.call("decodeBatch", { base64: bytes.toString("base64") });
  // The cleaner may have swapped a segment between our looks.
  let position = 0;
  for (const { baseOffset, nextOffset } of batches) {
    if (baseOffset < position) throw new Error("the segments overlap");
    position = nextOffset;
  }
  if (remaining !== 0) throw new Error("the log ends within a batch");
  return { bytes, batches };
}

/** From the transaction indexes: a version, producer id, first and last offset, last stable offset. */
async function abortedTransactions(logDirectory: string): Promise<Captured["abortedTransactions"]> {
  const files = (await readdir(logDirectory)).filter((file) => file.endsWith(".txnindex")).toSorted();
  const entries = [];
  for (const file of files) {
    const index = await readFile(join(logDirectory, file));
    for (let at = 0; at + 34 <= index.length; at += 34) {
      entries.push({
        producerId: Number(index.readBigInt64BE(at + 2)),
        firstOffset: Number(index.readBigInt64BE(at + 10)),
      });
    }
  }
  return entries;
}

function withoutPartition(records: readonly ReadRecord[]): Captured["committed"] {
  return records.map((record) => {
    const { partition: _, ...rest } = record;
    return rest;
  });
}

async function capture(situation: Situation, topic: Topic, logs: string): Promise<void> {
  const { peer, bootstrapServers } = topic;
  const { name, kafka, configs = {}, isCleaned, isReadByConsumer = true } = situation;
  await peer.call("createTopic", { bootstrapServers, topic: name, configs });
  await situation.make(topic);
  const logDirectory = join(logs, `${name}-0`);
  if (isCleaned !== undefined) {
    await waitUntil(`the cleaner is done with ${name}`, async () => {
      await sleep(200);
      await topic.roll();
      await sleep(500);
      const { batches } = await readLog(peer, logDirectory);
      if (isCleaned(batches)) return true;
      throw new Error(batches.map(({ baseOffset, records }) => `${baseOffset}: ${records.length}`).join(", "));
    });
  }
  // Java's reading and the bytes must be of the same moment, with the cleaner still at work.
  const captured = await waitUntil(`${name} is at rest`, async () => {
    const aborted = await abortedTransactions(logDirectory);
    const before = await readLog(peer, logDirectory);
    const consume = async (isolation: "read_committed" | "read_uncommitted"): Promise<Captured["committed"]> => {
      const { records } = await peer.call("consume", { bootstrapServers, topic: name, isolation });
      return withoutPartition(records);
    };
    const committed = isReadByConsumer ? await consume("read_committed") : [];
    const uncommitted = isReadByConsumer ? await consume("read_uncommitted") : [];
    const after = await readLog(peer, logDirectory);
    if (!before.bytes.equals(after.bytes)) return undefined;
    const json: Captured = {
      kafka,
      configs,
      abortedTransactions: aborted,
      committed,
      uncommitted,
      batches: after.batches,
    };
    return { json, bytes: after.bytes };
  });
  await writeFile(new URL(`${name}.bin`, directory), captured.bytes);
  await writeFile(new URL(`${name}.json`, directory), `${JSON.stringify(captured.json, null, 1)}\n`);
  console.log(`${name}: ${captured.bytes.length} bytes, ${captured.json.batches.length} batches`);
}

const wanted = process.argv.slice(2);
const chosen = situations.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
await mkdir(directory, { recursive: true });
const peer = await startJavaPeer();
try {
  for (const version of new Set(chosen.map(({ kafka }) => kafka))) {
    const cluster = await startKafka({ version, launcher: "java" });
    try {
      const logs = cluster.nodes[0]?.logDirectory;
      if (logs === undefined) throw new Error("the broker's files are not on this machine");
      for (const situation of chosen.filter(({ kafka }) => kafka === version)) {
        await capture(situation, new Topic(peer, cluster.bootstrapServers, situation.name), logs);
      }
    } finally {
      await cluster.stop();
    }
  }
} finally {
  await peer.stop();
}
