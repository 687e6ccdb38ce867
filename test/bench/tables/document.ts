/** docs/performance.md, written anew from the figures of one run. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../command.ts";
import type { Figure } from "../measure.ts";
import { plot } from "./plots.ts";
import { machine, ratio } from "./report.ts";

export interface Circumstances {
  readonly kafka: string;
  readonly rounds: number;
  readonly records: number;
  /** Who took part: client and version, runtime and version. */
  readonly contenders: readonly { readonly subject: string; readonly version: string; readonly runtime: string }[];
}

const titles: Readonly<Record<string, string>> = {
  "catch-up": "From the start of the client to the complete table",
  "peak-memory": "Peak memory of the process until then",
  "memory-at-rest": "Memory that the process has grown by, after a full garbage collection",
  "longest-stall": "Longest stall of the event loop meanwhile",
  writes: "Writes, each acknowledged by itself",
  "sequential-writes": "One write after the other",
  barrier: "Waiting until everything is read that is there now",
  "wait-for": "From a write in one process until another one has it, by its token",
  propagation: "From a write in one process to the value in another",
  "idle-cpu": "Processor time while nothing happens",
};

export async function writeDocument(figures: readonly Figure[], circumstances: Circumstances): Promise<void> {
  const pictures = join(root, "docs/performance");
  await rm(pictures, { recursive: true, force: true });
  await mkdir(pictures, { recursive: true });
  const sections: string[] = [];
  for (const bench of new Set(figures.map((figure) => figure.bench))) {
    const own = figures.filter((figure) => figure.bench === bench);
    const title = titles[bench] ?? bench;
    await writeFile(join(pictures, `${bench}.svg`), await plot(title, own));
    sections.push(`## ${title}\n\n${matrix(own)}\n\n![${title}](performance/${bench}.svg)\n`);
  }
  await writeFile(join(root, "docs/performance.md"), `${introduction(circumstances)}\n${sections.join("\n")}`);
}

function introduction({ kafka, rounds, records, contenders }: Circumstances): string {
  const month = new Date().toLocaleString("en", { month: "long", year: "numeric" });
  const lines = contenders.map(({ subject, version, runtime }) => `- ${subject} ${version} on ${runtime}`);
  return `# How fast tables are

Written by \`pnpm bench --write-docs\`, and not by hand: [test/bench/README.md](../test/bench/README.md) says how to run it,
what each case does, with which settings, and how to read it.

**Machine**: ${machine()}. **Broker**: Kafka ${kafka}, one node on the same machine. ${month}; ${records} records in the main
cases; medians of ${rounds} rounds, in which the subjects take turns, one process at a time. Every table held the same
entries. In brackets: how many times better ktables on Node is.

${lines.join("\n")}
`;
}

/** Subjects by cases. */
function matrix(figures: readonly Figure[]): string {
  const cases = [...new Set(figures.map((figure) => figure.case))];
  const subjects = [...new Set(figures.map(nameOf))];
  const rows = subjects.map((subject) => {
    const cells = cases.map((name) => {
      const figure = figures.find((one) => one.case === name && nameOf(one) === subject);
      const first = figures.find((one) => one.case === name);
      if (figure === undefined || first === undefined) return "";
      return figure === first ? String(figure.median) : `${figure.median} (${inTwoDigits(ratio(first, figure))})`;
    });
    return `| ${subject} | ${cells.join(" | ")} |`;
  });
  const head = `| ${figures[0]?.unit ?? ""} | ${cases.join(" | ")} |`;
  return [head, `|---|${"---|".repeat(cases.length)}`, ...rows].join("\n");
}

/** Beyond a hundred, `toPrecision` alone would write powers of ten. */
function inTwoDigits(value: number): string {
  const text = value.toPrecision(2);
  return text.includes("e") ? String(Number(text)) : text;
}

function nameOf({ subject, runtime }: Figure): string {
  return `${subject}, ${runtime}`;
}
