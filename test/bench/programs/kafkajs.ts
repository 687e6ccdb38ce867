import kafkajs from "kafkajs";
import { type OnSet, Positions, type Table, type Task, type Writer } from "./client.ts";

const { Kafka, logLevel } = kafkajs;

function connect({ bootstrapServers }: Task) {
  return new Kafka({ brokers: bootstrapServers.split(","), logLevel: logLevel.ERROR });
}

/** A group is needed, though nothing is committed. Fetches are as large as those of the other clients. */
export async function openTable(task: Task, onSet: OnSet | undefined): Promise<Table> {
  const kafka = connect(task);
  const admin = kafka.admin();
  await admin.connect();
  const ends = async (): Promise<Map<number, bigint>> =>
    new Map((await admin.fetchTopicOffsets(task.topic)).map(({ partition, high }) => [partition, BigInt(high)]));
  const atStart = await ends();
  const consumer = kafka.consumer({
    groupId: `bench-${process.pid}-${Date.now()}`,
    maxBytesPerPartition: 4_194_304,
    maxBytes: 67_108_864,
    maxWaitTimeInMs: 500,
  });
  const contents = new Map<string, unknown>();
  const positions = new Positions();
  await consumer.connect();
  await consumer.subscribe({ topic: task.topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async (payload) => {
      const { batch } = payload;
      for (const { key, value } of batch.messages) {
        if (key === null) continue;
        const kept: unknown = task.json ? JSON.parse(String(value)) : value;
        contents.set(key.toString(), kept);
        onSet?.(kept);
      }
      payload.resolveOffset(batch.lastOffset());
      positions.moved(batch.partition, BigInt(batch.lastOffset()) + 1n);
    },
  });
  await positions.reached(atStart);
  return {
    keys: () => [...contents.keys()],
    get: (key) => contents.get(key),
    barrier: async () => positions.reached(await ends()),
    close: () => Promise.all([consumer.disconnect(), admin.disconnect()]),
  };
}

/** It sends what one call gives, so that the application gathers. */
export async function openWriter(task: Task): Promise<Writer> {
  const producer = connect(task).producer({ idempotent: true, maxInFlightRequests: 5 });
  await producer.connect();
  return {
    recordsPerSend: 1000,
    send: (entries) =>
      producer.send({ topic: task.topic, acks: -1, messages: entries.map(([key, value]) => ({ key, value })) }),
    close: () => producer.disconnect(),
  };
}
