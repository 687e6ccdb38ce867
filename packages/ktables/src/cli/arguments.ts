import { parseArgs } from "node:util";
import type { Command } from "./command.ts";
import { usageError } from "./exit-code.ts";
import { optionDefinitions, type Values } from "./options.ts";

export interface ParsedArguments {
  readonly values: Values;
  readonly positionals: readonly string[];
}

/** The arguments after the command's name. @throws CommandError with exit code 2. */
export function parseArguments(command: Command, args: readonly string[]): ParsedArguments {
  const options = Object.fromEntries(
    command.options.map((name) => {
      const { type, short } = optionDefinitions[name];
      return [name, short === undefined ? { type } : { type, short }];
    }),
  );
  let parsed: { readonly values: Values; readonly positionals: readonly string[] };
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw usageError(firstSentence(cause), cause);
  }
  const { values, positionals } = parsed;
  if (values.help !== true) checkPositionals(command, positionals);
  return { values, positionals };
}

function checkPositionals(command: Command, given: readonly string[]): void {
  const missing = command.positionals[given.length];
  if (missing !== undefined) throw usageError(`${command.name}: the argument <${missing}> is missing`);
  const surplus = given[command.positionals.length];
  if (surplus !== undefined) {
    throw usageError(`${command.name}: unexpected argument "${surplus}"; quote arguments that contain spaces`);
  }
}

/** Node's own text goes on with advice that does not fit on a line. */
function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const first = message.split(/\.\s|\n/, 1)[0] ?? message;
  return /^Unknown option '-\d/.test(first) ? `${first}; put -- before arguments that start with a dash` : first;
}

/** @throws CommandError unless the value is one of `allowed`. */
export function oneOf<const Allowed extends string>(
  option: string,
  value: string | undefined,
  allowed: readonly Allowed[],
  fallback: Allowed,
): Allowed {
  if (value === undefined) return fallback;
  const found = allowed.find((item) => item === value);
  if (found === undefined) throw usageError(`--${option} must be one of ${allowed.join(", ")}, not "${value}"`);
  return found;
}

/** @throws CommandError unless the value is a whole number from `minimum` to 2^31 - 1. */
export function wholeNumber(option: string, value: string | undefined, fallback: number, minimum = 1): number {
  if (value === undefined) return fallback;
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= minimum && number <= 2_147_483_647)) {
    throw usageError(`--${option} must be a whole number from ${minimum} to 2147483647, not "${value}"`);
  }
  return number;
}
