import type { Figure } from "../measure.ts";
import type { Reading } from "./cases.ts";

interface Series extends Omit<Reading, "value"> {
  readonly subject: string;
  readonly runtime: string;
  readonly values: number[];
  isReported: boolean;
}

/** The readings of all rounds, by bench, case and subject. */
export class Measurements {
  readonly #series = new Map<string, Series>();

  add(subject: string, runtime: string, { value, ...reading }: Reading): void {
    const id = JSON.stringify([reading, subject, runtime]);
    const series = this.#series.get(id) ?? { ...reading, subject, runtime, values: [], isReported: false };
    series.values.push(value);
    this.#series.set(id, series);
  }

  /** Of what has been added since the last call. */
  figuresOfNewCases(): Figure[] {
    const fresh = [...this.#series.values()].filter(({ isReported }) => !isReported);
    for (const series of fresh) series.isReported = true;
    return fresh.map(toFigure);
  }

  figures(): Figure[] {
    return [...this.#series.values()].map(toFigure);
  }
}

function toFigure({ bench, case: name, runtime, subject, unit, values }: Series): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, median, max] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map(rounded);
  return { bench, case: name, runtime, subject, unit, median: median ?? NaN, min: min ?? NaN, max: max ?? NaN };
}

function rounded(value: number | undefined): number {
  return Number((value ?? NaN).toPrecision(4));
}
