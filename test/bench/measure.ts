/** One line of `--json`. */
export interface Figure {
  readonly bench: string;
  readonly case: string;
  readonly runtime: string;
  /** "ktables" or the package name of a peer. */
  readonly subject: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Subject {
  readonly name: string;
  /** One pass over the same work. What it returns must be equal for all subjects of a case. */
  readonly run: () => Promise<string> | string;
}

export interface Case {
  readonly bench: string;
  readonly name: string;
  readonly unit: string;
  /** How much of a million of the unit one pass does: records in millions, or bytes in thousands of millions. */
  readonly amount: number;
  readonly subjects: readonly Subject[];
}

/**
 * Runs the subjects of a case in turn, so that what else the machine does meets all of them, and prints their figures.
 * The first rounds warm up and are not counted.
 */
export async function measure(
  runtime: string,
  rounds: number,
  { bench, name, unit, amount, subjects }: Case,
): Promise<void> {
  collectGarbage();
  const rates = subjects.map((): number[] => []);
  const warmUps = Math.max(3, Math.ceil(rounds / 4));
  let expected: string | undefined;
  for (let round = 0; round < warmUps + rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      const started = performance.now();
      const result = await subject.run();
      const seconds = (performance.now() - started) / 1000;
      expected ??= result;
      if (result !== expected) {
        throw new Error(`${bench}, ${name}: ${subject.name} finds ${result}, ${subjects[0]?.name} ${expected}`);
      }
      if (round >= warmUps) rates[index]?.push(amount / seconds);
    }
  }
  for (const [index, subject] of subjects.entries()) {
    const sorted = (rates[index] ?? []).toSorted((a, b) => a - b);
    const figure: Figure = {
      bench,
      case: name,
      runtime,
      subject: subject.name,
      unit,
      median: rounded(sorted[sorted.length >> 1]),
      min: rounded(sorted[0]),
      max: rounded(sorted.at(-1)),
    };
    console.log(JSON.stringify(figure));
  }
}

/** What earlier cases have left is not for this one to clear away. */
function collectGarbage(): void {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(isSynchronous: boolean): void } };
  if (Bun !== undefined) Bun.gc(true);
  else if (gc !== undefined) gc();
  else throw new Error("the runtime was started without --expose-gc");
}

function rounded(rate: number | undefined): number {
  return Number((rate ?? Number.NaN).toPrecision(4));
}
