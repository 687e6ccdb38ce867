/** The packages as they are published: valid, alone, typed, and working in every runtime, on real Kafka where there is one. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, run } from "../command.ts";
import { startJavaPeer } from "../harness/java-peer.ts";
import { kafkaAvailability, startKafka } from "../harness/kafka.ts";
import { codeBlocks } from "../structure/code-blocks.ts";
import { checkImportCost } from "./import-cost.ts";
import { checkWritten, prepareProof, writeCompressions } from "./kafka-proof.ts";
import { installedManifest, installedPackages, type Packed, packAndInstall } from "./packed.ts";
import { runTests, runtimes } from "./runtimes.ts";

let passed = 0;
let failed = 0;
const directory = await mkdtemp(join(tmpdir(), "ktables-packed-"));
try {
  const packed = await packAndInstall(directory);
  await checkPackages(packed);
  const certificates = { KTABLES_CERTIFICATES: join(root, "test/cli/fixtures") };
  await writeFile(
    join(packed.consumer, "testing-docs.test.mjs"),
    (await codeBlocks("docs/testing.md", "js")).join("\n"),
  );
  const files = ["table.test.mjs", "client.test.mjs", "testing-docs.test.mjs"];
  await checkRuntimes(packed, files, certificates, "embedded broker");
  if ((await kafkaAvailability()).available) await proveOnKafka(packed);
} finally {
  await rm(directory, { recursive: true, force: true });
}
const report = process.env["KTABLES_REPORT"];
if (report !== undefined) await writeFile(report, JSON.stringify({ passed, failed }));
console.log(`packages and runtimes: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function checkPackages({ tarballs, consumer }: Packed): Promise<void> {
  for (const [name, tarball] of Object.entries(tarballs)) {
    await check(`publint ${name}`, () => run("publint", ["run", "--strict", tarball]));
    await check(`attw ${name}`, () => run("attw", ["--profile", "esm-only", tarball]));
  }
  await check("ktables installs alone", async () => {
    const installed = await installedPackages(consumer);
    if (installed.join() !== "ktables") throw new Error(`installed: ${installed.join(", ")}`);
    const { dependencies } = await installedManifest(consumer);
    if (dependencies !== undefined && Object.keys(dependencies as object).length > 0) {
      throw new Error(`dependencies: ${JSON.stringify(dependencies)}`);
    }
  });
  await check("importing ktables loads no more than it did", () => checkImportCost(consumer));
  await check("a consumer without @types/node compiles", () => run("tsc", ["-p", consumer]));
}

async function checkRuntimes(
  { consumer }: Packed,
  files: readonly string[],
  env: Readonly<Record<string, string>>,
  broker: string,
): Promise<void> {
  for (const runtime of runtimes) {
    const result = await runTests(runtime, consumer, files, env);
    passed += result.passed;
    failed += result.failed;
    console.log(`${runtime.name} on ${broker}: ${result.passed} passed, ${result.failed} failed`);
    if (result.failed > 0) console.error(result.output);
  }
}

async function proveOnKafka(packed: Packed): Promise<void> {
  const kafka = await startKafka({ brokerConfig: { "log.cleaner.backoff.ms": "100" } });
  const peer = await startJavaPeer();
  try {
    const { bootstrapServers } = kafka;
    await checkRuntimes(packed, ["table.test.mjs"], { KTABLES_BOOTSTRAP: bootstrapServers }, `Kafka ${kafka.version}`);
    const proof = await prepareProof(peer, kafka, packed.consumer);
    console.log(
      `proof topic: ${proof.records} records and ${proof.emptyBatches ?? "unknown"} empty batches left by the log cleaner, ${proof.entries} keys`,
    );
    for (const [index, runtime] of runtimes.entries()) {
      const written = `written-${index}`;
      const env = {
        KTABLES_PROOF: proof.file,
        KTABLES_WRITE_TOPIC: written,
        KTABLES_WRITE_COMPRESSION: writeCompressions[index % writeCompressions.length] ?? "none",
      };
      const result = await runTests(runtime, packed.consumer, ["proof.test.mjs"], env);
      passed += result.passed;
      failed += result.failed;
      console.log(`${runtime.name}, proof on Kafka ${kafka.version}: ${result.passed} passed, ${result.failed} failed`);
      if (result.failed > 0) console.error(result.output);
      await check(`Java reads what ${runtime.name} wrote (${env.KTABLES_WRITE_COMPRESSION})`, async () => {
        await checkWritten(peer, bootstrapServers, written);
      });
    }
  } finally {
    await peer.stop();
    await kafka.stop();
  }
}

async function check(name: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
    passed++;
    console.log(`ok: ${name}`);
  } catch (error) {
    failed++;
    console.error(`FAILED: ${name}:`, error);
  }
}
