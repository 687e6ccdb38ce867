/**
 * Writes each line that it reads, and prints the token and when it called: `token-writer.ts <task as JSON>`. Ends with the
 * last line.
 */
import { createInterface } from "node:readline";
import { KafkaTableWriter, string } from "ktables";
import { wallClock } from "./clock.ts";

const { bootstrapServers, topic } = JSON.parse(process.argv.at(-1) ?? "") as {
  bootstrapServers: string;
  topic: string;
};
await using writer = await KafkaTableWriter.open({
  connection: bootstrapServers,
  topic,
  value: string(),
  ensureTopic: false,
});
const now = wallClock();
for await (const line of createInterface({ input: process.stdin })) {
  const calledAt = now();
  const token = await writer.set("key", line);
  console.log(JSON.stringify({ token, calledAt }));
}
