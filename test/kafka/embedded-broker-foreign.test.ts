import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedBroker } from "../../packages/client/src/testing/index.ts";
import { clusterTranscript } from "../client/embedded-broker-cluster-transcript.ts";
import { transcript } from "../client/embedded-broker-transcript.ts";
import { type JavaPeer, startJavaPeer } from "../harness/java-peer.ts";
import { startKafka } from "../harness/kafka.ts";
import type { PeerCompression, PeerRecord } from "../harness/peer-commands.ts";

let peer: JavaPeer;
let broker: EmbeddedBroker;
let bootstrapServers: string;
beforeAll(async () => {
  peer = await startJavaPeer();
  broker = await EmbeddedBroker.start({ nodes: 3 });
  ({ bootstrapServers } = broker);
});
afterAll(async () => {
  await broker?.close();
  await peer?.stop();
});

const codecs: readonly PeerCompression[] = ["none", "gzip", "snappy", "lz4", "zstd"];

function base64(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : Buffer.from(text).toString("base64");
}

/** What the consumer has to give back for a record. */
function readBack(record: PeerRecord, place: { partition: number; offset: number; timestamp: number }): object {
  return {
    ...place,
    keyBase64: base64(record.key),
    valueBase64: base64(record.value),
    headers: (record.headers ?? []).map(({ key, value }) => ({ key, valueBase64: base64(value) })),
  };
}

describe("Apache Kafka's Java client", () => {
  test("creates a topic, writes it with every codec, and reads the same back", async () => {
    const topic = "every-codec";
    await peer.call("createTopic", {
      bootstrapServers,
      topic,
      partitions: 4,
      replicationFactor: 2,
      configs: { "cleanup.policy": "compact" },
    });
    const expected: object[] = [];
    for (const compression of codecs) {
      const records = Array.from(
        { length: 200 },
        (_, index): PeerRecord => ({
          key: `${compression}-${index % 50}`,
          value: index % 17 === 0 ? null : `${"é🌍".repeat(index % 30)}${index}`,
          timestamp: Date.now() - index,
          ...(index % 5 === 0
            ? {
                headers: [
                  { key: "n", value: String(index) },
                  { key: "null", value: null },
                ],
              }
            : {}),
        }),
      );
      const places = await peer.call("produce", { bootstrapServers, topic, compression, records });
      places.forEach((place, index) => expected.push(readBack(records[index] ?? {}, place)));
    }
    for (const isolation of ["read_committed", "read_uncommitted"] as const) {
      const { records, positions } = await peer.call("consume", { bootstrapServers, topic, isolation });
      expect(byPlace(records)).toEqual(byPlace(expected));
      expect(Object.values(positions).reduce((sum, position) => sum + position)).toBe(1000);
    }
    expect(new Set(broker.requests.map(({ api }) => api))).toContain("InitProducerId");
    expect(new Set(broker.requests.filter(({ api }) => api === "Fetch").map(({ node }) => node)).size).toBe(3);
    expect(broker.errors).toEqual([]);
  });

  test("reads what compaction has left, and not what was aborted", async () => {
    const topic = "compacted";
    await broker.createTopic(topic, {
      configs: { "cleanup.policy": "compact", "delete.retention.ms": "0", "compression.type": "lz4" },
    });
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    const write = (key: string, value: string | null): PeerRecord => ({ key, value });
    await peer.call("produce", {
      bootstrapServers,
      topic,
      records: [write("a", "1"), write("b", "1"), write("a", "2"), write("gone", "1"), write("gone", null)],
    });
    broker.writeTransaction(topic, 0, [{ key: bytes("c"), value: bytes("committed"), timestamp: 1 }], "commit");
    broker.writeTransaction(topic, 0, [{ key: bytes("b"), value: bytes("aborted"), timestamp: 1 }], "abort");
    await peer.call("produce", { bootstrapServers, topic, records: [write("d", "1")] });

    const expected = { b: "1", a: "2", c: "committed", d: "1" };
    const entries = Object.fromEntries(
      Object.entries(expected).map(([key, value]) => [base64(key) ?? "", base64(value) ?? ""]),
    );
    for (let round = 0; round < 4; round++) {
      const table = await peer.call("table", { bootstrapServers, topic, isolation: "read_committed" });
      expect(table.entries).toEqual(entries);
      expect(table.positions).toEqual({ "0": 10 });
      // The tombstone is still there after the first cleaning, and gone after the second.
      expect(table.tombstones).toBe(round < 2 ? 1 : 0);
      expect(table.records).toBe(round === 0 ? 7 : round === 1 ? 5 : 4);
      broker.compact(topic);
    }
  });

  test("waits for the last stable offset, and finds new leaders", async () => {
    const topic = "moving";
    await broker.createTopic(topic, { partitions: 2 });
    const value = new TextEncoder().encode("open");
    const { producerId } = broker.writeTransaction(topic, 0, [{ key: value, value, timestamp: 1 }], "open");
    const offsets = (isolation: "read_committed" | "read_uncommitted") =>
      peer.call("offsets", { bootstrapServers, topic, isolation });
    expect((await offsets("read_committed")).end).toEqual({ "0": 0, "1": 0 });
    expect((await offsets("read_uncommitted")).end).toEqual({ "0": 1, "1": 0 });
    broker.endTransaction(topic, 0, producerId, "commit");
    expect((await offsets("read_committed")).end).toEqual({ "0": 2, "1": 0 });

    const { node } = broker.leader(topic, 0);
    await broker.stopNode(node);
    const places = await peer.call("produce", {
      bootstrapServers,
      topic,
      records: [{ key: "k", value: "v", partition: 0 }],
    });
    expect(places).toMatchObject([{ partition: 0, offset: 2 }]);
    await broker.startNode(node);
    broker.moveLeader(topic, 0, node);
    const { records } = await peer.call("consume", { bootstrapServers, topic, isolation: "read_committed" });
    expect(records.map(({ offset }) => offset)).toEqual([0, 2]);
  });

  test("administers topics", async () => {
    const topic = "administered";
    const created = await peer.call("createTopic", { bootstrapServers, topic, partitions: 1, replicationFactor: 3 });
    const described = await peer.call("describeTopic", { bootstrapServers, topic });
    expect(described.topicId).toBe(created.topicId);
    await peer.call("alterConfigs", { bootstrapServers, topic, set: { "retention.ms": "60000" } });
    const configs = await peer.call("describeConfigs", { bootstrapServers, topic });
    expect(configs["retention.ms"]).toMatchObject({ value: "60000", source: "DYNAMIC_TOPIC_CONFIG" });
    expect(configs["cleanup.policy"]).toMatchObject({ value: "delete", source: "DEFAULT_CONFIG" });
    await peer.call("createPartitions", { bootstrapServers, topic, total: 3 });
    expect((await peer.call("describeTopic", { bootstrapServers, topic })).partitions).toHaveLength(3);
    await expect(peer.call("createTopic", { bootstrapServers, topic })).rejects.toMatchObject({
      javaClass: expect.stringContaining("TopicExistsException"),
    });
    await peer.call("deleteTopic", { bootstrapServers, topic });
    await expect(peer.call("describeTopic", { bootstrapServers, topic })).rejects.toMatchObject({
      javaClass: expect.stringContaining("UnknownTopicOrPartitionException"),
    });
  });
});

test("answers raw requests as Apache Kafka does", async () => {
  const kafka = await startKafka({ launcher: "java" });
  const single = await EmbeddedBroker.start();
  try {
    const theirs = await transcript(kafka.bootstrapServers);
    expect(await transcript(single.bootstrapServers)).toEqual(theirs);
    expect(theirs.length).toBeGreaterThan(100);
  } finally {
    await single.close();
    await kafka.stop();
  }
});

test("three nodes answer raw requests about leaders, epochs and replicas as Apache Kafka's do", async () => {
  const kafka = await startKafka({
    launcher: "java",
    nodes: 3,
    brokerConfig: {
      "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector",
      "auto.leader.rebalance.enable": "false",
    },
    nodeConfig: { 1: { "broker.rack": "1" }, 2: { "broker.rack": "2" }, 3: { "broker.rack": "3" } },
  });
  const embedded = await EmbeddedBroker.start({ nodes: 3, racks: ["0", "1", "2"] });
  try {
    const servers = kafka.bootstrapServers;
    await peer.call("createTopic", { bootstrapServers: servers, topic: "all", assignments: [[2, 3, 1]] });
    await peer.call("createTopic", { bootstrapServers: servers, topic: "two", assignments: [[3, 1]] });
    await embedded.createTopic("all", { replicationFactor: 3 });
    await embedded.createTopic("two", { replicationFactor: 2 });
    const theirs = await clusterTranscript({
      bootstrapServers: servers,
      moveLeader: async (topic, nodeId) => {
        const replicas = [nodeId, ...[1, 2, 3].filter((id) => id !== nodeId)];
        await peer.call("moveLeader", { bootstrapServers: servers, topic, replicas });
      },
    });
    const ours = await clusterTranscript({
      bootstrapServers: embedded.bootstrapServers,
      moveLeader: async (topic, nodeId) => embedded.moveLeader(topic, 0, nodeId),
    });
    expect(ours).toEqual(theirs);
    expect(theirs.length).toBeGreaterThan(60);
  } finally {
    await embedded.close();
    await kafka.stop();
  }
});

function byPlace(records: readonly object[]): object[] {
  const place = (record: object): string => {
    const { partition, offset } = record as { partition: number; offset: number };
    return `${partition}/${String(offset).padStart(9, "0")}`;
  };
  return records.toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
}
