/**
 * The package bundled for browsers, in a realm that has no more than a browser has. test/browser/run.ts runs the same
 * checks in a real one.
 */
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundleChecks, bundlePackage } from "../browser/bundle.ts";
import type { Check } from "../browser/checks.ts";

/** The results come as text, so that nothing of the other realm gets here. */
function runInBareRealm(script: string, hasWebAssembly: boolean): Check[] {
  const realm = createContext({ TextEncoder, TextDecoder, atob });
  if (!hasWebAssembly) runInContext("delete globalThis.WebAssembly", realm);
  runInContext(script, realm, { filename: "checks.js" });
  return JSON.parse(String(runInContext(`JSON.stringify(checks.run(${hasWebAssembly}))`, realm)));
}

test.each([true, false])("every check passes in a bare realm (WebAssembly: %s)", async (hasWebAssembly) => {
  const checks = runInBareRealm(await bundleChecks("iife"), hasWebAssembly);
  expect(checks.filter(({ failure }) => failure !== undefined)).toEqual([]);
  expect(checks.length).toBeGreaterThan(35);
});

test("the checks notice what is wrong", async () => {
  const script = await bundleChecks("iife");
  expect(runInBareRealm(`globalThis.process = {};${script}`, true).filter(({ failure }) => failure)).toHaveLength(1);
  const others = runInBareRealm(script, true).map(({ name }) => name);
  expect(new Set(others).size).toBe(others.length);
});

test("the bundle is a module without imports, as large as the README says", async () => {
  const bundle = await bundlePackage();
  expect(bundle).not.toMatch(/\bimport\b|\brequire\b/);
  const readme = readFileSync(new URL("../../packages/record-batch/README.md", import.meta.url), "utf8");
  const [, minified, compressed] = /Bundled and minified it is (\d+) kB, (\d+) kB with gzip/.exec(readme) ?? [];
  expect(Math.abs(bundle.length / 1000 - Number(minified))).toBeLessThanOrEqual(1);
  expect(Math.abs(gzipSync(bundle).length / 1000 - Number(compressed))).toBeLessThanOrEqual(1);
});
