/**
 * Fuzzes the client with damaged answers of a broker.
 *
 *     node --conditions=@ktables/source test/fuzz/responses/run.ts --inputs 20000 [--seed 7]
 *     node --conditions=@ktables/source test/fuzz/responses/run.ts --minutes 180
 *     node --conditions=@ktables/source test/fuzz/responses/run.ts --seed 7 --only 4711
 *
 * An input is one use of the client with one peer: which versions that offers, what it damages and how, all follow from
 * the seed and the input's number. When answers arrive does not, so a failure that depends on time may need some runs.
 */
import { writeFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { fuzzOptions } from "../options.ts";
import { everyAnswer } from "./answers.ts";

export interface WorkerJob {
  readonly seed: number;
  readonly first: number;
  readonly end: number;
  readonly milliseconds: number | undefined;
  /** A 32-bit number: how many inputs are over. */
  readonly progress: SharedArrayBuffer;
}

export interface WorkerReport {
  inputs: number;
  /** How many inputs ended how: operation, then "ok" or the code of the error. */
  readonly ends: Record<string, number>;
  /** How many answers of each API and version were damaged. */
  readonly damaged: Record<string, number>;
}

/** Not a limit of speed, but the sign of a loop without end, in which not even a timer fires. */
const hangSeconds = 90;
/** From so many inputs on, every answer in every version has been damaged, or the fuzzer has lost its reach. */
const inputsForAll = 20_000;

const { seed, minutes, only, inputs } = fuzzOptions(inputsForAll);
console.log(`seed ${seed}`);
let failed = 0;
try {
  const report = await runWorker({
    seed,
    first: only ?? 0,
    end: only === undefined ? inputs : only + 1,
    milliseconds: minutes === undefined ? undefined : minutes * 60_000,
    progress: new SharedArrayBuffer(4),
  });
  console.log(JSON.stringify(report));
  const missed = report.inputs < inputsForAll ? [] : await missedVersions(report);
  if (missed.length > 0) throw new Error(`never damaged: ${missed.join(", ")}`);
  console.log(`${report.inputs} inputs, nothing found`);
} catch (error) {
  failed = 1;
  console.error(error);
  console.log("FAILED");
}
const file = process.env["KTABLES_REPORT"];
if (file !== undefined) await writeFile(file, JSON.stringify({ passed: 1 - failed, failed }));
process.exitCode = failed;

async function missedVersions({ damaged }: WorkerReport): Promise<string[]> {
  return (await everyAnswer())
    .map(({ api, version }) => `${api} ${version}`)
    .filter((answer) => damaged[answer] === undefined);
}

function runWorker(job: WorkerJob): Promise<WorkerReport> {
  return new Promise((resolve, reject) => {
    // A leak ends the worker with an error instead of the machine's memory.
    const resourceLimits = { maxOldGenerationSizeMb: 384 };
    const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: job, resourceLimits });
    const progress = new Int32Array(job.progress);
    let before = -1;
    const watch = setInterval(() => {
      const now = Atomics.load(progress, 0);
      if (now === before) {
        reject(new Error(`no input after number ${now} of seed ${job.seed} ends within ${hangSeconds} s`));
        void worker.terminate();
      }
      before = now;
    }, hangSeconds * 1000);
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => {
      clearInterval(watch);
      reject(new Error("the worker ended without a report"));
    });
  });
}
