/** Prints a configuration, and every change of it, until it is told to end. Runs in Node, Deno and Bun as it is. */
import process from "node:process";
import { json, KafkaTable } from "ktables";
import { openCluster, untilTerminated } from "../cluster.ts";

const terminated = untilTerminated();
const cluster = await openCluster();
const table = await KafkaTable.open({
  connection: cluster.bootstrapServers,
  topic: process.env["TOPIC"] ?? "config",
  value: json(),
});
for await (const change of table.changes({ initial: "snapshot", signal: terminated })) {
  if (change.type === "set") console.log(`${change.key} = ${JSON.stringify(change.value)}`);
  if (change.type === "delete") console.log(`${change.key} is unset`);
}
await table.stop();
await cluster.close();
