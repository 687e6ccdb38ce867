import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type Connector, KafkaClient, type KafkaClientConfig, Producer, silentLogger } from "@ktables/client";
import type { EmbeddedBroker } from "@ktables/client/testing";
import { describe, expect, test } from "vitest";
import { atEnd, bytes, clientFor, failureOf, reading, SeenRecords, startBroker, stopClock } from "./embedded.ts";
import { Tap } from "./tapped-connector.ts";

/** A bootstrap name that leads to whatever `target` says at the moment. */
function bootstrapName(target: () => string): Partial<KafkaClientConfig> & { bootstrapServers: string } {
  const tap = new Tap();
  const connector: Connector = (address, events, signal) => {
    if (address.host !== "bootstrap.test") return tap.connector(address, events, signal);
    const [host = "", port = ""] = target().split(":");
    return tap.connector({ host, port: Number(port) }, events, signal);
  };
  return { bootstrapServers: "bootstrap.test:9092", connector };
}

const firstOf = (broker: EmbeddedBroker): string => broker.bootstrapServers.split(",")[0] ?? "";

/** Takes the port of a stopped node, so that it must come back on another one. */
async function occupy(broker: EmbeddedBroker, node: number, onConnect: (socket: Socket) => void): Promise<void> {
  const port = Number(broker.bootstrapServers.split(",")[node]?.split(":")[1]);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnect(socket);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

function write(broker: EmbeddedBroker, key: string): void {
  broker.writeTransaction("t", 0, [{ key: bytes(key), value: null, timestamp: 0 }], "commit");
}

describe("all brokers are replaced by others at other addresses (case 69)", () => {
  test.each([
    ["nothing", undefined],
    ["something that hangs up", (socket: Socket) => void socket.destroy()],
    ["something that never answers", () => undefined],
  ] as const)("and the old addresses belong to %s: reading and writing go on", async (_, successor) => {
    const broker = await startBroker({ nodes: 3 });
    const client = clientFor(
      { bootstrapServers: "" },
      { ...bootstrapName(() => firstOf(broker)), connectTimeoutMs: 60 },
    );
    const producer = new Producer(client);
    atEnd(() => producer.close());
    const seen = new SeenRecords(client);
    await seen.reader.start();
    await producer.send({ topic: "t", key: bytes("before"), value: null });
    await seen.until(({ keys }) => keys.includes("before"));
    const old = broker.bootstrapServers.split(",");
    await Promise.all([0, 1, 2].map((node) => broker.stopNode(node)));
    for (const node of [0, 1, 2]) await occupy(broker, node, successor ?? (() => undefined));
    for (const node of [0, 1, 2]) await broker.startNode(node);
    expect(old).not.toContain(firstOf(broker));
    await producer.send({ topic: "t", key: bytes("after"), value: null });
    await seen.until(({ keys }) => keys.includes("after"));
    expect(seen.keys).toEqual(["before", "after"]);
  });

  test("the known brokers are asked too where it is the bootstrap servers that are gone", async () => {
    const broker = await startBroker({ nodes: 2 });
    let target = firstOf(broker);
    const client = clientFor(
      { bootstrapServers: "" },
      bootstrapName(() => target),
    );
    await client.topicMetadata("t");
    target = "127.0.0.1:1";
    await Promise.all([0, 1].map((node) => broker.stopNode(node)));
    await failureOf(client.topicMetadata("t", { timeoutMs: 400 }));
    await Promise.all([0, 1].map((node) => broker.startNode(node)));
    await client.topicMetadata("t", { timeoutMs: 5000 });
  });
});

test("a broker that cannot be reached is asked last from then on", async () => {
  const broker = await startBroker({ nodes: 2 });
  broker.intercept("Metadata", async (_, context) => {
    const answer = await context.handle();
    const dead = { nodeId: 9, host: "dead.test", port: 9092, rack: null };
    return answer === undefined ? "close" : { ...answer, brokers: [...answer.brokers, dead] };
  });
  const tap = new Tap();
  let attempts = 0;
  const connector: Connector = (address, events, signal) => {
    if (address.host !== "dead.test") return tap.connector(address, events, signal);
    attempts++;
    return Promise.reject(new Error("unreachable"));
  };
  const client = clientFor(broker, { connector });
  for (let round = 0; round < 40; round++) {
    await client.topicMetadata("t");
    client.dropConnections("control");
  }
  expect(attempts).toBeLessThanOrEqual(1);
});

describe("known brokers that can be reached, but tell nothing of use (KIP-1102, case 69)", () => {
  type Uselessness =
    | "never answers"
    | "hangs up"
    | "knows no brokers"
    | "answers with an error"
    | "is of another cluster";
  const all: readonly Uselessness[] = [
    "never answers",
    "hangs up",
    "knows no brokers",
    "answers with an error",
    "is of another cluster",
  ];

  /** A client that knows nodes 1, 2 and 3 from metadata, and node 0 as its bootstrap server; who is asked from then on. */
  async function knowing(how: Uselessness, config: Partial<KafkaClientConfig>) {
    const broker = await startBroker({ nodes: 4, topics: [{ name: "t", replicationFactor: 4 }] });
    const client = clientFor(
      { bootstrapServers: "" },
      { ...bootstrapName(() => firstOf(broker)), requestTimeoutMs: how === "never answers" ? 5000 : 30_000, ...config },
    );
    const asked: number[] = [];
    let areUseless = false;
    broker.intercept("Metadata", async (_, context) => {
      asked.push(context.node);
      const answer = await context.handle();
      if (answer === undefined) return "close";
      const brokers = answer.brokers.filter(({ nodeId }) => nodeId !== 0);
      if (!areUseless || context.node === 0) return { ...answer, brokers };
      if (how === "never answers") return "ignore";
      if (how === "hangs up") return "close";
      if (how === "is of another cluster") return { ...answer, clusterId: "another" };
      // What Kafka answers where it knows nothing of the topic.
      const topics = answer.topics.map((topic) => ({ ...topic, errorCode: 3, partitions: [] }));
      return how === "knows no brokers" ? { ...answer, brokers: [], topics } : { ...answer, errorCode: 56 };
    });
    await client.topicMetadata("t");
    areUseless = true;
    asked.length = 0;
    client.dropConnections("control");
    const { passUntil } = stopClock();
    const askAgain = async (): Promise<void> => {
      let isOver = false;
      const asking = client.topicMetadata("t", { timeoutMs: 3_600_000 }).finally(() => (isOver = true));
      await passUntil(() => isOver);
      await asking;
    };
    return { asked, askAgain };
  }

  test.each(all)("where each of them %s, none is asked twice before a bootstrap server is", async (how) => {
    const { asked, askAgain } = await knowing(how, {});
    await askAgain();
    expect(new Set(asked.slice(0, 3))).toEqual(new Set([1, 2, 3]));
    expect(asked[3]).toBe(0);
    // Whoever was of use is asked again.
    const { length } = asked;
    await askAgain();
    expect(asked[length]).toBe(0);
  });

  test.each(all)(
    "where each of them %s, a bootstrap server is asked when rebootstrapTriggerMs have passed",
    async (how) => {
      const { asked, askAgain } = await knowing(how, { rebootstrapTriggerMs: 1, retryBackoffMs: 10 });
      await askAgain();
      expect(asked.slice(0, 2)).toEqual([expect.toBeOneOf([1, 2, 3]), 0]);
    },
  );

  test("the known brokers keep their turns while bootstrap servers are of no use either", async () => {
    const broker = await startBroker({ nodes: 2 });
    const client = clientFor(
      { bootstrapServers: "" },
      { ...bootstrapName(() => firstOf(broker)), rebootstrapTriggerMs: 1, retryBackoffMs: 10 },
    );
    const asked: number[] = [];
    broker.intercept("Metadata", async (_, context) => {
      asked.push(context.node);
      const answer = await context.handle();
      if (answer === undefined) return "close";
      if (asked.length > 1 && (context.node === 0 || asked.length < 8)) return { ...answer, errorCode: 56 };
      return { ...answer, brokers: answer.brokers.filter(({ nodeId }) => nodeId !== 0) };
    });
    await client.topicMetadata("t");
    client.dropConnections("control");
    await client.topicMetadata("t", { timeoutMs: 20_000 });
    expect(asked.at(-1)).toBe(1);
  });
});

describe("another cluster behind the same name (case 69)", () => {
  async function twoClusters(): Promise<{
    other: EmbeddedBroker;
    client: KafkaClient;
    switchOver: () => Promise<void>;
  }> {
    const ours = await startBroker();
    const other = await startBroker();
    write(other, "foreign");
    let target = ours;
    const client = clientFor(
      { bootstrapServers: "" },
      bootstrapName(() => firstOf(target)),
    );
    await client.topicMetadata("t");
    const switchOver = async (): Promise<void> => {
      await ours.stopNode(0);
      target = other;
    };
    return { other, client, switchOver };
  }

  test("ends a reader loudly, and nothing of the other cluster is read", async () => {
    const { client, switchOver } = await twoClusters();
    const seen = new SeenRecords(client);
    await seen.reader.start();
    await switchOver();
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure).toMatchObject({
      code: "WRONG_CLUSTER",
      retriable: false,
      broker: "bootstrap.test:9092",
    });
    expect(seen.keys).toEqual([]);
  });

  test("fails calls at once, names both clusters, and is not taken for ours afterwards", async () => {
    const { client, switchOver } = await twoClusters();
    const { clusterId } = client;
    await switchOver();
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await failureOf(client.topicMetadata("t", { timeoutMs: 5000 }));
      expect(error).toMatchObject({ code: "WRONG_CLUSTER", retriable: false });
      expect(error.message).toContain(String(clusterId));
    }
    expect(client.clusterId).toBe(clusterId);
  });

  test("takes no record of a producer", async () => {
    const { other, client, switchOver } = await twoClusters();
    const producer = new Producer(client, { deliveryTimeoutMs: 300 });
    atEnd(() => producer.close());
    await switchOver();
    const error = await failureOf(producer.send({ topic: "t", key: bytes("k"), value: null }));
    expect(error).toMatchObject({ maybeWritten: false });
    expect(other.requests.some(({ api }) => api === "Produce")).toBe(false);
  });

  test("is not suspected where a broker tells no cluster id", async () => {
    const broker = await startBroker();
    const client = clientFor(broker);
    await client.topicMetadata("t");
    const { clusterId } = client;
    broker.intercept("Metadata", async (_, context) => {
      const answer = await context.handle();
      return answer === undefined ? "close" : { ...answer, clusterId: null };
    });
    await client.topicMetadata("t");
    expect(client.clusterId).toBe(clusterId);
  });
});

describe("node ids and addresses (case 74)", () => {
  test("a node that keeps its id and moves to another port is followed", async () => {
    const broker = await startBroker({ nodes: 2, topics: [{ name: "t", partitions: 2, replicationFactor: 1 }] });
    const seen = await reading(broker);
    const moved = broker.leader("t", 0).node;
    await broker.stopNode(moved);
    await occupy(broker, moved, (socket) => void socket.destroy());
    await broker.startNode(moved);
    write(broker, "moved");
    await seen.until(({ keys }) => keys.includes("moved"));
  });

  test("two ids behind one address are two leaders on one connection", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 2 }] });
    broker.intercept("Metadata", async (_, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      const [node] = answer.brokers;
      if (node === undefined) return "close";
      const topics = answer.topics.map((topic) => ({
        ...topic,
        partitions: topic.partitions.map((partition) =>
          partition.partitionIndex === 1 ? { ...partition, leaderId: 7 } : partition,
        ),
      }));
      return { ...answer, brokers: [node, { ...node, nodeId: 7 }], topics };
    });
    const client = new KafkaClient({ bootstrapServers: broker.bootstrapServers, logger: silentLogger });
    atEnd(() => client.close());
    const producer = new Producer(client);
    atEnd(() => producer.close());
    const seen = new SeenRecords(client, { maxWaitMs: 20 });
    await seen.reader.start();
    for (const partition of [0, 1, 0, 1]) {
      await producer.send({ topic: "t", partition, key: bytes(`of ${partition}`), value: null });
    }
    await seen.until(({ records }) => records.length === 4);
    const of = (key: string): number => seen.keys.filter((seenKey) => seenKey === key).length;
    expect([of("of 0"), of("of 1")]).toEqual([2, 2]);
    expect(seen.troubles).toEqual([]);
  });
});
