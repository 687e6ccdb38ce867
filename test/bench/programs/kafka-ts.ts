import { API, createKafkaClient, setLogger } from "kafka-ts";
import { type OnSet, Positions, type Table, type Task, type Writer } from "./client.ts";

const silent = (): void => undefined;

function connect({ bootstrapServers }: Task) {
  setLogger({ debug: silent, info: silent, warn: silent, error: console.error });
  const [host = "", port = ""] = bootstrapServers.split(":");
  return createKafkaClient({ clientId: "bench", bootstrapServers: [{ host, port: Number(port) }] });
}

/** Without a group, which it can do, and with fetches as large as those of the other clients. */
export async function openTable(task: Task, onSet: OnSet | undefined): Promise<Table> {
  const kafka = connect(task);
  const cluster = kafka.createCluster();
  await cluster.connect();
  const metadata = await cluster.sendRequest(API.METADATA, {
    topics: [{ id: null, name: task.topic }],
    allowTopicAutoCreation: false,
    includeTopicAuthorizedOperations: false,
  });
  const partitions = metadata.topics.flatMap((topic) => topic.partitions);
  const leader = partitions[0]?.leaderId ?? 0;
  const ends = async (): Promise<Map<number, bigint>> => {
    const answer = await cluster.sendRequestToNode(leader)(API.LIST_OFFSETS, {
      replicaId: -1,
      isolationLevel: 1,
      topics: [
        {
          name: task.topic,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            currentLeaderEpoch: -1,
            timestamp: -1n,
          })),
        },
      ],
    });
    return new Map(
      answer.topics.flatMap((topic) => topic.partitions).map(({ partitionIndex, offset }) => [partitionIndex, offset]),
    );
  };
  const atStart = await ends();
  const contents = new Map<string, unknown>();
  const positions = new Positions();
  const consumer = await kafka.startConsumer({
    topics: [task.topic],
    fromTimestamp: -2n,
    maxWaitMs: 500,
    maxBytes: 67_108_864,
    partitionMaxBytes: 4_194_304,
    onBatch: (messages) => {
      const last = new Map<number, bigint>();
      for (const { key, value, partition, offset } of messages) {
        last.set(partition, offset);
        if (key === null) continue;
        const kept: unknown = task.json ? JSON.parse(String(value)) : value;
        contents.set(key, kept);
        onSet?.(kept);
      }
      for (const [partition, offset] of last) positions.moved(partition, offset + 1n);
    },
  });
  await positions.reached(atStart);
  return {
    keys: () => [...contents.keys()],
    get: (key) => contents.get(key),
    barrier: async () => positions.reached(await ends()),
    close: () => Promise.all([consumer.close(), cluster.disconnect()]),
  };
}

/** It gathers the calls of one partition while a request is on its way; 5000 where its default is 500: more would not fit into a batch. */
export async function openWriter(task: Task): Promise<Writer> {
  const producer = connect(task).createProducer({ maxBatchSize: 5000 });
  return {
    recordsPerSend: 1,
    send: (entries) => producer.send(entries.map(([key, value]) => ({ topic: task.topic, key, value }))),
    close: () => producer.close(),
  };
}
