/**
 * Fails when tables have become slower than they were, by more than a third, next to a loop that stays as it is
 * (programs/bare-loop.ts): the ratio of the two does not depend on the machine as rates do. `--record` writes what is
 * measured now to recorded-ratios.json.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../command.ts";
import { runCommand } from "../harness/run-command.ts";
import { judge, type Ratios, ratiosOf } from "./guard-ratios.ts";
import type { Figure } from "./measure.ts";

const file = join(import.meta.dirname, "recorded-ratios.json");

const measured = ratiosOf(await measure());
if (process.argv.includes("--record")) {
  await writeFile(file, `${JSON.stringify(measured, null, 2)}\n`);
} else {
  const recorded = JSON.parse(await readFile(file, "utf8")) as Ratios;
  const verdicts = judge(recorded, measured);
  for (const { text } of verdicts) console.log(text);
  process.exitCode = verdicts.every(({ isGood }) => isGood) ? 0 : 1;
}

async function measure(): Promise<Figure[]> {
  const args = ["--conditions=@ktables/source", "test/bench/tables.ts", "--json", "--rounds=7", "--records=300000"];
  const chosen = ["--cases=100b,256b-json,few-keys", "--subjects=ktables,bare loop", "--runtimes=node"];
  const output = await runCommand(join(root, "node_modules/.bin/node"), [...args, ...chosen], { cwd: root });
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Figure);
}
