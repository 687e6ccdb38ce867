import { createServer, type Server, type Socket } from "node:net";
import { KafkaTable, KafkaTableWriter, silentLogger, string } from "ktables";
import { afterEach, describe, expect, test } from "vitest";
import { rejection } from "../suites/support.ts";

describe("an endpoint that is no Kafka broker", () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  async function listen(onRequest: (socket: Socket) => void): Promise<string> {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("data", () => onRequest(socket));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  test.each<[string, (socket: Socket) => void, string]>([
    ["an HTTP server", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), "NOT_KAFKA"],
    [
      "a listener that expects TLS",
      // The fatal alert "unexpected message".
      (socket) => socket.end(Uint8Array.of(0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a)),
      "NOT_KAFKA",
    ],
    ["a listener that hangs up", (socket) => socket.destroy(), "CONNECTION_CLOSED"],
  ])("%s fails table and writer with one error that names it", async (_name, onRequest, code) => {
    const address = await listen(onRequest);
    const connection = {
      bootstrapServers: address,
      logger: silentLogger,
      requestTimeoutMs: 200,
      retryBackoffMs: 10,
      maxRetryBackoffMs: 20,
    };
    const options = { connection, topic: "t", value: string() };
    const errors = [
      await rejection(new KafkaTable({ ...options, catchupTimeoutMs: 200 }).start()),
      await rejection(new KafkaTableWriter(options).start()),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({ code });
      expect(error.message).toContain(address);
    }
  });

  test("a listener that says nothing ends in a timeout", async () => {
    const address = await listen(() => undefined);
    const connection = { bootstrapServers: address, logger: silentLogger, connectTimeoutMs: 50 };
    const table = new KafkaTable({ connection, topic: "t", value: string(), catchupTimeoutMs: 200 });
    const error = await rejection(table.start());
    expect(error.code).toMatch(/^(TIMEOUT|CONNECTION_FAILED)$/);
    expect(error.message).toContain(address);
  });
});
