import { sameValue } from "./same-value.ts";
import type { Store } from "./store.ts";

/** What leads from the contents of one store to those of another. */
export interface Differences<V> {
  readonly removed: readonly { readonly key: string; readonly oldValue: V | undefined }[];
  readonly set: readonly { readonly key: string; readonly value: V; readonly oldValue: V | undefined }[];
}

/** Values that look the same count as the same, although each store has decoded its own. */
export function differencesOf<V>(from: Store<V>, to: Store<V>): Differences<V> {
  const removed: { key: string; oldValue: V | undefined }[] = [];
  const set: { key: string; value: V; oldValue: V | undefined }[] = [];
  for (const [key, oldValue] of from.entries()) {
    if (!to.has(key)) removed.push({ key, oldValue });
  }
  for (const [key, value] of to.entries()) {
    const oldValue = from.get(key);
    if (!from.has(key) || !sameValue(value, oldValue)) set.push({ key, value, oldValue });
  }
  return { removed, set };
}
