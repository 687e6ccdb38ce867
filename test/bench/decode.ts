/**
 * Compares the decoder with those of other clients, in every runtime, and prints the figures: `--json` one line of JSON
 * for each; `--rounds=N` how often each is measured; `--runtimes=node,bun` which ones.
 */
import { spawn } from "node:child_process";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../command.ts";
import type { Figure } from "./measure.ts";

interface Runtime {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const condition = "--conditions=@ktables/source";
const runtimes: readonly Runtime[] = [
  { name: "node", command: "node", args: [condition, "--expose-gc"] },
  { name: "deno", command: "deno", args: ["run", "--allow-all", "--no-check", "--v8-flags=--expose-gc", condition] },
  { name: "bun", command: "bun", args: [condition] },
];

const asJson = process.argv.includes("--json");
const rounds = option("rounds") ?? "15";
const chosen = option("runtimes")?.split(",");

const figures: Figure[] = [];
if (!asJson) {
  const [processor] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  console.log(`${cpus().length} x ${processor?.model}, ${memory} GB, ${type()} ${release()}`);
}
for (const runtime of runtimes) {
  if (chosen?.includes(runtime.name) ?? true) await run(runtime);
}
if (!asJson) printRatios();

function option(name: string): string | undefined {
  return process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
}

/** One runtime after the other, each in a process of its own. */
async function run({ name, command, args }: Runtime): Promise<void> {
  const path = join(root, "node_modules/.bin", command);
  const version = await firstLine(path, ["--version"]);
  const label = `${name} ${/\d+\.\d+\.\d+/.exec(version)?.[0] ?? version}`;
  if (!asJson) console.log(`\n${label}\n${row("", "median", "min", "max")}`);
  const child = spawn(path, [...args, join(import.meta.dirname, "decode-figures.ts"), label, rounds], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const figure = JSON.parse(line) as Figure;
    figures.push(figure);
    if (asJson) console.log(line);
    else console.log(row(title(figure), ...[figure.median, figure.min, figure.max].map(String), ` ${figure.unit}`));
  }
  const status = await closed;
  if (status !== 0) throw new Error(`${label} exited with ${status}`);
}

async function firstLine(path: string, args: readonly string[]): Promise<string> {
  const child = spawn(path, args, { stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  for await (const line of createInterface({ input: child.stdout })) text ||= line;
  return text;
}

function title({ bench, case: name, subject }: Figure): string {
  return subject === "ktables" ? `${bench} ${name}` : `  ${subject}`;
}

function row(first: string, ...rest: readonly string[]): string {
  return first.padEnd(46) + rest.map((text) => text.padStart(10)).join("");
}

/** Ours to the fastest peer, by the medians of one run. */
function printRatios(): void {
  console.log("\nktables to the fastest peer");
  for (const ours of figures) {
    if (ours.subject !== "ktables") continue;
    const fastest = figures
      .filter(
        (other) =>
          other.subject !== "ktables" &&
          other.bench === ours.bench &&
          other.case === ours.case &&
          other.runtime === ours.runtime,
      )
      .toSorted((a, b) => b.median - a.median)[0];
    if (fastest === undefined) continue;
    const ratio = (ours.median / fastest.median).toFixed(1);
    console.log(`${ours.runtime.padEnd(16)}${ours.case.padEnd(16)}${ratio.padStart(6)} x ${fastest.subject}`);
  }
}
