/**
 * Writes to a topic at a steady rate until it is killed: `publisher.ts <task as JSON>`. Every value begins with the time it
 * was written at, in microseconds.
 */
import { KafkaTableWriter, string } from "ktables";
import { wallClock } from "./clock.ts";

const { bootstrapServers, topic, rate } = JSON.parse(process.argv.at(-1) ?? "") as {
  bootstrapServers: string;
  topic: string;
  /** Writes in a second. */
  rate: number;
};
const writer = await KafkaTableWriter.open({
  connection: bootstrapServers,
  topic,
  value: string(),
  ensureTopic: false,
});
const now = wallClock();
const write = (index: number): Promise<unknown> => {
  const microseconds = Math.round(now() * 1000);
  return writer.set(`key-${index % 1000}`, String(microseconds).padEnd(100, "."));
};
await write(0);
console.log("ready");
const started = performance.now();
let written = 0;
setInterval(() => {
  const due = ((performance.now() - started) / 1000) * rate;
  while (written < due) {
    written++;
    // A failure ends this process, and with it the run.
    void write(written);
  }
}, 1);
