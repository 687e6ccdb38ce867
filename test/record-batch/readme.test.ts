import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

test("the README's example prints what the README says", () => {
  const readme = readFileSync(new URL("../../packages/record-batch/README.md", import.meta.url), "utf8");
  const [, example] = /```js\n([^]*?)```/.exec(readme) ?? [];
  const [, promised] = /It prints (.*)\./.exec(readme) ?? [];
  if (example === undefined || promised === undefined) throw new Error("the README has no example or no output");
  const options = ["--conditions=@ktables/source", "--input-type=module", "--eval", example];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const printed = execFileSync(process.execPath, options, { cwd, encoding: "utf8" }).trim().split("\n");
  expect(printed).toEqual([...promised.matchAll(/`([^`]+)`/g)].map(([, line]) => line));
});
