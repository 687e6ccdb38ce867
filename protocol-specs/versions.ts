import type { ApiSpec, VersionRange } from "./parse.ts";

/** Whether every version of `inner` is in `range`. */
export function covers(range: VersionRange | undefined, inner: VersionRange): boolean {
  return range !== undefined && range.min <= inner.min && range.max >= inner.max;
}

/** The test that `version`, known to be in `known`, is in `range`; undefined if it always is. */
export function inside(range: VersionRange, known: VersionRange): string | undefined {
  const tests: string[] = [];
  if (range.min > known.min) tests.push(`version >= ${range.min}`);
  if (range.max < known.max) tests.push(`version <= ${range.max}`);
  return tests.length === 0 ? undefined : tests.join(" && ");
}

/** The opposite of {@link inside}. */
export function outside(range: VersionRange, known: VersionRange): string | undefined {
  const tests: string[] = [];
  if (range.min > known.min) tests.push(`version < ${range.min}`);
  if (range.max < known.max) tests.push(`version > ${range.max}`);
  return tests.length === 2 ? `(${tests.join(" || ")})` : tests[0];
}

/** The argument that tells the primitives whether the encoding is compact: a literal where that is known. */
export function flexibleArgument(spec: ApiSpec, known: VersionRange): string {
  if (known.min >= spec.flexibleFrom) return "true";
  return known.max < spec.flexibleFrom ? "false" : "flexible";
}

/** Declares `flexible` in a function whose body mentions it. */
export function flexibleDeclaration(spec: ApiSpec, body: string): string {
  return /\bflexible\b/.test(body) ? `  const flexible = version >= ${spec.flexibleFrom};\n` : "";
}
