import { InvalidOptionError } from "./errors.ts";

/** Checks one option: returns nothing when it is fine, or what it must be. */
export type OptionCheck = (value: unknown) => string | undefined;

export const check = {
  string: (value: unknown): string | undefined => (typeof value === "string" ? undefined : "a string"),
  nonEmptyString: (value: unknown): string | undefined =>
    typeof value === "string" && value.length > 0 ? undefined : "a non-empty string",
  boolean: (value: unknown): string | undefined => (typeof value === "boolean" ? undefined : "true or false"),
  callable: (value: unknown): string | undefined => (typeof value === "function" ? undefined : "callable (a function)"),
  object: (value: unknown): string | undefined =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "an object",
  stringValues: (value: unknown): string | undefined =>
    check.object(value) === undefined && Object.values(value as object).every((item) => typeof item === "string")
      ? undefined
      : "an object of strings",
  integer:
    (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER) =>
    (value: unknown): string | undefined =>
      Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum
        ? undefined
        : `an integer ${maximum === Number.MAX_SAFE_INTEGER ? `>= ${minimum}` : `from ${minimum} to ${maximum}`}`,
  countOrDefault: (value: unknown): string | undefined =>
    value === -1 || (Number.isSafeInteger(value) && (value as number) >= 1)
      ? undefined
      : "an integer >= 1, or -1 for the broker's default",
  /** Above 2^31-1 ms a timer would fire at once. */
  durationMs: (value: unknown): string | undefined =>
    typeof value === "number" && value > 0 && value <= 2_147_483_647
      ? undefined
      : "a number of milliseconds > 0 and below 2^31",
  /** Not for timers, so that weeks are fine. */
  nonNegativeMs: (value: unknown): string | undefined =>
    typeof value === "number" && value >= 0 ? undefined : "a number of milliseconds >= 0",
  oneOf:
    (...allowed: readonly (string | number | boolean)[]) =>
    (value: unknown): string | undefined =>
      allowed.includes(value as string)
        ? undefined
        : `one of ${allowed.map((item) => JSON.stringify(item)).join(", ")}`,
} as const;

/** The options that every waiting call takes. */
export const callChecks: Readonly<Record<string, OptionCheck>> = {
  signal: check.object,
  timeoutMs: check.durationMs,
};

/**
 * Checks an options object: every key must be known, every given value must pass its check. `undefined` counts as not
 * given. Throws {@link InvalidOptionError} naming the first offender, or all the unknown keys at once.
 */
export function checkOptions(owner: string, options: unknown, checks: Readonly<Record<string, OptionCheck>>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidOptionError(owner, `${owner}: options must be an object, got ${describe(options)}`);
  }
  const unknown = Object.keys(options).filter((key) => !Object.hasOwn(checks, key));
  if (unknown.length > 0) {
    throw new InvalidOptionError(
      unknown[0] ?? "",
      `${owner}: unknown option${unknown.length > 1 ? "s" : ""} ${unknown.map((key) => `"${key}"`).join(", ")}; ` +
        `known are ${Object.keys(checks).join(", ")}`,
    );
  }
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const expected = checks[key]?.(value);
    if (expected !== undefined) {
      throw new InvalidOptionError(key, `${owner}: option "${key}" must be ${expected}, got ${describe(value)}`);
    }
  }
}

/** A value for an error message: short, and never the content of a string, which may be a secret. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number" || typeof value === "boolean" || value === undefined) return String(value);
  if (typeof value === "string") return value === "" ? "an empty string" : "a string";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
