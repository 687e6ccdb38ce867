import { createServer, type Server } from "node:http";
import { EmbeddedBroker } from "@ktables/client/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { fill, freePort, ktables, objects, record, refuseFetch } from "./support.ts";

let broker: EmbeddedBroker;
let topic: readonly string[];
let removeIntercept: (() => void) | undefined;

beforeAll(async () => {
  broker = await EmbeddedBroker.start({ topics: [{ name: "t" }] });
  topic = ["--bootstrap-servers", broker.bootstrapServers, "--topic", "t"];
  fill(broker, "t", record("a", "1"));
});

afterAll(() => broker.close());

afterEach(() => {
  removeIntercept?.();
  removeIntercept = undefined;
});

test.each([
  [["--help"], "Usage: ktables <command>"],
  [["-h"], "Commands:"],
  [["help"], "Commands:"],
  [["help", "get"], "Usage: ktables get <key> [options]"],
  [["set", "--help"], "Usage: ktables set <key> <value> [options]"],
  [["watch", "-h"], "--initial"],
  [["--version"], "0."],
])("%j prints help and ends with 0", async (args, text) => {
  const { code, stdout, stderr } = await ktables(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(text);
});

test.each([
  [[], "Usage: ktables <command>"],
  [["nonsense"], 'ktables: Unknown command "nonsense"; known are get, list,'],
  [["--topic", "t", "list"], 'ktables: Unknown command "--topic"; the command comes first'],
  [["get", "k"], "ktables: --bootstrap-servers is missing"],
  [["get", "k", "-b", "a:1"], "ktables: --topic is missing"],
  [["get", "k", "-b", "a:1", "-t", ""], "ktables: --topic is missing"],
  [["get", "-b", "a:1", "-t", "t"], "ktables: get: the argument <key> is missing"],
  [["list", "extra", "-b", "a:1", "-t", "t"], 'ktables: list: unexpected argument "extra"'],
  [["list", "--wrong"], "ktables: Unknown option '--wrong'\n"],
  [["list", "-b", "http://a:1", "-t", "t"], "is not a bootstrap server"],
  [["list", "-b", "a:1", "-t", "t", "--timeout-ms", "soon"], "--timeout-ms must be a whole number"],
  [["list", "-b", "a:1", "-t", "t", "--value-format", "xml"], "--value-format must be one of auto, json"],
  [["list", "-b", "a:1", "-t", "t", "--isolation", "none"], "--isolation must be one of read_committed"],
  [["list", "-b", "a:1", "-t", "t", "--ca-file", "/no/such/file"], "--ca-file: cannot read the file"],
  [["list", "-b", "a:1", "-t", "t", "--cert-file", import.meta.filename], "--cert-file and --key-file go together"],
  [["delete", "k", "-b", "a:1", "-t", "t", "--partitions", "0"], "--partitions must be a whole number"],
])("%j is a usage error", async (args, text) => {
  const { code, stdout, stderr } = await ktables(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(text);
  expect(stderr).not.toContain("    at ");
});

const commands = [
  ["get", "k"],
  ["list"],
  ["watch"],
  ["set", "k", "1"],
  ["set", "k", "1", "--create-topic"],
  ["delete", "k"],
];

test.each(commands)("%s %s: nobody listens", async (...command) => {
  const address = `127.0.0.1:${await freePort()}`;
  const outcome = await ktables(...command, "-b", address, "-t", "t", "--timeout-ms", "300");
  expect(outcome).toMatchObject({ code: 3, stdout: "" });
  expect(outcome.stderr).toMatch(/^ktables: Cannot connect to 127\.0\.0\.1:\d+: .*ECONNREFUSED.*\n$/);
});

test("a web server is not a broker", async () => {
  const server: Server = createServer((_, response) => void response.end());
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const outcome = await ktables("list", "-b", `127.0.0.1:${port}`, "-t", "t");
  expect(outcome).toMatchObject({ code: 3, stdout: "" });
  expect(outcome.stderr).toMatch(/^ktables: .*answers in HTTP.*\n$/);
  server.closeAllConnections();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
});

test("a listener without TLS is named when TLS was asked for", async () => {
  const outcome = await ktables("list", ...topic, "--tls", "--timeout-ms", "500");
  expect(outcome).toMatchObject({ code: 3, stdout: "" });
  expect(outcome.stderr).toMatch(/^ktables: .*(TLS|Cannot connect).*\n$/);
});

test("a broker that never answers is given up", async () => {
  removeIntercept = broker.intercept("Metadata", () => "ignore");
  const outcome = await ktables("get", "a", ...topic, "--timeout-ms", "400");
  expect(outcome).toMatchObject({ code: 3, stdout: "" });
  expect(outcome.stderr).toMatch(/^ktables: .*400 ms.*\n$/);
});

test("a topic that may not be looked at ends with 4", async () => {
  removeIntercept = broker.intercept("Metadata", async (_, context) => {
    const answer = await context.handle();
    if (answer === undefined) return "close";
    return { ...answer, topics: answer.topics.map((entry) => ({ ...entry, errorCode: 29 })) };
  });
  for (const command of [["get", "a"], ["set", "a", "1"], ["watch"]]) {
    const outcome = await ktables(...command, ...topic);
    expect(outcome, command.join(" ")).toMatchObject({ code: 4, stdout: "" });
    expect(outcome.stderr).toMatch(/^ktables: .*topic "t".*TOPIC_AUTHORIZATION_FAILED.*\n$/);
  }
});

test("a topic that may not be written ends with 4", async () => {
  removeIntercept = broker.intercept("Produce", async (_, context) => {
    const answer = await context.handle();
    if (answer === undefined) return "close";
    const responses = answer.responses.map((entry) => ({
      ...entry,
      partitionResponses: entry.partitionResponses.map((part) => ({ ...part, errorCode: 29 })),
    }));
    return { ...answer, responses };
  });
  const outcome = await ktables("set", "b", "1", ...topic);
  expect(outcome).toMatchObject({ code: 4, stdout: "" });
  expect(outcome.stderr).toMatch(/^ktables: .*was not written.*TOPIC_AUTHORIZATION_FAILED.*\n$/);
});

test("a topic that may not be read ends with 4", async () => {
  removeIntercept = broker.intercept("Fetch", refuseFetch);
  const outcome = await ktables("get", "a", ...topic);
  expect(outcome).toMatchObject({ code: 4, stdout: "" });
});

test("a topic that cannot be read to its end in time ends with 5 and prints nothing", async () => {
  removeIntercept = broker.intercept("Fetch", () => "ignore");
  for (const command of [["get", "a"], ["list"]]) {
    const outcome = await ktables(...command, ...topic, "--timeout-ms", "500");
    expect(outcome, command.join(" ")).toMatchObject({ code: 5, stdout: "" });
    expect(outcome.stderr).toMatch(
      /^ktables: Topic "t" could not be read to its end within 500 ms \(0 of \d+ offsets so far\); .*\n$/,
    );
  }
});

test("with --json, errors are objects on stderr", async () => {
  const missing = await ktables("get", "a", "--json", "-b", broker.bootstrapServers, "-t", "none");
  expect(missing).toMatchObject({ code: 4, stdout: "" });
  expect(objects(missing.stderr)).toEqual([
    { type: "error", code: "UNKNOWN_TOPIC_OR_PARTITION", message: 'Topic "none" does not exist' },
  ]);
  const wrong = await ktables("get", "--json", "--wrong");
  expect(objects(wrong.stderr)).toEqual([{ type: "error", code: "USAGE", message: "Unknown option '--wrong'" }]);
});

test("--debug adds where an error came from", async () => {
  const { code, stderr } = await ktables("get", "a", "--debug", "-b", broker.bootstrapServers, "-t", "none");
  expect(code).toBe(4);
  expect(stderr).toContain("    at ");
  expect(stderr).toContain("caused by BrokerError: ");
});

test("what a broker says cannot steer the terminal", async () => {
  removeIntercept = broker.intercept("CreateTopics", async (_, context) => {
    const answer = await context.handle();
    if (answer === undefined) return "close";
    const refusal = { errorCode: 44, errorMessage: "\u001b[2Jno\nnever" };
    return { ...answer, topics: answer.topics.map((entry) => ({ ...entry, ...refusal })) };
  });
  const { code, stderr } = await ktables("set", "k", "1", "--create-topic", "-b", broker.bootstrapServers, "-t", "new");
  expect(code).toBe(4);
  expect(stderr).toMatch(/^ktables: .*POLICY_VIOLATION \(44\):  \[2Jno never\n$/);
});
