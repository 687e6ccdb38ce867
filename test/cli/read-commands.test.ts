import { EmbeddedBroker } from "@ktables/client/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getCommand } from "../../packages/ktables/src/cli/get.ts";
import { listCommand } from "../../packages/ktables/src/cli/list.ts";
import { fill, ktables, objects, Run, record, terminalContext } from "./support.ts";

let broker: EmbeddedBroker;
let topic: readonly string[];

beforeAll(async () => {
  broker = await EmbeddedBroker.start({
    topics: [{ name: "services" }, { name: "odd" }, { name: "large" }, { name: "transactions" }, { name: "empty" }],
  });
  topic = ["--bootstrap-servers", broker.bootstrapServers, "--topic", "services"];
  fill(
    broker,
    "services",
    record("web/2", '{"url":"b","id":12345678901234567890}'),
    record("gone", "1"),
    record("mail", '"m"'),
    record("web/1", '{"url":"a"}'),
    record("gone", null),
    record("web/1", '{"url": "a2"}'),
  );
  fill(broker, "odd", record("a", "1"), record(null, "2"), record("s", "plain"), record("b", Uint8Array.of(255)));
  fill(broker, "odd", record("a", "not JSON"), record("\u001b[2J", '"\u009b1m"'));
  broker.writeTransaction("transactions", 0, [record("a", "1")], "commit");
  broker.writeTransaction("transactions", 0, [record("a", "2")], "abort");
});

afterAll(() => broker.close());

test("get prints the value alone, as it is in the topic", async () => {
  expect(await ktables("get", "web/1", ...topic)).toEqual({ code: 0, stdout: '{"url": "a2"}\n', stderr: "" });
});

test("get --json prints an object", async () => {
  const { code, stdout } = await ktables("get", "web/2", "--json", ...topic);
  expect(code).toBe(0);
  expect(stdout).toBe('{"key":"web/2","value":{"url":"b","id":12345678901234567890},"format":"json"}\n');
});

test.each(["gone", "never", "web"])("get of an absent key (%s) prints nothing and ends with 1", async (key) => {
  expect(await ktables("get", key, ...topic)).toEqual({ code: 1, stdout: "", stderr: "" });
});

test("list prints one object per key, in order", async () => {
  const { code, stdout, stderr } = await ktables("list", ...topic);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.split("\n")).toEqual([
    '{"key":"mail","value":"m","format":"json"}',
    '{"key":"web/1","value":{"url":"a2"},"format":"json"}',
    '{"key":"web/2","value":{"url":"b","id":12345678901234567890},"format":"json"}',
    "",
  ]);
});

test("list can be restricted to a prefix, and to keys", async () => {
  const { stdout } = await ktables("list", "--prefix", "web/", "--keys-only", ...topic);
  expect(objects(stdout)).toEqual([{ key: "web/1" }, { key: "web/2" }]);
  expect(await ktables("list", "--prefix", "none", ...topic)).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("list of an empty topic is empty", async () => {
  const outcome = await ktables("list", "--bootstrap-servers", broker.bootstrapServers, "--topic", "empty");
  expect(outcome).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("values of every kind are shown, and what a table skips is said", async () => {
  const odd = ["--bootstrap-servers", broker.bootstrapServers, "--topic", "odd"];
  const { code, stdout, stderr } = await ktables("list", ...odd);
  expect(code).toBe(0);
  expect(objects(stdout)).toEqual([
    { key: "\u001b[2J", value: "\u009b1m", format: "json" },
    { key: "a", value: "not JSON", format: "string" },
    { key: "b", value: "/w==", format: "base64" },
    { key: "s", value: "plain", format: "string" },
  ]);
  expect(stderr).toMatch(/^ktables: warning: .*partition 0 offset 1: skipped a record without a key\n$/);

  const strict = await ktables("get", "a", "--value-format", "json", "--json", ...odd);
  expect(objects(strict.stdout)).toEqual([{ key: "a", value: 1, format: "json" }]);
  expect(objects(strict.stderr)).toContainEqual({
    type: "warning",
    message: expect.stringContaining("kept the previous value of a key") as string,
  });
  const base64 = await ktables("get", "b", "--value-format", "base64", ...odd);
  expect(base64.stdout).toBe("/w==\n");
});

test("aborted transactions are read only when asked for", async () => {
  const args = ["get", "a", "--bootstrap-servers", broker.bootstrapServers, "--topic", "transactions"];
  expect((await ktables(...args)).stdout).toBe("1\n");
  expect((await ktables(...args, "--isolation", "read_uncommitted")).stdout).toBe("2\n");
});

test("a reader that has seen enough ends it quietly", async () => {
  for (let batch = 0; batch < 40; batch++) {
    const records = Array.from({ length: 500 }, (_, index) => record(`${batch}-${index}`, `"${"x".repeat(200)}"`));
    fill(broker, "large", ...records);
  }
  const run = new Run(["list", "--bootstrap-servers", broker.bootstrapServers, "--topic", "large"]);
  await run.until((stdout) => stdout.length > 0);
  run.child.stdout.destroy();
  const { code, stderr } = await run.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(run.stdout.length).toBeLessThan(4_000_000);
});

test("on a terminal, list is aligned, cut to its width, and harmless", async () => {
  const values = { "bootstrap-servers": broker.bootstrapServers, topic: "odd" };
  const { context, out, err } = terminalContext(values);
  fill(broker, "odd", record("long", `"${"y".repeat(100)}"`));
  expect(await listCommand.run(context)).toBe(0);
  expect(out.text.split("\n")).toEqual([
    '\\u001b[2J  "\\u009b1m"',
    "a          not JSON",
    "b          /w==",
    `long       "${"y".repeat(47)}…`,
    "s          plain",
    "",
  ]);
  // What shows the progress is erased before anything else is said.
  expect(err.text.replaceAll("\r\u001b[K", "<erase>")).toMatch(
    /^<erase>ktables: warning: .*\n<erase>5 keys, 6 records read in [\d.]+ m?s\n$/,
  );
});

test("on a terminal, JSON is harmless, and the same", async () => {
  const key = "\u009b2J\u202e";
  const value = '{"x": "\u009b1m\u2066", "y": "not JSON\u007f"}';
  const topic = "steering";
  await broker.createTopic(topic);
  fill(broker, topic, record(key, value), record("\u0085bad", new Uint8Array([0xff])));
  const values = { "bootstrap-servers": broker.bootstrapServers, topic, json: true };
  for (const [command, name, positionals] of [
    [listCommand, "list", []],
    [getCommand, "get", [key]],
  ] as const) {
    const { context, out, err } = terminalContext(values, positionals);
    expect(await command.run(context)).toBe(0);
    const printed = out.text + err.text.replaceAll("\r\u001b[K", "");
    expect(printed.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    const plain = await ktables(name, ...positionals, "-b", broker.bootstrapServers, "-t", topic, "--json");
    expect(objects(out.text)).toEqual(objects(plain.stdout));
    expect(plain.stdout).toContain("\u009b2J");
  }
});

test("on a terminal, get lays JSON out and says that a key is absent", async () => {
  const values = { "bootstrap-servers": broker.bootstrapServers, topic: "services" };
  const present = terminalContext(values, ["web/2"]);
  expect(await getCommand.run(present.context)).toBe(0);
  expect(present.out.text).toBe('{\n  "url": "b",\n  "id": 12345678901234567890\n}\n');
  const absent = terminalContext(values, ["nobody"]);
  expect(await getCommand.run(absent.context)).toBe(1);
  expect(absent.out.text).toBe("");
  expect(absent.err.text).toContain('ktables: no key "nobody" in topic "services"\n');
});
