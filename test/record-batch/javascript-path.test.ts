/** Every suite of this folder once more, as it runs where there is no WebAssembly. */
import { readdirSync } from "node:fs";
import { crc32c } from "@ktables/record-batch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32cByWebAssembly } from "../../packages/record-batch/src/wasm/crc32c.ts";
import { allowWebAssembly } from "../../packages/record-batch/src/wasm/lazy-module.ts";

const suites = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => name.slice(0, -".test.ts".length))
  .filter((name) => !["javascript-path", "webassembly", "readme"].includes(name));

beforeAll(() => allowWebAssembly(false));
afterAll(() => allowWebAssembly(true));

test("the switch that these suites rely on works", () => {
  const bytes = new Uint8Array(1000);
  expect(crc32cByWebAssembly(bytes, 0, bytes.length)).toBeUndefined();
  const forbidden = crc32c(bytes);
  allowWebAssembly(true);
  const allowed = crc32cByWebAssembly(bytes, 0, bytes.length);
  allowWebAssembly(false);
  expect(allowed).toBeDefined();
  expect((allowed ?? 0) >>> 0).toBe(forbidden);
});

describe("without WebAssembly", async () => {
  // Some suites compute their samples while they are collected, which is before any hook runs.
  allowWebAssembly(false);
  for (const name of suites) await import(`./${name}.test.ts`);
});
