import { encodeBatch, type RecordBatch, type RecordInput, readBatches } from "@ktables/record-batch";
import * as fc from "fast-check";
import { bytes, type Codec, string } from "ktables";
import { describe, expect, test } from "vitest";
import { ByteStore } from "../../packages/ktables/src/store/bytes/byte-store.ts";
import { DecodedStore } from "../../packages/ktables/src/store/decoded-store.ts";
import type { Store, StoreObserver, StoreOptions } from "../../packages/ktables/src/store/store.ts";
import { utf8 } from "../suites/support.ts";

type Event = readonly unknown[];

type NewStore = <V>(options: StoreOptions<V>, observer: StoreObserver<V>) => Store<V>;

const stores: readonly (readonly [name: string, newStore: NewStore])[] = [
  ["decoded", (options, observer) => new DecodedStore(options, observer)],
  ["byte", (options, observer) => new ByteStore({ ...options, validate: "eager" }, observer)],
  // Somebody listens, so that values are decoded when they come all the same.
  ["lazy byte", (options, observer) => new ByteStore({ ...options, validate: "lazy" }, observer)],
];

function storeOf<V>(
  make: NewStore,
  value: Codec<V>,
  overrides: Partial<StoreOptions<V>> = {},
): { store: Store<V>; events: Event[] } {
  const events: Event[] = [];
  const options = { topic: "t", key: string(), value, onPoison: "keep-previous", metadata: false } as const;
  const store = make(
    { ...options, expireWithLog: false, ...overrides },
    {
      wantsOldValues: false,
      onSet: (key, value) => events.push(["set", key, value]),
      onDelete: (key) => events.push(["delete", key]),
      onSkip: (reason, partition, offset, error) => events.push(["skip", reason, partition, offset, error]),
      onCrossPartition: (...place) => events.push(["cross-partition", ...place]),
      onCallbackError: (name, error) => events.push(["callback error", name, error]),
    },
  );
  return { store, events };
}

function batch(
  records: readonly (readonly [string | Uint8Array | null, string | null])[],
  baseOffset = 0,
): RecordBatch {
  const inputs = records.map(([key, value]): RecordInput => {
    return {
      key: typeof key === "string" ? utf8(key) : key,
      value: value === null ? null : utf8(value),
      timestamp: 0,
    };
  });
  const [decoded] = readBatches(encodeBatch({ records: inputs, baseOffset }));
  if (decoded === undefined) throw new Error("no batch");
  return decoded;
}

describe.each(stores)("the %s store", (_name, make) => {
  const newStore = <V>(value: Codec<V>, overrides?: Partial<StoreOptions<V>>) => storeOf(make, value, overrides);

  test("applies records in order, and reports each after it is made", () => {
    const { store, events } = newStore(string());
    store.apply(
      0,
      batch([
        ["a", "1"],
        ["b", "2"],
        ["a", null],
        ["a", "3"],
        ["c", null],
      ]),
      0,
    );
    expect(Object.fromEntries(store.entries())).toEqual({ b: "2", a: "3" });
    expect(events).toEqual([
      ["set", "a", "1"],
      ["set", "b", "2"],
      ["delete", "a"],
      ["set", "a", "3"],
      ["delete", "c"],
    ]);
    expect(store.counters).toMatchObject({ recordsApplied: 3, tombstonesApplied: 2 });
  });

  test("leaves out the records below the given offset", () => {
    const { store, events } = newStore(string());
    const records = batch(
      [
        ["a", "old"],
        [null, "old"],
        ["b", "new"],
      ],
      10,
    );
    store.apply(0, records, 12);
    expect(events).toEqual([["set", "b", "new"]]);
    store.apply(0, records, 13);
    expect(events).toHaveLength(1);
  });

  test("says which record it skipped, and why", () => {
    const { store, events } = newStore(string());
    store.apply(
      7,
      batch(
        [
          [null, "x"],
          [Uint8Array.of(0xff), "x"],
          [Uint8Array.of(0xff), null],
        ],
        100,
      ),
      0,
    );
    const invalid = expect.objectContaining({ code: "DECODE_FAILED" });
    expect(events).toEqual([
      ["skip", "keyless", 7, 100, undefined],
      ["skip", "key_undecodable", 7, 101, invalid],
      ["skip", "key_undecodable", 7, 102, invalid],
    ]);
    expect(store.counters).toEqual({
      recordsApplied: 0,
      tombstonesApplied: 0,
      keylessRecords: 1,
      keyDecodeErrors: 2,
      valueDecodeErrors: 0,
      crossPartitionRecords: 0,
      recordsExpired: 0,
    });
  });

  test("keeps no part of the buffer that the batch came in", () => {
    const { store } = newStore(bytes());
    const source = batch([["k", "value"]]);
    store.apply(0, source, 0);
    source.bytes.fill(0);
    expect(store.get("k")).toEqual(utf8("value"));
    expect(store.get("k")?.buffer.byteLength).toBe(5);
  });

  test.each([false, true])("tells by a number that keys came or went (with places: %s)", (metadata) => {
    const { store } = newStore(string(), { metadata, expireWithLog: metadata });
    const versions = [store.keySetVersion];
    const changes = (act: () => void): boolean => {
      act();
      const changed = !versions.includes(store.keySetVersion);
      versions.push(store.keySetVersion);
      return changed;
    };
    expect(changes(() => store.apply(0, batch([["k", "1"]]), 0))).toBe(true);
    expect(changes(() => store.apply(0, batch([["k", "2"]], 1), 1))).toBe(false);
    expect(changes(() => store.apply(0, batch([["k", null]], 2), 2))).toBe(true);
    expect(changes(() => store.apply(0, batch([["k", null]], 3), 3))).toBe(false);
    expect(changes(() => store.apply(0, batch([["k", "3"]], 4), 4))).toBe(true);
    if (metadata) expect(changes(() => store.expire(0, 5))).toBe(true);
    else expect(changes(() => store.expectSeveralPartitions())).toBe(false);
  });

  test("gives keys in the order in which they came, whatever happens to their values", () => {
    const { store } = newStore(string());
    const names = Array.from({ length: 300 }, (_, index) => `key ${(index * 7) % 300}`);
    const records = (value: string) => names.map((name): [string, string] => [name, value + name]);
    store.apply(0, batch(records("first ")), 0);
    store.apply(0, batch(records("a much longer second ").toReversed(), 300), 300);
    expect([...store.keys()]).toEqual(names);
    expect([...store.entries()]).toEqual(names.map((name) => [name, `a much longer second ${name}`]));
    expect([...store.values()]).toEqual(names.map((name) => `a much longer second ${name}`));
  });

  test("an iterator meets every key that stays exactly once, whatever is set and removed meanwhile", () => {
    const action = fc.record({ key: fc.nat(30), isRemoved: fc.boolean() });
    const stays = fc.uniqueArray(fc.nat(15), { minLength: 1 });
    fc.assert(
      fc.property(
        stays,
        fc.array(fc.array(action, { minLength: 1, maxLength: 5 }), { maxLength: 40 }),
        (stays, turns) => {
          const { store } = newStore(string());
          const name = (key: number): string => `key ${key}`;
          store.apply(0, batch(Array.from({ length: 16 }, (_, key) => [name(key), "first"])), 0);
          let offset = 16;
          const met: string[] = [];
          const pending = [...turns];
          for (const key of store.keys()) {
            met.push(key);
            const turn = pending.shift() ?? [];
            const records = turn.map(({ key, isRemoved }): [string, string | null] => {
              return [name(key), isRemoved && !stays.includes(key) ? null : "x".repeat(key * 5)];
            });
            if (records.length > 0) store.apply(0, batch(records, offset), offset);
            offset += records.length;
          }
          for (const key of stays) expect(met.filter((one) => one === name(key))).toHaveLength(1);
        },
      ),
    );
  });

  test("has forgotten a replacement when a good value has come, and when the key is gone", () => {
    const digits: Codec<string> = {
      ...string(),
      decode: (bytes) => {
        const text = string().decode(bytes);
        if (!/^\d+$/.test(text)) throw new Error("no digits");
        return text;
      },
    };
    // A store that is lazy takes no such policy, but does as it says where somebody listens.
    const { store } = newStore(digits, { onPoison: () => ({ value: "instead" }) });
    store.apply(0, batch([["k", "bad"]]), 0);
    expect([store.get("k"), store.poisoned()]).toMatchObject(["instead", [{ serving: { from: "replacement" } }]]);
    store.apply(0, batch([["k", "123"]], 1), 1);
    expect([store.get("k"), store.poisoned()]).toEqual(["123", []]);
    store.apply(0, batch([["k", "bad"]], 2), 2);
    store.apply(0, batch([["k", null]], 3), 3);
    store.apply(0, batch([["other", "1"]], 4), 4);
    expect([...store.entries()]).toEqual([["other", "1"]]);
  });

  test("takes what came before there were several partitions for older than all, without a place", () => {
    const { store, events } = newStore(string());
    store.apply(0, batch([["k", "early"]], 5), 0);
    store.expectSeveralPartitions();
    store.apply(1, batch([["k", "later"]], 7), 0);
    expect(store.place("k")).toMatchObject({ value: "later", partition: 1, offset: 7, timestamp: 0 });
    store.apply(1, batch([["k", null]], 8), 0);
    expect(store.place("k")).toEqual({
      value: "early",
      partition: 0,
      offset: -1,
      timestamp: Number.NEGATIVE_INFINITY,
      headers: [],
    });
    expect(events.map(([what]) => what)).toEqual(["set", "cross-partition", "set", "set"]);
    store.apply(0, batch([["k", "placed"]], 6), 0);
    expect(store.place("k")).toMatchObject({ value: "placed", partition: 0, offset: 6, timestamp: 0 });
  });

  test("a snapshot is not changed by later batches", () => {
    const { store } = newStore(string());
    store.apply(0, batch([["k", "1"]]), 0);
    const snapshot = store.snapshot();
    store.apply(0, batch([["k", "2"]], 1), 1);
    expect([snapshot.get("k"), store.get("k")]).toEqual(["1", "2"]);
  });

  test("equals a map that is fed the same writes, however they are cut into batches", () => {
    const write = fc.tuple(
      fc.constantFrom("a", "b", "__proto__", "", "constructor", "é😀"),
      fc.option(fc.string(), { nil: null }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(write, { minLength: 1, maxLength: 5 }), { maxLength: 8 }), (batches) => {
        const { store } = newStore(string());
        const expected = new Map<string, string>();
        let offset = 0;
        for (const writes of batches) {
          store.apply(0, batch(writes, offset), offset);
          offset += writes.length;
          for (const [key, value] of writes) {
            if (value === null) expected.delete(key);
            else expected.set(key, new TextDecoder().decode(utf8(value)));
          }
        }
        expect(store.snapshot()).toEqual(expected);
        expect(store.size).toBe(expected.size);
        for (const key of expected.keys()) expect([store.has(key), store.get(key)]).toEqual([true, expected.get(key)]);
      }),
    );
  });
});
