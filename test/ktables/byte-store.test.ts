import { encodeBatch, type RecordBatch, RecordBatchError, type RecordInput, readBatches } from "@ktables/record-batch";
import * as fc from "fast-check";
import { AsyncSchemaError, json, string, TableFullError } from "ktables";
import { describe, expect, test } from "vitest";
import { ByteStore, type ByteStoreOptions } from "../../packages/ktables/src/store/bytes/byte-store.ts";
import type { RecordMapSizes } from "../../packages/ktables/src/store/bytes/record-map.ts";
import { ValueCache } from "../../packages/ktables/src/store/bytes/value-cache.ts";
import { utf8 } from "../suites/support.ts";
import { unheard } from "../suites/unheard.ts";

type Write = readonly [key: string, value: string | null];

function batches(writes: readonly Write[], baseOffset: number, compression: "none" | "lz4" = "none"): RecordBatch[] {
  const records = writes.map(([key, value]): RecordInput => {
    return { key: utf8(key), value: value === null ? null : utf8(value), timestamp: 0 };
  });
  return [...readBatches(encodeBatch({ records, baseOffset, compression }))];
}

/** Small pieces of everything, so that a few records do what millions do otherwise. */
const smallPieces: RecordMapSizes = { segmentSize: 8, pageBits: 10, slotChunkBits: 3 };

class Log {
  readonly store: ByteStore<string>;
  readonly model = new Map<string, string>();
  #offset = 0;

  constructor(options: Partial<ByteStoreOptions<string>> = {}, sizes: RecordMapSizes = smallPieces) {
    const common = { topic: "t", key: string(), value: string(), onPoison: "drop", validate: "lazy" } as const;
    this.store = new ByteStore({ ...common, metadata: false, expireWithLog: false, ...options }, unheard, sizes);
  }

  write(writes: readonly Write[], compression?: "none" | "lz4"): void {
    for (const batch of batches(writes, this.#offset, compression)) this.store.apply(0, batch, this.#offset);
    this.#offset += writes.length;
    for (const [key, value] of writes) {
      if (value === null) this.model.delete(key);
      else this.model.set(key, value);
    }
  }
}

/** Keys that share all but the last byte, have no byte at all, differ in length only, or are very long. */
const key = fc.oneof(
  fc.nat(40).map((number) => `the same beginning of many keys ${number}`),
  fc.nat(12).map((length) => "a".repeat(length)),
  fc.nat(5).map((number) => `${"long".repeat(100)}${number}`),
  fc.constantFrom("", "\0", "\0\0", "é", "é\u{1f600}", "__proto__", "\ufeffa", "\ufffd"),
);
const value = fc.oneof(
  { weight: 6, arbitrary: fc.nat(40).map((length): string | null => "v".repeat(length)) },
  { weight: 1, arbitrary: fc.nat(3000).map((length): string | null => "large".repeat(length / 5)) },
  { weight: 2, arbitrary: fc.constant(null) },
);
const history = fc.array(fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 30 }), { maxLength: 30 });

describe.each([
  ["with WebAssembly", true],
  ["in plain JavaScript", false],
])("the byte store %s", (_kind, allowWebAssembly) => {
  const small = { ...smallPieces, allowWebAssembly };

  test.each<[string, RecordMapSizes]>([
    ["in small pieces", small],
    ["whose keys all have the same hash", { ...small, hash: { of: () => 0x55aa55aa, bits: 0xff } }],
    ["whose keys have hashes that begin alike", { ...small, hash: { of: (_, __, length) => length, bits: 0xff } }],
  ])("equals a Map after any history: a store %s", (_name, sizes) => {
    fc.assert(
      fc.property(history, fc.boolean(), (history, isCompressed) => {
        const log = new Log({}, sizes);
        for (const writes of history) log.write(writes, isCompressed ? "lz4" : "none");
        expect(log.store.snapshot()).toEqual(log.model);
        expect(log.store.size).toBe(log.model.size);
        expect(new Set(log.store.keys())).toEqual(new Set(log.model.keys()));
        for (const [key, value] of log.model) {
          // The second time, from the cache.
          for (let time = 0; time < 2; time++) expect([log.store.has(key), log.store.get(key)]).toEqual([true, value]);
        }
        // As UTF-8, a lone surrogate would become U+FFFD.
        for (const absent of ["absent", "absent é", "\ud800", "x".repeat(500)]) {
          expect([log.store.has(absent), log.store.get(absent)]).toEqual([false, undefined]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("takes more than a chunk of records in one batch, with later ones of the same key", () => {
    const log = new Log({}, { allowWebAssembly });
    log.write(Array.from({ length: 5000 }, (_, index): Write => [`key ${index % 1500}`, `value ${index}`]));
    expect(log.store.snapshot()).toEqual(log.model);
    expect(log.store.counters.recordsApplied).toBe(5000);
  });

  test("refuses a damaged batch, or takes it for what it is, and goes on", () => {
    const damage = fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const writes = fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(writes, damage, fc.boolean(), (writes, damage, isCompressed) => {
        const log = new Log({}, small);
        log.write(writes);
        const [batch] = batches(writes, 1000, isCompressed ? "lz4" : "none");
        const damaged = Uint8Array.from(batch!.bytes);
        for (const [at, byte] of damage) damaged[61 + (at % (damaged.length - 61))] = byte;
        try {
          for (const found of readBatches(damaged, { checkCrc: false })) log.store.apply(0, found, 0);
        } catch (error) {
          expect(error).toBeInstanceOf(RecordBatchError);
        }
        const again = [...log.model.keys(), "new"].map((key): Write => [key, `again ${key}`]);
        log.write(again);
        for (const [key, value] of log.model) expect(log.store.get(key)).toBe(value);
        expect(log.store.snapshot().size).toBe(log.store.size);
      }),
      { numRuns: 300 },
    );
  });

  test("reclaims what updates and tombstones leave: slabs hold no more than 1.75 times what is alive, and two", () => {
    const slab = 2 ** 16;
    const log = new Log({}, { pageBits: 16, allowWebAssembly });
    const random = (range: number, seed: number): number => Math.imul(seed + 1, 0x9e3779b1) >>> (32 - Math.log2(range));
    const within = (): void => {
      const { allocatedBytes, liveBytes } = log.store.memory;
      expect(allocatedBytes).toBeLessThanOrEqual(1.75 * liveBytes + 2 * slab);
    };
    let seed = 0;
    for (let round = 0; round < 400; round++) {
      const writes = Array.from({ length: 200 }, (): Write => {
        seed++;
        // Sizes that seldom fit into each other's place.
        return [`key ${random(4096, seed)}`, "v".repeat(random(256, seed * 7))];
      });
      log.write(writes);
      within();
    }
    expect(log.store.snapshot()).toEqual(log.model);
    const { liveBytes } = log.store.memory;
    const payload = [...log.model].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    expect(liveBytes).toBeLessThan(payload + 32 * log.model.size);
    // Most keys go; what they took is given back, slab by slab, while something is written.
    log.write([...log.model.keys()].slice(100).map((key): Write => [key, null]));
    for (let round = 0; round < 20; round++) log.write([["again", "v".repeat(round)]]);
    within();
    expect(log.store.memory.liveBytes).toBeLessThan(100 * 300 + 1000);
    expect(log.store.snapshot()).toEqual(log.model);
  });

  test("gives large records hardly more than they take, whatever becomes of them", () => {
    const log = new Log({}, { allowWebAssembly });
    const size = (round: number, index: number): number => 300_000 + ((round * 7919 + index * 104_729) % 200_000);
    for (let round = 0; round < 6; round++) {
      for (let index = 0; index < 20; index++) log.write([[`large ${index}`, "v".repeat(size(round, index))]]);
      log.write(Array.from({ length: 1000 }, (_, index): Write => [`small ${index}`, "v".repeat(100 + round)]));
    }
    const { allocatedBytes, liveBytes, takenBytes } = log.store.memory;
    expect(allocatedBytes).toBeLessThan(1.25 * liveBytes + 2 * 2 ** 20);
    // With one that waits for its successor's place, and what others have left in between.
    expect(takenBytes).toBeLessThan(2.2 * liveBytes);
    // From now on they are small, and in a chunk with others.
    log.write(Array.from({ length: 20 }, (_, index): Write => [`large ${index}`, "no longer"]));
    expect(log.store.memory.allocatedBytes).toBeLessThanOrEqual(2 * 2 ** 20);
    expect(log.store.snapshot()).toEqual(log.model);
  });

  test("takes records at the very end of its memory", () => {
    const log = new Log({}, { pageBits: 16, allowWebAssembly });
    // 32 bytes each, so that a page ends with a whole one; written once more before the memory grows.
    for (let start = 0; start < 200_000; start += 64) {
      const writes = Array.from(
        { length: 64 },
        (_, index): Write => [String(start + index).padStart(8, "0"), "12345678"],
      );
      log.write(writes);
      log.write(writes);
    }
    expect(log.store.size).toBe(200_000);
  });

  test("is full when it has no address left, keeps what it had, and takes more when something has gone", () => {
    const log = new Log({}, { ...small, pages: 20 });
    const write = (number: number): void => log.write([[`key ${number}`, "v".repeat(200)]]);
    let count = 0;
    expect(() => {
      for (; count < 100; count++) write(count);
    }).toThrow(expect.objectContaining({ code: "TABLE_FULL" }));
    // Of 20 KiB, the slots and the index take some.
    expect(count).toBeGreaterThan(40);
    expect(log.store.size).toBe(count);
    expect(() => log.write([["key 7", "v".repeat(1000)]])).toThrow(TableFullError);
    expect(log.store.snapshot()).toEqual(log.model);
    // Of the same size, it needs no room.
    log.write([["key 7", "w".repeat(200)]]);
    for (let number = 0; number < 8; number++) log.write([[`key ${number}`, null]]);
    write(100);
    expect(log.store.snapshot()).toEqual(log.model);
  });

  test("overwrites a value in place when the new one has its size", () => {
    const log = new Log({}, { pageBits: 16, allowWebAssembly });
    const keys = Array.from({ length: 100 }, (_, index) => `key ${index}`);
    for (let round = 0; round < 1000; round++) log.write(keys.map((key): Write => [key, `value ${1000 + round}`]));
    expect(log.store.memory.allocatedBytes).toBe(2 ** 16);
    expect(log.store.snapshot()).toEqual(log.model);
  });

  test("keeps offsets of all sizes", () => {
    const offsets = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 3));
    fc.assert(
      fc.property(offsets, (offset) => {
        const { store } = new Log({ metadata: true }, small);
        for (const batch of batches([["k", "v"]], Math.min(offset, 2 ** 53 - 3))) store.apply(7, batch, 0);
        expect(store.place("k")).toEqual({
          value: "v",
          partition: 7,
          offset: Math.min(offset, 2 ** 53 - 3),
          timestamp: 0,
          headers: [],
        });
      }),
    );
  });

  test("gives one and the same object to those who ask for a key again and again", () => {
    const store = new ByteStore<{ n: number }>(
      {
        topic: "t",
        key: string(),
        value: json<{ n: number }>(),
        onPoison: "drop",
        validate: "lazy",
        metadata: false,
        expireWithLog: false,
      },
      unheard,
    );
    for (const batch of batches([["k", '{"n":1}']], 0)) store.apply(0, batch, 0);
    expect(store.get("k")).toEqual({ n: 1 });
    const first = store.get("k");
    for (let time = 0; time < 3; time++) expect(store.get("k")).toBe(first);
    // Of the same size, and so in the same place.
    for (const batch of batches([["k", '{"n":2}']], 1)) store.apply(0, batch, 1);
    for (let time = 0; time < 3; time++) expect(store.get("k")).toEqual({ n: 2 });
    for (const batch of batches([["k", null]], 2)) store.apply(0, batch, 2);
    expect(store.get("k")).toBeUndefined();
  });
});

describe("a value that turns out bad when it is read", () => {
  function newStore(options: Partial<ByteStoreOptions<number>> = {}, sizes?: RecordMapSizes) {
    const told: unknown[] = [];
    const common = { topic: "t", key: string(), value: json<number>(), onPoison: "drop", validate: "lazy" } as const;
    const store = new ByteStore<number>(
      { ...common, metadata: false, expireWithLog: false, ...options },
      { ...unheard, onSkip: (reason, partition, offset) => told.push([reason, partition, offset]) },
      sizes,
    );
    const apply = (partition: number, offset: number, ...writes: Write[]): void => {
      for (const batch of batches(writes, offset)) store.apply(partition, batch, offset);
    };
    return { store, told, apply };
  }

  test("is dropped then, listed from then on, and counted", () => {
    const { store, told, apply } = newStore();
    apply(0, 5, ["a", "1"], ["b", "{"], ["c", "3"]);
    expect([store.size, [...store.keys()], store.poisonedKeys, told]).toEqual([3, ["a", "b", "c"], 0, []]);
    const version = store.keySetVersion;
    expect(store.get("b")).toBeUndefined();
    expect(store.has("b")).toBe(false);
    expect(store.keySetVersion).not.toBe(version);
    expect([store.size, [...store.keys()]]).toEqual([2, ["a", "c"]]);
    expect(store.poisoned()).toEqual([
      {
        key: "b",
        partition: 0,
        offset: 6,
        error: expect.objectContaining({ code: "DECODE_FAILED" }),
        serving: { from: "nothing" },
      },
    ]);
    expect(told).toEqual([["value_dropped", 0, 6]]);
    expect(store.counters).toMatchObject({ recordsApplied: 3, valueDecodeErrors: 1 });
    apply(0, 8, ["b", "2"]);
    expect([store.get("b"), store.poisoned()]).toEqual([2, []]);
  });

  test.each([0, 2 ** 32 - 5, 2 ** 32, 2 ** 53 - 1000])(
    "is listed with its offset, from %d on, and may be moved",
    (base) => {
      for (const allowWebAssembly of [true, false]) {
        for (const isPlaced of [false, true]) {
          const { store, apply } = newStore({}, { ...smallPieces, allowWebAssembly });
          if (isPlaced) store.expectSeveralPartitions();
          const numbers = Array.from({ length: 10 }, (_, index) => index);
          apply(0, base, ...numbers.map((number): Write => [`key ${number}`, "{".repeat(number + 1)]));
          // Of other sizes, and so many that slabs are cleared.
          for (let round = 1; round <= 20; round++) {
            apply(
              0,
              base + 10 * round,
              ...numbers.map((number): Write => [`other ${number}`, `"${"v".repeat(100 + round)}"`]),
            );
          }
          if (isPlaced) expect(store.place("other 3")).toMatchObject({ partition: 0, offset: base + 203 });
          store.snapshot();
          const found = store.poisoned().map(({ key, offset }) => [key, offset]);
          expect(found).toEqual(numbers.map((number) => [`key ${number}`, base + number]));
        }
      }
    },
  );

  test.each(["has", "entries", "values", "snapshot"] as const)("is found by %s, too, and left out", (how) => {
    const { store, apply } = newStore();
    apply(0, 0, ["a", "1"], ["b", "{"], ["c", "3"]);
    if (how === "has") expect(["a", "b", "c"].filter((key) => store.has(key))).toEqual(["a", "c"]);
    else if (how === "values") expect([...store.values()]).toEqual([1, 3]);
    else if (how === "snapshot") expect(Object.fromEntries(store.snapshot())).toEqual({ a: 1, c: 3 });
    else expect(Object.fromEntries(store.entries())).toEqual({ a: 1, c: 3 });
    expect(store.poisoned()).toHaveLength(1);
    expect(store.size).toBe(2);
  });

  test("gives way to what another partition has", () => {
    const { store, apply } = newStore();
    store.expectSeveralPartitions();
    apply(0, 3, ["k", "1"]);
    apply(1, 7, ["k", "{"]);
    apply(2, 9, ["k", "}"]);
    expect(store.crossPartitionKeys).toBe(1);
    expect(store.get("k")).toBe(1);
    expect(store.poisoned()).toMatchObject([
      { key: "k", partition: 2, offset: 9, serving: { from: "previous", value: 1, partition: 0, offset: 3 } },
      { key: "k", partition: 1, offset: 7 },
    ]);
    expect(store.crossPartitionKeys).toBe(0);
    apply(0, 4, ["k", null]);
    expect(store.size).toBe(0);
  });

  test("is no matter of one value when it is the schema that answers later", () => {
    const later = Object.assign(string(), {
      decode: (): number => {
        throw new AsyncSchemaError();
      },
    });
    const { store, apply } = newStore({ value: later as never });
    apply(0, 0, ["k", "1"]);
    expect(() => store.get("k")).toThrow(AsyncSchemaError);
    expect([store.size, store.poisonedKeys]).toEqual([1, 0]);
  });

  test("is found when it arrives while somebody listens, and heard of as a delete", () => {
    const heard: unknown[] = [];
    const store = new ByteStore<number>(
      {
        topic: "t",
        key: string(),
        value: json<number>(),
        onPoison: "drop",
        validate: "lazy",
        metadata: false,
        expireWithLog: false,
      },
      {
        ...unheard,
        wantsOldValues: true,
        onSet: (...change) => heard.push(["set", ...change]),
        onDelete: (...change) => heard.push(["delete", ...change]),
      },
    );
    for (const batch of batches(
      [
        ["k", "1"],
        ["k", "{"],
        ["k", "3"],
      ],
      0,
    ))
      store.apply(0, batch, 0);
    expect(heard).toEqual([
      ["set", "k", 1, undefined, 0, 0],
      ["delete", "k", 1, 0, 1, "live"],
      ["set", "k", 3, undefined, 0, 2],
    ]);
  });

  test("is none any more when a tombstone follows, or a good value in the same batch", () => {
    const common = { topic: "t", key: string(), value: json<number>(), onPoison: "drop", validate: "lazy" } as const;
    const observer = { ...unheard, wantsOldValues: true, onDelete: () => undefined };
    const store = new ByteStore<number>({ ...common, metadata: false, expireWithLog: false }, observer);
    const bad = Array.from({ length: 10 }, (_, index): Write => [`k${index}`, "{"]);
    for (const batch of batches(bad, 0)) store.apply(0, batch, 0);
    const gone: Write[] = [["k0", null], ...bad.map(([key]): Write => [key, null]), ["k1", "1"], ["k2", "2"]];
    for (const batch of batches(gone, 10)) store.apply(0, batch, 10);
    expect([store.get("k1"), store.get("k2"), store.size]).toEqual([1, 2, 2]);
    expect(store.poisoned()).toEqual([]);
  });

  test("that nobody has read is no old value of the next one", () => {
    const heard: unknown[] = [];
    const onSet = undefined as ((...change: unknown[]) => void) | undefined;
    const observer = { ...unheard, wantsOldValues: true, onSet };
    const common = { topic: "t", key: string(), value: json<number>(), onPoison: "drop", validate: "lazy" } as const;
    const store = new ByteStore<number>({ ...common, metadata: false, expireWithLog: false }, observer);
    for (const batch of batches([["k", "{"]], 0)) store.apply(0, batch, 0);
    observer.onSet = (...change) => void heard.push(change);
    for (const batch of batches([["k", "2"]], 1)) store.apply(0, batch, 1);
    expect(heard).toEqual([["k", 2, undefined, 0, 1]]);
    expect([store.size, store.get("k"), store.counters.valueDecodeErrors]).toEqual([1, 2, 1]);
    expect(store.poisoned()).toEqual([]);
  });
});

test("the cache of values is bounded by their number, and by their bytes", () => {
  /** Both ways to ask must give the same. */
  const slotsIn = (cache: ValueCache<number>, slots: number): number[] => {
    const found = Array.from({ length: slots }, (_, slot) => slot).filter(
      (slot) => cache.ofSlot(slot, `key ${slot}`) === slot,
    );
    expect(found.map((slot) => cache.get(`key ${slot}`))).toEqual(found);
    return found;
  };
  const few = new ValueCache<number>(4);
  for (let slot = 0; slot < 100; slot++) {
    few.set(slot, slot, 2 ** 19);
    if (slot % 3 === 0) few.ofSlot(slot, `key ${slot}`);
  }
  expect(slotsIn(few, 100)).toEqual([96, 97, 98, 99]);
  few.forget(97);
  few.forget(2);
  expect(slotsIn(few, 100)).toEqual([96, 98, 99]);
  expect(few.get("key 97")).toBeUndefined();
  few.set(100, 100, 1);
  expect(few.get("key 96")).toBeUndefined();
  const small = new ValueCache<number>(1024);
  for (let slot = 0; slot < 1000; slot++) {
    small.set(slot, slot, 2 ** 20);
    small.ofSlot(slot, `key ${slot}`);
  }
  expect(slotsIn(small, 1000).length).toBeGreaterThan(0);
  expect(slotsIn(small, 1000).length).toBeLessThanOrEqual(16);
  expect(small.get("key 0")).toBeUndefined();
  small.set(1001, 0, 2 ** 24);
  expect(small.ofSlot(1001, "too large")).toBeUndefined();
});
