import { partitionForKey } from "@ktables/client";
import { EmbeddedBroker } from "@ktables/client/testing";
import { encodeBatch } from "@ktables/record-batch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { doctorCommand } from "../../packages/ktables/src/cli/doctor.ts";
import { fill, ktables, objects, record, refuseFetch, terminalContext } from "./support.ts";

interface Line {
  readonly check: string;
  readonly verdict: string;
  readonly message: string;
  readonly advice?: string;
}

let broker: EmbeddedBroker;

beforeAll(async () => {
  broker = await EmbeddedBroker.start({ nodes: 3 });
});

afterAll(() => broker.close());

async function doctor(topic: string, ...options: string[]) {
  const outcome = await ktables("doctor", "--bootstrap-servers", broker.bootstrapServers, "--topic", topic, ...options);
  const lines = objects(outcome.stdout) as Line[];
  return { ...outcome, lines, line: (check: string) => lines.find((line) => line.check === check) };
}

function partitionOf(key: string, partitions: number): number {
  return partitionForKey(new TextEncoder().encode(key), partitions);
}

test("finds nothing wrong with a healthy topic", async () => {
  const configs = { "cleanup.policy": "compact", "min.insync.replicas": "2" };
  await broker.createTopic("healthy", { partitions: 2, configs });
  for (const key of ["a", "b", "c", "d"]) {
    broker.append("healthy", partitionOf(key, 2), encodeBatch({ records: [record(key, '{"x":1}')] }));
  }
  const { code, stderr, lines } = await doctor("healthy", "--value-format", "json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(lines).toHaveLength(13);
  for (const line of lines)
    expect(line, line.check).toEqual({ check: line.check, verdict: "ok", message: line.message });
  expect(lines).toContainEqual({ check: "keys", verdict: "ok", message: "4 keys, all UTF-8" });
  expect(lines).toContainEqual({ check: "replication", verdict: "ok", message: "factor 3, 3 brokers, 2 partitions" });
});

test("names what is wrong with contents and settings, and what to do", async () => {
  const configs = { "cleanup.policy": "compact", "delete.retention.ms": "1000" };
  await broker.createTopic("sick", { partitions: 2, replicationFactor: 1, configs });
  const home = partitionOf("a", 2);
  const records = [
    record("a", "1"),
    record("a", "not json"),
    record("gone", "1"),
    record("gone", null),
    record(null, "keyless"),
    { key: Uint8Array.of(0xff), value: new TextEncoder().encode("1"), timestamp: 0 },
  ];
  broker.append("sick", home, encodeBatch({ records, compression: "gzip" }));
  broker.append("sick", 1 - home, encodeBatch({ records: [record("a", "2")] }));
  const { code, line } = await doctor("sick", "--value-format", "json");
  expect(code).toBe(1);
  for (const [check, verdict, message] of [
    ["delete.retention.ms", "problem", "1 s"],
    ["replication", "warning", "the topic is gone with one disk"],
    ["records without key", "warning", "1: no table has them"],
    ["dead records", "ok", "7 records for 2 live keys, 3.5 per key"],
    ["keys", "problem", '"/w=="'],
    ["values", "problem", '1 of 2 not of format json: "a"'],
    ["partitions of keys", "problem", '1 key in several partitions: "a"'],
  ] as const) {
    expect(line(check), check).toMatchObject({ verdict, message: expect.stringContaining(message) as string });
    if (verdict !== "ok") expect(line(check)?.advice).not.toBe("");
  }
});

test("warns without a failure of the command", async () => {
  await broker.createTopic("warned", { configs: { "cleanup.policy": "compact" } });
  fill(broker, "warned", record("a", "1"), record("b", "text"));
  const { code, line } = await doctor("warned");
  expect(code).toBe(0);
  expect(line("values")).toMatchObject({ verdict: "warning", message: expect.stringContaining("1 json, 1 string") });
  expect(line("min.insync.replicas")?.verdict).toBe("warning");
});

test("counts what holes and aborted transactions leave, and reads up to an open transaction", async () => {
  await broker.createTopic("transactions", { configs: { "cleanup.policy": "compact" } });
  fill(broker, "transactions", record("a", "1"), record("a", "2"), record("b", "1"));
  broker.compact("transactions");
  broker.writeTransaction("transactions", 0, [record("aborted", "1")], "abort");
  broker.writeTransaction("transactions", 0, [record("open", "1"), record("open2", "1")], "open");
  fill(broker, "transactions", record("behind", "1"));
  const { line } = await doctor("transactions");
  expect(line("dead records")?.message).toMatch(/^2 records for 2 live keys, 1\.0 per key/);
  expect(line("open transactions")).toMatchObject({
    verdict: "warning",
    message: "3 offsets cannot be read before a transaction ends",
  });
});

test("looks at an empty topic", async () => {
  await broker.createTopic("empty", { configs: { "cleanup.policy": "compact", "min.insync.replicas": "2" } });
  const { code, line } = await doctor("empty");
  expect(code).toBe(0);
  expect(line("dead records")?.message).toBe("0 records for 0 live keys, 0 bytes");
});

test("goes on where the settings may not be seen", async () => {
  await broker.createTopic("secret", { configs: { "cleanup.policy": "compact" } });
  const remove = broker.intercept("DescribeConfigs", (request) => ({
    throttleTimeMs: 0,
    results: request.resources.map(({ resourceType, resourceName }) => ({
      errorCode: 29,
      errorMessage: null,
      resourceType,
      resourceName,
      configs: [],
    })),
  }));
  const { code, lines } = await doctor("secret");
  remove();
  expect(code).toBe(0);
  expect(lines[0]).toMatchObject({ check: "settings", verdict: "warning" });
  expect(lines[0]?.message).toContain("TOPIC_AUTHORIZATION_FAILED");
  expect(lines.map(({ check }) => check)).not.toContain("cleanup.policy");
  expect(lines.map(({ check }) => check)).toContain("dead records");
});

test("looks at what an old broker tells", async () => {
  await using old = await EmbeddedBroker.start({ asVersion: "0.11" });
  await old.createTopic("t", { configs: { "cleanup.policy": "compact" } });
  fill(old, "t", record("a", "1"));
  const { code, stdout } = await ktables("doctor", "-b", old.bootstrapServers, "-t", "t");
  expect(code).toBe(0);
  const lines = objects(stdout) as Line[];
  expect(lines.find(({ check }) => check === "cleanup.policy")?.verdict).toBe("ok");
  expect(lines.find(({ check }) => check === "dead records")?.message).toContain("1 record for 1 live key");
});

test("fails as other commands do", async () => {
  expect(await doctor("missing")).toMatchObject({
    code: 4,
    stdout: "",
    stderr: 'ktables: Topic "missing" does not exist\n',
  });
  await broker.createTopic("refused", { configs: { "cleanup.policy": "compact" } });
  fill(broker, "refused", record("a", "1"));
  const remove = broker.intercept("Fetch", refuseFetch);
  const refused = await doctor("refused");
  remove();
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining("TOPIC_AUTHORIZATION_FAILED") as string });
  // What was found out before is told.
  expect(refused.line("cleanup.policy")?.verdict).toBe("ok");

  const removeHold = broker.intercept("Fetch", () => "ignore");
  const late = await doctor("refused", "--timeout-ms", "2000");
  removeHold();
  expect(late.code).toBe(5);
  expect(late.stderr).toContain("could not be read to its end in time (0 of 1 offsets so far)");
});

test("is readable on a terminal", async () => {
  await broker.createTopic("terminal", { replicationFactor: 1, configs: { "cleanup.policy": "delete" } });
  fill(broker, "terminal", record("a\u001b[2J", "1"));
  const values = { "bootstrap-servers": broker.bootstrapServers, topic: "terminal" };
  const { context, out } = terminalContext(values);
  expect(await doctorCommand.run(context)).toBe(1);
  const lines = out.text.split("\n");
  expect(lines[0]).toBe(
    "problem  cleanup.policy: delete: keys disappear after 7 d, and old values never: set it to compact",
  );
  expect(lines).toContain("ok       min.insync.replicas: 1 of 1");
  expect(out.text).not.toContain("\u001b");
  expect(out.text).toContain("a\\u001b[2J 1 byte; 1 byte in all");
});
