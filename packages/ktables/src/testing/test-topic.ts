import { InvalidOptionError, partitionForKey } from "@ktables/client";
import { brokerErrorFacts, check, checkOptions, describe } from "@ktables/client/internal";
import { EmbeddedBroker } from "@ktables/client/testing";
import { encodeBatch, type RecordInput } from "@ktables/record-batch";
import { checkCodec, encodeWith } from "../codec.ts";
import { type Codec, DEFAULT_TOPIC_CONFIGS, string, type WriteToken } from "../index.ts";
import { DeliveryGate } from "./delivery-gate.ts";

export interface TestTopicOptions<V> {
  readonly value: Codec<V>;
  /** Default: strict UTF-8, as for tables. */
  readonly key?: Codec<string> | undefined;
  /** Default `test-topic`. */
  readonly name?: string | undefined;
  /** Default 1. */
  readonly partitions?: number | undefined;
  /** The topic's configs, over `cleanup.policy=compact`. */
  readonly configs?: Readonly<Record<string, string>> | undefined;
  /**
   * The broker to be on, so that several topics share one; it stays open when the topic is closed. Interceptors that were
   * added to it before see the topic's requests first. Default: one of its own.
   */
  readonly broker?: EmbeddedBroker | undefined;
}

export interface TestRecordOptions {
  /** Default: the one that Java's default partitioner chooses for the key. */
  readonly partition?: number | undefined;
  /** Milliseconds since 1970. Default: now. */
  readonly timestamp?: number | undefined;
  readonly headers?: RecordInput["headers"];
}

const optionChecks = {
  value: () => undefined,
  key: () => undefined,
  name: check.nonEmptyString,
  partitions: check.integer(1),
  configs: check.stringValues,
  broker: (value: unknown): string | undefined => (value instanceof EmbeddedBroker ? undefined : "an EmbeddedBroker"),
};

const recordChecks = {
  partition: check.integer(0),
  timestamp: check.integer(-1),
  headers: (value: unknown): string | undefined => (Array.isArray(value) ? undefined : "an array"),
};

/**
 * A compacted topic in the memory of this process, for tests of code that reads or writes one: a broker that real clients
 * connect to, over TCP on 127.0.0.1, and what can happen to a topic as functions. What they do has happened when they
 * return, and a table learns of it as from any broker: wait with `table.waitFor(topic.publish(…))`.
 */
export class TestTopic<V> {
  readonly name: string;
  /** For what goes beyond this class. */
  readonly broker: EmbeddedBroker;
  readonly #value: Codec<V>;
  readonly #key: Codec<string> | undefined;
  readonly #partitions: number;
  readonly #configs: Readonly<Record<string, string>>;
  readonly #ownsBroker: boolean;
  readonly #gate: DeliveryGate;
  #topicId = "";

  private constructor(options: TestTopicOptions<V>, broker: EmbeddedBroker) {
    this.name = options.name ?? "test-topic";
    this.broker = broker;
    this.#value = options.value;
    this.#key = options.key;
    this.#partitions = options.partitions ?? 1;
    this.#configs = Object.freeze({ ...DEFAULT_TOPIC_CONFIGS, ...options.configs });
    this.#ownsBroker = options.broker === undefined;
    this.#gate = new DeliveryGate(broker, () => ({ name: this.name, topicId: this.#topicId }));
  }

  /**
   * Resolves when the topic is there, empty, and its broker accepts connections.
   *
   * @throws InvalidOptionError; a KafkaError `TOPIC_ALREADY_EXISTS`, `INVALID_TOPIC_EXCEPTION` or `INVALID_CONFIG`.
   */
  static async create<V>(options: TestTopicOptions<V>): Promise<TestTopic<V>> {
    checkOptions("TestTopic", options, optionChecks);
    checkCodec("TestTopic", "value", options.value);
    if (options.key !== undefined) checkCodec("TestTopic", "key", options.key);
    const broker = options.broker ?? (await EmbeddedBroker.start());
    const topic = new TestTopic(options, broker);
    try {
      await topic.#create();
    } catch (error) {
      await topic.close();
      throw error;
    }
    return topic;
  }

  /** `host:port` of the broker: what the code under test gets in place of its bootstrap servers. */
  get connection(): string {
    return this.broker.bootstrapServers;
  }

  /** What a table or a writer of this topic is opened with: `KafkaTable.open(topic.options)`. */
  get options(): {
    readonly connection: string;
    readonly topic: string;
    readonly value: Codec<V>;
    /** Undefined unless the topic was created with one. */
    readonly key: Codec<string> | undefined;
  } {
    return { connection: this.connection, topic: this.name, value: this.#value, key: this.#key };
  }

  /** Appends a value. @throws what the codec throws */
  publish(key: string, value: V, options: TestRecordOptions = {}): WriteToken {
    return this.#append(key, encodeWith(this.#value, "value", value), options);
  }

  /** Appends a tombstone, which removes the key from tables. */
  tombstone(key: string, options: TestRecordOptions = {}): WriteToken {
    return this.#append(key, null, options);
  }

  /**
   * Appends a value that the topic's codec cannot decode. Default: the single byte 0xff, which is neither UTF-8 nor JSON.
   *
   * @throws InvalidOptionError for bytes that the codec decodes, since they would poison nothing
   */
  poison(key: string, bytes: Uint8Array = Uint8Array.of(0xff), options: TestRecordOptions = {}): WriteToken {
    if (decodes(this.#value, bytes)) {
      throw new InvalidOptionError(
        "bytes",
        "TestTopic: the value codec decodes these bytes, so they are no poison; give others",
      );
    }
    return this.#append(key, bytes, options);
  }

  /**
   * Delivers nothing to anybody until {@link resume}: requests to read stay without an answer, as on a network that loses
   * them, and clients that have a timeout of their own notice. Writes are acknowledged all the same.
   */
  pause(): void {
    this.#gate.isPaused = true;
  }

  /** Ends {@link pause}. */
  resume(): void {
    this.#gate.isPaused = false;
  }

  /**
   * Answers whoever reads from the topic, writes to it or asks for its offsets with an error of Kafka, until
   * {@link recover}. Clients retry some of them, such as `NOT_LEADER_OR_FOLLOWER`, and give up on others, such as
   * `TOPIC_AUTHORIZATION_FAILED`.
   *
   * @param code Kafka's name of the error. @throws InvalidOptionError for one that Kafka does not have
   */
  fail(code: string): void {
    this.#gate.errorCode = errorCodeOf(code);
  }

  /** Ends {@link fail}. */
  recover(): void {
    this.#gate.errorCode = undefined;
  }

  /**
   * Loses a record and all that follow it in its partition, though they were acknowledged: another replica, which did not
   * have them, was elected uncleanly. A batch that holds the record goes as a whole.
   *
   * @throws a KafkaError `INVALID_ARGUMENT` for an offset that the log does not have
   */
  truncate(from: Pick<WriteToken, "partition" | "offset">): void {
    this.broker.truncate(this.name, from.partition, from.offset);
  }

  /** Deletes the topic and creates it again, empty, with another topic id. */
  async recreate(): Promise<void> {
    await this.broker.deleteTopic(this.name);
    await this.#create();
  }

  /**
   * Runs the log cleaner once: of each key the last record stays, at its offset. Tombstones go at the second call, after
   * `delete.retention.ms`. @throws a KafkaError `INVALID_ARGUMENT` where `configs` have switched compaction off
   */
  compact(): void {
    this.broker.compact(this.name);
  }

  /** Takes the topic's effects off the broker, and ends the broker if it is the topic's own. Safe to call again. */
  async close(): Promise<void> {
    this.#gate.remove();
    if (this.#ownsBroker) await this.broker.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  toString(): string {
    return `TestTopic("${this.name}" at ${this.connection})`;
  }

  async #create(): Promise<void> {
    await this.broker.createTopic(this.name, { partitions: this.#partitions, configs: this.#configs });
    this.#topicId = this.broker.topicId(this.name);
  }

  #append(key: string, value: Uint8Array | null, options: TestRecordOptions): WriteToken {
    checkOptions("TestTopic", options, recordChecks);
    const keyBytes = encodeWith(this.#key ?? string(), "key", key);
    const { partition = partitionForKey(keyBytes, this.#partitions), timestamp = Date.now(), headers } = options;
    const record = { key: keyBytes, value, timestamp, ...(headers === undefined ? {} : { headers }) };
    const offset = this.broker.append(this.name, partition, encodeBatch({ records: [record] }));
    return { topic: this.name, topicId: this.#topicId, partition, offset };
  }
}

function decodes<V>(codec: Codec<V>, bytes: Uint8Array): boolean {
  try {
    codec.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Above all of Kafka's codes. */
const endOfCodes = 1000;

function errorCodeOf(name: string): number {
  for (let code = -1; code < endOfCodes; code++) {
    if (code !== 0 && brokerErrorFacts(code).name === name && !name.startsWith("UNKNOWN_ERROR_")) return code;
  }
  throw new InvalidOptionError("code", `TestTopic: Kafka has no error ${describe(name)}`);
}
