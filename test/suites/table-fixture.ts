import { createTopic, KafkaClient, Producer } from "@ktables/client";
import {
  type KafkaClientConfig,
  KafkaTable,
  type KafkaTableOptions,
  KafkaTableWriter,
  type KafkaTableWriterOptions,
} from "ktables";
import { afterAll, afterEach, beforeAll } from "vitest";
import { newTopic, recordingLogger, type SuiteBroker, storeUnderTest } from "./support.ts";

type Without<Options> = Omit<Options, "connection">;

/** What the tests of tables and writers share: a broker, a client, and what they open, which is stopped after each test. */
export interface TableFixture {
  readonly broker: SuiteBroker;
  readonly client: KafkaClient;
  /** Of the connection that was made last. */
  readonly logger: ReturnType<typeof recordingLogger>;
  /** To be stopped after the test. */
  readonly opened: { stop(): Promise<void> }[];
  readonly connection: () => KafkaClientConfig;
  readonly newTable: <V>(options: Without<KafkaTableOptions<V>>) => KafkaTable<V>;
  readonly openTable: <V>(options: Without<KafkaTableOptions<V>>) => Promise<KafkaTable<V>>;
  readonly openWriter: <V>(options: Without<KafkaTableWriterOptions<V>>) => Promise<KafkaTableWriter<V>>;
  /** Writes what the writer refuses to: records without a key, or with bytes that no codec made. */
  readonly produce: (
    topic: string,
    records: readonly (readonly [Uint8Array | null, Uint8Array | null])[],
  ) => Promise<void>;
  /** A topic that takes records without a key, as a compacted one does not. */
  readonly plainTopic: () => Promise<string>;
}

/** To be called in the suite, whose broker starts before its first test and stops after its last one. */
export function tableFixture(start: () => Promise<SuiteBroker>): TableFixture {
  let broker: SuiteBroker | undefined;
  let client: KafkaClient | undefined;
  let logger = recordingLogger();
  const opened: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    broker = await start();
    client = new KafkaClient(broker.bootstrapServers);
  });
  afterEach(async () => {
    for (const item of opened.splice(0).reverse()) await item.stop();
  });
  afterAll(async () => {
    client?.close();
    await broker?.stop();
  });

  const fixture: TableFixture = {
    get broker() {
      return started(broker);
    },
    get client() {
      return started(client);
    },
    get logger() {
      return logger;
    },
    opened,
    connection: () => {
      logger = recordingLogger();
      return { bootstrapServers: fixture.broker.bootstrapServers, logger };
    },
    newTable: (options) => {
      const table = new KafkaTable({ connection: fixture.connection(), store: storeUnderTest, ...options });
      opened.push(table);
      return table;
    },
    openTable: async (options) => {
      const table = fixture.newTable(options);
      await table.start();
      return table;
    },
    openWriter: async (options) => {
      const writer = new KafkaTableWriter({ connection: fixture.connection(), ...options });
      opened.push(writer);
      await writer.start();
      return writer;
    },
    produce: async (topic, records) => {
      const producer = new Producer(fixture.client);
      for (const [key, value] of records) await producer.send({ topic, key, value, partition: 0 });
      await producer.close();
    },
    plainTopic: async () => {
      const topic = newTopic("plain");
      await createTopic(fixture.client, topic, { configs: { "cleanup.policy": "delete" } });
      return topic;
    },
  };
  return fixture;
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("the broker of this suite has not started");
  return part;
}
