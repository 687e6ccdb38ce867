/**
 * A table in a process of its own: `node table-process.ts BOOTSTRAP_SERVERS TOPIC`. Prints "ready" when it has caught
 * up, and its contents as JSON when its standard input ends.
 */
import { KafkaTable } from "ktables";
import { codec } from "./workload.ts";

const [bootstrapServers = "", topic = ""] = process.argv.slice(2);
// Brokers that go down are what this is about: the warnings would drown the counts.
const silent = (): void => undefined;
const logger = { debug: silent, info: silent, warn: silent, error: silent };
const table = await KafkaTable.open({
  connection: { bootstrapServers, logger },
  topic,
  value: codec,
  ensureTopic: false,
  // Without hooks, unlike those of the main process, so that values are decoded when they are read.
  store: "bytes",
  validate: "lazy",
});
console.log("ready");
process.stdin.resume();
process.stdin.once("end", () => void finish());

async function finish(): Promise<void> {
  const isComplete = await table.barrier({ timeoutMs: 60_000 });
  console.log(
    JSON.stringify({ isComplete, status: table.status, entries: [...table].map(([key, { n }]) => [key, n]) }),
  );
  await table.stop();
}
