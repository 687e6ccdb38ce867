import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { codeBlocks } from "./code-blocks.ts";

const root = join(import.meta.dirname, "../..");
const document = "docs/testing.md";
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ktables-docs-"));
  await writeFile(join(directory, "package.json"), '{ "type": "module" }');
  await symlink(join(root, "node_modules"), join(directory, "node_modules"));
});

afterAll(() => rm(directory, { recursive: true }));

async function run(...args: string[]): Promise<string> {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: "1" };
  // A test runner that finds itself inside another one reports to that.
  for (const name of Object.keys(env)) if (/^(VITEST|NODE_TEST|TEST$)/.test(name)) delete env[name];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: directory, env });
  return stdout;
}

test("the example for vitest passes as printed", { timeout: 60_000 }, async () => {
  const [example = ""] = await codeBlocks(document, "ts");
  expect(example).toContain('from "vitest"');
  await writeFile(join(directory, "flags.test.ts"), example);
  const conditions = 'const conditions = ["@ktables/source"];\n';
  const config =
    'export default { resolve: { conditions }, ssr: { resolve: { conditions: [...conditions, "node"] } }, test: { testTimeout: 60_000 } };';
  await writeFile(join(directory, "vitest.config.mjs"), conditions + config);
  const output = await run(join(root, "node_modules/vitest/vitest.mjs"), "run", "--root", directory);
  expect(output).toMatch(/Tests +3 passed \(3\)/);
});

test("the example for node:test passes as printed", { timeout: 60_000 }, async () => {
  const [example = ""] = await codeBlocks(document, "js");
  expect(example).toContain('from "node:test"');
  await writeFile(join(directory, "services.test.mjs"), example);
  const output = await run("--conditions=@ktables/source", "--test", "--test-reporter=tap", "services.test.mjs");
  expect(output).toContain("# pass 3\n# fail 0");
});

test("every other code block is one that docs.test.ts runs", async () => {
  expect([(await codeBlocks(document, "ts")).length, (await codeBlocks(document, "js")).length]).toEqual([2, 1]);
});
