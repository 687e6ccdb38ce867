import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { EmbeddedBroker } from "@ktables/client/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fill, ktables, record } from "./support.ts";

/** A certificate for 127.0.0.1 that nobody has signed but itself, and its key: server, client and authority in one. */
const certFile = join(import.meta.dirname, "fixtures/localhost.pem");
const keyFile = join(import.meta.dirname, "fixtures/localhost-key.pem");

let broker: EmbeddedBroker;
let server: Server;
let topic: readonly string[];

/** TLS in front of the embedded broker, which speaks in clear; clients need a certificate. */
beforeAll(async () => {
  broker = await EmbeddedBroker.start({ topics: [{ name: "t" }] });
  fill(broker, "t", record("a", "1"));
  const [host = "", port = ""] = broker.bootstrapServers.split(":");
  const cert = readFileSync(certFile);
  server = createServer({ cert, key: readFileSync(keyFile), ca: cert, requestCert: true }, (client) => {
    const plain = connect(Number(port), host);
    for (const [from, to] of [
      [client, plain],
      [plain, client],
    ] as const) {
      from.on("error", () => to.destroy());
      from.pipe(to);
    }
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const securePort = address.port;
  broker.intercept("Metadata", async (_, context) => {
    const answer = await context.handle();
    if (answer === undefined) return "close";
    return { ...answer, brokers: answer.brokers.map((entry) => ({ ...entry, port: securePort })) };
  });
  topic = ["-b", `127.0.0.1:${securePort}`, "-t", "t"];
});

afterAll(async () => {
  await broker.close();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
});

test("the files of authority, certificate and key are used", async () => {
  const tls = ["--ca-file", certFile, "--cert-file", certFile, "--key-file", keyFile];
  expect(await ktables("get", "a", ...tls, ...topic)).toEqual({ code: 0, stdout: "1\n", stderr: "" });
});

test("a certificate of an unknown authority is refused at once", async () => {
  const { code, stdout, stderr } = await ktables("get", "a", "--tls", ...topic);
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
  expect(stderr).toMatch(/^ktables: TLS to 127\.0\.0\.1:\d+ failed: self-signed certificate.*\n$/);
});

test("a client without a certificate is refused by the broker", async () => {
  const { code, stdout } = await ktables("get", "a", "--ca-file", certFile, "--timeout-ms", "1500", ...topic);
  expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
});

test("a client that speaks in clear is told about TLS", async () => {
  const { code, stderr } = await ktables("get", "a", "--timeout-ms", "1500", ...topic);
  expect(code).toBe(3);
  expect(stderr).toMatch(/^ktables: .*TLS.*\n$/);
});

test("a file that holds no certificate is refused", async () => {
  const { code, stderr } = await ktables("get", "a", "--ca-file", import.meta.filename, ...topic);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^ktables: --ca-file: ".*tls\.test\.ts" is no PEM file\n$/);
});
