import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { root } from "../command.ts";

export interface Runtime {
  readonly name: string;
  readonly command: string;
  /** Arguments that make it run test files. */
  readonly testArguments: readonly string[];
}

const packages = join(root, "packages/ktables/node_modules");

/** Every runtime that the packages are published for, at the lowest version that they name and at newer ones. */
export const runtimes: readonly Runtime[] = [
  { name: "Node 22.15", command: join(packages, "node-22/bin/node"), testArguments: ["--test"] },
  { name: "Node 24", command: join(root, "node_modules/node/bin/node"), testArguments: ["--test"] },
  { name: "Node 26", command: join(packages, "node-26/bin/node"), testArguments: ["--test"] },
  { name: "Deno", command: join(root, "node_modules/.bin/deno"), testArguments: ["test", "-A", "--no-check"] },
  { name: "Bun", command: join(root, "node_modules/.bin/bun"), testArguments: ["test", "--timeout", "60000"] },
];

export interface RuntimeResult {
  readonly passed: number;
  readonly failed: number;
  readonly output: string;
}

/** Runs test files in a runtime and reads the counts off its summary, each runtime having one of its own. */
export async function runTests(
  runtime: Runtime,
  cwd: string,
  files: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RuntimeResult> {
  const paths = files.map((file) => `./${file}`);
  const { output, ok } = await promisify(execFile)(runtime.command, [...runtime.testArguments, ...paths], {
    cwd,
    env: { ...process.env, NO_COLOR: "1", ...env },
    timeout: 180_000,
    maxBuffer: 64 * 1024 * 1024,
  }).then(
    ({ stdout, stderr }) => ({ output: stdout + stderr, ok: true }),
    (error: { stdout?: string; stderr?: string; message: string }) => ({
      output: `${error.stdout ?? ""}${error.stderr ?? ""}\n${error.message}`,
      ok: false,
    }),
  );
  // Deno colours its output whatever it is told.
  const plain = stripVTControlCharacters(output);
  const passed = Number(/(?:^|\s)(?:[ℹ#] pass |ok \| |\s)(\d+)(?: passed| pass\b|\s*$)/m.exec(plain)?.[1] ?? 0);
  return { passed: ok ? passed : 0, failed: ok && passed > 0 ? 0 : 1, output: plain };
}
