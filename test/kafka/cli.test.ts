import { afterAll, beforeAll, expect, test } from "vitest";
import { ktables, ktablesWithInput, objects } from "../cli/support.ts";
import { type JavaPeer, startJavaPeer } from "../harness/java-peer.ts";
import type { KafkaCluster } from "../harness/kafka.ts";
import { newTopic } from "../suites/support.ts";
import { startBrokerUnderTest } from "./broker-under-test.ts";

let kafka: KafkaCluster;
let peer: JavaPeer;
let bootstrapServers: string;

beforeAll(async () => {
  kafka = await startBrokerUnderTest();
  peer = await startJavaPeer();
  bootstrapServers = kafka.bootstrapServers;
});

afterAll(async () => {
  await peer.stop();
  await kafka.stop();
});

const on = (topic: string): string[] => ["--bootstrap-servers", bootstrapServers, "--topic", topic];
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** What Java's consumer makes of a topic: base64 of values by base64 of keys. */
async function javaTable(topic: string): Promise<Record<string, string>> {
  return (await peer.call("table", { bootstrapServers, topic })).entries;
}

test("what Java wrote is dumped, loaded into another topic, and there for Java again", async () => {
  const topic = newTopic("dump");
  await peer.call("createTopic", { bootstrapServers, topic, partitions: 3, configs: { "cleanup.policy": "compact" } });
  const records = [
    { key: "\u{1f600}", value: '{"a":12345678901234567890}' },
    { key: "\uff5e", value: "plain text \u{1f600}" },
    { key: "", value: "" },
    { key: "__proto__", value: "[1,2]" },
    { keyBase64: "Yv8=", valueBase64: "AP8=" },
    { key: "gone", value: "1" },
    { key: "gone", value: null },
    { key: "changed", value: "1" },
    { key: "changed", value: "2" },
    ...Array.from({ length: 200 }, (_, index) => ({ key: `key-${index}`, value: `{"index":${index}}` })),
  ];
  await peer.call("produce", { bootstrapServers, topic, compression: "zstd", records });
  const expected = await javaTable(topic);
  expect(Object.keys(expected)).toHaveLength(206);

  const { code, stdout } = await ktables("dump", "--value-format", "base64", ...on(topic));
  expect(code).toBe(0);
  const lines = objects(stdout) as { key: string; keyFormat?: string; value: string }[];
  const dumped = lines.map(({ key, keyFormat, value }) => [keyFormat === "base64" ? key : base64(key), value]);
  expect(Object.fromEntries(dumped)).toEqual(expected);
  const keys = dumped.map(([key = ""]) => Buffer.from(key, "base64"));
  expect(keys).toEqual(keys.toSorted((a, b) => a.compare(b)));

  for (const options of [[], ["--value-format", "base64"]]) {
    const copy = newTopic("load");
    const input = (await ktables("dump", ...options, ...on(topic))).stdout;
    const created = ["--create-topic", "--partitions", "3", "--replication-factor", "1"];
    const loaded = await ktablesWithInput(input, "load", "-", ...created, ...on(copy));
    expect(loaded).toMatchObject({ code: 0, stderr: "" });
    expect(objects(loaded.stdout)).toMatchObject([{ set: 206, deleted: 0, unchanged: 0, failed: 0 }]);
    expect(await javaTable(copy)).toEqual(expected);
    expect((await ktables("diff", `topic:${copy}`, ...on(topic))).code).toBe(0);
  }
});

test("a topic that Java has changed is made equal to a file again", async () => {
  const topic = newTopic("restore");
  await peer.call("createTopic", { bootstrapServers, topic, partitions: 2, configs: { "cleanup.policy": "compact" } });
  const write = (key: string, value: string | null): object => ({ key, value });
  await peer.call("produce", { bootstrapServers, topic, records: [write("a", "1"), write("b", "2"), write("c", "3")] });
  const before = await javaTable(topic);
  const { stdout } = await ktables("dump", "--object", ...on(topic));
  expect(JSON.parse(stdout)).toEqual({ a: 1, b: 2, c: 3 });
  await peer.call("produce", {
    bootstrapServers,
    topic,
    records: [write("a", "9"), write("b", null), write("d", "4")],
  });
  const difference = await ktablesWithInput(stdout, "diff", "-", "--object", ...on(topic));
  expect(difference.code).toBe(1);
  expect(objects(difference.stdout)).toMatchObject([
    { type: "changed", key: "a" },
    { type: "added", key: "b" },
    { type: "removed", key: "d" },
  ]);
  const loaded = await ktablesWithInput(stdout, "load", "-", "--object", "--delete-missing", ...on(topic));
  expect(objects(loaded.stdout)).toMatchObject([{ set: 2, deleted: 1, unchanged: 1, failed: 0 }]);
  expect(await javaTable(topic)).toEqual(before);
});

test("doctor counts what Java counts, and reads the settings that Java made", async () => {
  const topic = newTopic("doctor");
  // A compacted topic takes no records without key; they are there from before it was one.
  await peer.call("createTopic", { bootstrapServers, topic, partitions: 2, configs: { "cleanup.policy": "delete" } });
  const records = [
    { key: null, value: "keyless", partition: 0 },
    { key: null, value: "keyless", partition: 1 },
    { key: "both", value: "1", partition: 0 },
    { key: "both", value: "2", partition: 1 },
    { key: "text", value: "no json" },
    { keyBase64: "/w==", value: "1" },
    ...Array.from({ length: 100 }, (_, index) => ({ key: `key-${index % 20}`, value: `{"index":${index}}` })),
  ];
  await peer.call("produce", { bootstrapServers, topic, compression: "gzip", records });
  await peer.call("transaction", {
    bootstrapServers,
    topic,
    outcome: "abort",
    records: [{ key: "aborted", value: "1" }],
  });
  const java = await peer.call("table", { bootstrapServers, topic, isolation: "read_committed" });

  const run = async () => {
    const { code, stdout } = await ktables("doctor", "--value-format", "json", ...on(topic));
    const lines = objects(stdout) as { check: string; verdict: string; message: string }[];
    const line = (check: string): string => {
      const found = lines.find((candidate) => candidate.check === check);
      return `${found?.verdict}: ${found?.message}`;
    };
    return { code, line };
  };
  const before = await run();
  expect(before.code).toBe(1);
  expect(before.line("cleanup.policy")).toContain("problem: delete: keys disappear");
  expect(before.line("dead records")).toContain(
    `ok: ${java.records} records for ${Object.keys(java.entries).length} live keys`,
  );
  expect(before.line("records without key")).toContain(`warning: ${java.keyless}: `);
  expect(before.line("keys")).toContain('problem: 1 key of 23 not UTF-8, which tables skip: "/w=="');
  expect(before.line("values")).toContain('problem: 1 of 23 not of format json: "text"');
  expect(before.line("partitions of keys")).toContain('problem: 1 key in several partitions: "both"');
  expect(before.line("replication")).toContain("warning: factor 1, 1 broker, 2 partitions");
  expect(before.line("min.insync.replicas")).toBe("ok: 1 of 1");
  expect(before.line("open transactions")).toBe("ok: none");

  const set = { "cleanup.policy": "compact", "delete.retention.ms": "1000", "unclean.leader.election.enable": "true" };
  await peer.call("alterConfigs", { bootstrapServers, topic, set });
  const open = await peer.call("transaction", {
    bootstrapServers,
    topic,
    outcome: "open",
    records: [{ key: "o", value: "1" }],
  });
  const after = await run();
  expect(after.line("cleanup.policy")).toBe("ok: compact");
  expect(after.line("delete.retention.ms")).toContain("problem: 1 s");
  expect(after.line("unclean.leader.election.enable")).toContain("warning: true");
  expect(after.line("open transactions")).toContain("warning: 1 offset cannot be read");
  await peer.call("endTransaction", { transactionalId: open.transactionalId, outcome: "commit" });
  expect((await run()).line("keys")).toContain("of 24 ");
});
