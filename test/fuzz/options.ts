import { parseArgs } from "node:util";

export interface FuzzOptions {
  readonly seed: number;
  /** Run for so long; otherwise `inputs` inputs. */
  readonly minutes: number | undefined;
  /** The number of the only input to run. */
  readonly only: number | undefined;
  readonly inputs: number;
}

/** Reads `--inputs`, `--minutes`, `--seed` and `--only` from the command line. */
export function fuzzOptions(defaultInputs: number): FuzzOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { inputs: text, minutes: text, seed: text, only: text } });
  const number = (value: string | undefined): number | undefined => (value === undefined ? undefined : Number(value));
  const minutes = number(values.minutes);
  return {
    seed: number(values.seed) ?? Date.now() % 1_000_000_000,
    minutes,
    only: number(values.only),
    inputs: number(values.inputs) ?? (minutes === undefined ? defaultInputs : 2 ** 31 - 2),
  };
}
