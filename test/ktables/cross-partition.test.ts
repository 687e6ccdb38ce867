import { encodeBatch, readBatches } from "@ktables/record-batch";
import * as fc from "fast-check";
import { string } from "ktables";
import { describe, expect, test } from "vitest";
import { ByteStore } from "../../packages/ktables/src/store/bytes/byte-store.ts";
import { DecodedStore } from "../../packages/ktables/src/store/decoded-store.ts";
import type { Store, StoreObserver, StoreOptions } from "../../packages/ktables/src/store/store.ts";
import { until, utf8 } from "../suites/support.ts";
import { Fixture, record } from "./support.ts";

interface Write {
  readonly key: string;
  /** Null: a tombstone. */
  readonly value: string | null;
  readonly timestamp: number;
}

/** A record of one partition's log; compaction leaves holes between them. */
interface Logged extends Write {
  readonly offset: number;
}

type NewStore = (options: StoreOptions<string>, observer: StoreObserver<string>) => Store<string>;

const stores: readonly (readonly [name: string, newStore: NewStore])[] = [
  ["decoded", (options, observer) => new DecodedStore(options, observer)],
  ["byte", (options, observer) => new ByteStore({ ...options, validate: "eager" }, observer)],
];

/** A store, and a copy of its contents that only listens. */
class Reader {
  readonly mirror = new Map<string, string>();
  readonly store: Store<string>;

  constructor(make: NewStore) {
    const options = { topic: "t", key: string(), value: string(), onPoison: "keep-previous" } as const;
    this.store = make(
      { ...options, metadata: false, expireWithLog: false },
      {
        wantsOldValues: true,
        onSet: (key, value, oldValue) => {
          expect(this.mirror.get(key)).toBe(oldValue);
          this.mirror.set(key, value);
        },
        onDelete: (key, oldValue) => {
          expect(this.mirror.get(key)).toBe(oldValue);
          this.mirror.delete(key);
        },
        onSkip: () => expect.unreachable(),
        onCrossPartition: () => undefined,
        onCallbackError: () => expect.unreachable(),
      },
    );
    this.store.expectSeveralPartitions();
  }

  apply(partition: number, { offset, key, value, timestamp }: Logged): void {
    const input = { key: utf8(key), value: value === null ? null : utf8(value), timestamp };
    for (const batch of readBatches(encodeBatch({ records: [input], baseOffset: offset }))) {
      this.store.apply(partition, batch, 0);
    }
    expect(this.mirror).toEqual(this.store.snapshot());
  }

  get contents(): Map<string, string> {
    expect(this.store.size).toBe(this.store.snapshot().size);
    return this.store.snapshot();
  }
}

/** The rule in a few lines: the newest of what the partitions have, of equally old ones the highest partition's. */
function expectedContents(logs: readonly (readonly Logged[])[]): Map<string, string> {
  const newest = new Map<string, { value: string; timestamp: number }>();
  for (const log of logs) {
    const last = new Map(log.map((logged) => [logged.key, logged]));
    for (const { key, value, timestamp } of last.values()) {
      if (value !== null && timestamp >= (newest.get(key)?.timestamp ?? -1)) newest.set(key, { value, timestamp });
    }
  }
  return new Map([...newest].map(([key, { value }]) => [key, value]));
}

const write = fc.record({
  key: fc.constantFrom("a", "b", "c"),
  value: fc.option(fc.constantFrom("1", "2", "3", "4"), { nil: null, freq: 3 }),
  timestamp: fc.constantFrom(-1, 5, 6, 7),
});

/** Values that tell where they come from, so that none is taken for another. */
const logs = fc.array(fc.array(write, { maxLength: 12 }), { minLength: 2, maxLength: 4 }).map((partitions) =>
  partitions.map((writes, partition) =>
    writes.map(
      (item, offset): Logged => ({
        ...item,
        value: item.value === null ? null : `${partition}/${offset}: ${item.value}`,
        offset,
      }),
    ),
  ),
);

/** As the log cleaner does: the last record of each key stays, a tombstone for a while only. */
function compact(log: readonly Logged[], keepsTombstones: boolean): Logged[] {
  const last = new Map(log.map(({ key, offset }) => [key, offset]));
  return log.filter(({ key, value, offset }) => last.get(key) === offset && (keepsTombstones || value !== null));
}

function read(make: NewStore, logs: readonly (readonly Logged[])[], order: Iterable<number>): Reader {
  const reader = new Reader(make);
  const positions = logs.map(() => 0);
  const next = (partition: number): void => {
    const logged = logs[partition]?.[positions[partition] ?? 0];
    if (logged === undefined) return;
    positions[partition] = (positions[partition] ?? 0) + 1;
    reader.apply(partition, logged);
  };
  for (const turn of order) next(turn % logs.length);
  logs.forEach((log, partition) => {
    for (let rest = log.length; rest > 0; rest--) next(partition);
  });
  return reader;
}

describe.each(stores)("a key in several partitions, in a %s store,", (_name, make) => {
  test("has the same value for every reader, in whatever order the partitions come, compacted or not", () => {
    const orders = fc.array(fc.array(fc.nat(3), { maxLength: 40 }), { minLength: 2, maxLength: 3 });
    fc.assert(
      fc.property(logs, orders, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), (logs, orders, keeps) => {
        const expected = expectedContents(logs);
        for (const order of orders) {
          const reader = read(make, logs, order);
          expect(reader.contents).toEqual(expected);
          const cleaned = logs.map((log, partition) => compact(log, keeps[partition] ?? true));
          expect(read(make, cleaned, order).contents).toEqual(expected);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("is counted as long as there are several", () => {
    const reader = new Reader(make);
    const at = (offset: number, value: string | null): Logged => ({ key: "k", value, timestamp: offset, offset });
    reader.apply(0, at(0, "old"));
    expect(reader.store.crossPartitionKeys).toBe(0);
    reader.apply(1, at(1, "new"));
    reader.apply(1, at(2, "newer"));
    expect(reader.store.crossPartitionKeys).toBe(1);
    expect(reader.store.counters.crossPartitionRecords).toBe(1);
    expect(reader.store.place("k")).toMatchObject({ value: "newer", partition: 1, offset: 2 });
    reader.apply(1, at(3, null));
    expect(reader.store.place("k")).toMatchObject({ value: "old", partition: 0, offset: 0 });
    expect(reader.store.crossPartitionKeys).toBe(0);
  });

  test("keeps its value when another partition, which has none, has a tombstone for it", () => {
    const reader = new Reader(make);
    reader.apply(0, { key: "k", value: "v", timestamp: 1, offset: 0 });
    reader.apply(1, { key: "k", value: null, timestamp: 2, offset: 0 });
    expect(reader.contents).toEqual(new Map([["k", "v"]]));
    expect(reader.store.counters).toMatchObject({ crossPartitionRecords: 1, tombstonesApplied: 1 });
    reader.apply(0, { key: "k", value: null, timestamp: 0, offset: 1 });
    expect(reader.contents).toEqual(new Map());
  });
});

const fixture = new Fixture({ topics: [{ name: "t", partitions: 2, configs: { "cleanup.policy": "compact" } }] });

function append(partition: number, key: string, value: string | null, timestamp: number): void {
  const records = [{ ...record(key, value), timestamp }];
  fixture.broker.append("t", partition, encodeBatch({ records }));
}

describe("a table of several partitions", () => {
  test("serves the newest value of a key in two of them, says so once, and counts", async () => {
    append(0, "k", "newer", 2000);
    append(1, "k", "older", 1000);
    append(1, "l", "older", 1000);
    append(0, "l", "newer", 2000);
    append(0, "single", "1", 1000);
    append(0, "single", "2", 500);
    const table = await fixture.openTable();
    expect(Object.fromEntries(table)).toEqual({ k: "newer", l: "newer", single: "2" });
    expect(table.stats).toMatchObject({ crossPartitionKeys: 2, crossPartitionRecords: 2, recordsApplied: 6 });
    const warnings = fixture.logger.messages("warn");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /Table of topic "t": partition \d offset \d: key "[kl]" has a value in partition \d, too/,
    );
  });

  test("tells listeners what is served, and nothing of what is not", async () => {
    append(0, "k", "first", 2000);
    const calls: string[] = [];
    const table = await fixture.openTable({
      onSet: (key, value) => void calls.push(`${key} ${value}`),
      onDelete: (key) => void calls.push(`${key} gone`),
    });
    append(1, "k", "hidden", 1000);
    await table.barrier();
    expect(calls).toEqual(["k first"]);
    const changes = table.changes();
    append(0, "k", null, 3000);
    await table.barrier();
    append(1, "k", null, 500);
    await table.barrier();
    expect(calls).toEqual(["k first", "k hidden", "k gone"]);
    expect(await changes.next()).toMatchObject({ value: { type: "caught-up" } });
    expect(await changes.next()).toMatchObject({
      value: { type: "delete", key: "k", oldValue: "first", phase: "live", partition: 1, offset: 1 },
    });
  });

  test("that was one partition when it was opened takes what it had for older than all that comes", async () => {
    await fixture.broker.createTopic("grown", { partitions: 1, configs: { "cleanup.policy": "compact" } });
    const add = (partition: number, key: string, value: string | null, timestamp: number): void => {
      fixture.broker.append("grown", partition, encodeBatch({ records: [{ ...record(key, value), timestamp }] }));
    };
    add(0, "k", "before", 1000);
    add(0, "other", "before", 1000);
    const connection = fixture.connection({ metadataMaxAgeMs: 50 });
    const table = await fixture.openTable({ topic: "grown", connection });
    await fixture.broker.createPartitions("grown", 2);
    add(1, "k", "after", 2000);
    await until(() => table.get("k") === "after");
    expect(table.stats.crossPartitionKeys).toBe(1);
    add(0, "other", "later", 3000);
    add(1, "k", null, 4000);
    await until(() => table.get("other") === "later" && table.get("k") === "before");
    expect(table.stats.crossPartitionKeys).toBe(0);
    expect([...table.keys()]).toEqual(["k", "other"]);
  });
});
