import { KafkaTable, type KafkaTableOptions, string } from "ktables";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Tap } from "../client/tapped-connector.ts";
import { type JavaPeer, startJavaPeer } from "../harness/java-peer.ts";
import { waitUntil } from "../harness/wait-until.ts";
import { newTopic, recordingLogger, type SuiteBroker, storeUnderTest } from "../suites/support.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";

let broker: SuiteBroker;
let java: JavaPeer;
let bootstrapServers: string;

beforeAll(async () => {
  [broker, java] = await Promise.all([startBrokerUnderTest(), startJavaPeer()]);
  ({ bootstrapServers } = broker);
});

afterAll(async () => {
  await java?.stop();
  await broker?.stop();
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A table, every change that its feed has told, and the connections under it. */
class Followed {
  readonly tap = new Tap();
  readonly logger = recordingLogger();
  readonly told: string[] = [];
  readonly table: KafkaTable<string>;
  readonly topic: string;

  constructor(topic: string, options: Partial<KafkaTableOptions<string>> = {}) {
    this.topic = topic;
    const { logger, tap } = this;
    const connection = { bootstrapServers, logger, connector: tap.connector, metadataMaxAgeMs: 500 };
    this.table = new KafkaTable({ connection, topic, value: string(), store: storeUnderTest, ...options });
  }

  async open(): Promise<void> {
    await this.table.start();
    void this.#read();
  }

  async #read(): Promise<void> {
    try {
      for await (const change of this.table.changes()) {
        if (change.type === "resync") this.told.push(`resync ${change.loss.code}`);
        else if (change.type !== "caught-up") this.told.push(`${change.phase} ${change.type} ${change.key}`);
      }
    } catch (error) {
      this.told.push(String(error));
    }
  }

  async becomes(what: string, condition: () => boolean): Promise<void> {
    await waitUntil(what, async () => (condition() ? true : undefined));
  }

  /** The table is what the Java client makes of the topic. */
  async equalsJavasView(): Promise<void> {
    const view = await java.call("table", { bootstrapServers, topic: this.topic });
    const entries = [...this.table].map(([key, value]) => [base64(key), base64(value)] as const);
    expect(Object.fromEntries(entries)).toEqual(view.entries);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.table.stop();
  }
}

async function create(topic: string, partitions = 1, policy = "compact"): Promise<void> {
  // Kafka deletes in the background, and refuses the name as long as that takes.
  await waitUntil(`creating ${topic}`, async () =>
    java
      .call("createTopic", { bootstrapServers, topic, partitions, configs: { "cleanup.policy": policy } })
      .catch(() => undefined),
  );
}

async function write(
  topic: string,
  ...records: readonly (readonly [key: string, value: string | null])[]
): Promise<void> {
  await java.call("produce", {
    bootstrapServers,
    topic,
    records: records.map(([key, value]) => ({
      keyBase64: base64(key),
      valueBase64: value === null ? null : base64(value),
    })),
  });
}

test("a topic that is deleted and created again, with more partitions: the table becomes what is in it", async () => {
  const topic = newTopic("recreated");
  await create(topic);
  await write(topic, ["same", "1"], ["changed", "1"], ["gone", "1"]);
  await using followed = new Followed(topic);
  await followed.open();
  await java.call("deleteTopic", { bootstrapServers, topic });
  await create(topic, 3);
  await write(topic, ["same", "1"], ["changed", "2"], ["new", "2"]);
  const { table, told } = followed;
  await followed.becomes("the new contents", () => table.get("new") === "2" && table.get("changed") === "2");
  expect(table.status).toBe("caught_up");
  await followed.equalsJavasView();
  expect(table.health().partitions).toHaveLength(3);
  await followed.becomes(
    "the end of the differences",
    () => told.includes("resync set new") || told.includes("live set new"),
  );
  expect(told[0]).toBe("resync TOPIC_RECREATED");
  expect(told).toContain("resync delete gone");
});

test("records removed before the table could read them: nothing that is gone stays", async () => {
  const topic = newTopic("retention");
  // Kafka removes no records from a topic that is only compacted.
  await create(topic, 1, "compact,delete");
  await write(topic, ["same", "1"], ["gone", "1"], ["deleted", "1"]);
  await using followed = new Followed(topic);
  await followed.open();
  const { table, tap, told } = followed;
  tap.cut();
  await write(topic, ["deleted", null], ["same", "2"]);
  await java.call("deleteRecords", { bootstrapServers, topic, beforeOffsets: { 0: 4 } });
  await write(topic, ["new", "1"]);
  expect([...table.keys()]).toEqual(["same", "gone", "deleted"]);
  tap.isBlocked = false;
  await followed.becomes("the new contents", () => table.get("new") === "1");
  await followed.equalsJavasView();
  expect(table.stats.resyncs).toBe(1);
  await followed.becomes("the differences", () => told.length === 5);
  expect(told).toEqual([
    "resync OFFSET_OUT_OF_RANGE",
    "resync delete gone",
    "resync delete deleted",
    "resync set same",
    "resync set new",
  ]);
});

test("records deleted after the table has read them (case 46): it lets go of them if it shall", async () => {
  const topic = newTopic("expiring");
  await create(topic, 1, "compact,delete");
  await write(topic, ["gone", "1"], ["kept", "1"], ["gone", "2"], ["kept", "2"]);
  await using followed = new Followed(topic, { expireWithLog: true });
  await using careless = new Followed(topic);
  await followed.open();
  await careless.open();
  await java.call("deleteRecords", { bootstrapServers, topic, beforeOffsets: { 0: 3 } });
  const { table, told } = followed;
  await followed.becomes("the eviction", () => !table.has("gone"));
  await followed.equalsJavasView();
  await followed.becomes("the news", () => told.length === 1);
  expect(told).toEqual(["expired delete gone"]);
  expect(table.stats).toMatchObject({ recordsExpired: 1, resyncs: 0 });
  expect([...table]).toEqual([["kept", "2"]]);
  await using fresh = new Followed(topic);
  await fresh.open();
  expect(fresh.table.snapshot()).toEqual(table.snapshot());
  expect(careless.table.has("gone")).toBe(true);
});

test("a topic that grows: its new partitions are read, and nothing is read anew", async () => {
  const topic = newTopic("grown");
  await create(topic);
  await write(topic, ["a", "1"]);
  await using followed = new Followed(topic);
  await followed.open();
  await java.call("createPartitions", { bootstrapServers, topic, total: 4 });
  const keys = Array.from({ length: 50 }, (_, index) => [`key-${index}`, "1"] as const);
  await write(topic, ...keys);
  const { table } = followed;
  await followed.becomes("the keys of all partitions", () => table.size === 51);
  await followed.equalsJavasView();
  expect(table.health().partitions).toHaveLength(4);
  expect(table.stats.resyncs).toBe(0);
});

test.each([
  ["freeze", "stale"],
  ["fail", "failed"],
] as const)(
  "a topic that is created again, with onReset %s: the table stays as it was, %s",
  async (onReset, status) => {
    const topic = newTopic(onReset);
    await create(topic);
    await write(topic, ["old", "1"]);
    await using followed = new Followed(topic, { onReset });
    await followed.open();
    await java.call("deleteTopic", { bootstrapServers, topic });
    await create(topic);
    await write(topic, ["new", "1"]);
    const { table } = followed;
    await followed.becomes("the notice", () => table.status === status);
    expect([...table]).toEqual([["old", "1"]]);
    expect(table.health().lastError).toMatchObject({ code: "TOPIC_RECREATED" });
  },
);
