import { join } from "node:path";
import { expect, test } from "vitest";
import type { Figure } from "../bench/measure.ts";
import { plot } from "../bench/tables/plots.ts";
import { root } from "../command.ts";
import { runCommand } from "../harness/run-command.ts";

const node = join(root, "node_modules/.bin/node");

async function bench(...options: readonly string[]): Promise<Figure[]> {
  const args = ["--conditions=@ktables/source", "test/bench/tables.ts", "--json", "--rounds=1", ...options];
  const output = await runCommand(node, args, { cwd: root });
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Figure);
}

test("the benchmark of tables runs, compares what they hold, and prints a line for each figure", async () => {
  const figures = await bench(
    "--records=2000",
    "--cases=100b,256b-json,256b-json-lazy,writes,barrier",
    "--subjects=ktables,kafka-ts",
    "--runtimes=node",
  );
  const found = figures.map(({ bench, case: name, subject, unit }) => `${bench}: ${name}, ${subject}, ${unit}`);
  const catchUp = (name: string): string[] =>
    ["catch-up: #, M records/s", "peak-memory: #, MB", "memory-at-rest: #, B/key", "longest-stall: #, ms"].flatMap(
      (line) => ["ktables", "kafka-ts"].map((subject) => line.replace("#", `${name}, ${subject}`)),
    );
  const expected = [
    ...catchUp("2000 x 100 B"),
    ...catchUp("2000 x 256 B, parsed"),
    ...catchUp("2000 x 256 B, parsed when read"),
    ...["ktables", "kafka-ts"].flatMap((subject) => [
      `writes: 10 000 on their way, ${subject}, M records/s`,
      `barrier: idle, p50, ${subject}, ms`,
      `barrier: idle, p99, ${subject}, ms`,
    ]),
  ];
  expect(found.toSorted()).toEqual(expected.toSorted());
  for (const { runtime, median, min, max } of figures) {
    expect(runtime).toMatch(/^node \d+\.\d+\.\d+$/);
    expect(median).toBeGreaterThanOrEqual(min);
    expect(median).toBeLessThanOrEqual(max);
  }
  // Memory at rest may be less than before.
  for (const { bench, median } of figures) if (bench !== "memory-at-rest") expect(median).toBeGreaterThan(0);
});

test.for(["M records/s", "ms"])("a picture names every subject and case: %s", async (unit) => {
  const figures = ["first", "second"].flatMap((name) =>
    ["ktables", "franz-go"].map((subject, index) => {
      const [median, min, max] = [1 + index, 0.5, 20];
      return { bench: "bench", case: name, runtime: "some 1.2.3", subject, unit, median, min, max };
    }),
  );
  const svg = await plot("Title", figures);
  expect(svg).toMatch(/^<svg/);
  for (const text of ["ktables, some 1.2.3", "franz-go, some 1.2.3", "first", "second", `Title, ${unit}`]) {
    expect(svg).toContain(`>${text}`);
  }
});
