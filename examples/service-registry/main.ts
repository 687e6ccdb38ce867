/** A registry at work, with two instances of a service as processes of their own: see README.md. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openCluster } from "../cluster.ts";
import { ServiceRegistry } from "./registry.ts";

const ttlMs = Number(process.env["TTL_MS"] ?? 3000);
const topic = process.env["TOPIC"] ?? "services";
const cluster = await openCluster();
const { bootstrapServers } = cluster;
const registry = await ServiceRegistry.open({ connection: bootstrapServers, topic });

// What happens to the table is printed, whoever has done it. Heartbeats change entries all the time: not worth a line.
const watching = (async () => {
  for await (const change of registry.table.changes()) {
    if (change.type === "set" && change.oldValue === undefined) console.log(`up: ${change.key} at ${change.value.url}`);
    if (change.type === "delete" && change.oldValue !== undefined) console.log(`down: ${change.key}`);
  }
})();

const ending = new AbortController();
const sweeping = sweepUntil(ending.signal);

const first = startInstance("1");
const second = startInstance("2");
await until(() => registry.table.size === 2);
console.log(`find billing: ${registry.find("billing").length}`);

console.log("billing/2 crashes");
second.kill("SIGKILL");
await until(() => !registry.table.has("billing/2"));
console.log(`find billing: ${registry.find("billing").length}`);

console.log("billing/1 is shut down");
first.kill("SIGTERM");
await once(first, "exit");
await until(() => registry.table.size === 0);
console.log(`find billing: ${registry.find("billing").length}`);

ending.abort();
await sweeping;
await registry.close();
await watching;
await cluster.close();

async function sweepUntil(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const key of await registry.sweep(ttlMs / 3)) console.log(`expired: ${key}`);
    } catch (error) {
      console.error("sweep failed, the next one may not:", error);
    }
    await sleep(ttlMs / 3, undefined, { signal }).catch(() => undefined);
  }
}

function startInstance(id: string) {
  const program = fileURLToPath(new URL("instance.ts", import.meta.url));
  const env = { ...process.env, TOPIC: topic, TTL_MS: String(ttlMs), END_WITH_INPUT: "1" };
  const args = [program, "billing", id, bootstrapServers];
  const child = spawn(process.execPath, args, { env, stdio: ["pipe", "ignore", "inherit"] });
  // The pipe to a process that was killed may end with an error.
  child.stdin.on("error", () => undefined);
  return child;
}

/** Looks at each change of the table. */
async function until(isSo: () => boolean): Promise<void> {
  for await (const _ of registry.table.changes({ initial: "snapshot" })) if (isSo()) return;
}
