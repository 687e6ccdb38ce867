/**
 * Makes `console.log` show the object's `toString()`: the default would walk into it and print whatever it holds. The
 * method of this name is looked for by Node and Bun, and hidden from everything else.
 */
export function inspectAsString(target: { toString(): string }): void {
  Object.defineProperty(target, Symbol.for("nodejs.util.inspect.custom"), { value: () => target.toString() });
}
