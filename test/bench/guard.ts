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

if (process.argv.includes("--record")) {
  await writeFile(file, `${JSON.stringify(ratiosOf(await measure()), null, 2)}\n`);
} else {
  const recorded = JSON.parse(await readFile(file, "utf8")) as Ratios;
  // Whatever else ran during one measurement may have met one of the two only.
  process.exitCode = (await isGood(recorded)) || (await isGood(recorded)) ? 0 : 1;
}

async function isGood(recorded: Ratios): Promise<boolean> {
  const verdicts = judge(recorded, ratiosOf(await measure()));
  for (const { text } of verdicts) console.log(text);
  return verdicts.every((verdict) => verdict.isGood);
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
