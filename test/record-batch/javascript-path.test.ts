/** Every suite of this folder once more, as it runs where there is neither WebAssembly nor node:zlib. */
import { readdirSync } from "node:fs";
import { crc32c } from "@ktables/record-batch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allowZlib, compressWithZlib } from "../../packages/record-batch/src/compression/zlib.ts";
import { crc32cByWebAssembly } from "../../packages/record-batch/src/wasm/crc32c.ts";
import { allowWebAssembly } from "../../packages/record-batch/src/wasm/lazy-module.ts";

const suites = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => name.slice(0, -".test.ts".length))
  // Those are about the paths themselves, or run in other processes.
  .filter((name) => !["javascript-path", "webassembly", "zlib", "gzip", "zstd", "browser", "readme"].includes(name));

function allowAll(allow: boolean): void {
  allowWebAssembly(allow);
  allowZlib(allow);
}

beforeAll(() => allowAll(false));
afterAll(() => allowAll(true));

test("the switches that these suites rely on work", () => {
  const bytes = new Uint8Array(1000);
  expect(crc32cByWebAssembly(bytes, 0, bytes.length)).toBeUndefined();
  expect(compressWithZlib("gzipSync", bytes)).toBeUndefined();
  const forbidden = crc32c(bytes);
  allowAll(true);
  const allowed = crc32cByWebAssembly(bytes, 0, bytes.length);
  const compressed = compressWithZlib("gzipSync", bytes);
  allowAll(false);
  expect(allowed).toBeDefined();
  expect(compressed).toBeDefined();
  expect((allowed ?? 0) >>> 0).toBe(forbidden);
});

describe("without WebAssembly and zlib", async () => {
  // Some suites compute their samples while they are collected, which is before any hook runs.
  allowAll(false);
  for (const name of suites) await import(`./${name}.test.ts`);
});
