import { createRequire } from "node:module";
import { type OnSet, Positions, type Table, type Task, type Writer } from "./client.ts";

type Callback<T> = (error: Error | null, result: T) => void;

type Settle = (error: Error | null) => void;

interface Message {
  readonly key: Buffer | string | null;
  readonly value: Buffer | null;
  readonly partition: number;
  readonly offset: number;
}

/** As much of its types as is used here; it is found by `NODE_PATH`, see tables/node-rdkafka.ts. */
interface Rdkafka {
  readonly KafkaConsumer: new (
    config: object,
    topicConfig: object,
  ) => {
    connect(options: object, done: Callback<unknown>): void;
    disconnect(done: Callback<unknown>): void;
    getMetadata(
      options: { topic: string },
      done: Callback<{ topics: { name: string; partitions: { id: number }[] }[] }>,
    ): void;
    queryWatermarkOffsets(
      topic: string,
      partition: number,
      timeoutMs: number,
      done: Callback<{ highOffset: number }>,
    ): void;
    assign(partitions: { topic: string; partition: number; offset: number }[]): void;
    consume(count: number, done: Callback<Message[]>): void;
    setDefaultConsumeTimeout(milliseconds: number): void;
  };
  readonly Producer: new (
    config: object,
  ) => {
    connect(options: object, done: Callback<unknown>): void;
    disconnect(done: Callback<unknown>): void;
    setPollInterval(milliseconds: number): void;
    /** What is `opaque` comes back with the delivery report. */
    produce(topic: string, partition: null, value: Buffer, key: string, timestamp: number, opaque: Settle): void;
    on(event: "delivery-report", listener: (error: Error | null, report: { readonly opaque: Settle }) => void): void;
  };
}

type Consumer = InstanceType<Rdkafka["KafkaConsumer"]>;

const { KafkaConsumer, Producer } = createRequire(import.meta.url)("node-rdkafka") as Rdkafka;

function called<T>(call: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error === null || error === undefined ? resolve(result) : reject(error)));
  });
}

/** Without a group's rebalancing, by an assignment of our own. Batches of messages, since a call for each costs more. */
export async function openTable(task: Task, onSet: OnSet | undefined): Promise<Table> {
  const { topic } = task;
  const consumer = new KafkaConsumer(
    {
      "metadata.broker.list": task.bootstrapServers,
      "group.id": `bench-${process.pid}`,
      "enable.auto.commit": false,
      "fetch.message.max.bytes": 4_194_304,
      "fetch.max.bytes": 67_108_864,
      "queued.max.messages.kbytes": 262_144,
      "queued.min.messages": 1_000_000,
      "enable.partition.eof": true,
    },
    { "auto.offset.reset": "earliest" },
  );
  await called((done) => consumer.connect({}, done));
  const metadata = await called<{ topics: { name: string; partitions: { id: number }[] }[] }>((done) =>
    consumer.getMetadata({ topic }, done),
  );
  const partitions = metadata.topics.find(({ name }) => name === topic)?.partitions.map(({ id }) => id) ?? [];
  const ends = async (by: Consumer): Promise<Map<number, bigint>> => {
    const found = new Map<number, bigint>();
    for (const partition of partitions) {
      const { highOffset } = await called<{ highOffset: number }>((done) =>
        by.queryWatermarkOffsets(topic, partition, 10_000, done),
      );
      found.set(partition, BigInt(highOffset));
    }
    return found;
  };
  const atStart = await ends(consumer);
  const contents = new Map<string, unknown>();
  const positions = new Positions();
  consumer.assign(partitions.map((partition) => ({ topic, partition, offset: 0 })));
  consumer.setDefaultConsumeTimeout(1);
  // A question of the one that fetches would wait for the end of its long poll.
  let control: Promise<Consumer> | undefined;
  let isOpen = true;
  const poll = (error: Error | null, messages: readonly Message[]): void => {
    if (error !== null && error !== undefined) throw error;
    const last = new Map<number, number>();
    for (const { key, value, partition, offset } of messages) {
      const kept: unknown = task.json ? JSON.parse(String(value)) : value;
      contents.set(String(key), kept);
      onSet?.(kept);
      last.set(partition, offset);
    }
    for (const [partition, offset] of last) positions.moved(partition, BigInt(offset) + 1n);
    if (isOpen) consumer.consume(1000, poll);
  };
  consumer.consume(1000, poll);
  await positions.reached(atStart);
  return {
    keys: () => [...contents.keys()],
    get: (key) => contents.get(key),
    barrier: async () => {
      control ??= connected(task.bootstrapServers);
      return positions.reached(await ends(await control));
    },
    close: () => {
      isOpen = false;
      return called((done) => consumer.disconnect(done));
    },
  };
}

async function connected(bootstrapServers: string): Promise<Consumer> {
  const consumer = new KafkaConsumer({ "metadata.broker.list": bootstrapServers, "group.id": "bench-control" }, {});
  await called((done) => consumer.connect({}, done));
  return consumer;
}

/** Its HighLevelProducer, which has a callback for each record, takes twice the time. */
export async function openWriter(task: Task): Promise<Writer> {
  const producer = new Producer({
    "metadata.broker.list": task.bootstrapServers,
    "enable.idempotence": true,
    "linger.ms": task.bench === "writes" ? 5 : 0,
    "batch.num.messages": 10_000,
    "queue.buffering.max.messages": 1_000_000,
    dr_cb: true,
  });
  producer.on("delivery-report", (error, { opaque: settle }) => settle(error));
  await called((done) => producer.connect({}, done));
  producer.setPollInterval(1);
  return {
    recordsPerSend: 1,
    send: ([entry]) =>
      new Promise<void>((resolve, reject) => {
        const [key, value] = entry ?? ["", ""];
        producer.produce(task.topic, null, Buffer.from(value), key, Date.now(), (error) =>
          error === null || error === undefined ? resolve() : reject(error),
        );
      }),
    close: () => called((done) => producer.disconnect(done)),
  };
}
