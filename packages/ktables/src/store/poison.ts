import { PoisonedRecordError } from "../errors.ts";
import type { Contents } from "./contents.ts";
import type { StoreObserver } from "./store.ts";

/** What can become of a key whose latest value could not be decoded. */
export type PoisonAction = "keep-previous" | "drop" | "fail";

/** A value that could not be decoded, for a policy to judge. */
export interface PoisonRecord<V> {
  readonly key: string;
  readonly partition: number;
  readonly offset: number;
  /** Why: what the codec threw. */
  readonly error: unknown;
  /** What the table has for the key; undefined also where it has nothing. */
  readonly previous: V | undefined;
  /** The value's bytes: a view that is valid during the call only. */
  readonly bytes: Uint8Array;
}

/** `keep-previous`, `drop`, `fail`, or a value to take instead. Anything else counts as a throw. */
export type PoisonDecision<V> = PoisonAction | { readonly value: V };

export type PoisonPolicy<V> = PoisonAction | ((record: PoisonRecord<V>) => PoisonDecision<V>);

/** A key whose latest record could not be decoded. In several partitions at once it counts, and is listed, for each. */
export interface PoisonedKey<V> {
  readonly key: string;
  readonly partition: number;
  /** Of the record that could not be decoded. */
  readonly offset: number;
  /** Why: what the codec threw. */
  readonly error: unknown;
  readonly serving: PoisonServing<V>;
}

/**
 * What a table gives for a poisoned key: the value it had before, and where that is, unless places are not kept; the value
 * that the policy has chosen; or nothing.
 */
export type PoisonServing<V> =
  | {
      readonly from: "previous";
      readonly value: V;
      readonly partition: number | undefined;
      readonly offset: number | undefined;
    }
  | { readonly from: "replacement"; readonly value: V }
  | { readonly from: "nothing" };

const actions: readonly unknown[] = ["keep-previous", "drop", "fail"] satisfies readonly PoisonAction[];

/** @throws what the function throws; TypeError for an answer that is no decision */
function decide<V>(policy: PoisonPolicy<V>, record: PoisonRecord<V>): PoisonDecision<V> {
  if (typeof policy === "string") return policy;
  const decision: unknown = policy(record);
  if (isDecision<V>(decision)) return decision;
  throw new TypeError(`a poison policy answers "keep-previous", "drop", "fail" or { value }`);
}

function isDecision<V>(decision: unknown): decision is PoisonDecision<V> {
  return actions.includes(decision) || (typeof decision === "object" && decision !== null && "value" in decision);
}

/** For the check of options. */
export function checkPoisonPolicy(policy: unknown): string | undefined {
  const isSynchronous =
    typeof policy === "function" && Object.prototype.toString.call(policy) !== "[object AsyncFunction]";
  return isSynchronous || actions.includes(policy)
    ? undefined
    : `"keep-previous", "drop", "fail" or a function that is not async`;
}

/** What a table gives. */
type Served<V> = Pick<Contents<V>, "has" | "get" | "place">;

interface Noted {
  readonly offset: number;
  readonly error: unknown;
  readonly isReplaced: boolean;
}

/** Which keys' latest records could not be decoded, partition by partition. */
export class PoisonedKeys {
  readonly #partitions = new Map<number, Map<string, Noted>>();

  get isEmpty(): boolean {
    return this.#partitions.size === 0;
  }

  get size(): number {
    let size = 0;
    for (const keys of this.#partitions.values()) size += keys.size;
    return size;
  }

  /** The record at the offset is the latest of its key in the partition, and is of no use. */
  note(partition: number, key: string, noted: Noted): void {
    let keys = this.#partitions.get(partition);
    if (keys === undefined) this.#partitions.set(partition, (keys = new Map()));
    keys.set(key, noted);
  }

  /** A good record, or a tombstone, has come for the key. */
  clear(partition: number, key: string): void {
    // Asked for every record, and mostly there is nothing.
    const keys = this.#partitions.get(partition);
    if (keys?.delete(key) === true && keys.size === 0) this.#partitions.delete(partition);
  }

  /** The log has let go of records below an offset. */
  expire(partition: number, logStartOffset: number): void {
    const keys = this.#partitions.get(partition);
    if (keys === undefined) return;
    for (const [key, { offset }] of keys) if (offset < logStartOffset) this.clear(partition, key);
  }

  list<V>(contents: Served<V>): PoisonedKey<V>[] {
    const list: PoisonedKey<V>[] = [];
    for (const [partition, keys] of this.#partitions) {
      for (const [key, noted] of keys) {
        const { offset, error } = noted;
        list.push({ key, partition, offset, error, serving: servingOf(contents, key, partition, noted) });
      }
    }
    return list;
  }
}

/** Applies a table's policy to values that cannot be decoded. */
export class PoisonJudge<V> {
  readonly #topic: string;
  readonly #policy: PoisonPolicy<V>;
  readonly #observer: StoreObserver<V>;

  constructor(topic: string, policy: PoisonPolicy<V>, observer: StoreObserver<V>) {
    this.#topic = topic;
    this.#policy = policy;
    this.#observer = observer;
  }

  /** @throws PoisonedRecordError where the policy says so. */
  judge(record: PoisonRecord<V>): Exclude<PoisonDecision<V>, "fail"> {
    const decision = this.#decide(record);
    if (decision !== "fail") return decision;
    const { partition, offset, key, error } = record;
    throw new PoisonedRecordError({ topic: this.#topic, partition, offset, key, cause: error });
  }

  /** A policy that throws has decided nothing, so that nothing is lost. */
  #decide(record: PoisonRecord<V>): PoisonDecision<V> {
    try {
      return decide(this.#policy, record);
    } catch (error) {
      this.#observer.onCallbackError("onPoison", error);
      return "keep-previous";
    }
  }
}

function servingOf<V>(contents: Served<V>, key: string, partition: number, noted: Noted): PoisonServing<V> {
  if (!contents.has(key)) return { from: "nothing" };
  // A codec may well give undefined.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const value = contents.get(key) as V;
  const place = contents.place(key);
  // Another partition may have a newer value than the replacement.
  const isOfRecord = place === undefined || (place.partition === partition && place.offset === noted.offset);
  if (noted.isReplaced && isOfRecord) return { from: "replacement", value };
  const isKnown = place !== undefined && place.offset >= 0;
  return { from: "previous", value, partition: place?.partition, offset: isKnown ? place.offset : undefined };
}
