/** Feature flags over HTTP: see README.md. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { text } from "node:stream/consumers";
import { CodecError, KafkaClient, KafkaTable, KafkaTableWriter } from "ktables";
import { openCluster, untilTerminated } from "../cluster.ts";
import { flagCodec } from "./flag.ts";

const cluster = await openCluster();
// Table and writer share one client, and with it its connections.
const client = new KafkaClient(cluster.bootstrapServers);
const topic = { connection: client, topic: process.env["TOPIC"] ?? "feature-flags", value: flagCodec };
const table = await KafkaTable.open(topic);
const writer = await KafkaTableWriter.open(topic);
const terminated = untilTerminated();

const server = createServer((request, response) => {
  handle(request, response).catch((error: unknown) => {
    if (response.headersSent) response.destroy();
    else if (error instanceof CodecError) answer(response, 400, { error: error.message });
    else answer(response, 503, { error: error instanceof Error ? error.message : String(error) });
  });
});
server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1");
await once(server, "listening");
console.log(`flags at http://127.0.0.1:${(server.address() as AddressInfo).port}/flags`);

if (!terminated.aborted) await once(terminated, "abort");
server.close();
server.closeAllConnections();
await writer.stop();
await table.stop();
client.close();
await cluster.close();

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
  const name = /^\/flags\/(.+)$/.exec(path)?.[1];
  const route = `${request.method} ${name === undefined ? path : "/flags/:name"}`;
  switch (route) {
    case "GET /flags":
      // From memory: no request waits for Kafka, and all go on when Kafka is away.
      return answer(response, 200, Object.fromEntries(table));
    case "GET /flags/:name": {
      const flag = table.get(name ?? "");
      return flag === undefined ? answer(response, 404, { error: "no such flag" }) : answer(response, 200, flag);
    }
    case "PUT /flags/:name": {
      const token = await writer.set(name ?? "", flagCodec.decode(Buffer.from(await text(request))));
      // Whoever has been told "done" sees its own write here. Other instances follow a moment later.
      await table.waitFor(token, { signal: AbortSignal.timeout(5000) });
      return answer(response, 200, token);
    }
    case "DELETE /flags/:name": {
      const token = await writer.delete(name ?? "");
      await table.waitFor(token, { signal: AbortSignal.timeout(5000) });
      return answer(response, 200, token);
    }
    case "GET /events":
      return sendEvents(response);
    case "GET /health": {
      const { status, lag, lastContactMs } = table.health();
      return answer(response, status === "caught_up" ? 200 : 503, { status, lag, lastContactMs });
    }
    default:
      return answer(response, 404, { error: `nothing at ${request.method} ${path}` });
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}

/** Server-sent events: all flags, `ready`, and then every change. */
async function sendEvents(response: ServerResponse): Promise<void> {
  const closed = new AbortController();
  response.once("close", () => closed.abort());
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const { signal } = closed;
  for await (const change of table.changes({ initial: "snapshot", signal })) {
    let isTaken = true;
    if (change.type === "set") isTaken = send(response, "set", { name: change.key, flag: change.value });
    else if (change.type === "delete") isTaken = send(response, "delete", { name: change.key });
    else if (change.type === "caught-up") isTaken = send(response, "ready", { flags: table.size });
    // A browser that reads slowly misses what a flag was in between, never what it is.
    if (!isTaken && !signal.aborted) await Promise.race([once(response, "drain"), once(signal, "abort")]);
  }
  response.end();
}

function send(response: ServerResponse, event: string, data: unknown): boolean {
  return response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
