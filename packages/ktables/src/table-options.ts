import { InvalidOptionError, type IsolationLevel, type PositionLostError } from "@ktables/client";
import { check, describe, type OptionCheck } from "@ktables/client/internal";
import { checkPoisonPolicy, type PoisonPolicy } from "./store/poison.ts";
import type { StoreKind } from "./store/store-choice.ts";
import { type ResolvedTopicOptions, resolveTopicOptions, type TopicOptions } from "./topic-options.ts";

export interface KafkaTableOptions<V> extends Omit<TopicOptions<V>, "partitions"> {
  /**
   * A number is for the creation of the topic: how many it gets, -1 for the broker's default; default 1. An array names
   * the only partitions that are read, for topics that one process cannot hold; see {@link KafkaTable.partitionFor}. Such
   * a table does not know how many partitions the topic should have, and so creates none: `ensureTopic` is false.
   */
  readonly partitions?: number | readonly number[] | undefined;
  /**
   * How long `start()` may take, in milliseconds: ensuring the topic, connecting, looking up offsets and reading. When
   * only the reading takes longer, `start()` returns with status `degraded`. Default 30 000.
   */
  readonly catchupTimeoutMs?: number | undefined;
  /**
   * How long a broker may hold back an answer while it has nothing new, in milliseconds. It answers at once when it has, so
   * that a shorter time brings no value sooner, only more answers without any. Default 5000.
   */
  readonly fetchMaxWaitMs?: number | undefined;
  /** Whether records of open and aborted transactions are left out. Default `read_committed`. */
  readonly isolation?: IsolationLevel | undefined;
  /**
   * What to do when the log no longer leads from what was read to what comes next: the topic was deleted and created
   * again, records were removed before they were read, an unclean election has truncated the log, or no broker could be
   * reached for longer than `delete.retention.ms`. `resync` reads the topic anew, serves the old contents meanwhile and
   * then tells the difference; `freeze` serves the old contents from then on, with status `stale`; `fail` ends the table
   * with status `failed`. Default `resync`.
   */
  readonly onReset?: "resync" | "freeze" | "fail" | undefined;
  /**
   * What to do with a value that the codec refuses: `keep-previous` goes on serving what the key had; `drop` removes the
   * key, as a tombstone would; `fail` ends the table with `PoisonedRecordError`; a function decides for each, or gives
   * `{ value }` to take instead. A function that throws is logged and counted (`stats.callbackErrors`), and the previous
   * value is kept. Whatever it is, `poisoned()` lists the key until a good record or a tombstone comes. Default
   * `keep-previous`; with `validate: "lazy"` it can only be `drop`.
   */
  readonly onPoison?: PoisonPolicy<V> | undefined;
  /**
   * Where values are kept: `decoded`, each as the codec gives it, or `bytes`, as the bytes of their records, which takes
   * less memory and time to fill and more to read. `bytes` takes no `key` codec of your own.
   *
   * `auto` decides whenever the topic is read from its beginning, and stays with it until it is read anew: `bytes` when
   * there are 100 000 records or more to be read at that moment, all partitions together, else `decoded`; always `decoded`
   * with a `key` codec of your own, and always `bytes` with `validate: "lazy"`. `stats.store` tells. Default `auto`.
   */
  readonly store?: "auto" | StoreKind | undefined;
  /**
   * When values are decoded: `eager`, when they arrive, so that `onPoison` can judge them; or `lazy`, when they are read
   * first, for which they must be kept as bytes. A value that turns out undecodable then is dropped, and listed by
   * `poisoned()` from then on; `size` and `keys()` count it until then. Where the codec says that it decodes everything
   * (`decodesEverything`, which `bytes()` does), nothing is to be judged, and values that are kept as bytes are not decoded
   * before they are read. Default `eager`.
   */
  readonly validate?: "eager" | "lazy" | undefined;
  /** Keep partition, offset, timestamp and headers of every key's record, for `entry()`. Default false. */
  readonly metadata?: boolean | undefined;
  /**
   * Remove what the log has let go of without a tombstone: with `cleanup.policy=compact,delete`, or when somebody deletes
   * records, the log's start moves, and values whose records lie below it are evicted. Costs a look at every key when it
   * moves. Default false: such values stay until the table is opened anew.
   */
  readonly expireWithLog?: boolean | undefined;
  /**
   * Called after every value stored, historical ones during catch-up included. A throw is logged and counted
   * (`stats.callbackErrors`) and changes nothing else.
   */
  readonly onSet?: ((key: string, value: V) => void) | undefined;
  /**
   * Called after every key removed, and every tombstone for a key that was not there. A throw: as for `onSet`.
   */
  readonly onDelete?: ((key: string) => void) | undefined;
  /**
   * Called after the contents were replaced by those of another reading of the topic (see `onReset`), before `onSet` and
   * `onDelete` are called for what is different. A throw: as for `onSet`.
   */
  readonly onResync?: ((loss: PositionLostError) => void) | undefined;
}

const tableChecks: Readonly<Record<string, OptionCheck>> = {
  catchupTimeoutMs: check.durationMs,
  fetchMaxWaitMs: check.durationMs,
  isolation: check.oneOf("read_committed", "read_uncommitted"),
  onReset: check.oneOf("resync", "freeze", "fail"),
  onPoison: checkPoisonPolicy,
  store: check.oneOf("auto", "decoded", "bytes"),
  validate: check.oneOf("eager", "lazy"),
  metadata: check.boolean,
  expireWithLog: check.boolean,
  onSet: check.callable,
  onDelete: check.callable,
  onResync: check.callable,
};

const writerOption = "it is an option of KafkaTableWriter";

const elsewhere: Readonly<Record<string, string>> = {
  acks: writerOption,
  idempotent: writerOption,
  compression: writerOption,
  lingerMs: writerOption,
  maxBatchBytes: writerOption,
  deliveryTimeoutMs: writerOption,
  groupId: "tables read every partition and belong to no consumer group",
};

/** {@link KafkaTableOptions} checked, copied and with their defaults. */
export interface ResolvedTableOptions<V> extends ResolvedTopicOptions<V> {
  readonly catchupTimeoutMs: number;
  readonly fetchMaxWaitMs: number;
  readonly isolation: IsolationLevel;
  readonly onReset: "resync" | "freeze" | "fail";
  /** Those that are read; undefined for all. */
  readonly partitions: readonly number[] | undefined;
  readonly onPoison: PoisonPolicy<V>;
  /** `auto` only where either could serve. */
  readonly store: "auto" | StoreKind;
  readonly validate: "eager" | "lazy";
  readonly metadata: boolean;
  readonly expireWithLog: boolean;
  readonly onSet: ((key: string, value: V) => void) | undefined;
  readonly onDelete: ((key: string) => void) | undefined;
  readonly onResync: ((loss: PositionLostError) => void) | undefined;
}

/** @throws InvalidOptionError */
export function resolveTableOptions<V>(options: KafkaTableOptions<V>): ResolvedTableOptions<V> {
  const partitions = chosenPartitions(options);
  const topicOptions =
    partitions === undefined ? options : { ...options, partitions: undefined, ensureTopic: false as const };
  // What is no array is checked there.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const resolved = resolveTopicOptions("KafkaTable", topicOptions as TopicOptions<V>, tableChecks, elsewhere);
  checkStore(options);
  const validate = options.validate ?? "eager";
  return {
    ...resolved,
    partitions,
    catchupTimeoutMs: options.catchupTimeoutMs ?? 30_000,
    fetchMaxWaitMs: options.fetchMaxWaitMs ?? 5000,
    isolation: options.isolation ?? "read_committed",
    onReset: options.onReset ?? "resync",
    onPoison: options.onPoison ?? (validate === "lazy" ? "drop" : "keep-previous"),
    store: storeOf(options),
    validate,
    metadata: options.metadata ?? false,
    expireWithLog: options.expireWithLog ?? false,
    onSet: options.onSet,
    onDelete: options.onDelete,
    onResync: options.onResync,
  };
}

/** What does not go together. @throws InvalidOptionError */
function checkStore<V>({ store, validate, onPoison, key }: KafkaTableOptions<V>): void {
  const isLazy = validate === "lazy";
  if (isLazy && store === "decoded") {
    throw new InvalidOptionError(
      "validate",
      'KafkaTable: validate: "lazy" needs bytes to decode later, store: "bytes"',
    );
  }
  if ((isLazy || store === "bytes") && key !== undefined) {
    throw new InvalidOptionError(
      "key",
      `KafkaTable: ${isLazy ? 'validate: "lazy"' : 'store: "bytes"'} finds keys by their UTF-8 bytes, so that a key codec ` +
        `of your own needs ${isLazy ? 'validate: "eager"' : 'store: "decoded"'}`,
    );
  }
  if (isLazy && onPoison !== undefined && onPoison !== "drop") {
    throw new InvalidOptionError(
      "onPoison",
      'KafkaTable: with validate: "lazy" a bad value is found when its predecessor is gone, so that onPoison can only be "drop"',
    );
  }
}

/** With `auto`, the only one that can serve, if there is only one. */
function storeOf<V>({ store = "auto", validate, key }: KafkaTableOptions<V>): "auto" | StoreKind {
  if (store !== "auto") return store;
  if (key !== undefined) return "decoded";
  return validate === "lazy" ? "bytes" : "auto";
}

/** The array, copied; undefined for whatever else there is. */
function chosenPartitions<V>(options: KafkaTableOptions<V>): readonly number[] | undefined {
  // Nothing has been checked yet.
  const { partitions, ensureTopic } = (options as Partial<KafkaTableOptions<V>> | undefined) ?? {};
  if (!Array.isArray(partitions)) return undefined;
  const numbers: readonly unknown[] = partitions;
  const isPartition = (value: unknown): value is number => check.integer(0)(value) === undefined;
  if (numbers.length === 0 || !numbers.every(isPartition) || new Set(numbers).size < numbers.length) {
    const message = `must be a number, or an array of different partition numbers, got ${describe(partitions)}`;
    throw new InvalidOptionError("partitions", `KafkaTable: option "partitions" ${message}`);
  }
  if (ensureTopic === true) {
    throw new InvalidOptionError(
      "ensureTopic",
      "KafkaTable: a table of some partitions cannot create the topic, because it does not know how many it should have",
    );
  }
  return Object.freeze([...numbers]);
}
