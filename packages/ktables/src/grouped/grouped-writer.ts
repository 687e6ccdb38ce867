import type { AbortSignalLike } from "@ktables/client";
import { inspectAsString } from "../inspect.ts";
import type { WriteToken } from "../write-token.ts";
import { KafkaTableWriter, type KafkaTableWriterOptions, type WriteOptions } from "../writer.ts";
import { type CompositeKeyCodec, checkKeyOptions, DEFAULT_KEY_CODEC } from "./composite-key.ts";

export interface GroupedKafkaTableWriterOptions<V> extends Omit<KafkaTableWriterOptions<V>, "key"> {
  /** Must be that of the tables. Default {@link DEFAULT_KEY_CODEC}, which is that of the Python package. */
  readonly keyCodec?: CompositeKeyCodec | undefined;
}

/**
 * Writes the records that a `GroupedKafkaTable` reads. Writers of one group never overwrite each other's members.
 * Lifecycle and guarantees are those of the {@link KafkaTableWriter} that it is made of.
 */
export class GroupedKafkaTableWriter<V> {
  readonly #writer: KafkaTableWriter<V>;
  readonly #codec: CompositeKeyCodec;

  /** Checks the options and connects to nothing. @throws InvalidOptionError */
  constructor(options: GroupedKafkaTableWriterOptions<V>) {
    checkKeyOptions("GroupedKafkaTableWriter", options);
    const { keyCodec = DEFAULT_KEY_CODEC, ...writerOptions } = options;
    this.#codec = keyCodec;
    this.#writer = new KafkaTableWriter<V>(writerOptions);
    inspectAsString(this);
  }

  /** Makes a writer and starts it. See {@link start}. */
  static async open<V>(
    options: GroupedKafkaTableWriterOptions<V>,
    call: WriteOptions = {},
  ): Promise<GroupedKafkaTableWriter<V>> {
    const writer = new GroupedKafkaTableWriter(options);
    await writer.start(call);
    return writer;
  }

  /** As {@link KafkaTableWriter.start}. */
  start(call: { readonly signal?: AbortSignalLike | undefined } = {}): Promise<void> {
    return this.#writer.start(call);
  }

  /** As {@link KafkaTableWriter.stop}. */
  stop(): Promise<void> {
    return this.#writer.stop();
  }

  /** The same as {@link stop}. */
  async close(): Promise<void> {
    await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get topic(): string {
    return this.#writer.topic;
  }

  get started(): boolean {
    return this.#writer.started;
  }

  /** Writes one member's value and resolves when it is acknowledged. @throws as {@link KafkaTableWriter.set}. */
  async set(group: string, member: string, value: V, options: WriteOptions = {}): Promise<WriteToken> {
    return this.#writer.set(this.#codec.encode(group, member), value, options);
  }

  /** Removes one member: writes a tombstone and resolves when it is acknowledged. Throws as {@link set} does. */
  async delete(group: string, member: string, options: WriteOptions = {}): Promise<WriteToken> {
    return this.#writer.delete(this.#codec.encode(group, member), options);
  }

  toString(): string {
    return `GroupedKafkaTableWriter(topic "${this.topic}", ${this.started ? "started" : "not started"})`;
  }
}
