import {
  KafkaClient,
  type KafkaClientConfig,
  type PositionLostError,
  Producer,
  silentLogger,
  TopicReader,
  type TopicReaderOptions,
} from "@ktables/client";
import { expect, test } from "vitest";
import { Tap } from "../client/tapped-connector.ts";
import { type JavaPeer, startJavaPeer } from "../harness/java-peer.ts";
import { startKafka } from "../harness/kafka.ts";
import type { KafkaCluster } from "../harness/kafka-cluster.ts";
import { waitUntil } from "../harness/wait-until.ts";

const fetchKey = 1;
const metadataKey = 3;
const offsetForLeaderEpochKey = 23;
const text = (bytes: Uint8Array | null): string => (bytes === null ? "-" : Buffer.from(bytes).toString());

/** A reader with a client of its own, through which one sees whom it asks for what. */
class Watched implements AsyncDisposable {
  readonly tap = new Tap();
  readonly client: KafkaClient;
  readonly reader: TopicReader;
  readonly keys: string[] = [];
  readonly losses: PositionLostError[] = [];

  constructor(
    bootstrapServers: string,
    topic: string,
    config: Partial<KafkaClientConfig> = {},
    options: Partial<TopicReaderOptions> = {},
    onLoss: "end" | "restart" = "end",
  ) {
    const { connector } = this.tap;
    this.client = new KafkaClient({ bootstrapServers, connector, logger: silentLogger, ...config });
    this.reader = new TopicReader(this.client, {
      topic,
      onBatch: (_, batch, fromOffset) => {
        batch.visit((record) => {
          if (record.offset >= fromOffset) this.keys.push(text(record.key()));
        });
      },
      onPositionLost: (loss) => (this.losses.push(loss), onLoss),
      ...options,
    });
  }

  async reads(...keys: string[]): Promise<void> {
    await waitUntil(`reading ${keys.join()}`, async () => {
      if (this.reader.failure !== undefined) throw this.reader.failure;
      return keys.every((key) => this.keys.includes(key)) ? true : undefined;
    });
  }

  /** How often each API was asked for, of one port or of all. */
  count(apiKey: number, port?: number): number {
    return this.tap.requests.filter((one) => one.apiKey === apiKey && (port === undefined || one.port === port)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader.close();
    this.client.close();
  }
}

const portOf = (cluster: KafkaCluster, id: number): number => cluster.nodes.find((node) => node.id === id)?.port ?? 0;

async function write(java: JavaPeer, bootstrapServers: string, topic: string, keys: readonly string[]): Promise<void> {
  const records = keys.map((key) => ({ key, value: "v" }));
  await java.call("produce", { bootstrapServers, topic, records });
}

test("three nodes whose leaders move: reader and producer follow the hints of the old leaders (case 37)", async () => {
  await using cluster = await startKafka({
    nodes: 3,
    launcher: "java",
    brokerConfig: { "auto.leader.rebalance.enable": "false" },
  });
  await using java = await startJavaPeer();
  const { bootstrapServers } = cluster;
  const topic = "moving";
  await java.call("createTopic", { bootstrapServers, topic, assignments: [[1, 2, 3]] });
  // A poll that would hold up the test, were it waited for.
  await using watched = new Watched(bootstrapServers, topic, {}, { maxWaitMs: 100_000 });
  await watched.reader.start();
  await using producer = new Producer(watched.client);
  const send = async (key: string): Promise<number> =>
    (await producer.send({ topic, key: Buffer.from(key), value: null })).offset;
  await send("first");
  await watched.reads("first");
  const metadataBefore = watched.count(metadataKey);
  const moves = 9;
  for (let move = 1; move <= moves; move++) {
    const leader = 1 + (move % 3);
    const replicas = [leader, ...[1, 2, 3].filter((id) => id !== leader)];
    await java.call("moveLeader", { bootstrapServers, topic, replicas });
    expect(await send(`after move ${move}`)).toBe(move);
    await watched.reads(`after move ${move}`);
  }
  expect(watched.keys).toHaveLength(moves + 1);
  // A broker that has not heard of the move yet gives a hint that is old, so now and then metadata is needed.
  expect(watched.count(metadataKey) - metadataBefore).toBeLessThan(moves);
});

test.each(["4.4.0", "2.4.1"])(
  "three nodes of %s and an unclean election: what was truncated is noticed (case 38)",
  async (version) => {
    await using cluster = await startKafka({
      version,
      nodes: 3,
      launcher: "java",
      brokerConfig: { "auto.leader.rebalance.enable": "false" },
    });
    await using java = await startJavaPeer();
    const { bootstrapServers } = cluster;
    const topic = "truncated";
    await java.call("createTopic", {
      bootstrapServers,
      topic,
      assignments: [[1, 2]],
      configs: { "unclean.leader.election.enable": "true", "min.insync.replicas": "1" },
    });
    await using ending = new Watched(bootstrapServers, topic);
    await using restarting = new Watched(bootstrapServers, topic, {}, {}, "restart");
    await using late = new Watched(bootstrapServers, topic);
    const all = [ending, restarting, late];
    await Promise.all(all.map(({ reader }) => reader.start()));
    await write(java, bootstrapServers, topic, ["a", "b"]);
    await Promise.all(all.map((watched) => watched.reads("a", "b")));
    const inSync = async (): Promise<string> => {
      const { partitions } = await java.call("describeTopic", { bootstrapServers, topic });
      return `${partitions[0]?.leader}: ${partitions[0]?.inSyncReplicas.join()}`;
    };
    const waitFor = async (state: string): Promise<void> => {
      await waitUntil(`"${state}"`, async () => ((await inSync()) === state ? true : undefined));
    };

    await cluster.killNode(2);
    await waitFor("1: 1");
    await write(java, bootstrapServers, topic, ["c", "d", "e"]);
    await Promise.all(all.map((watched) => watched.reads("c", "d", "e")));
    // It will look at the log again only when that has grown past its position.
    late.tap.isBlocked = true;
    await cluster.killNode(1);
    await cluster.restartNode(2);
    await waitFor("2: 2");
    await waitUntil("the noticing", async () => (ending.reader.failure === undefined ? undefined : true));
    await write(java, bootstrapServers, topic, ["u", "v", "w", "x", "y", "z"]);
    late.tap.isBlocked = false;
    await waitUntil("the late noticing", async () => (late.reader.failure === undefined ? undefined : true));
    await restarting.reads("u", "v", "w", "x", "y", "z");

    const loss = { code: "LOG_TRUNCATED", topic, partition: 0, position: 5, divergingOffset: 2 };
    expect(ending.reader.failure).toMatchObject(loss);
    expect(late.reader.failure).toMatchObject(loss);
    expect(restarting.losses).toMatchObject([loss]);
    for (const { keys } of [ending, late]) expect(keys).toEqual(["a", "b", "c", "d", "e"]);
    const { records } = await java.call("consume", { bootstrapServers, topic });
    const inTheLog = records.map(({ keyBase64 }) => Buffer.from(keyBase64 ?? "", "base64").toString());
    expect(inTheLog).toEqual(["a", "b", "u", "v", "w", "x", "y", "z"]);
    expect(restarting.keys.slice(5)).toEqual(inTheLog);
    expect(late.count(offsetForLeaderEpochKey) > 0).toBe(version === "2.4.1");
  },
);

test("three nodes in three racks: the replica in the client's rack is read from while it is there (case 40)", async () => {
  await using cluster = await startKafka({
    nodes: 3,
    launcher: "java",
    brokerConfig: {
      "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector",
      "auto.leader.rebalance.enable": "false",
    },
    nodeConfig: { 1: { "broker.rack": "north" }, 2: { "broker.rack": "south" }, 3: { "broker.rack": "west" } },
  });
  await using java = await startJavaPeer();
  const { bootstrapServers } = cluster;
  const topic = "close-by";
  await java.call("createTopic", { bootstrapServers, topic, assignments: [[1, 2, 3]] });
  await write(java, bootstrapServers, topic, ["first"]);
  // Whatever was wrong with the replica is forgotten after five seconds.
  await using watched = new Watched(
    bootstrapServers,
    topic,
    { rack: "south", metadataMaxAgeMs: 5000 },
    { maxWaitMs: 500 },
  );
  await watched.reader.start();
  await watched.reads("first");
  const [leader, replica, other] = [1, 2, 3].map((id) => portOf(cluster, id));
  const readsFrom = async (port: number | undefined): Promise<void> => {
    await waitUntil(`fetching from ${port}`, async () => {
      const ports = watched.tap.requests.filter(({ apiKey }) => apiKey === fetchKey).map((request) => request.port);
      return ports.slice(-3).every((one) => one === port) ? true : undefined;
    });
  };
  await readsFrom(replica);
  await write(java, bootstrapServers, topic, ["through the replica"]);
  await watched.reads("through the replica");
  expect(watched.tap.requests.filter(({ apiKey }) => apiKey === fetchKey)[0]?.port).toBe(leader);

  await cluster.killNode(2);
  await write(java, bootstrapServers, topic, ["through the leader"]);
  await watched.reads("through the leader");
  await readsFrom(leader);
  await cluster.restartNode(2);
  await readsFrom(replica);
  await write(java, bootstrapServers, topic, ["through the replica again"]);
  await watched.reads("through the replica again");
  expect(watched.keys).toEqual(["first", "through the replica", "through the leader", "through the replica again"]);
  expect(watched.count(fetchKey, other)).toBe(0);
  expect(watched.losses).toEqual([]);
});
