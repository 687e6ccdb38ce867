import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { type DiagnosticEvents, diagnosticChannels, KafkaClient, Producer, type SaslConfig } from "@ktables/client";
import { describe, expect, test, vi } from "vitest";
import { publish } from "../../packages/client/src/diagnostics.ts";
import { runExample } from "../structure/run-example.ts";
import { atEnd, bytes, clientFor, editable, failureOf, reading, SeenRecords, startBroker } from "./embedded.ts";

type EventName = keyof DiagnosticEvents;

const names = Object.keys(diagnosticChannels) as EventName[];

class Events {
  readonly all: { [Name in EventName]: DiagnosticEvents[Name][] } = {
    connect: [],
    request: [],
    metadata: [],
    fetch: [],
    produce: [],
    retry: [],
    throttle: [],
    failure: [],
  };
  readonly order: EventName[] = [];

  constructor(clientId: string) {
    for (const name of names) {
      const listener = (message: unknown): void => {
        const event = message as DiagnosticEvents[typeof name];
        if (event.clientId !== clientId) return;
        (this.all[name] as unknown[]).push(event);
        this.order.push(name);
      };
      subscribe(diagnosticChannels[name], listener);
      atEnd(() => unsubscribe(diagnosticChannels[name], listener));
    }
  }
}

describe("events of the client", () => {
  test("connect, request, metadata, fetch and produce tell what happened, in order", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 2 }] });
    const events = new Events("watched");
    const client = clientFor(broker, { clientId: "watched" });
    const producer = new Producer(client);
    atEnd(() => producer.close());
    await producer.send({ topic: "t", key: bytes("k"), value: bytes("v"), partition: 1 });
    const seen = new SeenRecords(client);
    await seen.reader.start();
    await seen.until(({ keys }) => keys.includes("k"));
    const address = broker.bootstrapServers;
    const { connect, request, metadata, fetch, produce, retry, throttle, failure } = events.all;
    expect(connect.map(({ purpose, broker: at, error }) => [purpose, at, error])).toEqual([
      ["control", address, undefined],
      ["produce", address, undefined],
      ["fetch", address, undefined],
    ]);
    expect(request.slice(0, 2)).toMatchObject([
      { broker: address, api: "ApiVersions", version: 3, correlationId: 0, error: undefined },
      { broker: address, api: "Metadata", version: 13, correlationId: 1, error: undefined },
    ]);
    for (const { requestBytes, responseBytes, durationMs } of request) {
      expect(requestBytes).toBeGreaterThan(10);
      expect(responseBytes).toBeGreaterThan(5);
      expect(durationMs).toBeGreaterThan(0);
    }
    // The same is not told twice, though it was asked for twice.
    expect(request.filter(({ api }) => api === "Metadata").length).toBeGreaterThan(1);
    const port = Number(address.split(":")[1]);
    expect(metadata).toEqual([
      {
        clientId: "watched",
        clusterId: client.clusterId,
        brokers: [{ host: "127.0.0.1", port }],
        topic: "t",
        topicId: expect.stringMatching(/^[\w-]{22}$/),
        partitions: [
          { partition: 0, leader: 0, leaderEpoch: 0 },
          { partition: 1, leader: 0, leaderEpoch: 0 },
        ],
      },
    ]);
    expect(produce).toMatchObject([
      { broker: address, version: 13, partitions: [{ topic: "t", partition: 1, baseOffset: 0, error: undefined }] },
    ]);
    expect(produce[0]?.bytes).toBeGreaterThan(61);
    expect(produce[0]?.partitions[0]?.bytes).toBe(produce[0]?.bytes);
    expect(fetch[0]).toMatchObject({ broker: address, version: 16, error: undefined });
    const fetched = fetch.flatMap(({ partitions }) => partitions).find(({ partition }) => partition === 1);
    expect(fetched).toMatchObject({ topic: "t", highWatermark: 1, error: undefined });
    expect(fetched?.bytes).toBeGreaterThan(61);
    expect([retry, throttle, failure]).toEqual([[], [], []]);
    expect(events.order.slice(0, 4)).toEqual(["request", "connect", "request", "metadata"]);
  });

  test("metadata tells of a leader that moves", async () => {
    const broker = await startBroker({ nodes: 2 });
    const events = new Events("watched");
    const client = clientFor(broker, { clientId: "watched" });
    await client.topicMetadata("t");
    const { node, epoch } = broker.leader("t", 0);
    broker.moveLeader("t", 0, 1 - node);
    await client.topicMetadata("t");
    expect(events.all.metadata.map(({ partitions }) => partitions[0])).toEqual([
      { partition: 0, leader: node, leaderEpoch: epoch },
      { partition: 0, leader: 1 - node, leaderEpoch: epoch + 1 },
    ]);
  });

  test("retry counts attempts; failure comes once they are over", async () => {
    const broker = await startBroker();
    const events = new Events("watched");
    const client = clientFor(broker, { clientId: "watched" });
    const error = await failureOf(client.topicMetadata("missing", { timeoutMs: 400 }));
    const { retry, failure } = events.all;
    expect(retry.map(({ attempt }) => attempt)).toEqual(retry.map((_, index) => index + 1));
    expect(retry.length).toBeGreaterThan(1);
    expect(retry[0]).toMatchObject({
      operation: 'Metadata of topic "missing"',
      topic: "missing",
      error: { name: "BrokerError", code: "UNKNOWN_TOPIC_OR_PARTITION", retriable: true },
    });
    expect(failure).toMatchObject([
      { what: "call", topic: "missing", broker: broker.bootstrapServers, error: { message: error.message } },
    ]);
    // Time may run out during the last pause, or just before it.
    expect([retry.length, retry.length + 1]).toContain(error["attempt"]);
  });

  test("failure tells of connections that end, readers that fail and records that are given up", async () => {
    const broker = await startBroker();
    const events = new Events("watched");
    const seen = await reading(broker, {}, { clientId: "watched" });
    const producer = new Producer(clientFor(broker, { clientId: "watched" }));
    atEnd(() => producer.close());
    broker.intercept("Produce", async (_, context) => {
      const answer = editable(await context.handle());
      const [partition] = answer?.responses[0]?.partitionResponses ?? [];
      if (answer === undefined || partition === undefined) return "close";
      partition.errorCode = 29;
      return answer;
    });
    await failureOf(producer.send({ topic: "t", key: bytes("k"), value: null }));
    await broker.deleteTopic("t");
    await broker.createTopic("t");
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    await broker.stopNode(0);
    await vi.waitFor(() => expect(events.all.failure.some(({ what }) => what === "connection")).toBe(true));
    const kinds = new Map(events.all.failure.map((event) => [event.what, event]));
    expect(kinds.get("records")).toMatchObject({
      topic: "t",
      partition: 0,
      error: { code: "TOPIC_AUTHORIZATION_FAILED" },
    });
    expect(kinds.get("reader")).toMatchObject({ topic: "t", error: { code: "TOPIC_RECREATED", retriable: false } });
    expect(kinds.get("connection")).toMatchObject({ broker: broker.bootstrapServers, error: { retriable: true } });
  });

  test("connect tells why it failed; closing is no failure", async () => {
    const broker = await startBroker();
    const events = new Events("watched");
    const client = clientFor(broker, { clientId: "watched" });
    await client.topicMetadata("t");
    client.close();
    expect(events.all.failure).toEqual([]);
    const lost = clientFor({ bootstrapServers: "127.0.0.1:1" }, { clientId: "watched" });
    await failureOf(lost.topicMetadata("t", { timeoutMs: 400 }));
    expect(events.all.connect.at(-1)).toMatchObject({
      broker: "127.0.0.1:1",
      error: { name: "ConnectionError", code: "CONNECTION_FAILED", retriable: true },
    });
    expect(events.all.failure.map(({ what }) => what)).toEqual(["call"]);
  });

  test("throttle tells who waits", async () => {
    const broker = await startBroker();
    broker.intercept("Metadata", async (_, context) => {
      const answer = await context.handle();
      return answer === undefined ? "close" : { ...answer, throttleTimeMs: 3 };
    });
    const events = new Events("watched");
    await clientFor(broker, { clientId: "watched" }).topicMetadata("t");
    expect(events.all.throttle).toEqual([
      { clientId: "watched", broker: broker.bootstrapServers, api: "Metadata", throttleMs: 3, isSilent: true },
    ]);
  });

  test("hold no secret, record or cause, and can be sent anywhere", async () => {
    const secret = "tr0ub4dor&3";
    const token = async (): Promise<never> => {
      throw new Error(`POST https://login/?client_secret=${secret} failed`);
    };
    const credentials: SaslConfig[] = [
      { mechanism: "PLAIN", username: "alice", password: secret },
      { mechanism: "SCRAM-SHA-512", username: "alice", password: secret },
      { mechanism: "PLAIN", username: "alice", password: `wrong ${secret}` },
      { mechanism: "OAUTHBEARER", token },
    ];
    const broker = await startBroker({ sasl: { users: { alice: secret } } });
    const events = new Events("watched");
    for (const sasl of credentials) {
      const client = clientFor(broker, { clientId: "watched", sasl });
      const producer = new Producer(client, { deliveryTimeoutMs: 300 });
      await producer.send({ topic: "t", key: bytes(secret), value: bytes(secret) }).catch(() => undefined);
      await producer.close();
      client.close();
    }
    const text = JSON.stringify(events.all);
    for (const name of ["connect", "request", "produce", "retry", "failure"] as const) {
      expect(events.all[name].length, name).toBeGreaterThan(0);
    }
    expect(text).toContain("SASL_AUTHENTICATION_FAILED");
    expect(text).toContain("SASL_TOKEN_UNAVAILABLE");
    for (const hidden of [secret, btoa(secret), "client_secret"]) expect(text).not.toContain(hidden);
    expect(structuredClone(events.all)).toEqual(events.all);
  });

  test("are not even made while nobody listens", () => {
    const make = vi.fn(() => ({ clientId: "x", broker: "b", api: "Fetch", throttleMs: 1, isSilent: true }));
    publish("throttle", make);
    expect(make).not.toHaveBeenCalled();
    const listener = vi.fn();
    subscribe(diagnosticChannels.throttle, listener);
    publish("throttle", make);
    unsubscribe(diagnosticChannels.throttle, listener);
    publish("throttle", make);
    expect(make).toHaveBeenCalledTimes(1);
    expect(listener).toHaveBeenCalledTimes(1);
  });
});

describe("docs/diagnostics.md", () => {
  const document = readFileSync(new URL("../../docs/diagnostics.md", import.meta.url), "utf8");

  test("names every event and every field of the payloads that the client sends", async () => {
    const broker = await startBroker();
    const events = new Events("watched");
    broker.intercept("Metadata", async (_, context) => {
      const answer = await context.handle();
      return answer === undefined ? "close" : { ...answer, throttleTimeMs: 1 };
    });
    const client = new KafkaClient({
      bootstrapServers: broker.bootstrapServers,
      clientId: "watched",
      retryBackoffMs: 1,
    });
    atEnd(() => client.close());
    const producer = new Producer(client);
    atEnd(() => producer.close());
    await producer.send({ topic: "t", key: null, value: null });
    const seen = new SeenRecords(client);
    await seen.reader.start();
    await seen.until(({ records }) => records.length > 0);
    await failureOf(client.topicMetadata("missing", { timeoutMs: 400 }));
    for (const name of names) {
      const row = new RegExp(`^\\| \`${name}\` \\|.*$`, "m").exec(document)?.[0] ?? "";
      const [event] = events.all[name] as readonly object[];
      const nested = "partitions" in (event ?? {}) ? (event as { partitions: object[] }).partitions[0] : {};
      const fields = [...Object.keys(event ?? {}), ...Object.keys(nested ?? {})].filter((key) => key !== "clientId");
      expect(fields.length, name).toBeGreaterThan(1);
      for (const field of fields) expect(row, name).toMatch(new RegExp(`\`${field}\\??\``));
    }
  });

  test("has an example that works", async () => {
    const example = /```js\n([^]*?)```/.exec(document)?.[1] ?? "";
    const broker = await startBroker();
    const usage = `
      import { KafkaClient, silentLogger } from "ktables/client";
      const client = new KafkaClient({ bootstrapServers: "${broker.bootstrapServers}", logger: silentLogger });
      await client.topicMetadata("t");
      await client.topicMetadata("missing", { timeoutMs: 400 }).catch(() => undefined);
      client.close();
    `;
    const lines = (await runExample(example + usage)).split("\n");
    expect(lines).toContain(`Metadata v13 at ${broker.bootstrapServers}: ok`);
    expect(lines).toContain('call: Metadata of topic "missing" ended with UNKNOWN_TOPIC_OR_PARTITION');
  });
});
