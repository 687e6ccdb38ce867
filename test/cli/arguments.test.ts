import {
  BrokerError,
  ConnectionError,
  InvalidOptionError,
  KafkaError,
  ProduceError,
  TimeoutError,
} from "@ktables/client";
import { CodecError, TableFailedError } from "ktables";
import { expect, test } from "vitest";
import { oneOf, parseArguments, wholeNumber } from "../../packages/ktables/src/cli/arguments.ts";
import { ExitCode, exitCodeOf, usageError } from "../../packages/ktables/src/cli/exit-code.ts";
import { getCommand } from "../../packages/ktables/src/cli/get.ts";
import { commandHelp } from "../../packages/ktables/src/cli/help.ts";
import { setCommand } from "../../packages/ktables/src/cli/set.ts";

test("options and arguments may be mixed", () => {
  const { values, positionals } = parseArguments(setCommand, ["-b", "a:1", "key", "--topic=t", "-", "--raw"]);
  expect(positionals).toEqual(["key", "-"]);
  expect(values).toEqual({ "bootstrap-servers": "a:1", topic: "t", raw: true });
});

test("arguments that start with a dash stand behind --", () => {
  expect(parseArguments(setCommand, ["--", "-k", "-5"]).positionals).toEqual(["-k", "-5"]);
  expect(() => parseArguments(setCommand, ["k", "-5"])).toThrow("put -- before");
});

test.each([
  [["a"], "set: the argument <value> is missing"],
  [[], "set: the argument <key> is missing"],
  [["a", "b", "c"], 'set: unexpected argument "c"; quote arguments that contain spaces'],
  [["a", "b", "--prefix", "x"], "Unknown option '--prefix'"],
  [["a", "b", "--topic"], "Option '-t, --topic <value>' argument missing"],
  [["a", "b", "--raw=1"], "Option '--raw' does not take an argument"],
])("%j is refused in one sentence", (args, message) => {
  expect(() => parseArguments(setCommand, args)).toThrow(
    expect.objectContaining({ message, exitCode: ExitCode.usage }),
  );
});

test("help is given whatever else is missing", () => {
  expect(parseArguments(setCommand, ["--help"]).values.help).toBe(true);
});

test("numbers are whole, and choices are known", () => {
  expect(wholeNumber("n", "30", 1)).toBe(30);
  expect(wholeNumber("n", undefined, 7)).toBe(7);
  for (const bad of ["", "0", "-1", "1.5", "1e3", "x", "2147483648"]) {
    expect(() => wholeNumber("n", bad, 1), bad).toThrow("--n must be a whole number");
  }
  expect(oneOf("f", "b", ["a", "b"], "a")).toBe("b");
  expect(oneOf("f", undefined, ["a", "b"], "a")).toBe("a");
  expect(() => oneOf("f", "c", ["a", "b"], "a")).toThrow('--f must be one of a, b, not "c"');
});

test("the help of a command shows its options and no others", () => {
  const help = commandHelp(getCommand);
  expect(help).toContain("Usage: ktables get <key> [options]");
  expect(help).toMatch(/^ {2}--bootstrap-servers, -b <host:port,…> {2}\S/m);
  expect(help).toContain("auto, json, string, base64 (default: auto)");
  expect(help).not.toContain("--create-topic");
  expect(commandHelp(setCommand)).toContain("json, string, base64 (default: json)");
});

const refused = new BrokerError(29, { api: "Produce", topic: "t" });
const unreachable = new ConnectionError("CONNECTION_FAILED", "a:1", "no");

test.each([
  [usageError("no"), 2],
  [new InvalidOptionError("o", "no"), 2],
  [new CodecError("ENCODE_FAILED", "no"), 2],
  [unreachable, 3],
  [new TimeoutError("no", 1), 3],
  [refused, 4],
  [new TableFailedError("t", refused, true), 4],
  [new TableFailedError("t", unreachable, false), 3],
  [new TableFailedError("t", new KafkaError("no", { code: "TOPIC_RECREATED" }), true), 5],
  [new TableFailedError("t", new TypeError("no"), true), 5],
  [new ProduceError("no", { code: "X", topic: "t", maybeWritten: true, cause: unreachable }), 3],
  [new ProduceError("no", { code: "X", topic: "t", maybeWritten: false, cause: refused }), 4],
  [new TypeError("no"), 70],
])("%s ends with exit code %d", (error, code) => {
  expect(exitCodeOf(error)).toBe(code);
});
