import {
  KafkaClient,
  type KafkaClientConfig,
  type RecordBatch,
  silentLogger,
  TopicReader,
  type TopicReaderOptions,
} from "@ktables/client";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "@ktables/client/testing";
import { encodeBatch, type RecordInput } from "@ktables/record-batch";
import { afterEach, vi } from "vitest";

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (value: Uint8Array | null): string | null =>
  value === null ? null : new TextDecoder().decode(value);

const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

/** Runs after the test, last added first. */
export function atEnd(step: () => unknown): void {
  cleanup.push(step);
}

/**
 * Stops the clock until the end of the test, and returns what lets time pass: what is to happen at a deadline is decided
 * by what has happened before it then, not by how fast the machine is.
 */
export function stopClock(): {
  pass: (ms: number) => Promise<void>;
  /** In small steps, between which what is under way gets on, so that pauses end. */
  passUntil: (condition: () => boolean) => Promise<void>;
} {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  atEnd(() => vi.useRealTimers());
  const pass = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms));
  return {
    pass,
    passUntil: async (condition) => {
      while (!condition()) {
        await pass(10);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

export async function startBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const broker = await EmbeddedBroker.start({ topics: [{ name: "t" }], ...options });
  atEnd(() => broker.close());
  return broker;
}

/** With short pauses, so that tests of failures are quick. */
export function clientFor(
  broker: { readonly bootstrapServers: string },
  config: Partial<KafkaClientConfig> = {},
): KafkaClient {
  const client = new KafkaClient({
    bootstrapServers: broker.bootstrapServers,
    retryBackoffMs: 5,
    maxRetryBackoffMs: 40,
    logger: silentLogger,
    ...config,
  });
  atEnd(() => client.close());
  return client;
}

export function plainBatch(
  pairs: readonly (readonly [string | null, string | null])[],
  options: object = {},
): Uint8Array {
  const records = pairs.map(([key, value]): RecordInput => {
    return { key: key === null ? null : bytes(key), value: value === null ? null : bytes(value), timestamp: 1 };
  });
  return encodeBatch({ records, ...options });
}

export interface SeenRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
}

/** A reader that keeps what it was given, and lets a test wait for it. */
export class SeenRecords {
  readonly records: SeenRecord[] = [];
  readonly troubles: string[] = [];
  readonly added: number[] = [];
  readonly reader: TopicReader;
  readonly #waiting = new Set<() => void>();

  constructor(client: KafkaClient, options: Partial<TopicReaderOptions> = {}) {
    this.reader = new TopicReader(client, {
      topic: "t",
      onBatch: (partition: number, batch: RecordBatch, fromOffset: number) => {
        batch.visit((record) => {
          if (record.offset < fromOffset) return;
          const { offset } = record;
          this.records.push({ partition, offset, key: text(record.key()), value: text(record.value()) });
        });
      },
      onProgress: () => this.#check(),
      onTrouble: ({ code }) => {
        this.troubles.push(code);
        this.#check();
      },
      onPartitionsAdded: (partitions) => {
        this.added.push(...partitions);
        this.#check();
      },
      onFailure: () => this.#check(),
      ...options,
    });
    atEnd(() => this.reader.close());
  }

  get keys(): (string | null)[] {
    return this.records.map(({ key }) => key);
  }

  /** Resolves as soon as something happens after which the condition holds; rejects when the reader fails. */
  async until(condition: (seen: this) => boolean, mayFail = false): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        const { failure } = this.reader;
        if (condition(this)) resolve();
        else if (failure !== undefined && !mayFail) reject(failure);
        else return;
        this.#waiting.delete(check);
      };
      this.#waiting.add(check);
      check();
    });
  }

  #check(): void {
    for (const check of this.#waiting) check();
  }
}

/** The error with which a promise rejects. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const error: unknown = await promise.then(
    () => new Error("it succeeded"),
    (failed: unknown) => failed,
  );
  if (!(error instanceof Error)) throw new Error(`not an error: ${String(error)}`);
  return error as Error & Record<string, unknown>;
}

/** A reader that has started. */
export async function reading(
  broker: EmbeddedBroker,
  options: Partial<TopicReaderOptions> = {},
  config: object = {},
): Promise<SeenRecords> {
  const seen = new SeenRecords(clientFor(broker, config), options);
  await seen.reader.start();
  return seen;
}

/** How many requests of an API the broker has received. */
export const requestsOf = (broker: EmbeddedBroker, api: string): number =>
  broker.requests.filter((request) => request.api === api).length;

/** A response of the embedded broker that a test may alter. */
export type Editable<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Element)[]
    ? Editable<Element>[]
    : T extends object
      ? { -readonly [Key in keyof T]: Editable<T[Key]> }
      : T;

export function editable<T>(response: T): Editable<T> {
  return response as Editable<T>;
}
