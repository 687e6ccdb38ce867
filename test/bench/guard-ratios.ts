import type { Figure } from "./measure.ts";

/** How fast ours catches up where the bare loop's rate is 1, by case. */
export type Ratios = Readonly<Record<string, number>>;

export interface Verdict {
  readonly isGood: boolean;
  readonly text: string;
}

export function ratiosOf(figures: readonly Figure[]): Ratios {
  const rates = figures.filter(({ bench }) => bench === "catch-up");
  const ours = rates.filter(({ subject }) => subject === "ktables");
  return Object.fromEntries(
    ours.map((figure) => {
      const reference = rates.find((other) => other.subject === "bare loop" && other.case === figure.case);
      return [figure.case, Number((figure.median / (reference?.median ?? NaN)).toFixed(2))];
    }),
  );
}

/** Every case that has been recorded must be there, and at least two thirds as good. */
export function judge(recorded: Ratios, measured: Ratios): Verdict[] {
  return Object.entries(recorded).map(([name, before]) => {
    const now = measured[name] ?? NaN;
    const isGood = now >= (before * 2) / 3;
    return {
      isGood,
      text: `${isGood ? "ok    " : "SLOWER"} ${name}: ${now} of the bare loop's rate, recorded ${before}`,
    };
  });
}
