import { parentPort, workerData } from "node:worker_threads";
import { allowZlib } from "../../packages/record-batch/src/compression/zlib.ts";
import type { WorkerJob, WorkerReport } from "./run.ts";

const job: WorkerJob = workerData;
// Both are looked up when first needed: without them the decoder uses its JavaScript.
if (job.path === "JavaScript") {
  Reflect.deleteProperty(globalThis, "WebAssembly");
  allowZlib(false);
}
const { decodeAll, inputOf } = await import("./decode.ts");
const { fillStores } = await import("./stores.ts");

/** zlib frees what it held for a stream that was refused only when the event loop turns. */
const inputsPerTurn = 1000;
/** Filling stores takes several times as long as decoding. */
const everyNthIntoStores = 10;

const progress = new Int32Array(job.progress);
const report: WorkerReport = {
  path: job.path,
  inputs: 0,
  batches: 0,
  records: 0,
  batchesInStores: 0,
  refused: {},
  slowestMs: 0,
};
const deadline = job.milliseconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + job.milliseconds;
for (let index = job.first; index < job.end && performance.now() < deadline; index += job.step) {
  if (report.inputs % inputsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
  progress[0] = index;
  Atomics.add(progress, 1, 1);
  const bytes = inputOf(job.seed, index);
  const started = performance.now();
  let outcome: ReturnType<typeof decodeAll>;
  try {
    outcome = decodeAll(bytes, index % 5 !== 0);
    if (report.inputs % everyNthIntoStores === 0) {
      report.batchesInStores += fillStores(bytes, index % 3 === 0, index % 4 < 2);
    }
  } catch (cause) {
    const start = Buffer.from(bytes.subarray(0, 1000)).toString("base64");
    throw new Error(`input ${index} of seed ${job.seed}, ${bytes.length} bytes: ${start}`, { cause });
  }
  report.slowestMs = Math.max(report.slowestMs, performance.now() - started);
  report.inputs++;
  report.batches += outcome.batches;
  report.records += outcome.records;
  const end = outcome.refusedAs ?? "decoded";
  report.refused[end] = (report.refused[end] ?? 0) + 1;
}
parentPort?.postMessage(report);
