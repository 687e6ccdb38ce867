import {
  Consumer,
  ListOffsetTimestamps,
  MessagesStreamModes,
  ProduceAcks,
  Producer,
  stringDeserializer,
  stringSerializers,
} from "@platformatic/kafka";
import { type OnSet, Positions, type Table, type Task, type Writer } from "./client.ts";

/** A group is needed, though nothing is committed. Fetches are as large as those of the other clients. */
export async function openTable(task: Task, onSet: OnSet | undefined): Promise<Table> {
  const { topic } = task;
  const consumer = new Consumer({
    groupId: `bench-${process.pid}-${Date.now()}`,
    clientId: "bench",
    bootstrapBrokers: task.bootstrapServers.split(","),
    deserializers: { key: stringDeserializer },
    autocommit: false,
    maxWaitTime: 500,
    maxBytes: 67_108_864,
    maxBytesPerPartition: 4_194_304,
  });
  const ends = async (): Promise<Map<number, bigint>> => {
    const offsets = await consumer.listOffsets({ topics: [topic], timestamp: ListOffsetTimestamps.LATEST });
    return new Map((offsets.get(topic) ?? []).map((end, partition) => [partition, end]));
  };
  const atStart = await ends();
  const contents = new Map<string, unknown>();
  const positions = new Positions();
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST });
  stream.on("data", ({ key, value, partition, offset }) => {
    if (key !== undefined) {
      const kept: unknown = task.json ? JSON.parse(value.toString()) : value;
      contents.set(key, kept);
      onSet?.(kept);
    }
    positions.moved(partition, offset + 1n);
  });
  await positions.reached(atStart);
  return {
    keys: () => [...contents.keys()],
    get: (key) => contents.get(key),
    barrier: async () => positions.reached(await ends()),
    close: () => consumer.close(true),
  };
}

/** It sends what one call gives, so that the application gathers. */
export async function openWriter({ bootstrapServers, topic }: Task): Promise<Writer> {
  const producer = new Producer({
    clientId: "bench",
    bootstrapBrokers: bootstrapServers.split(","),
    serializers: stringSerializers,
    idempotent: true,
    acks: ProduceAcks.ALL,
  });
  return {
    recordsPerSend: 1000,
    send: (entries) => producer.send({ messages: entries.map(([key, value]) => ({ topic, key, value })) }),
    close: () => producer.close(),
  };
}
