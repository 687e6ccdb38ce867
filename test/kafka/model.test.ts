import fc from "fast-check";
import { afterAll, beforeAll, test } from "vitest";
import { type JavaPeer, startJavaPeer } from "../harness/java-peer.ts";
import { startKafka } from "../harness/kafka.ts";
import type { KafkaCluster } from "../harness/kafka-cluster.ts";
import { compactTopic, EAGER_COMPACTION, ROLL_KEY } from "../harness/log-cleaner.ts";
import { waitUntil } from "../harness/wait-until.ts";
import { type HistoryRecord, type HistoryTopic, histories, liveThrough, partitions } from "../suites/history.ts";
import { newTopic, recordingLogger, utf8 } from "../suites/support.ts";

const numRuns = Number(process.env["KTABLES_MODEL_RUNS"] ?? 6);
const seed = Number(process.env["KTABLES_MODEL_SEED"] ?? Date.now() % 2 ** 31);
const nodes = 3;

let cluster: KafkaCluster;
let java: JavaPeer;

beforeAll(async () => {
  [cluster, java] = await Promise.all([startKafka({ nodes, launcher: "java" }), startJavaPeer()]);
});

afterAll(async () => {
  await java?.stop();
  await cluster?.stop();
});

const base64 = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString("base64");
const fromBase64 = (text: string | null): Uint8Array | null =>
  text === null ? null : Uint8Array.from(Buffer.from(text, "base64"));

class KafkaTopic implements HistoryTopic {
  readonly topic = newTopic("model");
  readonly #leaders = new Map<number, number>();

  get #place() {
    return { bootstrapServers: cluster.bootstrapServers, topic: this.topic };
  }

  /** Not compacted before it is asked for: Kafka takes no record without a key into a compacted topic. */
  async create(): Promise<void> {
    await java.call("createTopic", { ...this.#place, partitions, replicationFactor: nodes });
  }

  connection() {
    return { bootstrapServers: cluster.bootstrapServers, logger: recordingLogger() };
  }

  async append(partition: number, records: readonly HistoryRecord[]): Promise<void> {
    await java.call("produce", { ...this.#place, records: this.#records(partition, records) });
  }

  async beginTransaction(partition: number, records: readonly HistoryRecord[]) {
    const { transactionalId } = await java.call("transaction", {
      ...this.#place,
      records: this.#records(partition, records),
      outcome: "open",
    });
    return async (outcome: "commit" | "abort"): Promise<void> => {
      await java.call("endTransaction", { transactionalId, outcome });
      // The coordinator answers before it has written the markers.
      await waitUntil("the marker", async () => {
        const readable = await java.call("offsets", { ...this.#place, isolation: "read_committed" });
        const written = await java.call("offsets", { ...this.#place, isolation: "read_uncommitted" });
        return readable.end[partition] === written.end[partition] ? true : undefined;
      });
    };
  }

  async compact(): Promise<readonly HistoryRecord[]> {
    const { bootstrapServers, topic } = this.#place;
    const keys = new Set((await this.committed()).map(({ key }) => base64(key)));
    await java.call("alterConfigs", { bootstrapServers, topic, set: { ...EAGER_COMPACTION } });
    // Of the keys that no decoder takes, and of those that roll segments, there is one in every partition, and of the
    // latter one more that is not cleaned yet.
    await compactTopic(java, { bootstrapServers, topic, partitions, maxRecords: keys.size + 4 * partitions });
    await java.call("alterConfigs", { bootstrapServers, topic, set: { "cleanup.policy": "delete" } });
    const rolled = (await this.committed()).findLast(
      ({ key }) => key !== null && Buffer.from(key).equals(utf8(ROLL_KEY)),
    );
    return rolled === undefined ? [] : [rolled];
  }

  async moveLeader(partition: number): Promise<void> {
    const first = ((this.#leaders.get(partition) ?? 0) + 1) % nodes;
    this.#leaders.set(partition, first);
    const ids = (await java.call("describeCluster", { bootstrapServers: cluster.bootstrapServers })).nodes.map(
      ({ id }) => id,
    );
    const replicas = [...ids.slice(first), ...ids.slice(0, first)];
    await java.call("moveLeader", { ...this.#place, partition, replicas });
    await waitUntil("the new leader", async () => {
      const { partitions: described } = await java.call("describeTopic", this.#place);
      return described[partition]?.leader === replicas[0] ? true : undefined;
    });
  }

  async committed(): Promise<readonly HistoryRecord[]> {
    const { records } = await java.call("consume", this.#place);
    return records.map(({ keyBase64, valueBase64 }) => ({
      key: fromBase64(keyBase64),
      value: fromBase64(valueBase64),
    }));
  }

  #records(partition: number, records: readonly HistoryRecord[]) {
    return records.map(({ key, value }) => ({
      partition,
      keyBase64: base64(key),
      valueBase64: base64(value),
    }));
  }
}

test("after every step of any history, tables, their feeds and their counters are what a ten-line model is", {
  timeout: 900_000,
}, async () => {
  console.log(`model on Kafka: seed ${seed}, ${numRuns} runs (KTABLES_MODEL_SEED, KTABLES_MODEL_RUNS)`);
  await fc.assert(
    fc.asyncProperty(histories, async (history) => {
      const topic = new KafkaTopic();
      await topic.create();
      await liveThrough(topic, history);
    }),
    { seed, numRuns, endOnFailure: true },
  );
});
