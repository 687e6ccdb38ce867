import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedBroker } from "@ktables/client/testing";
import { describe, expect, test } from "vitest";
import { compileExamples, runExample } from "./run-example.ts";

const docs = join(import.meta.dirname, "../../docs");

interface Example {
  readonly name: string;
  readonly code: string;
  /** What it is said to print, line by line: the comment behind each `console.log(…);`, or a block of text that follows. */
  readonly output: readonly string[];
}

/** The programs of a page: its blocks of TypeScript, each complete by itself. */
function examplesOf(page: string, text: string): Example[] {
  const blocks = text.matchAll(/^```ts\n(.*?)^```$(?:\n\n[^\n`]+\n\n```text\n(.*?)^```$)?/gms);
  return [...blocks].map(([, code = "", printed], index) => ({
    name: `${page}, example ${index + 1}`,
    code,
    output: printed?.trimEnd().split("\n") ?? commentsOf(code),
  }));
}

function commentsOf(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, comment = ""]) => comment);
}

const pages = (await readdir(docs)).filter((name) => name.endsWith(".md"));
const examples = (
  await Promise.all(pages.map(async (page) => examplesOf(page, await readFile(join(docs, page), "utf8"))))
).flat();

/** The others are tests themselves; `testing-docs.test.ts` runs them. */
const programs = examples.filter(({ code }) => !code.includes('from "vitest"'));

describe("the pages under docs", () => {
  test("have examples", () => {
    expect(examples.length).toBeGreaterThan(10);
  });

  test.each(programs)("$name does what it says", { timeout: 60_000 }, async ({ code, output }) => {
    const broker = await EmbeddedBroker.start();
    try {
      // The only change: nobody can count on a broker at that port.
      const stdout = await runExample(code.replaceAll("localhost:9092", broker.bootstrapServers));
      expect(stdout.split("\n").slice(0, -1)).toEqual(output);
    } finally {
      await broker.close();
    }
  });

  test("and the types of all examples are right", { timeout: 60_000 }, async () => {
    expect(await compileExamples(examples.map(({ code }) => code))).toBe("");
  });
});
