import type { PoisonAction, PoisonDecision, PoisonedKey, PoisonPolicy, PoisonRecord } from "../store/poison.ts";
import type { TableEntry } from "../table-contents.ts";

/** A member's value and the record that it came with; frozen. */
export interface GroupedTableEntry<V> extends Omit<TableEntry<V>, "key"> {
  readonly group: string;
  readonly member: string;
}

/** A member whose value could not be decoded, for a policy to judge. */
export interface GroupedPoisonRecord<V> extends Omit<PoisonRecord<V>, "key"> {
  readonly group: string;
  readonly member: string;
}

/** A member whose latest record could not be decoded. */
export interface PoisonedMember<V> extends Omit<PoisonedKey<V>, "key"> {
  readonly group: string;
  readonly member: string;
}

export type GroupedPoisonPolicy<V> = PoisonAction | ((record: GroupedPoisonRecord<V>) => PoisonDecision<V>);

type Decode = (key: string) => readonly [group: string, member: string] | undefined;

/** The same with the group and the member of its key in place of that; undefined for a foreign key. */
export function toMember<T extends { readonly key: string }>(
  decode: Decode,
  { key, ...rest }: T,
): (Omit<T, "key"> & { readonly group: string; readonly member: string }) | undefined {
  const decoded = decode(key);
  return decoded && { group: decoded[0], member: decoded[1], ...rest };
}

/** A foreign key is no member, and nobody is asked about it. */
export function policyByKey<V>(
  policy: GroupedPoisonPolicy<V> | undefined,
  decode: Decode,
): PoisonPolicy<V> | undefined {
  if (typeof policy !== "function") return policy;
  return (record) => {
    const ofMember = toMember(decode, record);
    return ofMember === undefined ? "keep-previous" : policy(ofMember);
  };
}
