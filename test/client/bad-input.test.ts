import { readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import {
  createTopic,
  KafkaClient,
  type KafkaClientConfig,
  listOffsets,
  Producer,
  silentLogger,
  TopicReader,
} from "@ktables/client";
import { describe, expect, test } from "vitest";
import { atEnd, bytes, clientFor, failureOf, startBroker } from "./embedded.ts";

const fixtures = join(import.meta.dirname, "../cli/fixtures");
const cert = readFileSync(join(fixtures, "localhost.pem"));
const key = readFileSync(join(fixtures, "localhost-key.pem"));

/** Listens on a free port of 127.0.0.1 until the test ends. */
async function portOf(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  atEnd(async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await portOf(server);
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}

const httpPort = (): Promise<number> => portOf(createHttpServer((_, response) => response.end("hello")));
const tlsPort = (options: object = {}): Promise<number> => portOf(createTlsServer({ cert, key, ...options }));

const timeoutMs = 600;

/** Everything that a program may ask a broker for first, with what it reports. */
async function everyFailure(config: KafkaClientConfig): Promise<(Error & Record<string, unknown>)[]> {
  const client = new KafkaClient({ requestTimeoutMs: timeoutMs, retryBackoffMs: 10, logger: silentLogger, ...config });
  atEnd(() => client.close());
  const producer = new Producer(client, { deliveryTimeoutMs: timeoutMs });
  const reader = new TopicReader(client, { topic: "t", onBatch: () => undefined });
  return Promise.all(
    [
      client.topicMetadata("t"),
      listOffsets(client, "t", "latest"),
      createTopic(client, "t"),
      reader.start(),
      producer.send({ topic: "t", key: bytes("k"), value: null }),
    ].map(failureOf),
  );
}

describe("each call gives one clear error within its time", () => {
  test("for an unreachable broker", async () => {
    const server = `127.0.0.1:${await closedPort()}`;
    for (const error of await everyFailure({ bootstrapServers: server })) {
      expect(error).toMatchObject({ code: "CONNECTION_FAILED", retriable: true });
      expect(error.message).toContain(`Cannot connect to ${server}: `);
      expect(error.message).toContain("ECONNREFUSED");
    }
  });

  test("for several, with the reason of each", async () => {
    const servers = [`127.0.0.1:${await closedPort()}`, `127.0.0.1:${await closedPort()}`];
    for (const error of await everyFailure({ bootstrapServers: servers })) {
      expect(error.code).toBe("NO_BROKER_AVAILABLE");
      for (const server of servers) expect(error.message).toContain(`Cannot connect to ${server}: `);
    }
  });

  test("for a port that takes connections and never answers", async () => {
    const server = `127.0.0.1:${await portOf(createServer())}`;
    for (const error of await everyFailure({ bootstrapServers: server, connectTimeoutMs: 60 })) {
      expect(error).toMatchObject({ code: "CONNECTION_FAILED" });
      expect(error.message).toContain(
        `Cannot connect to ${server} within 60 ms: it accepted the connection but never answered`,
      );
    }
  });

  test("for a web server", async () => {
    for (const error of await everyFailure({ bootstrapServers: `127.0.0.1:${await httpPort()}` })) {
      expect(error).toMatchObject({ code: "NOT_KAFKA", retriable: false });
      expect(error.message).toContain("it answers in HTTP: this is a web server's port");
    }
  });

  test("for a TLS listener that is asked in clear", async () => {
    for (const error of await everyFailure({ bootstrapServers: `127.0.0.1:${await tlsPort()}` })) {
      expect(["NOT_KAFKA", "CONNECTION_CLOSED"]).toContain(error.code);
      expect(error.message).toMatch(/TLS|plain/);
    }
  });

  test("for a listener in clear that is asked for TLS", async () => {
    const broker = await startBroker();
    for (const error of await everyFailure({ bootstrapServers: broker.bootstrapServers, tls: true })) {
      expect(["TLS_FAILED", "CONNECTION_FAILED"]).toContain(error.code);
      expect(error.message).toContain("TLS");
      expect(error.message).toContain(broker.bootstrapServers);
    }
  });

  test("for a certificate that nobody trusts, and for one of another host (case 73)", async () => {
    const bootstrapServers = `127.0.0.1:${await tlsPort()}`;
    for (const error of await everyFailure({ bootstrapServers, tls: true })) {
      expect(error).toMatchObject({ code: "TLS_FAILED", retriable: false });
      expect(error.message).toContain("self-signed certificate");
    }
    for (const error of await everyFailure({ bootstrapServers, tls: { ca: cert, serverName: "kafka.example" } })) {
      expect(error).toMatchObject({ code: "TLS_FAILED", retriable: false });
      expect(error.message).toContain("kafka.example");
    }
  });

  test("for a topic that does not exist", async () => {
    const broker = await startBroker({ topics: [] });
    const client = clientFor(broker, { requestTimeoutMs: timeoutMs });
    const producer = new Producer(client);
    const reader = new TopicReader(client, { topic: "t", onBatch: () => undefined });
    const failures = await Promise.all(
      [
        client.topicMetadata("t"),
        listOffsets(client, "t", "latest"),
        reader.start(),
        producer.send({ topic: "t", key: bytes("k"), value: null }),
      ].map(failureOf),
    );
    for (const error of failures) {
      expect(error).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION", topic: "t" });
      expect(error.message).toContain('"t"');
    }
  });

  test("for a topic without permission", async () => {
    const broker = await startBroker();
    broker.intercept("Metadata", async (_, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "pass";
      return { ...answer, topics: answer.topics.map((topic) => ({ ...topic, errorCode: 29, partitions: [] })) };
    });
    const error = await failureOf(clientFor(broker).topicMetadata("t"));
    expect(error).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED", topic: "t", retriable: false });
  });

  test("for a broker that is too old", async () => {
    const broker = await startBroker({ maxVersions: { ListOffsets: 1 } });
    const error = await failureOf(listOffsets(clientFor(broker), "t", "latest"));
    expect(error).toMatchObject({ code: "UNSUPPORTED_API", api: "ListOffsets" });
    expect(error.message).toContain("is the broker too old?");
  });
});

test("a signal ends a call with its own reason, whatever the call waits for", async () => {
  const client = new KafkaClient({
    bootstrapServers: `127.0.0.1:${await portOf(createServer())}`,
    logger: silentLogger,
  });
  atEnd(() => client.close());
  const caller = new AbortController();
  const failure = failureOf(client.topicMetadata("t", { signal: caller.signal }));
  caller.abort(new Error("enough"));
  expect((await failure).message).toBe("enough");
});

test("the other bootstrap servers are tried where one is down", async () => {
  const broker = await startBroker();
  const client = clientFor({ bootstrapServers: `127.0.0.1:${await closedPort()},${broker.bootstrapServers}` });
  expect(await client.topicMetadata("t")).toMatchObject({ name: "t", partitions: [{ partition: 0, leader: 0 }] });
});

test("a broker that asks clients to start over from the bootstrap servers (129) is obeyed (case 69)", async () => {
  const broker = await startBroker({ nodes: 2 });
  const [first = ""] = broker.bootstrapServers.split(",");
  const client = clientFor({ bootstrapServers: first });
  await client.topicMetadata("t");
  await broker.stopNode(0);
  // From the other node, which is known from metadata only.
  await client.topicMetadata("t");
  await broker.startNode(0);
  const asked: number[] = [];
  broker.intercept("Metadata", async (_, context) => {
    asked.push(context.node);
    const answer = await context.handle();
    return answer === undefined || asked.length > 1 ? "pass" : { ...answer, errorCode: 129 };
  });
  expect(await client.topicMetadata("t")).toMatchObject({ name: "t", partitions: [{ partition: 0 }] });
  expect(asked).toEqual([1, 0]);
});

test("a TLS listener with a trusted certificate, and a client certificate where it asks for one, is used", async () => {
  const broker = await startBroker();
  const [host = "", port = ""] = broker.bootstrapServers.split(":");
  const server = createTlsServer({ cert, key, ca: cert, requestCert: true, rejectUnauthorized: true }, (secure) => {
    const plain = connect(Number(port), host);
    plain.on("error", () => secure.destroy());
    secure.on("error", () => plain.destroy());
    secure.pipe(plain);
    plain.pipe(secure);
  });
  const securePort = await portOf(server);
  broker.intercept("Metadata", async (_, context) => {
    const answer = await context.handle();
    if (answer === undefined) return "pass";
    return { ...answer, brokers: answer.brokers.map((node) => ({ ...node, port: securePort })) };
  });
  const client = clientFor(
    { bootstrapServers: `127.0.0.1:${securePort}` },
    { tls: { ca: cert.toString(), cert: new Uint8Array(cert), key: key.toString() } },
  );
  await using producer = new Producer(client);
  expect((await producer.send({ topic: "t", key: bytes("k"), value: null })).offset).toBe(0);
  const anonymous = clientFor(
    { bootstrapServers: `127.0.0.1:${securePort}` },
    { tls: { ca: cert }, requestTimeoutMs: timeoutMs },
  );
  const error = await failureOf(anonymous.topicMetadata("t"));
  expect(["TLS_FAILED", "CONNECTION_CLOSED"]).toContain(error.code);
});
