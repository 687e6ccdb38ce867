/*
 * What the client takes from the runtime besides plain sockets: a resolver's addresses, TLS over a socket that is
 * connected already, and diagnostics channels.
 */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createServer } from "node:tls";
import { diagnosticChannels, KafkaClient, silentLogger } from "ktables/client";
import { EmbeddedBroker } from "ktables/testing";

let broker;
let port;

before(async () => {
  broker = await EmbeddedBroker.start({ topics: [{ name: "t" }] });
  port = Number(broker.bootstrapServers.split(":")[1]);
});
after(async () => {
  await broker.close();
});

test("every address of a name is tried, the dead ones first", async () => {
  const asked = [];
  const client = new KafkaClient({
    bootstrapServers: `broker.test:${port}`,
    logger: silentLogger,
    lookup: async (host) => {
      asked.push(host);
      return ["127.0.0.2", "127.0.0.3", "127.0.0.1"];
    },
  });
  assert.equal((await client.topicMetadata("t", { timeoutMs: 10_000 })).partitions.length, 1);
  assert.deepEqual(asked, ["broker.test"]);
  client.close();
});

test("the runtime resolves a name", async () => {
  const client = new KafkaClient({ bootstrapServers: `localhost:${port}`, logger: silentLogger });
  assert.equal((await client.topicMetadata("t", { timeoutMs: 10_000 })).partitions.length, 1);
  client.close();
});

test("TLS checks the name without its dot, also behind several addresses", async () => {
  const fixture = (name) => readFile(join(process.env.KTABLES_CERTIFICATES, `${name}.pem`), "utf8");
  const [cert, key] = await Promise.all([fixture("localhost"), fixture("localhost-key")]);
  const sockets = new Set();
  const server = createServer({ cert, key }, (encrypted) => {
    const plain = connect(port, "127.0.0.1");
    for (const socket of [encrypted, plain]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    encrypted.on("data", (chunk) => plain.write(chunk));
    plain.on("data", (chunk) => encrypted.write(chunk));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const connectTo = (host) =>
    new KafkaClient({
      bootstrapServers: `${host}:${server.address().port}`,
      logger: silentLogger,
      retryBackoffMs: 5,
      tls: { ca: cert },
      lookup: async () => ["127.0.0.2", "127.0.0.1"],
    });
  const client = connectTo("localhost.");
  assert.equal((await client.topicMetadata("t", { timeoutMs: 10_000 })).partitions.length, 1);
  client.close();
  const wrong = connectTo("elsewhere.test");
  await assert.rejects(wrong.topicMetadata("t", { timeoutMs: 5000 }), { code: "TLS_FAILED" });
  wrong.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test("diagnostics channels tell what the client does", async () => {
  const events = [];
  const listeners = Object.entries(diagnosticChannels).map(([name, channel]) => {
    const listener = (event) => events.push([name, event]);
    subscribe(channel, listener);
    return [channel, listener];
  });
  const client = new KafkaClient({ bootstrapServers: broker.bootstrapServers, logger: silentLogger });
  await client.topicMetadata("t");
  for (const [channel, listener] of listeners) assert.equal(unsubscribe(channel, listener), true);
  client.close();
  assert.deepEqual(
    events.map(([name, { api }]) => (api === undefined ? name : `${name} ${api}`)),
    ["request ApiVersions", "connect", "request Metadata", "metadata"],
  );
  const silent = new KafkaClient({ bootstrapServers: broker.bootstrapServers, logger: silentLogger });
  await silent.topicMetadata("t");
  silent.close();
  assert.equal(events.length, 4);
});
