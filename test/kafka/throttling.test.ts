import { bytes, KafkaClient, KafkaTable, KafkaTableWriter, silentLogger } from "ktables";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTopic } from "../../packages/client/src/admin.ts";
import { limitProducers } from "../harness/client-quota.ts";
import { type KafkaCluster, startKafka } from "../harness/kafka.ts";

let kafka: KafkaCluster;

beforeAll(async () => {
  kafka = await startKafka({ brokerConfig: { "quota.window.num": "2", "quota.window.size.seconds": "1" } });
});

afterAll(() => kafka?.stop());

test("a writer beyond its quota keeps silent when told so, and everything is written once and in order", async () => {
  const { bootstrapServers } = kafka;
  await limitProducers(bootstrapServers, "limited", 100_000);
  const throttled: number[] = [];
  const debug = (message: string): void => {
    const time = /throttles this client for (\d+) ms/.exec(message)?.[1];
    if (time !== undefined) throttled.push(Number(time));
  };
  const logger = { ...silentLogger, debug };
  const client = new KafkaClient({ bootstrapServers, clientId: "limited", logger });
  await createTopic(client, "t", { partitions: 1, configs: { "cleanup.policy": "compact" } });
  const table = await KafkaTable.open({ connection: { bootstrapServers }, topic: "t", value: bytes() });
  const writer = await KafkaTableWriter.open({ connection: client, topic: "t", value: bytes() });
  const started = performance.now();
  const writes: ReturnType<typeof writer.set>[] = [];
  for (let count = 0; count < 40; count++) {
    const value = crypto.getRandomValues(new Uint8Array(10_000));
    writes.push(writer.set(String(count), value));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const tokens = await Promise.all(writes);
  const elapsedMs = performance.now() - started;
  expect(tokens.map(({ offset }) => offset)).toEqual(tokens.map((_, index) => index));
  const last = tokens.at(-1);
  if (last !== undefined) await table.waitFor(last);
  expect(table.size).toBe(40);
  expect(throttled.length).toBeGreaterThan(0);
  // Every silence but the last is over before the last answer comes, and silences of one connection do not overlap.
  expect(elapsedMs).toBeGreaterThan(Math.max(0, ...throttled.slice(0, -1)));
  console.log(`throttled for ${throttled.join(", ")} ms; 40 writes took ${Math.round(elapsedMs)} ms`);
  await writer.close();
  await table.stop();
  client.close();
});
