import { EmbeddedBroker } from "@ktables/client/testing";
import { expect, test } from "vitest";
import { ktables } from "./support.ts";

const lines = [
  /^A Kafka topic as a Map$/m,
  /^ {2}set {7}billing .* [\d.]+ m?s +[\d.]+ m?s$/m,
  /^ {2}update {4}billing .*"version":2.* [\d.]+ m?s +[\d.]+ m?s$/m,
  /^ {2}delete {4}search .* [\d.]+ m?s +[\d.]+ m?s$/m,
  /table\.get\("billing"\) {2}→ {2}\{"host":"10\.0\.0\.7","version":2\}$/m,
  /table\.has\("search"\) {3}→ {2}false$/m,
  /await table\.barrier\(\) took [\d.]+ m?s/,
];

test("the demo runs on a broker of its own and ends", async () => {
  const { code, stdout, stderr } = await ktables("demo");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const line of lines) expect(stdout).toMatch(line);
  expect(stdout).toContain("a broker embedded in this process");
  expect(stdout).toContain("has all 10 002 keys");
  expect(stdout).toContain("ktables demo --bootstrap-servers localhost:9092");
});

test("the demo runs on a given cluster, in a topic of its own", async () => {
  const broker = await EmbeddedBroker.start({ nodes: 2, topics: [{ name: "mine" }] });
  try {
    const { code, stdout, stderr } = await ktables("demo", "-b", broker.bootstrapServers);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const line of lines) expect(stdout).toMatch(line);
    const topic = /--delete --topic (ktables-demo-\w+)/.exec(stdout)?.[1] ?? "";
    expect(stdout).toContain(`ktables list --bootstrap-servers ${broker.bootstrapServers} --topic ${topic}`);
    expect(broker.leader(topic, 2).epoch).toBe(0);
    // Only a compacted topic can be.
    broker.compact(topic);
    const listed = await ktables("list", "--keys-only", "-b", broker.bootstrapServers, "-t", topic);
    expect(listed.stdout.trimEnd().split("\n")).toHaveLength(1002);

    const refused = await ktables("demo", "-b", broker.bootstrapServers, "-t", "mine");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toBe('ktables: Topic "mine" exists; the demo only writes into a topic of its own\n');
    expect(broker.requests.filter(({ api }) => api === "Produce").length).toBeGreaterThan(0);
    const empty = await ktables("list", "-b", broker.bootstrapServers, "-t", "mine");
    expect(empty).toEqual({ code: 0, stdout: "", stderr: "" });
  } finally {
    await broker.close();
  }
});
