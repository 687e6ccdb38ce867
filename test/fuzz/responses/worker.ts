import { parentPort, workerData } from "node:worker_threads";
import { runInput } from "./input.ts";
import type { WorkerJob, WorkerReport } from "./run.ts";

/** Inputs wait for time-outs now and then; meanwhile others run. */
const atOnce = 16;
/** What all inputs at once may hold in buffers: their answers are far below a megabyte, whatever they claim. */
const maximumBufferBytes = 64 * 1024 * 1024;

const job: WorkerJob = workerData;
const progress = new Int32Array(job.progress);
const report: WorkerReport = { inputs: 0, ends: {}, damaged: {} };
const deadline = job.milliseconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + job.milliseconds;
let next = job.first;

const count = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};

async function runInputs(): Promise<void> {
  while (next < job.end && performance.now() < deadline) {
    const index = next++;
    try {
      const { operation, failedAs, isTruthful } = await runInput(job.seed, index, (api, version) =>
        count(report.damaged, `${api} ${version}`),
      );
      count(report.ends, `${operation}${isTruthful ? ", only cut" : ""}: ${failedAs ?? "ok"}`);
    } catch (cause) {
      throw new Error(`input ${index} of seed ${job.seed}`, { cause });
    }
    report.inputs++;
    Atomics.add(progress, 0, 1);
    const { arrayBuffers } = process.memoryUsage();
    if (arrayBuffers > maximumBufferBytes) throw new Error(`${arrayBuffers} bytes in buffers at input ${index}`);
  }
}

await Promise.all(Array.from({ length: atOnce }, runInputs));
await new Promise((resolve) => setImmediate(resolve));
const left = process.getActiveResourcesInfo().filter((name) => /^(Timeout|TCP)/.test(name));
if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
parentPort?.postMessage(report);
