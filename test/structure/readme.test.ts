import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedBroker } from "@ktables/client/testing";
import { expect, test } from "vitest";
import { runExample } from "./run-example.ts";

test("the example of the README runs as printed", async () => {
  const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  expect(example).toContain('"localhost:9092"');
  const broker = await EmbeddedBroker.start();
  try {
    // The only change: nobody can count on a broker at that port.
    const stdout = await runExample(example.replace("localhost:9092", broker.bootstrapServers));
    expect(stdout).toContain("http://10.0.0.7:8080\n");
    expect(stdout).toContain("status: 'caught_up'");
    expect(stdout).toMatch(
      /value: { url: 'http:\/\/10\.0\.0\.9:8080' },\s+oldValue: { url: 'http:\/\/10\.0\.0\.7:8080' }/,
    );
  } finally {
    await broker.close();
  }
});
