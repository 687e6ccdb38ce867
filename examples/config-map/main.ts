/** One configuration in several runtimes at once: see README.md. */
import process from "node:process";
import { json, KafkaTableWriter } from "ktables";
import { openCluster } from "../cluster.ts";
import { ReaderProcess } from "./reader-process.ts";

const runtimes = (process.env["RUNTIMES"] ?? "node,deno").split(",");
const topic = process.env["TOPIC"] ?? "config";
const cluster = await openCluster();
const writer = await KafkaTableWriter.open({ connection: cluster.bootstrapServers, topic, value: json() });
await writer.set("log-level", "info");

const readers = runtimes.map((runtime) => new ReaderProcess(runtime, cluster.bootstrapServers, topic));
await everybodyPrints('log-level = "info"');
await writer.set("limits", { requests: 100, burst: 20 });
await everybodyPrints('limits = {"requests":100,"burst":20}');
await writer.set("log-level", "debug");
await everybodyPrints('log-level = "debug"');
await writer.delete("limits");
await everybodyPrints("limits is unset");
console.log(`${runtimes.join(" and ")} have printed the same`);

await Promise.all(readers.map((reader) => reader.stop()));
await writer.stop();
await cluster.close();

/** Waits until each reader has printed the line, as its next one. */
async function everybodyPrints(line: string): Promise<void> {
  for (const reader of readers) {
    const printed = await reader.nextLine();
    console.log(`${reader.runtime}: ${printed}`);
    if (printed !== line) throw new Error(`${reader.runtime} should have printed: ${line}`);
  }
}
