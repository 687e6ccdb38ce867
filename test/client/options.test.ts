import { InvalidOptionError, KafkaClient, Producer, silentLogger, TopicReader } from "@ktables/client";
import { describe, expect, test } from "vitest";
import { parseBootstrapServers } from "../../packages/client/src/broker-address.ts";
import { resolveConfig } from "../../packages/client/src/config.ts";

const client = new KafkaClient({ bootstrapServers: "127.0.0.1:1", logger: silentLogger });

function failure(attempt: () => unknown): InvalidOptionError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof InvalidOptionError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** What a caller without a type checker may pass. */
const untyped = (value: unknown): never => value as never;

const wrongDurations = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "5", null, {}, 5n];

const wrong: Record<string, Record<string, readonly unknown[]>> = {
  connection: {
    bootstrapServers: [5, null, {}, [5], [null], "", " , ", [], "host:0", "host:65536", "host:port", "a b:9092", "::1"],
    clientId: [5, null, {}],
    tls: ["yes", 1, null, []],
    sasl: ["PLAIN", true, null, []],
    connector: [5, null, {}, "tcp"],
    connectTimeoutMs: wrongDurations,
    requestTimeoutMs: wrongDurations,
    retryBackoffMs: wrongDurations,
    maxRetryBackoffMs: wrongDurations,
    metadataMaxAgeMs: wrongDurations,
    rebootstrapTriggerMs: wrongDurations,
    maxResponseBytes: [0, 1023, 1024.5, 2 ** 31, "1 MB", null],
    logger: [5, null, {}, { debug() {}, info() {}, warn() {} }],
  },
  "connection.tls": {
    ca: [5, null, {}, [5]],
    cert: [5, null, []],
    key: [true],
    passphrase: [5, null],
    serverName: ["", 5, null],
    rejectUnauthorized: [0, "false", null],
  },
  "connection.sasl": {
    mechanism: ["", "plain", "GSSAPI", "__proto__", 5, null, undefined],
    username: ["", 5, null, undefined, "a\0b"],
    password: ["", 5, null, undefined, "a\0b", new Uint8Array(1)],
  },
  "connection.sasl of OAUTHBEARER": { token: ["token", null, undefined, {}] },
  Producer: {
    idempotent: [1, "true", null],
    acks: [-1, 2, "1", "ALL", null],
    compression: ["zip", "", 1, null],
    lingerMs: [-1, 0.5, Number.NaN, 2 ** 31, "5", null],
    maxBatchBytes: [0, -1, 1.5, 2 ** 31, "1", null],
    deliveryTimeoutMs: wrongDurations,
  },
  TopicReader: {
    topic: ["", 5, null, {}],
    partitions: [0, "0", [-1], [0.5], ["0"], null],
    isolation: ["committed", 1, null],
    maxWaitMs: wrongDurations,
    maxBytes: [0, -1, 1.5, 2 ** 31, null],
    onBatch: [5, null, {}],
    onProgress: [5, null],
    onPartitionsAdded: [5, null],
    onTrouble: [5, null],
    onFailure: [5, null],
  },
};

const construct: Record<string, (option: string, value: unknown) => unknown> = {
  connection: (option, value) => resolveConfig(untyped({ bootstrapServers: "localhost", [option]: value })),
  "connection.tls": (option, value) =>
    resolveConfig(untyped({ bootstrapServers: "localhost", tls: { [option]: value } })),
  "connection.sasl": (option, value) => {
    const sasl = { mechanism: "PLAIN", username: "u", password: "p", [option]: value };
    return resolveConfig(untyped({ bootstrapServers: "localhost", sasl }));
  },
  "connection.sasl of OAUTHBEARER": (option, value) => {
    const sasl = { mechanism: "OAUTHBEARER", token: async () => ({ value: "t" }), [option]: value };
    return resolveConfig(untyped({ bootstrapServers: "localhost", sasl }));
  },
  Producer: (option, value) => new Producer(client, untyped({ [option]: value })),
  TopicReader: (option, value) => new TopicReader(client, untyped({ topic: "t", onBatch() {}, [option]: value })),
};

const cases = Object.entries(wrong).flatMap(([owner, options]) =>
  Object.entries(options).flatMap(([option, values]) => values.map((value) => ({ owner, option, value }))),
);

describe("a wrong option", () => {
  test.each(cases)("$owner $option = $value is refused by name", ({ owner, option, value }) => {
    const error = failure(() => construct[owner]?.(option, value));
    expect(error.code).toBe("INVALID_OPTION");
    expect(error.option).toBe(option);
    expect(error.message).toContain(option);
    expect(error.message).toContain(owner.split(".")[0]);
    expect(error.retriable).toBe(false);
  });

  test.each(Object.keys(construct))("that %s does not know is named, with those that it knows", (owner) => {
    const error = failure(() => construct[owner]?.("bootstrapServer", 1));
    expect(error.message).toContain('unknown option "bootstrapServer"; known are ');
  });

  test.each([undefined, null, 5, true])("object %s is refused as such", (value) => {
    expect(failure(() => new KafkaClient(untyped(value))).message).toContain("options must be an object");
  });

  test("object without bootstrap servers is refused", () => {
    expect(failure(() => new KafkaClient(untyped({}))).option).toBe("bootstrapServers");
  });

  test.each([
    { mechanism: "PLAIN", username: "u", password: "secret", token: async () => ({ value: "t" }) },
    { mechanism: "OAUTHBEARER", token: async () => ({ value: "t" }), password: "secret" },
  ])("of another mechanism than $mechanism is refused, without its value", (sasl) => {
    const error = failure(() => new KafkaClient(untyped({ bootstrapServers: "localhost", sasl })));
    expect(error.message).toMatch(/^connection\.sasl: unknown option "(token|password)"/);
    expect(error.message).not.toContain("secret");
  });

  test("tls beside a connector is refused: it would have no effect", () => {
    const connector = untyped(() => undefined);
    expect(failure(() => new KafkaClient({ bootstrapServers: "h:1", tls: true, connector })).option).toBe("tls");
  });

  test("idempotence without all acks is refused", () => {
    expect(failure(() => new Producer(client, { idempotent: true, acks: 1 })).option).toBe("idempotent");
  });

  test("never repeats a password that somebody put into a URL", () => {
    const error = failure(() => new KafkaClient("kafka://user:secret@host:9092"));
    expect(error.message).not.toContain("secret");
    expect(error.message).toContain("without a URL scheme");
  });
});

describe("bootstrap servers", () => {
  test.each([
    ["a", [{ host: "a", port: 9092 }]],
    [
      " a:1 , b.c:65535,",
      [
        { host: "a", port: 1 },
        { host: "b.c", port: 65_535 },
      ],
    ],
    [
      ["a:1", "[::1]:2"],
      [
        { host: "a", port: 1 },
        { host: "::1", port: 2 },
      ],
    ],
    ["[fe80::1%eth0]", [{ host: "fe80::1%eth0", port: 9092 }]],
  ])("%j", (given, expected) => {
    expect(parseBootstrapServers(given)).toEqual(expected);
  });
});

describe("a record that no batch can hold", () => {
  const good = { topic: "t", key: Uint8Array.of(1), value: null };
  test.each([
    ["topic", { ...good, topic: "" }],
    ["topic", { ...good, topic: 5 }],
    ["key", { ...good, key: "text" }],
    ["key", { topic: "t", value: null }],
    ["value", { ...good, value: undefined }],
    ["value", { ...good, value: [1] }],
    ["partition", { ...good, partition: -1 }],
    ["partition", { ...good, partition: 0.5 }],
    ["headers", { ...good, headers: {} }],
    ["headers", { ...good, headers: [{ key: null, value: null }] }],
    ["headers", { ...good, headers: [{ key: "h", value: "text" }] }],
    ["timestamp", { ...good, timestamp: -5 }],
    ["timestamp", { ...good, timestamp: 1.5 }],
    ["timestamp", { ...good, timestamp: new Date() }],
    ["record", null],
  ])("is refused by the name %s before it joins others: %j", async (option, record) => {
    await using producer = new Producer(client);
    const error: unknown = await producer.send(untyped(record)).catch((failed: unknown) => failed);
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option, code: "INVALID_OPTION" });
    expect((error as Error).message).toContain(option);
  });
});
