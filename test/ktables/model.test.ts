import { KafkaClient, listOffsets, TopicReader } from "@ktables/client";
import { EmbeddedBroker } from "@ktables/client/testing";
import { encodeBatch, type RecordInput } from "@ktables/record-batch";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type HistoryRecord, type HistoryTopic, histories, liveThrough, partitions } from "../suites/history.ts";
import { recordingLogger, until } from "../suites/support.ts";

const numRuns = Number(process.env["KTABLES_MODEL_RUNS"] ?? 100);
const seed = Number(process.env["KTABLES_MODEL_SEED"] ?? Date.now() % 2 ** 31);
const nodes = 2;

class EmbeddedTopic implements HistoryTopic {
  readonly topic = "t";
  readonly #broker: EmbeddedBroker;
  #moves = 0;

  constructor(broker: EmbeddedBroker) {
    this.#broker = broker;
  }

  connection() {
    const { bootstrapServers } = this.#broker;
    return { bootstrapServers, logger: recordingLogger(), retryBackoffMs: 2, maxRetryBackoffMs: 20 };
  }

  async append(partition: number, records: readonly HistoryRecord[]): Promise<void> {
    this.#broker.append("t", partition, encodeBatch({ records: inputs(records) }));
  }

  async beginTransaction(partition: number, records: readonly HistoryRecord[]) {
    const { producerId } = this.#broker.writeTransaction("t", partition, inputs(records), "open");
    return async (outcome: "commit" | "abort") => void this.#broker.endTransaction("t", partition, producerId, outcome);
  }

  async compact(): Promise<undefined> {
    // Twice: tombstones go in the second cleaning.
    this.#broker.compact("t");
    this.#broker.compact("t");
  }

  async moveLeader(partition: number): Promise<void> {
    this.#broker.moveLeader("t", partition, this.#moves++ % nodes);
  }

  async committed(): Promise<readonly HistoryRecord[]> {
    await using client = new KafkaClient(this.connection());
    const found: HistoryRecord[] = [];
    await using reader = new TopicReader(client, {
      topic: "t",
      onBatch: (_, batch, fromOffset) => {
        batch.visit((record) => {
          if (record.offset >= fromOffset) found.push({ key: copy(record.key()), value: copy(record.value()) });
        });
      },
    });
    const ends = await listOffsets(client, "t", "latest", { isolation: "read_committed" });
    await reader.start();
    await until(() => [...ends].every(([partition, end]) => (reader.position(partition) ?? -1) >= end));
    return found;
  }
}

function inputs(records: readonly HistoryRecord[]): RecordInput[] {
  return records.map(({ key, value }) => ({ key, value, timestamp: 0 }));
}

function copy(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : Uint8Array.from(bytes);
}

test("after every step of any history, tables, their feeds and their counters are what a ten-line model is", {
  timeout: 300_000,
}, async () => {
  console.log(`model: seed ${seed}, ${numRuns} runs (KTABLES_MODEL_SEED, KTABLES_MODEL_RUNS)`);
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const configs = { "cleanup.policy": "compact", "delete.retention.ms": "0" };
      await using broker = await EmbeddedBroker.start({
        nodes,
        topics: [{ name: "t", partitions, replicationFactor: nodes, configs }],
      });
      await liveThrough(new EmbeddedTopic(broker), history);
      expect(broker.errors).toEqual([]);
    }),
    { seed, numRuns },
  );
});
