/**
 * Fills the stores of a table from memory, without a broker: records of 100 bytes, cold (all keys different) and as
 * updates, reads from them, and prints what it takes of a thread's time. Each in a process of its own:
 * `node --conditions=@ktables/source test/bench/store.ts`. `--keys=1000,30000` names other numbers of keys, and
 * `--store=NAME` one store.
 */
import { spawnSync } from "node:child_process";
import { encodeBatch, readBatches } from "@ktables/record-batch";
import { bytes, type Codec, json, string } from "ktables";
import { ByteStore } from "../../packages/ktables/src/store/bytes/byte-store.ts";
import { DecodedStore } from "../../packages/ktables/src/store/decoded-store.ts";
import type { Store } from "../../packages/ktables/src/store/store.ts";
import { unheard } from "../suites/unheard.ts";

const common = { topic: "t", key: string(), metadata: false, expireWithLog: false } as const;
const valueLength = 100;
const recordsInBatch = 800;

/** So many keys are measured at least, of small stores one after the other. */
const keysInAll = 300_000;

const stores: Readonly<Record<string, () => Store<unknown>>> = {
  "decoded, JSON": () => decoded(json()),
  "bytes, eager JSON": () => kept(json(), "eager"),
  "bytes, lazy JSON": () => kept(json(), "lazy"),
  "decoded, bytes()": () => decoded(bytes()),
  "bytes, bytes()": () => kept(bytes(), "eager"),
};

function decoded(value: Codec<unknown>): Store<unknown> {
  return new DecodedStore({ ...common, value, onPoison: "keep-previous" }, unheard);
}

function kept(value: Codec<unknown>, validate: "eager" | "lazy"): Store<unknown> {
  const onPoison = validate === "eager" ? "keep-previous" : "drop";
  return new ByteStore({ ...common, value, onPoison, validate }, unheard);
}

const counts = (option("keys") ?? "1000000").split(",").map(Number);
const chosen = option("store");
const count = counts[0]!;
if (chosen !== undefined && "gc" in globalThis) {
  measure(chosen);
} else {
  for (const keys of counts) {
    console.log(`${keys} keys, values of ${valueLength} bytes`);
    console.log(
      row(
        "",
        "cold M/s",
        "updates M/s",
        "B/key",
        "B/key after",
        "payload B",
        "slice ms",
        "hot ns",
        "any ns",
        "each ns",
      ),
    );
    for (const name of chosen === undefined ? Object.keys(stores) : [chosen]) {
      const args = ["--conditions=@ktables/source", "--expose-gc", import.meta.filename, `--store=${name}`];
      spawnSync(process.execPath, [...args, `--keys=${keys}`], { stdio: "inherit" });
    }
  }
}

function measure(name: string): void {
  const make = stores[name];
  if (make === undefined) throw new Error(`there is no store "${name}"`);
  // A little of everything first, as a table of a process that has been running for a while.
  const warmUp = make();
  for (let round = 0; round < 5; round++) fill(warmUp, logOf(Math.min(count, 20_000), false));

  const rounds = Math.max(1, Math.ceil(keysInAll / count));
  // They stay, so that they count before and after.
  const [coldLog, updates] = [logOf(count, false), logOf(count, true)];
  const before = memory([]);
  const filled = Array.from({ length: rounds }, make);
  const cold = fillAll(filled, coldLog);
  const perKey = (memory(filled) - before) / (rounds * count);
  const update = fillAll(filled, updates);
  const perKeyAfter = (memory(filled) - before) / (rounds * count);
  const store = filled[0]!;
  console.log(
    row(
      name,
      ((rounds * count) / cold.ms / 1000).toFixed(2),
      ((rounds * count) / update.ms / 1000).toFixed(2),
      perKey.toFixed(0),
      perKeyAfter.toFixed(0),
      String(keyOf(count - 1).length + valueLength),
      Math.max(cold.longestMs, update.longestMs).toFixed(1),
      nsPerGet(store, 1000).toFixed(0),
      nsPerGet(store, count).toFixed(0),
      nsPerEntry(store).toFixed(0),
    ),
  );
}

function fillAll(filled: readonly Store<unknown>[], log: readonly Uint8Array[]): ReturnType<typeof fill> {
  const all = filled.map((store) => fill(store, log));
  return {
    ms: all.reduce((sum, { ms }) => sum + ms, 0),
    longestMs: Math.max(...all.map(({ longestMs }) => longestMs)),
  };
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

/** Of random keys below `range`. */
function nsPerGet(store: Store<unknown>, range: number): number {
  const keys = Array.from({ length: 200_000 }, () => keyOf(Math.floor(Math.random() * range)));
  return nsEach(keys.length, () => {
    let found = 0;
    for (const key of keys) if (store.get(key) !== undefined) found++;
    return found;
  });
}

/** Of going through the whole store. */
function nsPerEntry(store: Store<unknown>): number {
  return nsEach(count, () => {
    let met = 0;
    for (const [, value] of store.entries()) if (value !== undefined) met++;
    return met;
  });
}

/** Of many rounds, each of which meets `length` values; the clock of a thread's time has large steps. */
function nsEach(length: number, round: () => number): number {
  const started = cpuMs();
  let met = 0;
  while (cpuMs() - started < 500) {
    const found = round();
    if (found !== length) throw new Error("not everything was found");
    met += found;
  }
  return ((cpuMs() - started) * 1e6) / met;
}

/** Bytes at rest, with the stores that are not of the engine's own memory. */
function memory(filled: readonly Store<unknown>[]): number {
  const { gc } = globalThis as { gc?: () => void };
  for (let round = 0; round < 3; round++) gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  // The memory of WebAssembly is in neither figure.
  const taken = filled.map((store) => (store instanceof ByteStore ? store.memory.takenBytes : 0));
  return heapUsed + arrayBuffers + taken.reduce((sum, bytes) => sum + bytes, 0);
}

function option(name: string): string | undefined {
  return process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
}

function row(first: string, ...rest: readonly string[]): string {
  return first.padEnd(20) + rest.map((text) => text.padStart(13)).join("");
}
