/**
 * Fuzzes the decoder of record batches, and the stores of tables behind it.
 *
 *     node --conditions=@ktables/source test/fuzz/run.ts --inputs 1000000 [--seed 7]
 *     node --conditions=@ktables/source test/fuzz/run.ts --minutes 180
 *     node --conditions=@ktables/source test/fuzz/run.ts --seed 7 --only 4711
 *
 * Even inputs are decoded with WebAssembly and zlib, odd ones without; some are put into the stores of tables. Any input can be made again from the seed and its number.
 */
import { writeFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { fuzzOptions } from "./options.ts";

export interface WorkerJob {
  readonly path: "WebAssembly" | "JavaScript";
  readonly seed: number;
  readonly first: number;
  readonly end: number;
  readonly step: number;
  readonly milliseconds: number | undefined;
  /** Two 32-bit numbers: the input under way, and how many were begun. */
  readonly progress: SharedArrayBuffer;
}

export interface WorkerReport {
  readonly path: WorkerJob["path"];
  inputs: number;
  batches: number;
  records: number;
  /** Of some of the inputs: those that both stores of a table took, and made the same of. */
  batchesInStores: number;
  /** How many inputs ended with each error; "decoded" for none. */
  readonly refused: Record<string, number>;
  slowestMs: number;
}

/** Some thousand times what an input takes: not a limit of speed, but the sign of a loop without end. */
const hangSeconds = 60;
const paths = ["WebAssembly", "JavaScript"] as const;

async function main(): Promise<void> {
  const { seed, minutes, only, inputs } = fuzzOptions(1_000_000);
  console.log(`seed ${seed}`);
  const jobs = paths.map((path, index) => ({
    path,
    seed,
    first: index,
    end: inputs,
    step: paths.length,
    milliseconds: minutes === undefined ? undefined : minutes * 60_000,
    progress: new SharedArrayBuffer(8),
  }));
  const chosen =
    only === undefined
      ? jobs
      : jobs.filter(({ first, step }) => only % step === first).map((job) => ({ ...job, first: only, end: only + 1 }));

  const results = await Promise.allSettled(chosen.map(runWorker));
  let total = 0;
  let failed = 0;
  for (const result of results) {
    if (result.status === "rejected") {
      failed++;
      console.error(result.reason);
      continue;
    }
    total += result.value.inputs;
    console.log(JSON.stringify(result.value));
  }
  console.log(`${total} inputs, ${failed === 0 ? "nothing found" : "FAILED"}`);
  const report = process.env["KTABLES_REPORT"];
  if (report !== undefined) await writeFile(report, JSON.stringify({ passed: chosen.length - failed, failed }));
  process.exitCode = failed === 0 ? 0 : 1;
}

function runWorker(job: WorkerJob): Promise<WorkerReport> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("worker.ts", import.meta.url), {
      workerData: job,
      // A leak ends the worker with an error instead of the machine's memory.
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    const progress = new Int32Array(job.progress);
    let begun = -1;
    const watch = setInterval(() => {
      const now = Atomics.load(progress, 1);
      if (now === begun) {
        reject(new Error(`input ${progress[0]} of seed ${job.seed} takes more than ${hangSeconds} s (${job.path})`));
        void worker.terminate();
      }
      begun = now;
    }, hangSeconds * 1000);
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => {
      clearInterval(watch);
      reject(new Error(`the worker ended without a report (${job.path})`));
    });
  });
}

await main();
