/** The command line of `pnpm bench`. */
export interface Options {
  readonly rounds: number;
  readonly records: number;
  readonly cases: readonly string[] | undefined;
  readonly subjects: readonly string[] | undefined;
  readonly runtimes: readonly string[] | undefined;
  readonly asJson: boolean;
  readonly writesDocs: boolean;
}

export function optionsFrom(args: readonly string[]): Options {
  const given = new Map(
    args.map((argument) => {
      const [name = "", value] = argument.split(/=(.*)/s);
      return [name, value];
    }),
  );
  const known = ["--rounds", "--records", "--cases", "--subjects", "--runtimes", "--json", "--write-docs"];
  const stranger = [...given.keys()].find((name) => !known.includes(name));
  if (stranger !== undefined) throw new Error(`${stranger}: use ${known.join(", ")}`);
  const count = (name: string, otherwise: number): number => {
    const value = Number(given.get(name) ?? otherwise);
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name} must be a number from 1`);
    return value;
  };
  return {
    rounds: count("--rounds", 5),
    records: count("--records", 1_000_000),
    cases: given.get("--cases")?.split(","),
    subjects: given.get("--subjects")?.split(","),
    runtimes: given.get("--runtimes")?.split(","),
    asJson: given.has("--json"),
    writesDocs: given.has("--write-docs"),
  };
}
