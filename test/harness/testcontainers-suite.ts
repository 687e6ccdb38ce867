import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ensureContainerEngine, imageExists } from "./container-engine.ts";
import { buildImage, imageName } from "./container-image.ts";
import { DEFAULT_KAFKA_VERSION } from "./kafka-versions.ts";

/**
 * Command: `node test/harness/testcontainers-suite.ts [test file …]` runs suites on a Kafka that testcontainers starts
 * from a locally built image (default: the image's own and the table suite). Where no container engine runs, it starts one, installing
 * Debian's package when it may; where it cannot, it says so and succeeds. It leaves nothing running.
 */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function main(files: readonly string[]): Promise<number> {
  const engine = await ensureContainerEngine();
  if (!engine.available) {
    console.log(`SKIPPED: the suites on testcontainers did not run: ${engine.why}`);
    return 0;
  }
  try {
    const image = imageName(DEFAULT_KAFKA_VERSION);
    const started = performance.now();
    if (!(await imageExists(image))) await buildImage(DEFAULT_KAFKA_VERSION);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`testcontainers: ${engine.why}; image ${image} ready after ${seconds} s`);
    const exitCode = await runSuites(files);
    console.log(`testcontainers: ${files.join(" ")} ${exitCode === 0 ? "passed" : "FAILED"}`);
    return exitCode;
  } finally {
    await engine.stop();
  }
}

function runSuites(files: readonly string[]): Promise<number> {
  const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
  const args = [vitest, "run", "--config", "vitest.kafka.config.ts", "--project", "all", ...files];
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, KTABLES_LAUNCHER: "testcontainers" },
  });
  return new Promise((resolve) => {
    child.once("error", () => resolve(1));
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

const files = process.argv.slice(2);
process.exitCode = await main(
  files.length > 0 ? files : ["test/kafka/testcontainers.test.ts", "test/kafka/table.test.ts"],
);
