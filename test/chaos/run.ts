/**
 * Chaos for as long as you like: three brokers of real Kafka are killed and restarted while tables are written and read.
 *
 *     node --conditions=@ktables/source test/chaos/run.ts --minutes 10
 *
 * Prints the counts, and exits with 1 where anything was lost, written twice, out of order or not shown.
 */
import { parseArgs } from "node:util";
import { startJavaPeer } from "../harness/java-peer.ts";
import { startKafka } from "../harness/kafka.ts";
import { runChaos } from "./chaos.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const cluster = await startKafka({ nodes: 3, controller: "separate", launcher: "java" });
const java = await startJavaPeer();
try {
  const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);
  const { defects, counts } = await runChaos({ cluster, java, minutes: Number(values.minutes), log });
  for (const [name, count] of Object.entries(counts)) console.log(`${name}: ${count}`);
  for (const defect of defects.slice(0, 100)) console.error(defect);
  console.log(`${defects.length} defects`);
  process.exitCode = defects.length === 0 ? 0 : 1;
} finally {
  await java.stop();
  await cluster.stop();
}
