import { expect, test } from "vitest";
import { judge, ratiosOf } from "../bench/guard-ratios.ts";
import type { Figure } from "../bench/measure.ts";

function figure(bench: string, name: string, subject: string, median: number): Figure {
  return { bench, case: name, runtime: "node 1.2.3", subject, unit: "M records/s", median, min: median, max: median };
}

test("the guard takes the ratio of the rates of catch-up, by case", () => {
  const figures = [
    figure("catch-up", "a", "ktables", 3),
    figure("catch-up", "b", "ktables", 1),
    figure("peak-memory", "a", "ktables", 100),
    figure("catch-up", "a", "bare loop", 2),
    figure("catch-up", "b", "bare loop", 4),
    figure("peak-memory", "a", "bare loop", 1),
  ];
  expect(ratiosOf(figures)).toEqual({ a: 1.5, b: 0.25 });
});

test("the guard fails what has lost more than a third, and what is missing", () => {
  const verdicts = judge({ kept: 3, less: 3, lost: 3, missing: 3 }, { kept: 3.1, less: 2, lost: 1.99 });
  expect(verdicts.map(({ isGood }) => isGood)).toEqual([true, true, false, false]);
});
