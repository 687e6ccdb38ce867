import {
  type AbortSignalLike,
  type CompressionName,
  InvalidOptionError,
  type KafkaClient,
  Producer,
  type ProducerOptions,
} from "@ktables/client";
import {
  AbortSource,
  CallScope,
  check,
  checkOptions,
  type OptionCheck,
  type Report,
  throwIfAborted,
  toError,
} from "@ktables/client/internal";
import { type BulkWrite, type Entries, writeAll } from "./bulk-write.ts";
import { textOrBytesWith } from "./codec.ts";
import { provisionTopic } from "./ensure-topic.ts";
import { AlreadyStartedError, NotStartedError, StoppedError } from "./errors.ts";
import { inspectAsString } from "./inspect.ts";
import { type ResolvedTopicOptions, resolveTopicOptions, type TopicOptions } from "./topic-options.ts";
import type { WriteToken } from "./write-token.ts";

export interface KafkaTableWriterOptions<V> extends TopicOptions<V> {
  /**
   * Who must have a record before it counts as written: all in-sync replicas (`"all"`, the default); the leader alone
   * (1); or nobody (0). With 0 a write counts as done once it was handed to the connection: its token has offset -1, and
   * it may be lost without anybody noticing.
   */
  readonly acks?: "all" | 1 | 0 | undefined;
  /**
   * Whether the broker recognises a repeated batch, so that a retry never writes twice and never reorders. Default:
   * with `acks: "all"`, where the broker can; elsewhere a retry may write twice, in order all the same. An explicit true
   * needs `acks: "all"`, and fails where the broker cannot.
   */
  readonly idempotent?: boolean | undefined;
  /** Default `none`. */
  readonly compression?: CompressionName | undefined;
  /** How long a record may wait for others to share its batch, in milliseconds. Default 0: those of the same tick. */
  readonly lingerMs?: number | undefined;
  /**
   * Size at which a batch is full, before compression; at most the topic's `max.message.bytes`. Default 1 000 000. Batches are
   * sent with 256 KiB already, unless records linger or five of the partition are on their way.
   */
  readonly maxBatchBytes?: number | undefined;
  /**
   * How many bytes of writes may be on their way until they are acknowledged; further ones wait for room, within
   * `deliveryTimeoutMs`. Default 33 554 432 (32 MiB).
   */
  readonly maxBufferedBytes?: number | undefined;
  /** How long a write may take, retries included, in milliseconds. Default 120 000. */
  readonly deliveryTimeoutMs?: number | undefined;
}

export interface WriteOptions {
  /** Ends the wait for the acknowledgement; the record may be written all the same. */
  readonly signal?: AbortSignalLike | undefined;
}

const writerChecks: Readonly<Record<string, OptionCheck>> = {
  acks: check.oneOf("all", 1, 0),
  idempotent: check.boolean,
  compression: check.oneOf("none", "gzip", "snappy", "lz4", "zstd"),
  lingerMs: check.integer(0, 2_147_483_647),
  maxBatchBytes: check.integer(1, 0x7fff_ffff),
  maxBufferedBytes: check.integer(1),
  deliveryTimeoutMs: check.durationMs,
};

const writeChecks = { signal: check.object };
const noOptions: WriteOptions = Object.freeze({});

const writeToken: Report<WriteToken> = ({ topic, topicId, partition }, offset) =>
  topicId === undefined ? { topic, partition, offset } : { topic, topicId, partition, offset };

const tableOption = "it is an option of KafkaTable";

const elsewhere: Readonly<Record<string, string>> = {
  catchupTimeoutMs: tableOption,
  fetchMaxWaitMs: tableOption,
  isolation: tableOption,
  onPoison: tableOption,
  store: tableOption,
  validate: tableOption,
  metadata: tableOption,
  expireWithLog: tableOption,
  onSet: tableOption,
  onDelete: tableOption,
  onResync: tableOption,
  enableIdempotence: "it is called idempotent",
};

/** Writes the records that a table reads: values, and tombstones for removed keys. */
export class KafkaTableWriter<V> {
  readonly #options: ResolvedTopicOptions<V>;
  readonly #producerOptions: ProducerOptions;
  readonly #name: string;
  readonly #encodeKey: (key: string) => string | Uint8Array;
  readonly #encodeValue: (value: V) => string | Uint8Array;
  #ending = new AbortSource();
  #phase: "stopped" | "starting" | "running" | "stopping" = "stopped";
  #producer: Producer | undefined;
  #stopping: Promise<void> | undefined;

  /** Checks the options and connects to nothing. @throws InvalidOptionError */
  constructor(options: KafkaTableWriterOptions<V>) {
    this.#options = resolveTopicOptions("KafkaTableWriter", options, writerChecks, elsewhere);
    this.#encodeKey = textOrBytesWith(this.#options.key, "key");
    this.#encodeValue = textOrBytesWith(this.#options.value, "value");
    inspectAsString(this);
    this.#name = `The writer of topic "${this.#options.topic}"`;
    const { acks, idempotent, compression, lingerMs, maxBatchBytes, maxBufferedBytes, deliveryTimeoutMs } = options;
    if (idempotent === true && (acks ?? "all") !== "all") {
      throw new InvalidOptionError("idempotent", `KafkaTableWriter: idempotent: true needs acks: "all"`);
    }
    this.#producerOptions = {
      acks,
      idempotent,
      compression,
      lingerMs,
      maxBatchBytes,
      maxBufferedBytes,
      deliveryTimeoutMs,
    };
  }

  /** Makes a writer and starts it. See {@link start}. */
  static async open<V>(options: KafkaTableWriterOptions<V>, call: WriteOptions = {}): Promise<KafkaTableWriter<V>> {
    const writer = new KafkaTableWriter(options);
    await writer.start(call);
    return writer;
  }

  /**
   * Ensures the topic and looks it up, so that what cannot work fails here. May be called again after {@link stop}, and
   * after a start that failed; then nothing has stayed open.
   *
   * @throws AlreadyStartedError; StoppedError when stopped meanwhile; the signal's reason; the error of the broker or
   * connection that stood in the way.
   */
  async start(call: { readonly signal?: AbortSignalLike | undefined } = {}): Promise<void> {
    checkOptions("start", call, { signal: check.object });
    if (this.#phase !== "stopped") throw new AlreadyStartedError(this.#name);
    throwIfAborted(call.signal);
    this.#phase = "starting";
    const ending = new AbortSource();
    this.#ending = ending;
    const scope = new CallScope([call.signal, ending.signal]);
    const { connection, topic, ensureTopic, provision } = this.#options;
    try {
      const client = connection.acquire();
      if (ensureTopic) await provisionTopic(client, topic, provision, connection.logger, { signal: scope.signal });
      await client.topicMetadata(topic, { signal: scope.signal });
      throwIfAborted(scope.signal);
      this.#open(client);
    } catch (error) {
      connection.release();
      this.#phase = "stopped";
      throwIfAborted(scope.signal);
      throw error;
    } finally {
      scope.end();
    }
  }

  #open(client: KafkaClient): void {
    this.#producer = new Producer(client, this.#producerOptions);
    this.#phase = "running";
  }

  /**
   * Waits for what was written to be acknowledged or given up, then closes what the writer has opened. Does nothing on
   * a writer that is not started; idempotent; never throws.
   */
  async stop(): Promise<void> {
    this.#ending.abort(new StoppedError(this.#name));
    if (this.#phase === "running") {
      this.#phase = "stopping";
      this.#stopping = this.#release().finally(() => {
        this.#phase = "stopped";
        this.#stopping = undefined;
      });
    }
    await this.#stopping;
  }

  /** The same as {@link stop}. */
  async close(): Promise<void> {
    await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get topic(): string {
    return this.#options.topic;
  }

  /** Whether {@link set} and {@link delete} may be called. */
  get started(): boolean {
    return this.#phase === "running";
  }

  /**
   * Writes a value and resolves when it is acknowledged. Writes of one key are applied in the order of the calls.
   *
   * @throws NotStartedError; what the codec throws, and CodecError when it returns no bytes: nothing is sent then;
   * ProduceError, which tells whether the value may have been written; the signal's reason.
   */
  set(key: string, value: V, options: WriteOptions = noOptions): Promise<WriteToken> {
    // Not async, and #send neither: with many writes on their way, each further promise shows.
    try {
      const producer = this.#running;
      return this.#send(producer, this.#encodeKey(key), this.#encodeValue(value), options);
    } catch (error) {
      return Promise.reject(toError(error));
    }
  }

  /**
   * Writes many values, in order, and resolves when all are acknowledged. Entries are taken as fast as they can be
   * written, some thousand ahead, so that an iterator over more than fits into memory will do. A value that fails does not
   * keep the others from being written.
   *
   * @throws NotStartedError; BulkWriteError, which lists the keys that failed; what the entries throw; the signal's reason
   */
  async setAll(entries: Entries<V>, options: WriteOptions = noOptions): Promise<BulkWrite> {
    checkOptions("setAll", options, { signal: check.object });
    throwIfAborted(options.signal);
    void this.#running;
    return writeAll(entries, (key, value) => this.set(key, value, options), options.signal);
  }

  /** Removes a key: writes a tombstone and resolves when it is acknowledged. Throws as {@link set} does. */
  async delete(key: string, options: WriteOptions = noOptions): Promise<WriteToken> {
    return this.#send(this.#running, this.#encodeKey(key), null, options);
  }

  toString(): string {
    return `KafkaTableWriter(topic "${this.topic}", ${this.started ? "started" : "not started"})`;
  }

  get #running(): Producer {
    if (this.#producer === undefined || this.#phase !== "running") throw new NotStartedError(this.#name);
    return this.#producer;
  }

  #send(
    producer: Producer,
    key: Uint8Array | string,
    value: Uint8Array | string | null,
    options: WriteOptions,
  ): Promise<WriteToken> {
    if (options !== noOptions) checkOptions("write", options, writeChecks);
    return producer.sendAs({ topic: this.#options.topic, key, value }, writeToken, options.signal);
  }

  async #release(): Promise<void> {
    const { connection } = this.#options;
    try {
      await this.#producer?.close();
    } catch (error) {
      connection.logger.warn(`${this.#name} could not be closed cleanly: ${toError(error).message}`, { error });
    }
    this.#producer = undefined;
    connection.release();
  }
}
