/**
 * Fills the stores of a table from memory, without a broker: a million records of 100 bytes, cold (all keys different) and
 * as updates, and prints what it takes of a thread's time. Each in a process of its own: `node --conditions=@ktables/source test/bench/store.ts`,
 * with `--keys=N` and `--store=NAME` for less.
 */
import { spawnSync } from "node:child_process";
import { encodeBatch, readBatches } from "@ktables/record-batch";
import { bytes, type Codec, json, string } from "ktables";
import { ByteStore } from "../../packages/ktables/src/store/bytes/byte-store.ts";
import { DecodedStore } from "../../packages/ktables/src/store/decoded-store.ts";
import type { Store } from "../../packages/ktables/src/store/store.ts";

const observer = {
  onSet: undefined,
  onDelete: undefined,
  onSkip: () => undefined,
  onCrossPartition: () => undefined,
  onCallbackError: () => undefined,
};
const common = { topic: "t", key: string(), metadata: false, expireWithLog: false } as const;
const valueLength = 100;
const recordsInBatch = 800;

const stores: Readonly<Record<string, () => Store<unknown>>> = {
  "decoded, JSON": () => decoded(json()),
  "decoded, bytes": () => decoded(bytes()),
  "bytes, eager JSON": () =>
    new ByteStore({ ...common, value: json(), onPoison: "keep-previous", validate: "eager" }, observer),
  "bytes, lazy": () => new ByteStore({ ...common, value: json(), onPoison: "drop", validate: "lazy" }, observer),
};

function decoded(value: Codec<unknown>): Store<unknown> {
  return new DecodedStore({ ...common, value, onPoison: "keep-previous" }, observer);
}

const count = Number(option("keys") ?? 1_000_000);
const chosen = option("store");
if (chosen === undefined) {
  console.log(`${count} keys, values of ${valueLength} bytes`);
  console.log(
    row("", "cold M/s", "updates M/s", "B/key", "B/key after", "payload B", "slice ms", "get hot ns", "get cold ns"),
  );
  for (const name of Object.keys(stores)) {
    const args = ["--conditions=@ktables/source", "--expose-gc", import.meta.filename, `--store=${name}`];
    spawnSync(process.execPath, [...args, `--keys=${count}`], { stdio: "inherit" });
  }
} else {
  measure(chosen);
}

function measure(name: string): void {
  const make = stores[name];
  if (make === undefined) throw new Error(`there is no store "${name}"`);
  // A little of everything first, as a table of a process that has been running for a while.
  const warmUp = make();
  for (let round = 0; round < 5; round++) fill(warmUp, logOf(Math.min(count, 20_000), false));

  const before = memory();
  const store = make();
  const cold = fillAnew(store, false);
  const perKey = (memory(store) - before) / store.size;
  const update = fillAnew(store, true);
  const perKeyAfter = (memory(store) - before) / store.size;
  const slice = Math.max(cold.longestMs, update.longestMs);
  console.log(
    row(
      name,
      (count / cold.ms / 1000).toFixed(2),
      (count / update.ms / 1000).toFixed(2),
      perKey.toFixed(0),
      perKeyAfter.toFixed(0),
      String(keyOf(count - 1).length + valueLength),
      slice.toFixed(1),
      nsPerGet(store, 1000).toFixed(0),
      nsPerGet(store, count).toFixed(0),
    ),
  );
}

/** In a function of its own, so that no frame on the stack keeps the log alive when memory is measured. */
function fillAnew(store: Store<unknown>, isAgain: boolean): ReturnType<typeof fill> {
  return fill(store, logOf(count, isAgain));
}

/** Applies batches, and looks at the clock after each, as the reader does. */
function fill(store: Store<unknown>, log: readonly Uint8Array[]): { ms: number; longestMs: number } {
  let longestMs = 0;
  const started = cpuMs();
  let last = started;
  for (const encoded of log) {
    for (const batch of readBatches(encoded)) store.apply(0, batch, 0);
    const now = cpuMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
  }
  return { ms: cpuMs() - started, longestMs };
}

/** Of this thread, so that other work of the machine does not count; its cold caches still do. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Keys in random order; with `isAgain` drawn at random, and with values that differ a little in size. */
function logOf(size: number, isAgain: boolean): Uint8Array[] {
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  for (let index = size - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  const log: Uint8Array[] = [];
  for (let start = 0; start < size; start += recordsInBatch) {
    const records = Array.from({ length: Math.min(recordsInBatch, size - start) }, (_, index) => {
      const id = isAgain ? Math.floor(Math.random() * size) : order[start + index]!;
      return { key: Buffer.from(keyOf(id)), value: Buffer.from(valueOf(id, isAgain)), timestamp: 0 };
    });
    log.push(encodeBatch({ records, baseOffset: start, compression: "none" }));
  }
  return log;
}

function keyOf(id: number): string {
  return `service/${String(id).padStart(10, "0")}`;
}

function valueOf(id: number, isAgain: boolean): string {
  const text = JSON.stringify({ id, url: `http://10.0.0.${id % 256}:8080/`, name: "a service", tags: ["a", "b"] });
  const length = valueLength + (isAgain ? Math.floor(Math.random() * 20) - 10 : 0);
  return `${text.slice(0, -1)},"pad":"${"x".repeat(Math.max(0, length - text.length - 9))}"}`;
}

function nsPerGet(store: Store<unknown>, range: number): number {
  const keys = Array.from({ length: 100_000 }, () => keyOf(Math.floor(Math.random() * range)));
  let found = 0;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < (range === count ? 1 : 10); round++) {
    const started = cpuMs();
    for (const key of keys) if (store.get(key) !== undefined) found++;
    best = Math.min(best, cpuMs() - started);
  }
  if (found === 0) throw new Error("nothing was found");
  return (best * 1e6) / keys.length;
}

function memory(store?: Store<unknown>): number {
  const { gc } = globalThis as { gc?: () => void };
  for (let round = 0; round < 3; round++) gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  // The memory of WebAssembly is in neither figure.
  return heapUsed + arrayBuffers + (store instanceof ByteStore ? store.memory.takenBytes : 0);
}

function option(name: string): string | undefined {
  return process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
}

function row(first: string, ...rest: readonly string[]): string {
  return first.padEnd(20) + rest.map((text) => text.padStart(13)).join("");
}
