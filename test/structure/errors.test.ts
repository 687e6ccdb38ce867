import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const name = "[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|TIMEOUT|STOPPED|CLOSED|UNDECIDED";
/** How our sources give an error its code: as an option, as the first argument of an error, or in a type of codes. */
const codePattern = new RegExp(`code: "(${name})"|Error\\(\\s*"(${name})"|^  (?:\\| )?"(${name})"[;,]?$`, "gm");

test("every code that the packages give an error is explained", () => {
  const page = readFileSync(join(root, "docs/errors.md"), "utf8");
  const files = globSync("packages/*/src/**/*.ts", { cwd: root }).filter(
    (file) => !/generated|\/cli\/|broker-errors|diagnostics/.test(file),
  );
  const codes = new Set(
    files.flatMap((file) =>
      [...readFileSync(join(root, file), "utf8").matchAll(codePattern)].map(([, a, b, c]) => a ?? b ?? c ?? ""),
    ),
  );
  expect(codes.size).toBeGreaterThan(35);
  expect([...codes].filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
