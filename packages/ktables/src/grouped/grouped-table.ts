import { type AbortSignalLike, type CallOptions, InvalidOptionError, type PositionLostError } from "@ktables/client";
import { check, describe, toError } from "@ktables/client/internal";
import type { Change } from "../change-feed.ts";
import { ConnectionHandle } from "../connection-handle.ts";
import { NotStartedError } from "../errors.ts";
import type { TableHealth } from "../health.ts";
import { inspectAsString } from "../inspect.ts";
import { LogLimiter } from "../log-limiter.ts";
import { checkPoisonPolicy } from "../store/poison.ts";
import { KafkaTable } from "../table.ts";
import type { KafkaTableOptions } from "../table-options.ts";
import type { TableStatus, ViewStats } from "../view-stats.ts";
import type { WriteToken } from "../write-token.ts";
import { type CompositeKeyCodec, checkKeyOptions, DEFAULT_KEY_CODEC, LengthPrefixedKeyCodec } from "./composite-key.ts";
import { GroupIndex } from "./group-index.ts";
import {
  checkGroupedChangesOptions,
  type GroupedChange,
  GroupedChangeFeed,
  type GroupedChangesOptions,
} from "./grouped-changes.ts";
import {
  type GroupedPoisonPolicy,
  type GroupedTableEntry,
  type PoisonedMember,
  policyByKey,
  toMember,
} from "./grouped-records.ts";

export interface GroupedKafkaTableOptions<V>
  extends Omit<KafkaTableOptions<V>, "key" | "store" | "validate" | "onPoison" | "onSet" | "onDelete" | "onResync"> {
  /** Must be that of the writers. Default {@link DEFAULT_KEY_CODEC}, which is that of the Python package. */
  readonly keyCodec?: CompositeKeyCodec | undefined;
  /** As `onPoison` of a `KafkaTable`. */
  readonly onPoison?: GroupedPoisonPolicy<V> | undefined;
  /** As `onSet` of a `KafkaTable`. */
  readonly onSet?: ((group: string, member: string, value: V) => void) | undefined;
  /** As `onDelete` of a `KafkaTable`. */
  readonly onDelete?: ((group: string, member: string) => void) | undefined;
  /** As `onResync` of a `KafkaTable`. */
  readonly onResync?: ((loss: PositionLostError) => void) | undefined;
}

const owner = "GroupedKafkaTable";

/**
 * A compacted topic as groups of members. Every member has a record key of its own, so that many writers can maintain one
 * group without ever overwriting each other. Lifecycle, waits, changes and health are those of the {@link KafkaTable}
 * that it is made of.
 *
 * What it returns stands still; the values are shared with the table. Keys that the codec does not know are left out and
 * counted, but a foreign key that happens to look like one of the codec's becomes a member: such a table needs a topic
 * of its own.
 */
export class GroupedKafkaTable<V> {
  readonly #table: KafkaTable<V>;
  readonly #codec: CompositeKeyCodec;
  readonly #index = new GroupIndex<V>();
  readonly #log: LogLimiter;
  #foreignKeyCount = 0;

  /** Checks the options and connects to nothing. @throws InvalidOptionError */
  constructor(options: GroupedKafkaTableOptions<V>) {
    const {
      keyCodec = DEFAULT_KEY_CODEC,
      onPoison,
      onSet,
      onDelete,
      onResync,
      ...tableOptions
    } = checkGroupedOptions(options);
    this.#codec = keyCodec;
    this.#table = new KafkaTable<V>({
      ...tableOptions,
      // The groups hold every value decoded anyway.
      store: "decoded",
      onPoison: policyByKey(onPoison, (key) => this.#decode(key)),
      onSet: (key, value) => {
        const decoded = this.#decodeOrCount(key);
        if (decoded === undefined) return;
        this.#index.set(...decoded, value);
        // What the hook returns may be a promise that rejects, for which the table cares.
        return onSet?.(...decoded, value);
      },
      onDelete: (key) => {
        const decoded = this.#decodeOrCount(key);
        if (decoded === undefined) return;
        this.#index.delete(...decoded);
        return onDelete?.(...decoded);
      },
      onResync: (loss) => {
        this.#rebuild();
        return onResync?.(loss);
      },
    });
    this.#log = new LogLimiter(new ConnectionHandle(owner, tableOptions.connection).logger);
    inspectAsString(this);
  }

  /** Makes a table and starts it. See {@link start}. */
  static async open<V>(
    options: GroupedKafkaTableOptions<V>,
    call: { readonly signal?: AbortSignalLike | undefined } = {},
  ): Promise<GroupedKafkaTable<V>> {
    const table = new GroupedKafkaTable(options);
    await table.start(call);
    return table;
  }

  /** As {@link KafkaTable.start}. */
  start(call: { readonly signal?: AbortSignalLike | undefined } = {}): Promise<void> {
    return this.#table.start(call);
  }

  /** As {@link KafkaTable.stop}. */
  async stop(): Promise<void> {
    await this.#table.stop();
    this.#log.flush();
  }

  /** The same as {@link stop}. */
  async close(): Promise<void> {
    await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get topic(): string {
    return this.#table.topic;
  }

  get started(): boolean {
    return this.#table.started;
  }

  get status(): TableStatus {
    return this.#table.status;
  }

  get failure(): Error | undefined {
    return this.#table.failure;
  }

  get isCaughtUp(): boolean {
    return this.#table.isCaughtUp;
  }

  /** Those of the table of keys, foreign ones included. */
  get stats(): ViewStats {
    return this.#table.stats;
  }

  /** As {@link KafkaTable.health}. */
  health(): TableHealth {
    return this.#table.health();
  }

  /** Records, tombstones included, whose key is not one of the codec's. */
  get foreignKeyCount(): number {
    return this.#foreignKeyCount;
  }

  /** Groups that have members. Like every access to the contents: @throws NotStartedError before {@link start}. */
  get groupCount(): number {
    return this.#contents.size;
  }

  groups(): Set<string> {
    return this.#contents.groups();
  }

  hasGroup(group: string): boolean {
    return this.#contents.has(group);
  }

  /** The members of a group as of now; empty if there is no such group. */
  members(group: string): ReadonlyMap<string, V> {
    return new Map(this.#contents.get(group));
  }

  memberCount(group: string): number {
    return this.#contents.get(group)?.size ?? 0;
  }

  getMember(group: string, member: string): V | undefined {
    return this.#contents.get(group)?.get(member);
  }

  hasMember(group: string, member: string): boolean {
    return this.#contents.get(group)?.has(member) ?? false;
  }

  /** All groups and members as of now. */
  snapshot(): Map<string, Map<string, V>> {
    return this.#contents.snapshot();
  }

  /** As {@link KafkaTable.entry}. */
  entry(group: string, member: string): GroupedTableEntry<V> | undefined {
    const entry = this.#table.entry(this.#codec.encode(group, member));
    if (entry === undefined) return undefined;
    const { key: _key, ...record } = entry;
    return Object.freeze({ group, member, ...record });
  }

  /** As {@link KafkaTable.poisoned}, without foreign keys. */
  poisoned(): readonly PoisonedMember<V>[] {
    return this.#table.poisoned().flatMap((poisoned) => toMember((key) => this.#decode(key), poisoned) ?? []);
  }

  /** As {@link KafkaTable.waitUntilCaughtUp}. */
  waitUntilCaughtUp(call: CallOptions = {}): Promise<boolean> {
    return this.#table.waitUntilCaughtUp(call);
  }

  /** As {@link KafkaTable.barrier}. */
  barrier(call: CallOptions = {}): Promise<boolean> {
    return this.#table.barrier(call);
  }

  /** As {@link KafkaTable.waitFor}, with tokens of a `GroupedKafkaTableWriter`. */
  waitFor(tokens: WriteToken | readonly WriteToken[], call: CallOptions = {}): Promise<void> {
    return this.#table.waitFor(tokens, call);
  }

  /** As {@link KafkaTable.changes}, with group and member in place of the key. */
  changes(options: GroupedChangesOptions = {}): GroupedChangeFeed<V> {
    checkGroupedChangesOptions(options);
    const { group, ...feedOptions } = options;
    // With this codec all keys of a group begin alike, and the feed need not keep changes of others.
    const codec = this.#codec instanceof LengthPrefixedKeyCodec ? this.#codec : undefined;
    const prefix = group === undefined ? undefined : codec?.encode(group, "");
    const feed = this.#table.changes({ ...feedOptions, prefix });
    return new GroupedChangeFeed(feed, (change) => this.#toGrouped(change, group));
  }

  /** As {@link KafkaTable.partitionFor}. The members of a group may be in different partitions. */
  partitionFor(group: string, member: string): number {
    return this.#table.partitionFor(this.#codec.encode(group, member));
  }

  toString(): string {
    const groups = this.started ? `, ${this.#index.size} groups` : "";
    return `GroupedKafkaTable(topic "${this.topic}", ${this.status}${groups})`;
  }

  get #contents(): GroupIndex<V> {
    if (!this.started) throw new NotStartedError(`The table of topic "${this.topic}"`);
    return this.#index;
  }

  /** All at once, so that hooks, too, see either the old groups or the new ones. */
  #rebuild(): void {
    this.#index.clear();
    for (const [key, value] of this.#table) {
      const decoded = this.#decode(key);
      if (decoded !== undefined) this.#index.set(...decoded, value);
    }
  }

  #toGrouped(change: Change<V>, onlyGroup: string | undefined): GroupedChange<V> | undefined {
    if (change.type === "caught-up" || change.type === "resync") return change;
    const { key, ...rest } = change;
    const decoded = this.#decode(key);
    if (decoded === undefined) return undefined;
    const [group, member] = decoded;
    return onlyGroup === undefined || onlyGroup === group ? { group, member, ...rest } : undefined;
  }

  #decodeOrCount(key: string): readonly [group: string, member: string] | undefined {
    const decoded = this.#decode(key);
    if (decoded === undefined) this.#foreignKeyCount++;
    return decoded;
  }

  #decode(key: string): readonly [group: string, member: string] | undefined {
    const { topic } = this;
    try {
      const decoded = this.#codec.decode(key);
      if (decoded !== undefined) {
        const [group, member] = decoded;
        if (typeof group === "string" && typeof member === "string") return [group, member];
      }
      const message = (): string => `Table of topic "${topic}": left out a key that is not one of the codec's`;
      this.#log.warn("foreign key", message, { topic, key });
    } catch (error) {
      const message = (): string => `Table of topic "${topic}": decode of keyCodec threw: ${toError(error).message}`;
      this.#log.warn("keyCodec threw", message, { topic, key, error });
    }
    return undefined;
  }
}

/** Checks what the inner table cannot. @throws InvalidOptionError */
function checkGroupedOptions<V>(options: GroupedKafkaTableOptions<V>): GroupedKafkaTableOptions<V> {
  checkKeyOptions(owner, options);
  for (const name of ["store", "validate"]) {
    if (!Object.hasOwn(options, name)) continue;
    throw new InvalidOptionError(
      name,
      `${owner}: option "${name}": groups are made of decoded values; it is an option of KafkaTable`,
    );
  }
  for (const name of ["onSet", "onDelete", "onResync"] as const) {
    const hook = options[name];
    const expected = hook === undefined ? undefined : check.callable(hook);
    if (expected === undefined) continue;
    throw new InvalidOptionError(name, `${owner}: option "${name}" must be ${expected}, got ${describe(hook)}`);
  }
  const expected = options.onPoison === undefined ? undefined : checkPoisonPolicy(options.onPoison);
  if (expected === undefined) return options;
  const got = describe(options.onPoison);
  throw new InvalidOptionError("onPoison", `${owner}: option "onPoison" must be ${expected}, got ${got}`);
}
