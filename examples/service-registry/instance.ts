/** A service that announces itself until it is told to end: node instance.ts <service> <id> [host:port] */
import { once } from "node:events";
import process from "node:process";
import { openCluster, untilTerminated } from "../cluster.ts";
import { ServiceRegistry } from "./registry.ts";

const [service = "billing", id = String(process.pid)] = process.argv.slice(2).filter((text) => !/:\d+$/.test(text));
const ttlMs = Number(process.env["TTL_MS"] ?? 3000);

const terminated = untilTerminated();
const cluster = await openCluster();
const registry = await ServiceRegistry.open({
  connection: cluster.bootstrapServers,
  topic: process.env["TOPIC"] ?? "services",
});
const withdraw = await registry.announce(service, id, `http://127.0.0.1:80/${service}/${id}`, ttlMs);
console.log(`${service}/${id} is announced, one of ${registry.find(service).length}`);

if (!terminated.aborted) await once(terminated, "abort");
await withdraw();
await registry.close();
await cluster.close();
