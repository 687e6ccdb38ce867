/** Deeper nesting counts as different: nothing but a needless change comes of that. */
const maxDepth = 100;

/**
 * Whether two decoded values are the same as far as anybody can see: primitives, plain objects, arrays, bytes and dates,
 * nested in any way. Instances of other classes are the same only if they are one.
 */
export function sameValue(a: unknown, b: unknown, depth = 0): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || depth > maxDepth) return false;
  const prototype: unknown = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  if (a instanceof Uint8Array) return sameElements(a, b as Uint8Array, (one, other) => one === other);
  if (Array.isArray(a)) return sameElements(a, b as unknown[], (one, other) => sameValue(one, other, depth + 1));
  if (prototype !== Object.prototype && prototype !== null) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) =>
        Object.hasOwn(b, key) &&
        sameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], depth + 1),
    )
  );
}

function sameElements<T>(a: ArrayLike<T>, b: ArrayLike<T>, same: (one: T, other: T) => boolean): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (!same(a[index]!, b[index]!)) return false;
  }
  return true;
}
