import {
  createPartitions,
  createTopic,
  deleteTopic,
  describeTopicConfigs,
  KafkaClient,
  setTopicConfigs,
  silentLogger,
} from "@ktables/client";
import { KafkaTable, KafkaTableWriter, string } from "ktables";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTopicsApi } from "../../packages/client/src/protocol/generated/create-topics.ts";
import { newTopic, type SuiteBroker } from "./support.ts";

/** Three nodes with ZooKeeper, of which the controller alone changes topics. */
export interface ControllerCluster extends SuiteBroker {
  readonly nodes: readonly { readonly id: number; readonly address: string }[];
  controller(): Promise<number>;
  stopNode(id: number): Promise<void>;
  /** Starts a stopped node again. */
  startNode(id: number): Promise<void>;
}

/** Who is asked to change topics: run on the embedded broker and on the real one alike. */
export function controllerSuite(name: string, start: () => Promise<ControllerCluster>): void {
  describe(`the controller of ${name}`, () => {
    let cluster: ControllerCluster;
    const clients: KafkaClient[] = [];

    beforeAll(async () => {
      cluster = await start();
    });
    afterAll(async () => {
      for (const client of clients) client.close();
      await cluster?.stop();
    });

    function clientOf(bootstrapServers: string): KafkaClient {
      const client = new KafkaClient({ bootstrapServers, logger: silentLogger });
      clients.push(client);
      return client;
    }

    async function someOtherNode(): Promise<{ id: number; address: string }> {
      const controller = await cluster.controller();
      const other = cluster.nodes.find(({ id }) => id !== controller);
      if (other === undefined) throw new Error("there is no other node");
      return other;
    }

    test("a node that is not the controller refuses", async () => {
      const { id, address } = await someOtherNode();
      const client = clientOf(address);
      const existing = newTopic("known");
      await createTopic(client, existing);
      await client.topicMetadata(existing);
      const connection = await client.brokerConnection(id, "control", new AbortController().signal);
      const topic = { name: newTopic("t"), numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
      const { topics } = await connection.request(createTopicsApi, {
        topics: [topic],
        timeoutMs: 1000,
        validateOnly: false,
      });
      expect(topics[0]?.errorCode).toBe(41);
    });

    test("is found by a client that knows only another node", async () => {
      const client = clientOf((await someOtherNode()).address);
      const topic = newTopic("routed");
      expect(await createTopic(client, topic, { replicationFactor: 3 })).toBe("created");
      expect(await createTopic(client, topic)).toBe("exists");
      await setTopicConfigs(client, topic, { "retention.ms": "5000" });
      // Each ZooKeeper broker learns of it by itself, a moment later.
      const retention = async (): Promise<string | null | undefined> =>
        (await describeTopicConfigs(client, topic, { names: ["retention.ms"] }))[0]?.value;
      while ((await retention()) !== "5000");
      expect(await createPartitions(client, topic, 4)).toBe("created");
      expect(await deleteTopic(client, topic)).toBe("deleted");
    });

    test("may die: topics are created and changed by the next one, and what is written stays", async () => {
      const topic = newTopic("survivor");
      const options = { connection: clientOf(cluster.bootstrapServers), topic, value: string(), replicationFactor: 3 };
      const writer = await KafkaTableWriter.open(options);
      const table = await KafkaTable.open(options);
      await writer.set("k", "before");
      const old = await cluster.controller();
      await cluster.stopNode(old);
      const client = clientOf(cluster.bootstrapServers);
      const callOptions = { timeoutMs: 60_000 };
      const created = newTopic("after");
      expect(await createTopic(client, created, { ...callOptions, replicationFactor: 2 })).toMatch(
        /^(created|exists)$/,
      );
      expect(await createPartitions(client, created, 2, callOptions)).toMatch(/^(created|exists)$/);
      expect(await deleteTopic(client, created, callOptions)).toMatch(/^(deleted|absent)$/);
      expect(await cluster.controller()).not.toBe(old);
      await writer.set("k", "after");
      expect(await table.barrier()).toBe(true);
      expect(table.get("k")).toBe("after");
      await cluster.startNode(old);
      expect(await createTopic(client, newTopic("whole"), { ...callOptions, replicationFactor: 3 })).toBe("created");
      await writer.stop();
      await table.stop();
    });
  });
}
