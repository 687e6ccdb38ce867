/**
 * Measures one client in JavaScript, in a process of its own, which gets the task as JSON in its last argument. Prints a
 * line of JSON for each measurement: figures by name and, where there is a table, what it holds. `tables/built-program.ts` makes a program of it
 * and a client.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type Contents, contentsOf } from "../tables/records.ts";
import type { Client, Table, Task } from "./client.ts";
import { wallClock } from "./clock.ts";

const task = JSON.parse(process.argv.at(-1) ?? "") as Task;
const benches: Record<Task["bench"], (client: Client) => Promise<void>> = {
  "catch-up": catchUp,
  writes,
  "sequential-writes": sequentialWrites,
  barrier,
  "wait-for": waitFor,
  propagation,
  idle,
};

export async function measure(client: Client): Promise<void> {
  await benches[task.bench](client);
  // Some clients leave timers and sockets behind.
  process.exit();
}

function report(figures: Readonly<Record<string, number>>, contents?: Contents): void {
  console.log(JSON.stringify({ figures, contents }));
}

async function catchUp(client: Client): Promise<void> {
  const before = memory("VmRSS");
  const stall = watchStalls();
  const started = performance.now();
  const table = await client.openTable(task, undefined);
  const seconds = (performance.now() - started) / 1000;
  const longestStall = stall();
  const peak = memory("VmHWM");
  collectGarbage();
  const rest = memory("VmRSS") - before;
  report({ seconds, peak, rest, longestStall }, holds(table));
  await table.close();
}

function holds(table: Table): Contents {
  return contentsOf(table.keys(), (key) => asText(table.get(key)));
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
  return JSON.stringify(value);
}

/** The longest time between two turns of the event loop that were asked for a millisecond apart, in milliseconds. */
function watchStalls(): () => number {
  let last = performance.now();
  let longest = 0;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  return () => {
    clearInterval(timer);
    look();
    return longest;
  };
}

/** Bytes, from what Linux counts of this process; NaN elsewhere. */
function memory(field: "VmRSS" | "VmHWM"): number {
  try {
    const text = readFileSync("/proc/self/status", "latin1");
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(text)?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

function collectGarbage(): void {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(isSynchronous: boolean): void } };
  if (Bun !== undefined) Bun.gc(true);
  else gc?.();
}

type Entry = readonly [key: string, value: string];

function entries(): Entry[] {
  const lines = readFileSync(task.entries, "latin1").split("\n");
  return Array.from({ length: lines.length >> 1 }, (_, index) => [lines[2 * index] ?? "", lines[2 * index + 1] ?? ""]);
}

/** Writes all entries with 10 000 on their way, after having done so twice to warm up. */
async function writes(client: Client): Promise<void> {
  const given = entries();
  const writer = await client.openWriter(task);
  const { recordsPerSend } = writer;
  const all = async (): Promise<void> => {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < given.length) {
        const some = given.slice(next, next + recordsPerSend);
        next += recordsPerSend;
        await writer.send(some);
      }
    };
    await Promise.all(Array.from({ length: Math.ceil(10_000 / recordsPerSend) }, worker));
  };
  await all();
  await all();
  const started = performance.now();
  await all();
  report({ seconds: (performance.now() - started) / 1000 });
  await writer.close();
}

/** One after the other, each awaited. */
async function sequentialWrites(client: Client): Promise<void> {
  const given = entries();
  const writer = await client.openWriter(task);
  report(await latencies(given.length, async (index) => void (await writer.send(given.slice(index, index + 1)))));
  await writer.close();
}

async function barrier(client: Client): Promise<void> {
  const table = await client.openTable(task, undefined);
  const once = table.barrier;
  if (once === undefined) throw new Error("this client has no barrier");
  report(await latencies(task.count, async () => void (await once())));
  await table.close();
}

/** From the call of `set` in another process until the value is there, the way of the token from there to here included. */
async function waitFor(client: Client): Promise<void> {
  const table = await client.openTable(task, undefined);
  const reached = table.waitFor;
  const clock = wallClock();
  const [command = "", ...args] = task.tokenWriter;
  if (reached === undefined) throw new Error("this client knows no tokens");
  const writer = spawn(command, [...args, JSON.stringify(task)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: writer.stdout })[Symbol.asyncIterator]();
  const taken: number[] = [];
  for (let index = -Math.ceil(task.count / 10); index < task.count; index++) {
    writer.stdin.write(`${index}\n`);
    const line = await lines.next();
    if (line.done === true) throw new Error("the writer has ended");
    const { token, calledAt } = JSON.parse(line.value) as { token: unknown; calledAt: number };
    await reached(token);
    const now = clock();
    if (asText(table.get("key")) !== String(index)) throw new Error("the value is not there");
    if (index >= 0) taken.push(now - calledAt);
  }
  writer.stdin.end();
  report(percentiles(taken));
  await table.close();
}

/** Milliseconds of `count` calls, one after the other. A tenth as many before them warm up. */
async function latencies(count: number, once: (index: number) => Promise<void>): Promise<Record<string, number>> {
  const taken: number[] = [];
  for (let index = -Math.ceil(count / 10); index < count; index++) {
    const started = performance.now();
    await once(Math.max(index, 0));
    if (index >= 0) taken.push(performance.now() - started);
  }
  return percentiles(taken);
}

function percentiles(values: readonly number[]): Record<string, number> {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Values begin with the time they were written at, in microseconds; those from before the start do not count. */
async function propagation(client: Client): Promise<void> {
  const now = wallClock();
  let taken: number[] = [];
  let enough: (() => void) | undefined;
  const table = await client.openTable(task, (value) => {
    if (enough === undefined || taken.length === task.count) return;
    taken.push(now() - Number(asText(value).slice(0, 16)) / 1000);
    if (taken.length === task.count) enough();
  });
  await new Promise((resolve) => setTimeout(resolve, task.warmUpMs));
  for (let window = 0; window < task.windows; window++) {
    taken = [];
    await new Promise<void>((resolve) => {
      enough = resolve;
    });
    enough = undefined;
    report(percentiles(taken));
  }
  await table.close();
}

/** The share of a core that an open table takes while nothing happens, in percent. */
async function idle(client: Client): Promise<void> {
  const table = await client.openTable(task, undefined);
  const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
  await pause(2000);
  const before = process.cpuUsage();
  const started = performance.now();
  await pause(task.count);
  const { user, system } = process.cpuUsage(before);
  report({ percent: ((user + system) / 1000 / (performance.now() - started)) * 100 });
  await table.close();
}
