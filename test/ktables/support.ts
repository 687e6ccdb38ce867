import { EmbeddedBroker, type EmbeddedBrokerOptions } from "@ktables/client/testing";
import { type RecordInput } from "@ktables/record-batch";
import {
  type KafkaClientConfig,
  KafkaTable,
  type KafkaTableOptions,
  KafkaTableWriter,
  type KafkaTableWriterOptions,
  string,
} from "ktables";
import { afterEach, beforeEach } from "vitest";
import { recordingLogger, storeUnderTest, utf8 } from "../suites/support.ts";

type TableOptions = Partial<KafkaTableOptions<string>>;
type WriterOptions = Partial<KafkaTableWriterOptions<string>>;

/** A broker of its own for every test, and string tables and writers on its topic "t" that are stopped at the end. */
export class Fixture {
  broker!: EmbeddedBroker;
  logger!: ReturnType<typeof recordingLogger>;
  readonly #opened: { stop(): Promise<void> }[] = [];

  constructor(options: EmbeddedBrokerOptions = {}) {
    beforeEach(async () => {
      this.logger = recordingLogger();
      this.broker = await EmbeddedBroker.start({
        topics: [{ name: "t", configs: { "cleanup.policy": "compact" } }],
        ...options,
      });
    });
    afterEach(async () => {
      for (const item of this.#opened.splice(0).reverse()) await item.stop();
      await this.broker.close();
    });
  }

  connection(overrides: Partial<KafkaClientConfig> = {}): KafkaClientConfig {
    return {
      bootstrapServers: this.broker.bootstrapServers,
      logger: this.logger,
      retryBackoffMs: 5,
      maxRetryBackoffMs: 20,
      ...overrides,
    };
  }

  table(options: TableOptions = {}): KafkaTable<string> {
    const table = new KafkaTable({
      connection: this.connection(),
      topic: "t",
      value: string(),
      store: storeUnderTest,
      ...options,
    });
    this.#opened.push(table);
    return table;
  }

  async openTable(options: TableOptions = {}): Promise<KafkaTable<string>> {
    const table = this.table(options);
    await table.start();
    return table;
  }

  writer(options: WriterOptions = {}): KafkaTableWriter<string> {
    const writer = new KafkaTableWriter({ connection: this.connection(), topic: "t", value: string(), ...options });
    this.#opened.push(writer);
    return writer;
  }

  async openWriter(options: WriterOptions = {}): Promise<KafkaTableWriter<string>> {
    const writer = this.writer(options);
    await writer.start();
    return writer;
  }

  /** Writes records one by one, each in a batch of its own. */
  async write(...records: readonly (readonly [key: string, value: string | null])[]): Promise<void> {
    const writer = await this.openWriter({ ensureTopic: false });
    for (const [key, value] of records) await (value === null ? writer.delete(key) : writer.set(key, value));
    await writer.stop();
  }

  /** The APIs that were asked for, in order. */
  get apis(): string[] {
    return this.broker.requests.map(({ api }) => api);
  }
}

/** A door that requests wait at until it is opened. */
export class Door {
  readonly opened: Promise<void>;
  open!: () => void;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }

  /** As an interceptor: passes the request on when the door is open. */
  readonly wait = async (): Promise<"pass"> => {
    await this.opened;
    return "pass";
  };
}

export function record(key: string, value: string | null): RecordInput {
  return { key: utf8(key), value: value === null ? null : utf8(value), timestamp: 1_700_000_000_000 };
}
