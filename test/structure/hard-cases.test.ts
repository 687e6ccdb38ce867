import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const document = readFileSync(join(root, "docs/hard-cases.md"), "utf8");

interface Row {
  readonly number: string;
  /** What stands in backticks in the column of tests. */
  readonly names: readonly string[];
  /** Where its tests ran. */
  readonly where: string;
}

const rows = document
  .split("\n")
  .filter((line) => /^\| (\d+|–) /.test(line))
  .map((line): Row => {
    const [, number = "", , tests = "", where = ""] = line.split("|").map((cell) => cell.trim());
    return { number, names: [...tests.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name), where };
  });

/** Every test's name, as a list: its suites from the outermost on, then its own. */
let tests: readonly (readonly string[])[] = [];

/** Lets vitest collect the tests of a config, which runs none of them. */
async function namesOf(config: string, directory: string): Promise<string[]> {
  const file = join(directory, `${config}.json`);
  const args = ["node_modules/vitest/vitest.mjs", "list", "--config", config, "--no-static-parse", `--json=${file}`];
  await promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 2 ** 26 });
  const found: readonly { readonly name: string }[] = JSON.parse(await readFile(file, "utf8"));
  return found.map(({ name }) => name);
}

/** Of the tests that run in Node, Deno and Bun, without vitest. */
function namesInRuntimes(): string[] {
  const directory = join(root, "test/runtimes");
  const sources = readdirSync(directory).map((file) => readFileSync(join(directory, file), "utf8"));
  return sources.flatMap((source) => [...source.matchAll(/^test\("([^"]+)"/gm)].map(([, name = ""]) => name));
}

/** The document's rows are the cases, so that it leaves out what names end with: "(KIP-951, cases 37 and 40)". */
function withoutCase(part: string): string {
  return part.replace(/ \([^()]*\bcases? [^()]*\)$/, "");
}

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), "ktables-test-names-"));
  try {
    const names = await Promise.all(
      ["vitest.config.ts", "vitest.kafka.config.ts"].map((config) => namesOf(config, directory)),
    );
    tests = [...names.flat(), ...namesInRuntimes()].map((name) => name.split(" > ").map(withoutCase));
  } finally {
    await rm(directory, { recursive: true });
  }
}, 240_000);

/** `…` and the placeholders `(codec)`, `(line)` and `(message)` stand for anything. */
function pattern(part: string): RegExp {
  const literals = part.split(/…|\((?:codec|line|message)\)/).map((text) => RegExp.escape(text));
  return new RegExp(`^${literals.join(".*")}$`, "s");
}

/** Whether a test, or a suite, has the name: some of the parts of a test's full name, one after the other. */
function exists(name: string): boolean {
  if (/^test\/[\w/.-]+$/.test(name)) return existsSync(join(root, name));
  const parts = name.split(" > ").map(withoutCase).map(pattern);
  return tests.some((path) => path.some((_, at) => parts.every((part, index) => part.test(path[at + index] ?? "\0"))));
}

test("every test that the document of hard cases names exists", () => {
  expect(tests.length).toBeGreaterThan(3000);
  const missing = rows.flatMap(({ number, names }) =>
    names.filter((name) => !exists(name)).map((name) => `${number}: ${name}`),
  );
  expect(missing).toEqual([]);
});

test("every hard case from 1 to 75 has one row, which names a test and where it ran", () => {
  const numbers = rows.map(({ number }) => number);
  const all = Array.from({ length: 75 }, (_, index) => String(index + 1));
  expect(numbers.filter((number) => number !== "–")).toEqual(all);
  // Two rows point to the tests of the row before.
  expect(rows.filter(({ names }) => names.length === 0).map(({ number }) => number)).toEqual(["49", "56"]);
  expect(rows.filter(({ where }) => where === "")).toEqual([]);
});
