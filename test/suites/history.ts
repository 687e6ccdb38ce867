/** Random histories of a topic, what a table must make of them, and the comparison of both after every step. */
import fc from "fast-check";
import { type Change, json, type KafkaClientConfig, KafkaTable, type ViewStats } from "ktables";
import { expect } from "vitest";
import { until, utf8 } from "./support.ts";

export const partitions = 3;

export interface HistoryRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** A topic whose log can be written without the checks of a writer, and whose cluster can be stirred. */
export interface HistoryTopic {
  readonly topic: string;
  connection(): KafkaClientConfig;
  append(partition: number, records: readonly HistoryRecord[]): Promise<void>;
  /** Returns how to end the transaction. */
  beginTransaction(
    partition: number,
    records: readonly HistoryRecord[],
  ): Promise<(outcome: "commit" | "abort") => Promise<void>>;
  /**
   * The cleaner does its work, on as much as it may touch. Returns what had to be written to make it do so; nothing where
   * it could be told, and has stopped when this resolves.
   */
  compact(): Promise<readonly HistoryRecord[] | undefined>;
  moveLeader(partition: number): Promise<void>;
  /** Everything committed that the log still has, as somebody else reads it, and in order within each partition. */
  committed(): Promise<readonly HistoryRecord[]>;
}

type Entry = { readonly kind: "value" | "tombstone" | "poison" | "keyless" | "bad key"; readonly key: number };

type Step =
  | { readonly kind: "append"; readonly partition: number; readonly entries: readonly Entry[] }
  | { readonly kind: "begin"; readonly partition: number; readonly entries: readonly Entry[] }
  | { readonly kind: "end"; readonly outcome: "commit" | "abort" }
  | { readonly kind: "move leader"; readonly partition: number }
  | { readonly kind: "compact" }
  | { readonly kind: "restart"; readonly table: number };

const entry: fc.Arbitrary<Entry> = fc.record({
  kind: fc.constantFrom("value", "value", "value", "tombstone", "tombstone", "poison", "keyless", "bad key"),
  key: fc.nat(3),
});
const partition = fc.nat(partitions - 1);
const entries = fc.array(entry, { minLength: 1, maxLength: 6 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("append" as const), partition, entries }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("begin" as const), partition, entries }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("end" as const), outcome: fc.constantFrom("commit", "abort") }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("move leader" as const), partition }) },
  { weight: 2, arbitrary: fc.constant({ kind: "compact" as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("restart" as const), table: fc.nat(1) }) },
);

export const histories: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 1, maxLength: 25 });

type Counters = Pick<
  ViewStats,
  "recordsApplied" | "tombstonesApplied" | "keylessRecords" | "keyDecodeErrors" | "valueDecodeErrors"
>;

/** What a table is, in as many words as it takes. */
class Model {
  readonly contents = new Map<string, number>();
  /** Keys whose latest value is of no use. */
  readonly poisoned = new Set<string>();
  readonly counters: { -readonly [Name in keyof Counters]: number } = {
    recordsApplied: 0,
    tombstonesApplied: 0,
    keylessRecords: 0,
    keyDecodeErrors: 0,
    valueDecodeErrors: 0,
  };

  apply({ key, value }: HistoryRecord): void {
    if (key === null) return void this.counters.keylessRecords++;
    if (key[0] === badKey[0]) return void this.counters.keyDecodeErrors++;
    const text = Buffer.from(key).toString();
    this.poisoned.delete(text);
    if (value === null) {
      this.counters.tombstonesApplied++;
      this.contents.delete(text);
    } else if (value[0] === poison[0]) {
      this.counters.valueDecodeErrors++;
      this.poisoned.add(text);
    } else {
      this.counters.recordsApplied++;
      this.contents.set(text, Number(Buffer.from(value).toString()));
    }
  }
}

const badKey = Uint8Array.of(0xff);
const poison = utf8("{");

/** A table, what it should be, and what its feed has told. */
class Watched {
  readonly table: KafkaTable<number>;
  readonly model = new Model();
  readonly #told = new Map<string, number>();
  readonly #defects: string[] = [];

  private constructor(table: KafkaTable<number>) {
    this.table = table;
    void this.#listen();
  }

  static async open(topic: HistoryTopic, store: "decoded" | "bytes"): Promise<Watched> {
    const before = await topic.committed();
    const table = await KafkaTable.open({
      connection: topic.connection(),
      topic: topic.topic,
      value: json<number>(),
      ensureTopic: false,
      fetchMaxWaitMs: 50,
      store,
    });
    const watched = new Watched(table);
    for (const record of before) watched.model.apply(record);
    return watched;
  }

  /** With everything applied that can be read. */
  async compare(withCounters: boolean): Promise<void> {
    expect(await this.table.barrier({ timeoutMs: 20_000 })).toBe(true);
    const contents = sorted(this.model.contents);
    expect(sorted(this.table)).toEqual(contents);
    expect(
      this.table
        .poisoned()
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual([...this.model.poisoned].toSorted());
    if (withCounters) expect(this.table.stats).toMatchObject(this.model.counters);
    await until(() => this.#defects.length > 0 || JSON.stringify(sorted(this.#told)) === JSON.stringify(contents));
    expect(this.#defects).toEqual([]);
  }

  async #listen(): Promise<void> {
    for await (const change of this.table.changes({ initial: "snapshot" })) this.#take(change);
  }

  #take(change: Change<number>): void {
    if (change.type === "caught-up") return;
    if (change.type === "resync") return void this.#defects.push(`a resync because of ${change.loss.code}`);
    const { key, oldValue } = change;
    if (oldValue !== this.#told.get(key)) {
      this.#defects.push(`${key} was ${oldValue}, after it was said to be ${this.#told.get(key)}`);
    }
    if (change.type === "set") this.#told.set(key, change.value);
    else this.#told.delete(key);
  }
}

function sorted(contents: Iterable<[string, number]>): [string, number][] {
  return [...contents].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Lives through one history, and compares a table of either store with the model after every step. */
export async function liveThrough(topic: HistoryTopic, history: readonly Step[]): Promise<void> {
  const watched = [await Watched.open(topic, "decoded"), await Watched.open(topic, "bytes")];
  /** A transaction that has begun holds up its partition: what comes behind it cannot be read yet. */
  let open:
    | { partition: number; held: HistoryRecord[]; end: (outcome: "commit" | "abort") => Promise<void> }
    | undefined;
  let own: HistoryRecord[] = [];
  /** The real cleaner works on when it has begun, so that nobody knows which records a table has seen before. */
  let countersAreKnown = true;
  let value = 0;

  const recordsOf = (where: number, items: readonly Entry[]): HistoryRecord[] =>
    items.map(({ kind, key }) => ({
      key: kind === "keyless" ? null : kind === "bad key" ? badKey : utf8(`key ${key} of partition ${where}`),
      value: kind === "tombstone" ? null : kind === "poison" ? poison : utf8(String(value++)),
    }));
  const applied = (records: readonly HistoryRecord[]): void => {
    for (const { model } of watched) for (const record of records) model.apply(record);
  };
  const end = async (outcome: "commit" | "abort"): Promise<void> => {
    if (open === undefined) return;
    await open.end(outcome);
    applied([...(outcome === "commit" ? own : []), ...open.held]);
    open = undefined;
  };

  try {
    for (const item of history) {
      switch (item.kind) {
        case "append": {
          const records = recordsOf(item.partition, item.entries);
          await topic.append(item.partition, records);
          if (open?.partition === item.partition) open.held.push(...records);
          else applied(records);
          break;
        }
        case "begin":
          await end("abort");
          own = recordsOf(item.partition, item.entries);
          open = { partition: item.partition, held: [], end: await topic.beginTransaction(item.partition, own) };
          break;
        case "end":
          await end(item.outcome);
          break;
        case "move leader":
          await topic.moveLeader(item.partition);
          break;
        case "compact": {
          await end("commit");
          for (const one of watched) await one.compare(countersAreKnown);
          const written = await topic.compact();
          if (written === undefined) break;
          applied(written);
          countersAreKnown = false;
          break;
        }
        default: {
          await end("commit");
          await watched[item.table]?.table.stop();
          watched[item.table] = await Watched.open(topic, item.table === 0 ? "decoded" : "bytes");
        }
      }
      // A barrier would wait for the end of the transaction.
      if (open === undefined) for (const one of watched) await one.compare(countersAreKnown);
    }
    await end("commit");
    for (const one of watched) await one.compare(countersAreKnown);
  } finally {
    for (const { table } of watched) await table.stop();
  }
}
