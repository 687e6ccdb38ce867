import { expect, test } from "vitest";
import { runChaos } from "../chaos/chaos.ts";
import { startJavaPeer } from "../harness/java-peer.ts";
import { startKafka } from "../harness/kafka.ts";

const minutes = 2;

test("brokers are killed and restarted under writers and tables: nothing lost, nothing twice, order kept, tables as Java has them", {
  timeout: (minutes + 8) * 60_000,
}, async () => {
  await using cluster = await startKafka({ nodes: 3, controller: "separate", launcher: "java" });
  await using java = await startJavaPeer();
  const { defects, counts } = await runChaos({ cluster, java, minutes, log: () => undefined });
  console.log(counts);
  expect(defects.slice(0, 20)).toEqual([]);
  // Had nothing gone wrong, nothing would be proven.
  expect(counts["kill -9"]).toBeGreaterThan(0);
  expect(counts["elections"]).toBeGreaterThan(0);
  expect(counts["batches sent again"]).toBeGreaterThan(0);
  expect(counts["freshness checks"]).toBeGreaterThan(0);
  expect(counts["writes acknowledged"]).toBeGreaterThan(1000);
});
