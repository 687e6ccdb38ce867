import { setTimeout as sleep } from "node:timers/promises";
import { type CompressionName, type KafkaClient, partitionForKey } from "@ktables/client";
import { json, type KafkaTable, KafkaTableWriter } from "ktables";
import type { Gaps } from "./gaps.ts";

export interface Numbered {
  /** Counts the writes of one key, from 0. */
  readonly n: number;
}

export interface Write {
  readonly key: string;
  readonly n: number;
  readonly isDelete: boolean;
  /** Where it is, once it is acknowledged. */
  offset: number | undefined;
  failure: unknown;
}

export const codec = json<Numbered>();

/** Writes and deletes its own keys for as long as it is asked to, and remembers every one in the order of the calls. */
export class Workload {
  readonly writer: KafkaTableWriter<Numbered>;
  readonly #keys: readonly string[];
  readonly #partitions: number;
  readonly #acks: Gaps;
  readonly byKey: Map<string, Write[]>;
  readonly #pending = new Set<Promise<void>>();

  constructor(options: {
    readonly name: string;
    readonly client: KafkaClient;
    readonly topic: string;
    readonly partitions: number;
    readonly compression: CompressionName;
    readonly lingerMs: number;
    readonly acks: Gaps;
  }) {
    const { name, client, topic, partitions, compression, lingerMs } = options;
    const common = { connection: client, topic, value: codec, ensureTopic: false, idempotent: true };
    this.writer = new KafkaTableWriter({ ...common, compression, lingerMs, maxBatchBytes: 16_384 });
    this.#partitions = partitions;
    this.#acks = options.acks;
    this.#keys = Array.from({ length: 200 }, (_, index) => `${name}-${index}`);
    this.byKey = new Map(this.#keys.map((key) => [key, []]));
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.writer.start();
    while (!signal.aborted) {
      for (let count = 0; count < 3 && this.#pending.size < 5000; count++) this.#write();
      await sleep(25);
    }
    await Promise.all(this.#pending);
    await this.writer.stop();
  }

  #write(): void {
    const key = this.#keys[Math.floor(Math.random() * this.#keys.length)] ?? "";
    const writes = this.byKey.get(key) ?? [];
    const write: Write = {
      key,
      n: writes.length,
      isDelete: Math.random() < 0.1,
      offset: undefined,
      failure: undefined,
    };
    writes.push(write);
    const sent = write.isDelete ? this.writer.delete(key) : this.writer.set(key, { n: write.n });
    const settled = sent
      .then(
        ({ partition, offset }) => {
          if (partition !== this.partitionOf(key)) throw new Error(`${key} went to partition ${partition}`);
          write.offset = offset;
          this.#acks.note(partition);
        },
        (failure: unknown) => {
          write.failure = failure;
        },
      )
      .finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  partitionOf(key: string): number {
    return partitionForKey(new TextEncoder().encode(key), this.#partitions);
  }

  /** What is acknowledged of each key, for {@link staleKeys}. */
  acknowledged(): Map<string, number> {
    const latest = [...this.byKey].map(([key, writes]) => {
      return [key, writes.findLastIndex(({ offset }) => offset !== undefined)] as const;
    });
    return new Map(latest);
  }

  /** The keys of which the table shows something older than what was acknowledged. */
  staleKeys(table: KafkaTable<Numbered>, acknowledged: ReadonlyMap<string, number>): string[] {
    return [...acknowledged].flatMap(([key, latest]) => {
      const seen = table.get(key)?.n;
      const isFresh =
        seen === undefined
          ? latest === -1 ||
            this.byKey
              .get(key)
              ?.slice(latest)
              .some(({ isDelete }) => isDelete)
          : seen >= latest;
      return isFresh === true ? [] : [`${key}: shows ${seen}, acknowledged ${latest}`];
    });
  }
}
