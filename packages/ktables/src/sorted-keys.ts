import { check, checkOptions } from "@ktables/client/internal";
import type { Store } from "./store/store.ts";

/** Which keys a scan gives, in the order of their UTF-8 bytes. All that is given must hold. */
export interface ScanOptions {
  /** Only keys that begin with this. */
  readonly prefix?: string | undefined;
  /** Only this key and greater ones. */
  readonly from?: string | undefined;
  /** Only keys below this one. */
  readonly to?: string | undefined;
  /** No more than so many. Default: all. */
  readonly limit?: number | undefined;
  /** From the greatest to the smallest; `from` and `to` stay what they are. Default false. */
  readonly reverse?: boolean | undefined;
}

const scanChecks = {
  prefix: check.string,
  from: check.string,
  to: check.string,
  limit: check.integer(0),
  reverse: check.boolean,
};

/** @throws InvalidOptionError */
export function checkScanOptions(options: ScanOptions): void {
  checkOptions("scan", options, scanChecks);
}

/** The keys of a store in order: sorted when they are asked for, and again when keys were added or removed since. */
export class SortedKeys {
  #keys: readonly string[] = [];
  #store: Pick<Store<unknown>, "keys" | "keySetVersion"> | undefined;
  #version = -1;

  /** As of now; the array is never changed. */
  of(store: Pick<Store<unknown>, "keys" | "keySetVersion">): readonly string[] {
    if (store !== this.#store || store.keySetVersion !== this.#version) {
      this.#keys = sorted([...store.keys()]);
      this.#store = store;
      this.#version = store.keySetVersion;
    }
    return this.#keys;
  }
}

/** Which of the sorted keys lie in the range: from the first index up to, and without, the second one. */
export function rangeOf(
  keys: readonly string[],
  { prefix = "", from = "", to }: ScanOptions,
): readonly [number, number] {
  const start = firstIndex(keys, (key) => compareKeys(key, prefix) >= 0 && compareKeys(key, from) >= 0);
  const end = firstIndex(
    keys,
    (key) =>
      (compareKeys(key, prefix) >= 0 && !key.startsWith(prefix)) || (to !== undefined && compareKeys(key, to) >= 0),
  );
  return [start, Math.max(start, end)];
}

/**
 * The order of the UTF-8 bytes, which is that of the code points. JavaScript compares UTF-16 units, where surrogates, the
 * halves of the code points from U+10000 on, come before U+E000 to U+FFFF.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    if (unitA !== unitB) return rank(unitA) - rank(unitB);
  }
  return a.length - b.length;
}

/** Moves the surrogates behind everything else. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function sorted(keys: string[]): string[] {
  // Without surrogates both orders are the same, and the engine's own is several times as fast.
  return keys.some((key) => /[\ud800-\udfff]/.test(key)) ? keys.sort(compareKeys) : keys.sort();
}

/** The first index whose key fulfils the condition, which holds for all behind it too; the length if none does. */
function firstIndex(keys: readonly string[], isReached: (key: string) => boolean): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isReached(keys[middle] ?? "")) high = middle;
    else low = middle + 1;
  }
  return low;
}
