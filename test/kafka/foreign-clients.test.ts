import { nextBatch } from "@ktables/record-batch";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { EmbeddedBroker } from "../../packages/client/src/testing/index.ts";
import { type GoPeer, goPeerUnavailable, startGoPeer } from "../harness/go-peer.ts";
import { kcat, kcatUnavailable } from "../harness/kcat.ts";
import type { PeerCompression, ReadRecord } from "../harness/peer-commands.ts";
import { skipsWithout } from "./foreign-tools.ts";

let broker: EmbeddedBroker;
let bootstrapServers: string;
beforeAll(async () => {
  broker = await EmbeddedBroker.start({ nodes: 3 });
  ({ bootstrapServers } = broker);
});
afterAll(async () => {
  await broker?.close();
});

const codecs: readonly PeerCompression[] = ["none", "gzip", "snappy", "lz4", "zstd"];

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The codecs of the batches that are written from now on. */
function compressionsSeen(): Set<string> {
  const seen = new Set<string>();
  const remove = broker.intercept("Produce", ({ topicData }) => {
    for (const { records } of topicData.flatMap(({ partitionData }) => partitionData)) {
      seen.add((records && nextBatch(records, 0)?.compression) ?? "no batch");
    }
    return "pass";
  });
  onTestFinished(remove);
  return seen;
}

/** Two committed records, two aborted, and one behind them: what each isolation level shows of `topic`. */
async function writeTransactions(topic: string): Promise<void> {
  await broker.createTopic(topic);
  for (const outcome of ["commit", "abort", "commit"] as const) {
    const keys = ["a", "b"].map((name) => utf8(`${outcome} ${name}`));
    const records = keys.map((key) => ({ key, value: key, timestamp: 1 }));
    broker.writeTransaction(topic, 0, records, outcome);
  }
}

describe.skipIf(skipsWithout("kcat", await kcatUnavailable()))("librdkafka (kcat)", () => {
  interface KcatRecord {
    readonly partition: number;
    readonly offset: number;
    readonly key: string | null;
    readonly payload: string | null;
    readonly headers?: readonly (string | null)[];
  }

  /** Reads to the end of each partition. */
  async function consume(topic: string, ...options: string[]): Promise<KcatRecord[]> {
    const output = await kcat(bootstrapServers, ["-C", "-e", "-J", "-t", topic, "-o", "beginning", ...options]);
    const lines = output.split("\n").filter((line) => line !== "");
    // kcat is the other half of this contract.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return lines.map((line) => JSON.parse(line) as KcatRecord);
  }

  test.each(codecs)("writes with %s, with headers, nulls and idempotence, and reads the same back", async (codec) => {
    const topic = `kcat-${codec}`;
    await broker.createTopic(topic, { partitions: 3, configs: { "cleanup.policy": "compact" } });
    const lines = Array.from(
      { length: 300 },
      (_, index) => `key-${index % 50}=${index % 17 === 0 ? "" : `é🌍 ${index}`}`,
    );
    const compressions = compressionsSeen();
    const idempotent = ["-X", "enable.idempotence=true", "-H", "h=x", "-H", "empty="];
    // -Z: an empty value is a tombstone.
    await kcat(bootstrapServers, ["-P", "-t", topic, "-K", "=", "-Z", "-z", codec, ...idempotent], lines.join("\n"));
    // librdkafka compresses with LZ4 only where there is FindCoordinator, and consumer groups are beyond this broker.
    expect(compressions).toEqual(new Set([codec === "lz4" ? "none" : codec]));
    const records = await consume(topic);
    expect(records.map(({ key, payload }) => `${key}=${payload ?? ""}`).toSorted()).toEqual(lines.toSorted());
    expect(records.filter(({ payload }) => payload === null)).toHaveLength(18);
    for (const { headers } of records) expect(headers).toEqual(["h", "x", "empty", ""]);
    for (const partition of [0, 1, 2]) {
      const own = records.filter((record) => record.partition === partition);
      expect(own.map(({ offset }) => offset)).toEqual(own.map((_, index) => index));
      const numbers = own.flatMap(({ payload }) => (payload === null ? [] : [Number(payload.split(" ")[1])]));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
    expect(broker.errors).toEqual([]);
  });

  test("reads what is committed, and what is not when asked to", async () => {
    const topic = "kcat-transactions";
    await writeTransactions(topic);
    const read = async (isolation: string): Promise<(string | null)[]> => {
      return (await consume(topic, "-X", `isolation.level=${isolation}`)).map(({ key }) => key);
    };
    expect(await read("read_committed")).toEqual(["commit a", "commit b", "commit a", "commit b"]);
    expect(await read("read_uncommitted")).toHaveLength(6);
  });

  test("lists brokers, topics and leaders, and asks for offsets by time", async () => {
    const topic = "kcat-metadata";
    await broker.createTopic(topic, { partitions: 4 });
    // The output is kcat's.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const listed = JSON.parse(await kcat(bootstrapServers, ["-L", "-J", "-t", topic])) as {
      brokers: { id: number; name: string }[];
      topics: { topic: string; partitions: { partition: number; leader: number }[] }[];
    };
    expect(listed.brokers.map(({ name }) => name).toSorted()).toEqual(bootstrapServers.split(",").toSorted());
    expect(listed.topics[0]?.partitions.map(({ partition, leader }) => [partition, leader])).toEqual(
      [0, 1, 2, 3].map((partition) => [partition, broker.leader(topic, partition).node]),
    );
    await kcat(bootstrapServers, ["-P", "-t", topic, "-p", "1", "-K", "="], "a=1\nb=2");
    expect(await kcat(bootstrapServers, ["-Q", "-t", `${topic}:1:-1`, "-t", `${topic}:2:-1`])).toMatch(
      /\[1\] offset 2\n.*\[2\] offset 0/s,
    );
  });

  test("goes on when the leader stops while it writes", async () => {
    const topic = "kcat-failover";
    await broker.createTopic(topic);
    const { node } = broker.leader(topic, 0);
    let answered = 0;
    const remove = broker.intercept("Produce", async (_, context) => {
      // The first request is written, but its answer is lost with the node.
      if (answered++ > 0) return "pass";
      await context.handle();
      void broker.stopNode(node);
      return "ignore";
    });
    const lines = Array.from({ length: 200 }, (_, index) => `k${index}=${index}`);
    const options = ["-X", "enable.idempotence=true", "-X", "batch.num.messages=20", "-X", "retry.backoff.ms=50"];
    await kcat(bootstrapServers, ["-P", "-t", topic, "-K", "=", ...options], lines.join("\n"));
    remove();
    await broker.startNode(node);
    expect((await consume(topic)).map(({ key, payload }) => `${key}=${payload}`)).toEqual(lines);
  });
});

describe.skipIf(skipsWithout("franz-go", await goPeerUnavailable()))("franz-go", () => {
  let peer: GoPeer;
  beforeAll(async () => {
    peer = await startGoPeer();
  }, 600_000);
  afterAll(async () => {
    await peer?.stop();
  });

  const base64 = (text: string): string => Buffer.from(text).toString("base64");

  test.each(codecs)("writes with %s, with headers and nulls, and reads the same back", async (compression) => {
    const topic = `franz-${compression}`;
    await peer.call("createTopic", { bootstrapServers, topic, partitions: 3 });
    const records = Array.from({ length: 300 }, (_, index) => ({
      timestamp: 1_700_000_000_000 + index,
      keyBase64: base64(`key-${index % 50}`),
      valueBase64: index % 17 === 0 ? null : base64("é🌍".repeat(index % 30)),
      headers: index % 5 === 0 ? [{ key: "n", valueBase64: base64(`${index}`) }] : [],
    }));
    const compressions = compressionsSeen();
    const written = await peer.call("produce", { bootstrapServers, topic, compression, records });
    expect(compressions).toEqual(new Set([compression]));
    expect(written).toMatchObject(records);
    for (const isolation of ["read_committed", "read_uncommitted"] as const) {
      const read = await peer.call("consume", { bootstrapServers, topic, isolation });
      expect(byPlace(read.records)).toEqual(byPlace(written));
    }
    expect(broker.errors).toEqual([]);
  });

  test("reads what is committed, and what is not when asked to", async () => {
    const topic = "franz-transactions";
    await writeTransactions(topic);
    const read = async (isolation: "read_committed" | "read_uncommitted"): Promise<string[]> => {
      const { records } = await peer.call("consume", { bootstrapServers, topic, isolation });
      return records.map(({ keyBase64 }) => Buffer.from(keyBase64 ?? "", "base64").toString());
    };
    expect(await read("read_committed")).toEqual(["commit a", "commit b", "commit a", "commit b"]);
    expect(await read("read_uncommitted")).toHaveLength(6);
  });

  test("reads what compaction has left", async () => {
    const topic = "franz-compacted";
    await broker.createTopic(topic, { configs: { "cleanup.policy": "compact", "delete.retention.ms": "0" } });
    const write = (key: string, value: string | null): Omit<ReadRecord, "partition" | "offset"> => {
      return { keyBase64: base64(key), valueBase64: value === null ? null : base64(value), timestamp: 1, headers: [] };
    };
    const records = [write("a", "1"), write("b", "1"), write("a", "2"), write("b", null), write("c", "1")];
    await peer.call("produce", { bootstrapServers, topic, records });
    for (const expected of [
      ["0", "1", "2", "3", "4"],
      ["2", "3", "4"],
      ["2", "4"],
    ]) {
      const read = await peer.call("consume", { bootstrapServers, topic });
      expect(read.records.map(({ offset }) => String(offset))).toEqual(expected);
      broker.compact(topic);
    }
  });

  test("goes on when leaders move and answers are lost", async () => {
    const topic = "franz-failover";
    await broker.createTopic(topic, { partitions: 2 });
    let requests = 0;
    const remove = broker.intercept("Produce", async (_, context) => {
      if (requests++ > 4) return "pass";
      await context.handle();
      const next = (broker.leader(topic, 0).node + 1) % 3;
      broker.moveLeader(topic, 0, next);
      return "close";
    });
    const records = Array.from({ length: 100 }, (_, index) => ({
      timestamp: 1,
      keyBase64: base64(`k${index}`),
      valueBase64: base64(`${index}`),
      headers: [],
    }));
    await peer.call("produce", { bootstrapServers, topic, records });
    remove();
    const read = await peer.call("consume", { bootstrapServers, topic });
    // Each once, whatever was sent again.
    const keys = (all: readonly { readonly keyBase64: string | null }[]): string[] => {
      return all.map(({ keyBase64 }) => String(keyBase64)).toSorted();
    };
    expect(keys(read.records)).toEqual(keys(records));
  });
});

function byPlace(records: readonly ReadRecord[]): ReadRecord[] {
  return records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
}
