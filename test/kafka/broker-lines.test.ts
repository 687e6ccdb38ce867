import { createTopic, describeTopicConfigs, KafkaClient, listOffsets, silentLogger } from "@ktables/client";
import { KafkaTable, KafkaTableWriter, string } from "ktables";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { advertisedVersions } from "../../packages/client/src/testing/broker-lines.ts";
import { probeVersions } from "../harness/api-versions-probe.ts";
import { type KafkaCluster, startKafka } from "../harness/kafka.ts";
import { probeCluster } from "../harness/metadata-probe.ts";
import { waitUntil } from "../harness/wait-until.ts";
import { controllerSuite } from "../suites/controller-suite.ts";
import { rejection } from "../suites/support.ts";

describe("Kafka 0.10.2, which has no record batches", () => {
  let kafka: KafkaCluster;
  beforeAll(async () => {
    kafka = await startKafka({ version: "0.10.2.2" });
  });
  afterAll(() => kafka?.stop());

  test("is refused at the first contact, whatever is asked of it, and is left as it was", async () => {
    const { bootstrapServers } = kafka;
    const connection = { bootstrapServers, logger: silentLogger };
    const client = new KafkaClient(connection);
    const options = { connection, topic: "t", value: string() };
    const attempts = [
      () => KafkaTable.open(options),
      () => KafkaTable.open({ ...options, ensureTopic: false }),
      () => KafkaTableWriter.open(options),
      () => KafkaTableWriter.open({ ...options, ensureTopic: false }),
      () => createTopic(client, "t"),
      () => describeTopicConfigs(client, "t"),
      () => listOffsets(client, "t", "latest"),
      () => client.topicMetadata("t"),
    ];
    for (const attempt of attempts) {
      const error = await rejection(attempt());
      expect(error).toMatchObject({ name: "UnsupportedApiError", code: "UNSUPPORTED_API", retriable: false });
      expect(error.message).toContain(`${bootstrapServers} is older than Kafka 0.11`);
    }
    client.close();
  });

  test("answers ApiVersions as captured", () => expectCaptured(kafka, "0.10"));
});

let newest: KafkaCluster | undefined;
afterAll(() => newest?.stop());

test("the newest answers ApiVersions as captured", async () => {
  newest = await startKafka({ version: "4.4.0" });
  await expectCaptured(newest, "4.4");
});

async function expectCaptured(kafka: KafkaCluster, line: Parameters<typeof advertisedVersions>[0]): Promise<void> {
  const [node] = kafka.nodes;
  if (node === undefined) throw new Error("the cluster has no node");
  const ranges = await probeVersions(node.host, node.port);
  const captured = [...advertisedVersions(line)].map(([apiKey, range]) => ({ apiKey, ...range }));
  expect(ranges.toSorted((a, b) => a.apiKey - b.apiKey)).toEqual(captured);
}

controllerSuite("three nodes of Kafka 2.8.2 with ZooKeeper", async () => {
  const kafka = await startKafka({ version: "2.8.2", nodes: 3 });
  const stopped = new Set<number>();
  return {
    bootstrapServers: kafka.bootstrapServers,
    version: kafka.version,
    nodes: kafka.nodes.map(({ id, host, port }) => ({ id, address: `${host}:${port}` })),
    controller: () =>
      waitUntil("a live node is the controller", async () => {
        const node = kafka.nodes.find(({ id }) => !stopped.has(id));
        const { controllerId } = await probeCluster(node?.host ?? "", node?.port ?? 0);
        return controllerId < 0 || stopped.has(controllerId) ? undefined : controllerId;
      }),
    stopNode: async (id) => {
      stopped.add(id);
      await kafka.killNode(id);
    },
    startNode: async (id) => {
      await kafka.restartNode(id);
      stopped.delete(id);
    },
    stop: () => kafka.stop(),
  };
});
