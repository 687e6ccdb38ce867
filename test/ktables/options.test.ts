import { inspect } from "node:util";
import { DEFAULT_TOPIC_CONFIGS, json, KafkaClient, KafkaTable, KafkaTableWriter, string } from "ktables";
import { describe, expect, test } from "vitest";
import { recordingLogger } from "../suites/support.ts";
import { Fixture } from "./support.ts";

const connection = "127.0.0.1:1";
const valid = { connection, topic: "services", value: string() };

const owners = [
  ["KafkaTable", (options: unknown) => new KafkaTable(options as never)],
  ["KafkaTableWriter", (options: unknown) => new KafkaTableWriter(options as never)],
] as const;

describe.each(owners)("options of %s", (owner, make) => {
  test.each<[string, object, string, string]>([
    ["an empty bootstrap string", { connection: "" }, "bootstrapServers", "empty"],
    ["an empty bootstrap string before an empty topic", { connection: "", topic: "" }, "bootstrapServers", "empty"],
    ["a connection of another type", { connection: 42 }, "connection", "bootstrap string"],
    ["a missing connection", { connection: undefined }, "connection", "missing"],
    ["a missing topic", { topic: undefined }, "topic", "missing"],
    ["an empty topic", { topic: "" }, "topic", "non-empty"],
    ["a topic that is no string", { topic: 1 }, "topic", "non-empty"],
    ["a missing value codec", { value: undefined }, "value", "missing"],
    ["a value codec that is no codec", { value: JSON.parse }, "value", "callable"],
    ["half a codec", { value: { decode: JSON.parse } }, "value", "callable"],
    ["a codec that is called instead of its result", { value: json }, "value", "callable"],
    ["a key codec that is no codec", { key: { encode: 1, decode: 2 } }, "key", "callable"],
    [
      "a codec that decodes everything, or not",
      { value: { ...string(), decodesEverything: "yes" } },
      "value",
      "true or false",
    ],
    ["an async codec", { value: { encode: () => new Uint8Array(), decode: async () => 1 } }, "value", "synchronous"],
    ["ensureTopic that is no boolean", { ensureTopic: "yes" }, "ensureTopic", "true or false"],
    ["no partitions", { partitions: 0 }, "partitions", ">= 1"],
    ["no replicas", { replicationFactor: 0 }, "replicationFactor", ">= 1"],
    ["an unknown action", { onPolicyMismatch: "delete" }, "onPolicyMismatch", '"reconcile"'],
    [
      "raise with nothing to check",
      { onPolicyMismatch: "raise", ensureTopic: false },
      "onPolicyMismatch",
      "ensureTopic: true",
    ],
    [
      "reconcile with nothing to check",
      { onPolicyMismatch: "reconcile", ensureTopic: false },
      "onPolicyMismatch",
      "ensureTopic: true",
    ],
    ["topic configs that are no strings", { topicConfigs: { "retention.ms": 1 } }, "topicConfigs", "object of strings"],
    ["an unknown option", { tpoic: "x" }, "tpoic", "known are connection, topic"],
    ["a connection's option", { bootstrapServers: "x:1" }, "bootstrapServers", "belongs into the connection"],
    [
      "an unknown option of the connection",
      { connection: { bootstrapServers: "x:1", retries: 3 } },
      "retries",
      "known are",
    ],
    [
      "a table's option in the connection",
      { connection: { bootstrapServers: "x:1", fetchMaxWaitMs: 3 } },
      "fetchMaxWaitMs",
      "option of KafkaTable",
    ],
    [
      "a writer's option in the connection",
      { connection: { bootstrapServers: "x:1", acks: 1 } },
      "acks",
      "option of KafkaTableWriter",
    ],
    [
      "a consumer group in the connection",
      { connection: { bootstrapServers: "x:1", groupId: "g" } },
      "groupId",
      "no consumer group",
    ],
  ])("%s is refused", (_name, options, option, text) => {
    const act = (): unknown => make({ ...valid, ...options });
    expect(act).toThrow(expect.objectContaining({ name: "InvalidOptionError", code: "INVALID_OPTION", option }));
    expect(act).toThrow(text);
  });

  test("anything but an object is refused", () => {
    for (const options of [undefined, null, "127.0.0.1:9092", []]) {
      expect(() => make(options)).toThrow(`${owner}: options must be an object`);
    }
  });

  test("warn and ignore need nothing to check", () => {
    for (const onPolicyMismatch of ["warn", "ignore"]) make({ ...valid, onPolicyMismatch, ensureTopic: false });
  });

  test("several unknown options are named at once", () => {
    expect(() => make({ ...valid, one: 1, two: 2 })).toThrow('unknown options "one", "two"');
  });
});

describe("options of tables alone", () => {
  test.each<[string, object, string, string]>([
    ["no time to catch up", { catchupTimeoutMs: 0 }, "catchupTimeoutMs", "> 0"],
    ["negative time to catch up", { catchupTimeoutMs: -1 }, "catchupTimeoutMs", "> 0"],
    ["time beyond what timers can do", { catchupTimeoutMs: 2 ** 31 }, "catchupTimeoutMs", "2^31"],
    ["a wait that is no number", { fetchMaxWaitMs: "500" }, "fetchMaxWaitMs", "milliseconds"],
    ["an unknown isolation", { isolation: "dirty" }, "isolation", "read_committed"],
    ["onSet that cannot be called", { onSet: "x" }, "onSet", "callable"],
    ["onDelete that cannot be called", { onDelete: {} }, "onDelete", "callable"],
    ["an unknown store", { store: "map" }, "store", '"bytes"'],
    ["an unknown time to validate", { validate: "never" }, "validate", '"lazy"'],
    ["lazy validation of decoded values", { store: "decoded", validate: "lazy" }, "validate", 'store: "bytes"'],
    ["a key codec with bytes", { store: "bytes", key: string() }, "key", 'needs store: "decoded"'],
    ["a key codec with lazy validation", { validate: "lazy", key: string() }, "key", 'needs validate: "eager"'],
    [
      "keeping what lazy validation no longer has",
      { validate: "lazy", onPoison: "keep-previous" },
      "onPoison",
      'can only be "drop"',
    ],
    ["a writer's option", { acks: "all" }, "acks", "option of KafkaTableWriter"],
  ])("%s is refused", (_name, options, option, text) => {
    const act = (): unknown => new KafkaTable({ ...valid, ...options });
    expect(act).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option }));
    expect(act).toThrow(text);
  });

  test("wrong options of a call are refused", async () => {
    const table = new KafkaTable(valid);
    await expect(table.barrier({ timeoutMs: 0 })).rejects.toMatchObject({ option: "timeoutMs" });
    await expect(table.waitUntilCaughtUp({ timeout: 1 } as never)).rejects.toMatchObject({ option: "timeout" });
    await expect(table.start({ timeoutMs: 1 } as never)).rejects.toMatchObject({ option: "timeoutMs" });
  });
});

describe("options of writers alone", () => {
  test.each<[string, object, string, string]>([
    ["unknown acks", { acks: 2 }, "acks", '"all", 1, 0'],
    ["idempotence without all acks", { acks: 1, idempotent: true }, "idempotent", 'acks: "all"'],
    ["an unknown compression", { compression: "brotli" }, "compression", "zstd"],
    ["a negative linger", { lingerMs: -1 }, "lingerMs", "from 0"],
    ["a table's option", { onSet: () => undefined }, "onSet", "option of KafkaTable"],
  ])("%s is refused", (_name, options, option, text) => {
    const act = (): unknown => new KafkaTableWriter({ ...valid, ...options });
    expect(act).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option }));
    expect(act).toThrow(text);
  });
});

describe("an unstarted table", () => {
  const fixture = new Fixture();

  test("has connected to nothing, and can be asked about itself", async () => {
    const table = fixture.table();
    fixture.writer();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(fixture.broker.requests).toEqual([]);
    expect([table.topic, table.status, table.started, table.isCaughtUp, table.failure]).toEqual([
      "t",
      "unstarted",
      false,
      false,
      undefined,
    ]);
  });

  test("cannot be read", () => {
    const table = fixture.table();
    const reads: (() => unknown)[] = [
      () => table.get("k"),
      () => table.has("k"),
      () => table.size,
      () => table.keys(),
      () => table.values(),
      () => table.entries(),
      () => [...table],
      () => table.forEach(() => undefined),
      () => table.snapshot(),
    ];
    for (const read of reads) {
      expect(read).toThrow(expect.objectContaining({ name: "NotStartedError", code: "NOT_STARTED" }));
    }
  });

  test("keeps its own copy of the connection", async () => {
    const config = { bootstrapServers: [fixture.broker.bootstrapServers], logger: fixture.logger, clientId: "mine" };
    const writer = fixture.writer({ connection: config });
    config.bootstrapServers.splice(0, 1, "127.0.0.1:1");
    config.clientId = "changed";
    await writer.start();
    await writer.stop();
    await writer.start();
    expect(new Set(fixture.broker.requests.map(({ clientId }) => clientId))).toEqual(new Set(["mine"]));
  });
});

test("the defaults are read-only", () => {
  expect(DEFAULT_TOPIC_CONFIGS).toEqual({ "cleanup.policy": "compact" });
  expect(Object.isFrozen(DEFAULT_TOPIC_CONFIGS)).toBe(true);
});

describe("inspecting", () => {
  const secret = "hunter2";
  const config = { bootstrapServers: connection, tls: { key: secret, passphrase: secret }, logger: recordingLogger() };

  test("a table shows topic, status and size, and no secret", () => {
    const table = new KafkaTable({ ...valid, connection: config });
    expect(inspect(table)).toBe('KafkaTable(topic "services", unstarted)');
    expect(table.toString()).toBe(inspect(table));
    expect(inspect({ table }, { depth: 20, showHidden: true })).not.toContain(secret);
    expect(JSON.stringify(table)).toBe("{}");
  });

  test("a writer shows topic and state, and no secret", () => {
    const writer = new KafkaTableWriter({ ...valid, connection: config });
    expect(inspect(writer)).toBe('KafkaTableWriter(topic "services", not started)');
    expect(writer.toString()).toBe(inspect(writer));
    expect(inspect({ writer }, { depth: 20, showHidden: true })).not.toContain(secret);
  });

  test("a shared client shows no secret either", () => {
    const client = new KafkaClient(config);
    const table = new KafkaTable({ ...valid, connection: client });
    expect(inspect([table, client], { depth: 20 })).not.toContain(secret);
    client.close();
  });
});
