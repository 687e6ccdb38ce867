import { EmbeddedBroker } from "@ktables/client/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ktables, ktablesWithInput, objects } from "./support.ts";

let broker: EmbeddedBroker;
let topic: readonly string[];

beforeAll(async () => {
  broker = await EmbeddedBroker.start({ topics: [{ name: "t", configs: { "cleanup.policy": "compact" } }] });
  topic = ["--bootstrap-servers", broker.bootstrapServers, "--topic", "t"];
});

afterAll(() => broker.close());

async function get(key: string, ...options: string[]): Promise<string> {
  return (await ktables("get", key, ...options, ...topic)).stdout;
}

test("set writes and prints where, delete removes and prints where", async () => {
  const set = await ktables("set", "k", '{"a": 1}', ...topic);
  expect({ code: set.code, stderr: set.stderr }).toEqual({ code: 0, stderr: "" });
  const [token] = objects(set.stdout) as { topicId: string; offset: number }[];
  expect(token).toEqual({
    topic: "t",
    topicId: expect.stringMatching(/^[\w-]{22}$/) as string,
    partition: 0,
    offset: expect.any(Number) as number,
  });
  expect(await get("k")).toBe('{"a": 1}\n');

  const deleted = await ktables("delete", "k", ...topic);
  expect(deleted.code).toBe(0);
  expect(objects(deleted.stdout)).toEqual([{ ...token, offset: (token?.offset ?? 0) + 1 }]);
  expect(await ktables("get", "k", ...topic)).toMatchObject({ code: 1, stdout: "" });
});

test("set reads the value from stdin", async () => {
  expect((await ktablesWithInput('{"b":\n 2}\n', "set", "in", "-", ...topic)).code).toBe(0);
  expect(await get("in")).toBe('{"b":\n 2}\n');
  expect((await ktablesWithInput(Uint8Array.of(1, 255, 10), "set", "in", "-", "--raw", ...topic)).code).toBe(0);
  expect(await get("in", "--value-format", "base64")).toBe("Af8K\n");
});

test("set writes what is no JSON only when told so", async () => {
  const refused = await ktables("set", "raw", "plain text", ...topic);
  expect(refused).toEqual({
    code: 2,
    stdout: "",
    stderr: "ktables: The value is not valid JSON; --raw writes it as it is\n",
  });
  expect((await ktables("get", "raw", ...topic)).code).toBe(1);
  expect((await ktables("set", "raw", "plain text", "--raw", ...topic)).code).toBe(0);
  expect(await get("raw")).toBe("plain text\n");
  expect((await ktables("set", "raw", "/w==", "--value-format", "base64", ...topic)).code).toBe(0);
  expect(await get("raw", "--value-format", "base64")).toBe("/w==\n");
  const both = await ktables("set", "raw", "7", "--raw", "--value-format", "json", ...topic);
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("contradict") as string });
});

test("keys and values that start with a dash stand behind --", async () => {
  expect((await ktables("set", ...topic, "--", "-k", "-5")).code).toBe(0);
  expect((await ktables("get", ...topic, "--", "-k")).stdout).toBe("-5\n");
});

test("a topic is created only when told so", async () => {
  const other = ["--bootstrap-servers", broker.bootstrapServers, "--topic", "new"];
  for (const command of [["set", "k", "1"], ["delete", "k"], ["get", "k"], ["list"], ["watch"]]) {
    const outcome = await ktables(...command, ...other);
    expect(outcome, command.join(" ")).toMatchObject({ code: 4, stdout: "" });
    expect(outcome.stderr).toMatch(/^ktables: Topic "new" does not exist(; --create-topic creates it)?\n$/);
  }
  const { code, stdout } = await ktables("set", "k", "1", "--create-topic", "--partitions", "3", ...other);
  expect(code).toBe(0);
  expect(objects(stdout)).toMatchObject([{ topic: "new", offset: 0 }]);
  expect(broker.leader("new", 2).node).toBe(0);
  expect(() => broker.leader("new", 3)).toThrow();
  // Compacted, or the broker would not have anything to compact.
  broker.compact("new");
  expect((await ktables("get", "k", ...other)).stdout).toBe("1\n");
  const existing = await ktables("delete", "k", "--create-topic", ...other);
  expect(existing).toMatchObject({ code: 0, stderr: "" });
});
