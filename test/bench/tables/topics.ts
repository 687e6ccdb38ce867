/** The topics of a run: made and filled when they are first asked for, deleted at the end. */
import { randomBytes } from "node:crypto";
import { createTopic, deleteTopic, KafkaClient, Producer } from "@ktables/client";
import type { TopicPlan } from "./cases.ts";
import { keyOf, valueOf } from "./records.ts";

/** The batches of a busy writer; one of a lonely writer holds a record or two. */
const batchBytes = 100_000;

export class Topics implements AsyncDisposable {
  readonly #client: KafkaClient;
  /** So that clusters that are not ours, and runs that were killed, do no harm. */
  readonly #prefix = `bench-${randomBytes(4).toString("hex")}`;
  readonly #filled = new Map<string, string>();
  readonly #all: string[] = [];

  constructor(bootstrapServers: string) {
    this.#client = new KafkaClient(bootstrapServers);
  }

  /** A topic with nothing in it, for whoever asks. */
  async empty(partitions: number): Promise<string> {
    const topic = `${this.#prefix}-${this.#all.length}`;
    this.#all.push(topic);
    // Measured is what was written: the cleaner would make it less.
    const configs = { "cleanup.policy": "compact", "min.compaction.lag.ms": "86400000" };
    await createTopic(this.#client, topic, { partitions, configs });
    return topic;
  }

  /** The same topic for the same plan. */
  async filled(plan: TopicPlan): Promise<string> {
    const id = JSON.stringify(plan);
    const known = this.#filled.get(id);
    if (known !== undefined) return known;
    const topic = await this.empty(plan.partitions);
    await this.#fill(topic, plan);
    this.#filled.set(id, topic);
    return topic;
  }

  async #fill(topic: string, plan: TopicPlan): Promise<void> {
    const utf8 = new TextEncoder();
    const producer = new Producer(this.#client, { compression: plan.compression, maxBatchBytes: batchBytes });
    for (let start = 0; start < plan.records; start += 20_000) {
      const sent: Promise<unknown>[] = [];
      for (let index = start; index < Math.min(plan.records, start + 20_000); index++) {
        sent.push(
          producer.send({ topic, key: utf8.encode(keyOf(index, plan)), value: utf8.encode(valueOf(index, plan)) }),
        );
      }
      await Promise.all(sent);
    }
    await producer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const topic of this.#all) await deleteTopic(this.#client, topic);
    this.#client.close();
  }
}
