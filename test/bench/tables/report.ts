import { cpus, release, totalmem, type } from "node:os";
import type { Figure } from "../measure.ts";
import { isRate } from "./cases.ts";

export function machine(): string {
  const [processor] = cpus();
  return `${cpus().length} x ${processor?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, ${type()} ${release()}`;
}

/** How many times better the first is than the second: more where more is better, less elsewhere. */
export function ratio(figure: Figure, other: Figure): number {
  return isRate(figure.unit) ? figure.median / other.median : other.median / figure.median;
}

/** By bench and case, in the order in which they were measured. */
export function byCase(figures: readonly Figure[]): Figure[][] {
  const groups = new Map<string, Figure[]>();
  for (const figure of figures) {
    const id = `${figure.bench}: ${figure.case}`;
    groups.set(id, [...(groups.get(id) ?? []), figure]);
  }
  return [...groups.values()];
}

/** One line for each subject, and how many times better the first is, which is ours on Node. */
export function printCase(figures: readonly Figure[], asJson: boolean): void {
  if (asJson) {
    for (const figure of figures) console.log(JSON.stringify(figure));
    return;
  }
  for (const group of byCase(figures)) {
    const [first] = group;
    if (first === undefined) continue;
    console.log(`\n${first.bench}: ${first.case} (${first.unit})`);
    console.log(row("", "median", "min", "max", "ratio"));
    for (const figure of group) {
      const { median, min, max } = figure;
      const cells = [median, min, max].map(String);
      console.log(row(`${figure.subject}, ${figure.runtime}`, ...cells, `${ratio(first, figure).toFixed(2)} x`));
    }
  }
}

function row(first: string, ...rest: readonly string[]): string {
  return first.padEnd(40) + rest.map((text) => text.padStart(11)).join("");
}
