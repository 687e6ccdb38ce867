import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedBroker } from "@ktables/client/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { diffCommand } from "../../packages/ktables/src/cli/diff.ts";
import { dumpCommand } from "../../packages/ktables/src/cli/dump.ts";
import { loadCommand } from "../../packages/ktables/src/cli/load.ts";
import { fill, ktables, ktablesWithInput, type Outcome, objects, record, terminalContext } from "./support.ts";

let broker: EmbeddedBroker;
const directory = mkdtempSync(join(tmpdir(), "ktables-dump-"));

beforeAll(async () => {
  broker = await EmbeddedBroker.start();
});

afterAll(async () => {
  await broker.close();
  rmSync(directory, { recursive: true });
});

let topics = 0;

/** A new topic with these records, and how the command names it. */
async function topicWith(
  ...records: Parameters<typeof fill>[2][]
): Promise<{ name: string; args: string[]; dump: (...options: string[]) => Promise<Outcome> }> {
  const name = `t${++topics}`;
  await broker.createTopic(name, { configs: { "cleanup.policy": "compact" } });
  if (records.length > 0) fill(broker, name, ...records);
  const args = ["--bootstrap-servers", broker.bootstrapServers, "--topic", name];
  return { name, args, dump: (...options) => ktables("dump", ...options, ...args) };
}

async function load(input: string, args: readonly string[], ...options: string[]): Promise<Outcome> {
  return ktablesWithInput(input, "load", "-", ...options, ...args);
}

function bytesRecord(key: Uint8Array, value: string): Parameters<typeof fill>[2] {
  return { key, value: new TextEncoder().encode(value), timestamp: 0 };
}

const counts = (set: number, deleted: number, unchanged: number, failed = 0, dryRun = false): object => ({
  type: "loaded",
  dryRun,
  set,
  deleted,
  unchanged,
  failed,
});

describe("dump", { timeout: 60_000 }, () => {
  test("prints every entry in the order of the keys' UTF-8 bytes", async () => {
    // In UTF-16 the emoji, a surrogate pair, comes before U+FF5E.
    const topic = await topicWith(
      record("\u{1f600}", '{ "a" : 12345678901234567890 }'),
      record("\uff5e", "plain text"),
      record("b", Uint8Array.of(1, 255)),
      record("gone", "1"),
      record("gone", null),
      record("a", '"json"'),
      record(null, "keyless"),
      bytesRecord(Uint8Array.of(0x62, 0xff), "1"),
    );
    const { code, stdout } = await topic.dump();
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      '{"key":"a","value":"json","format":"json"}',
      '{"key":"b","value":"Af8=","format":"base64"}',
      '{"key":"Yv8=","keyFormat":"base64","value":1,"format":"json"}',
      '{"key":"\uff5e","value":"plain text","format":"string"}',
      '{"key":"\u{1f600}","value":{"a":12345678901234567890},"format":"json"}',
      "",
    ]);
  });

  test("keeps every byte with base64", async () => {
    const topic = await topicWith(record("a", '{ "a": 1 }\n'), record("b", "\ufeff1"));
    const { stdout } = await topic.dump("--value-format", "base64");
    const copy = await topicWith();
    expect((await load(stdout, copy.args)).code).toBe(0);
    expect((await copy.dump("--value-format", "base64")).stdout).toBe(stdout);
    expect((await ktables("get", "a", ...copy.args)).stdout).toBe('{ "a": 1 }\n\n');
  });

  test("prints one object when asked to", async () => {
    const topic = await topicWith(
      record("b", '{"x": [1, 2]}'),
      record("__proto__", "1"),
      record("a", "9007199254740993"),
    );
    const { code, stdout } = await topic.dump("--object");
    expect(code).toBe(0);
    expect(stdout).toBe('{\n  "__proto__": 1,\n  "a": 9007199254740993,\n  "b": {"x":[1,2]}\n}\n');
    expect((await (await topicWith()).dump("--object")).stdout).toBe("{}\n");
    const base64 = await topic.dump("--object", "--value-format", "base64");
    expect(JSON.parse(base64.stdout)).toMatchObject({ a: btoa("9007199254740993") });
  });

  test("does not steer a terminal, and is the same JSON there", async () => {
    const topic = await topicWith(record("a\u009b2J", '{"x": "\u009b1m\u202e"}'), record("b", "\u001b[2J\n"));
    const values = { "bootstrap-servers": broker.bootstrapServers, topic: topic.name };
    for (const options of [{}, { object: true, "value-format": "string" }]) {
      const { context, out } = terminalContext({ ...values, ...options });
      expect(await dumpCommand.run(context)).toBe(0);
      for (const character of ["\u009b", "\u001b", "\u202e"]) expect(out.text).not.toContain(character);
      const plain = await topic.dump(...("object" in options ? ["--object", "--value-format", "string"] : []));
      const parsed = (text: string): unknown => ("object" in options ? JSON.parse(text) : objects(text));
      expect(parsed(out.text)).toEqual(parsed(plain.stdout));
    }
  });

  test("prints nothing rather than a part", async () => {
    const text = await topicWith(record("a", "1"), record("b", "text"));
    const binary = await topicWith(record("a", "1"), bytesRecord(Uint8Array.of(0xff), "1"));
    for (const [outcome, message] of [
      [await text.dump("--object"), 'Key "b": the value is not of format json'],
      [await text.dump("--value-format", "json"), 'Key "b": the value is not of format json'],
      [
        await (await topicWith(record("x", Uint8Array.of(255)))).dump("--value-format", "string"),
        'Key "x": the value is',
      ],
      [await binary.dump("--object"), 'Key "/w==": the key is not UTF-8'],
      [await text.dump("--object", "--value-format", "auto"), "--object cannot say of what format a value is"],
    ] as const) {
      expect(outcome).toMatchObject({ code: 2, stdout: "" });
      expect(outcome.stderr).toContain(message);
    }
    expect((await text.dump("--object", "--value-format", "string")).stdout).toBe('{\n  "a": "1",\n  "b": "text"\n}\n');
  });
});

describe("load", { timeout: 60_000 }, () => {
  test("sets what the input has, leaves the rest, and writes nothing twice", async () => {
    const topic = await topicWith(record("same", '{ "a": 1 }'), record("old", "1"), record("other", "text"));
    const input =
      '{"key":"same","value":{"a":1},"format":"json"}\n\n{"key":"old","value":2}\r\n{"key":"new","value":null}\n';
    const { code, stdout, stderr } = await load(input, topic.args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(objects(stdout)).toEqual([counts(2, 0, 1)]);
    expect(objects((await topic.dump()).stdout)).toEqual([
      { key: "new", value: null, format: "json" },
      { key: "old", value: 2, format: "json" },
      { key: "other", value: "text", format: "string" },
      { key: "same", value: { a: 1 }, format: "json" },
    ]);
    const before = broker.endOffset(topic.name, 0);
    expect(objects((await load(input, topic.args)).stdout)).toEqual([counts(0, 0, 3)]);
    expect(broker.endOffset(topic.name, 0)).toBe(before);
  });

  test("makes another topic equal, whatever the bytes", async () => {
    const from = await topicWith(
      record("\u{1f600}", "text \u{1f600}"),
      record("", ""),
      record("__proto__", "[1, 2]"),
      record("n", "12345678901234567890"),
      record("b", Uint8Array.of(0, 255)),
      bytesRecord(Uint8Array.of(0x62, 0xff), "1"),
    );
    const to = await topicWith(record("gone", "1"), record("n", "12345678901234567891"));
    const file = join(directory, "dump.jsonl");
    await writeFile(file, (await from.dump()).stdout);
    const { code, stdout } = await ktables("load", file, "--delete-missing", ...to.args);
    expect(code).toBe(0);
    expect(objects(stdout)).toEqual([counts(6, 1, 0)]);
    expect((await to.dump()).stdout).toBe(await readFile(file, "utf8"));
    expect((await ktables("get", "n", ...to.args)).stdout).toBe("12345678901234567890\n");
  });

  test("reads one object, of JSON or of what it is told", async () => {
    const topic = await topicWith();
    await load('{ "a": { "x": 1.50 }, "__proto__": "text" }', topic.args, "--object");
    expect((await topic.dump("--object")).stdout).toBe('{\n  "__proto__": "text",\n  "a": {"x":1.50}\n}\n');
    await load('{"a": "/w==" }', topic.args, "--object", "--value-format", "base64", "--delete-missing");
    expect(objects((await topic.dump()).stdout)).toEqual([{ key: "a", value: "/w==", format: "base64" }]);
    await load("\ufeff{}", topic.args, "--object", "--delete-missing");
    expect((await topic.dump()).stdout).toBe("");
  });

  test("says what it would do, and does nothing, with --dry-run", async () => {
    const topic = await topicWith(record("a", "1"), record("b", "2"), record("c", "3"));
    const before = broker.endOffset(topic.name, 0);
    const input = '{"key":"a","value":1}\n{"key":"b","value":5}\n{"key":"d","value":"x","format":"string"}\n';
    const kept = await load(input, topic.args, "--dry-run");
    expect(objects(kept.stdout)).toEqual([
      { type: "changed", key: "b", value: 5, format: "json", oldValue: 2, oldFormat: "json" },
      { type: "added", key: "d", value: "x", format: "string" },
      counts(2, 0, 1, 0, true),
    ]);
    const removed = await load(input, topic.args, "--dry-run", "--delete-missing");
    expect(objects(removed.stdout)).toContainEqual({ type: "removed", key: "c", oldValue: 3, oldFormat: "json" });
    expect(objects(removed.stdout)).toContainEqual(counts(2, 1, 1, 0, true));
    expect(broker.endOffset(topic.name, 0)).toBe(before);
  });

  test("checks all of the input before it connects", async () => {
    const nowhere = ["--bootstrap-servers", "127.0.0.1:1", "--topic", "t"];
    const good = '{"key":"a","value":1}\n';
    for (const [input, message, ...options] of [
      [`${good}{"key":"b"`, "Line 2 is not valid JSON; --object reads one object of all keys"],
      [`${good}\n[1]`, "Line 3 is no JSON object"],
      [`${good}${good}`, "Line 2: the key was there before"],
      ['{"key":"a"}', 'Line 1: the member "value" is missing'],
      ['{"value":1}', 'Line 1: the member "key" is missing'],
      ['{"key":1,"value":1}', 'Line 1: "key" must be a string'],
      ['{"key":"a","value":1,"vaule":2}', 'Line 1: unknown member "vaule"'],
      ['{"key":"a","value":1,"value":2}', 'Line 1: the member "value" is there twice'],
      ['{"key":"a","value":1,"format":"string"}', "Line 1: a value of format string must be a JSON string"],
      ['{"key":"a","value":"?","format":"base64"}', "Line 1: The value is not valid base64"],
      ['{"key":"a","value":1,"format":"xml"}', 'Line 1: "format" must be one of json, string, base64, not "xml"'],
      ['{"key":"a","value":1,"keyFormat":"hex"}', 'Line 1: "keyFormat" must be "base64"'],
      ['{"key":"\\ud800","value":1}', "Line 1: the string has a lone surrogate"],
      ["{", "The input is not valid JSON", "--object"],
      ["[]", "The input is no JSON object", "--object"],
      ['{"a":1,"\\u0061":2}', 'The key "a" is there twice', "--object"],
      ["", "The input is empty", "--delete-missing"],
      [good, "--value-format must be one of json, string, base64", "--value-format", "auto"],
    ] as const) {
      const { code, stdout, stderr } = await load(input, nowhere, ...options);
      expect({ code, stdout }, message).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(message);
    }
    const missing = await ktables("load", join(directory, "missing"), ...nowhere);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining("Cannot read the input") as string });
    const binary = await ktablesWithInput(Uint8Array.of(0xff), "load", "-", ...nowhere);
    expect(binary).toMatchObject({ code: 2, stderr: "ktables: The input is not UTF-8\n" });
  });

  test("reports each key that could not be written, and writes the others", async () => {
    const name = `t${++topics}`;
    await broker.createTopic(name, { configs: { "cleanup.policy": "compact", "max.message.bytes": "1000" } });
    const args = ["--bootstrap-servers", broker.bootstrapServers, "--topic", name];
    const large = JSON.stringify("x".repeat(2000));
    const input = `{"key":"a","value":1}\n{"key":"large","value":${large}}\n{"key":"z","value":2}\n`;
    const { code, stdout, stderr } = await load(input, [...args, "--json"]);
    expect(code).toBe(4);
    expect(objects(stdout)).toEqual([counts(2, 0, 0, 1)]);
    expect(objects(stderr)).toEqual([
      { type: "error", code: "MESSAGE_TOO_LARGE", message: expect.stringMatching(/^Key "large": .*/) as string },
    ]);
    expect((await ktables("list", "--keys-only", ...args)).stdout).toBe('{"key":"a"}\n{"key":"z"}\n');
  });

  test("stops when its time is up, and says how much is left", async () => {
    const topic = await topicWith();
    let answered = 0;
    const remove = broker.intercept("Produce", () => (answered++ === 0 ? { delayMs: 6000 } : "pass"));
    const input = Array.from({ length: 2500 }, (_, index) => `{"key":"k${index}","value":1}\n`).join("");
    const { code, stdout, stderr } = await load(input, topic.args, "--timeout-ms", "4000");
    remove();
    expect(code).toBe(3);
    const [{ set, failed } = { set: -1, failed: -1 }] = objects(stdout) as { set: number; failed: number }[];
    expect(set + failed).toBe(2500);
    expect(failed).toBeGreaterThanOrEqual(1500);
    expect(stderr).toMatch(/\d+ more keys were not written, because the time is up; --timeout-ms gives it more\n$/);
  });

  test("loads more than is on its way at once", async () => {
    const topic = await topicWith();
    const input = Array.from({ length: 2500 }, (_, index) => `{"key":"k${index}","value":${index}}\n`).join("");
    expect(objects((await load(input, topic.args)).stdout)).toEqual([counts(2500, 0, 0)]);
    expect(objects((await topic.dump()).stdout)).toHaveLength(2500);
  });

  test("creates a topic only when told so", async () => {
    const args = ["--bootstrap-servers", broker.bootstrapServers, "--topic", "to-create"];
    const input = '{"key":"a","value":1}\n';
    expect(await load(input, args)).toMatchObject({
      code: 4,
      stderr: 'ktables: Topic "to-create" does not exist; --create-topic creates it\n',
    });
    expect((await load(input, args, "--create-topic")).code).toBe(0);
    expect((await ktables("get", "a", ...args)).stdout).toBe("1\n");
  });
});

describe("diff", { timeout: 60_000 }, () => {
  test("is readable on a terminal", async () => {
    const topic = await topicWith(record("a", "1"), record("b\u001b[31m", "2"), record("same", "1"));
    const file = join(directory, "terminal.jsonl");
    await writeFile(file, '{"key":"a","value":[1, 2]}\n{"key":"c","value":3}\n{"key":"same","value":1}\n');
    const values = { "bootstrap-servers": broker.bootstrapServers, topic: topic.name };
    const { context, out, err } = terminalContext(values, [file]);
    expect(await diffCommand.run(context)).toBe(1);
    expect(out.text).toBe("~ a  1 → [1,2]\n- b\\u001b[31m  2\n+ c  3\n");
    expect(err.text).toContain("3 differences, 3 keys in the topic, 3 in the other\n");

    const loading = terminalContext({ ...values, "dry-run": true, "delete-missing": true }, [file]);
    expect(await loadCommand.run(loading.context)).toBe(0);
    expect(loading.out.text).toBe(`${out.text}2 set, 1 deleted, 1 unchanged\n`);
  });

  test("compares with a file: 0 when equal, 1 with what would have to change", async () => {
    const topic = await topicWith(record("b", '{ "x": 1 }'), record("a", "1"), record("\u{1f600}", "1"));
    const file = join(directory, "diff.jsonl");
    await writeFile(file, (await topic.dump()).stdout);
    expect(await ktables("diff", file, ...topic.args)).toEqual({ code: 0, stdout: "", stderr: "" });
    const other =
      '{"key":"\uff5e","value":"t","format":"string"}\n{"key":"a","value":"1","format":"base64"}\n{"key":"b","value":{"x":1}}\n';
    const { code, stdout, stderr } = await ktablesWithInput(other, "diff", "-", ...topic.args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "ktables: Line 2: The value is not valid base64\n" });
    expect(stdout).toBe("");
    const changed = await ktablesWithInput(other.replace('"1"', '"Mg=="'), "diff", "-", ...topic.args);
    expect(changed.code).toBe(1);
    expect(objects(changed.stdout)).toEqual([
      { type: "changed", key: "a", value: 2, format: "json", oldValue: 1, oldFormat: "json" },
      { type: "added", key: "\uff5e", value: "t", format: "string" },
      { type: "removed", key: "\u{1f600}", oldValue: 1, oldFormat: "json" },
    ]);
    const object = await ktablesWithInput('{"a":1,"b":{"x":1},"\u{1f600}":1}', "diff", "-", "--object", ...topic.args);
    expect(object).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("compares with another topic", async () => {
    const one = await topicWith(record("a", "1"), record("b", "1"));
    const two = await topicWith(record("b", "1"), record("a", "text"), bytesRecord(Uint8Array.of(0xff), "1"));
    expect((await ktables("diff", `topic:${one.name}`, ...one.args)).code).toBe(0);
    const { code, stdout } = await ktables("diff", `topic:${two.name}`, ...one.args);
    expect(code).toBe(1);
    expect(objects(stdout)).toEqual([
      { type: "changed", key: "a", value: "text", format: "string", oldValue: 1, oldFormat: "json" },
      { type: "added", key: "/w==", keyFormat: "base64", value: 1, format: "json" },
    ]);
    const missing = await ktables("diff", "topic:missing", ...one.args);
    expect(missing).toMatchObject({ code: 4, stdout: "", stderr: 'ktables: Topic "missing" does not exist\n' });
  });
});
