import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { EmbeddedBroker } from "@ktables/client/testing";
import { expect, test } from "vitest";

const program = join(import.meta.dirname, "exit-scenarios.ts");
const scenarios = [...readFileSync(program, "utf8").matchAll(/^ {2}"(.+)": async/gm)].map(([, name]) => name ?? "");

test("there are scenarios", () => {
  expect(scenarios.length).toBeGreaterThan(8);
});

test.concurrent.each(scenarios)("a process ends by itself when %s", async (scenario) => {
  const topics = ["t", "slow", "throttled"].map((name) => ({ name }));
  const sasl = { users: { alice: "secret" }, sessionLifetimeMs: 3_600_000 };
  await using broker = await EmbeddedBroker.start(scenario.includes("session") ? { topics, sasl } : { topics });
  broker.intercept("Produce", () => "ignore");
  broker.intercept("Metadata", async ({ topics: asked }, context) => {
    if (asked?.some(({ name }) => name === "slow") === true) return "ignore";
    const answer = await context.handle();
    if (answer === undefined) return "close";
    const isThrottled = asked?.some(({ name }) => name === "throttled") === true;
    return { ...answer, throttleTimeMs: isThrottled ? 3_600_000 : 0 };
  });
  const args = ["--conditions=@ktables/source", program, scenario, broker.bootstrapServers];
  // Far above what it takes, and far below the hour for which polls and lingering records would keep it.
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 });
  expect(stdout).toBe("done");
  expect(stderr.replaceAll(/.*ExperimentalWarning.*\n.*\n/g, "")).toBe("");
});
