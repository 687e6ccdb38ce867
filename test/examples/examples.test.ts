import { EmbeddedBroker } from "@ktables/client/testing";
import { expect, test } from "vitest";
import { examplesSuite, Program } from "../suites/examples-suite.ts";

examplesSuite("the embedded broker", async () => {
  const broker = await EmbeddedBroker.start();
  return { bootstrapServers: broker.bootstrapServers, stop: () => broker.close() };
});

test("examples bring a broker of their own when they are told of none", { timeout: 120_000 }, async () => {
  const flags = new Program("feature-flags/server.ts", []);
  const config = new Program("config-map/main.ts", [], { RUNTIMES: "node" });
  const registry = new Program("service-registry/main.ts", [], { TTL_MS: "2000" });
  expect(await config.ended).toBe(0);
  expect(await registry.ended).toBe(0);
  const url = await flags.printed(/flags at (\S+)\n/);
  expect(await (await fetch(url)).json()).toEqual({});
  flags.kill("SIGTERM");
  expect(await flags.ended).toBe(0);
});

test("a runtime that is missing is named", async () => {
  const program = new Program("config-map/main.ts", [], { RUNTIMES: "no-such-runtime" });
  expect(await program.ended).toBe(1);
  expect(program.errors).toMatch(/^no-such-runtime cannot be started: .*; RUNTIMES names others\n$/);
});
