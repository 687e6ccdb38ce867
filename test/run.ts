/**
 * The test command: checks, unit and property tests, the suites on real Kafka, the packed packages in every runtime.
 * Each step runs even when another has failed; the last line counts tests, not steps.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitStatus } from "./command.ts";
import { kafkaAvailability } from "./harness/kafka.ts";

interface Counts {
  passed: number;
  failed: number;
}

const counts: Counts = { passed: 0, failed: 0 };
const brokenSteps: string[] = [];
const reports = await mkdtemp(join(tmpdir(), "ktables-reports-"));

try {
  const kafka = await kafkaAvailability();
  await step("checks", "node", ["test/check.ts"]);
  await vitestStep("unit and property tests", []);
  const fuzz = ["--conditions=@ktables/source", "test/fuzz/run.ts", "--inputs", "1000000"];
  await countingStep("a million damaged record batches", fuzz);
  const responses = ["--conditions=@ktables/source", "test/fuzz/responses/run.ts", "--inputs", "20000"];
  await countingStep("20 000 uses of the client with damaged answers", responses);
  if (kafka.available) {
    console.log(`\nReal Kafka: ${kafka.how}`);
    await vitestStep("real Kafka", ["--config", "vitest.kafka.config.ts"]);
    await step("tables are no slower than they were", "node", ["test/bench/guard.ts"]);
  }
  await countingStep("packed packages in every runtime", ["test/packaging/run.ts"]);
  if (process.env["KTABLES_TESTCONTAINERS"] === "1") {
    await step("testcontainers", "node", ["test/harness/testcontainers-suite.ts"]);
  }
  if (process.env["KTABLES_BROWSER"] === "1") {
    await countingStep("record batches in a browser", ["test/browser/run.ts"]);
  } else {
    console.error("\n*** SKIPPED: record batches in a real browser, which KTABLES_BROWSER=1 asks for ***");
  }
  if (!kafka.available) {
    console.error(`\n*** SKIPPED: every suite on real Kafka. ${kafka.how} ***`);
    if (process.env["KTABLES_REQUIRE_KAFKA"] === "1") brokenSteps.push("real Kafka was required");
  }
} finally {
  await rm(reports, { recursive: true, force: true });
}

for (const name of brokenSteps) console.error(`FAILED: ${name}`);
console.log(`${counts.passed} passed, ${Math.max(counts.failed, brokenSteps.length)} failed`);
process.exitCode = brokenSteps.length === 0 ? 0 : 1;

async function step(name: string, command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<void> {
  console.log(`\n=== ${name}`);
  const started = performance.now();
  const status = await exitStatus(command, args, env === undefined ? {} : { env });
  if (status !== 0) brokenSteps.push(name);
  console.log(
    `=== ${name}: ${status === 0 ? "ok" : "FAILED"} in ${Math.round((performance.now() - started) / 1000)} s`,
  );
}

async function vitestStep(name: string, args: readonly string[]): Promise<void> {
  const report = join(reports, `${name}.json`);
  await step(name, "node", [
    "node_modules/vitest/vitest.mjs",
    "run",
    ...args,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  const { numPassedTests, numFailedTests } = JSON.parse(await readFile(report, "utf8").catch(() => "{}")) as {
    numPassedTests?: number;
    numFailedTests?: number;
  };
  count(name, numPassedTests, numFailedTests);
}

/** The script writes `{ passed, failed }` or, where it cannot run and may not fail, `{ skipped }` to the file that it is told. */
async function countingStep(name: string, args: readonly string[]): Promise<void> {
  const report = join(reports, `${name}.json`);
  await step(name, "node", args, { KTABLES_REPORT: report });
  const { passed, failed, skipped } = JSON.parse(await readFile(report, "utf8").catch(() => "{}")) as Partial<
    Counts & { skipped: boolean }
  >;
  if (skipped !== true) count(name, passed, failed);
}

function count(name: string, passed = 0, failed = 0): void {
  counts.passed += passed;
  counts.failed += failed;
  // A step without tests has not tested anything.
  if (passed === 0 && !brokenSteps.includes(name)) brokenSteps.push(`${name}: no test ran`);
}
