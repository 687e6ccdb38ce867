import { encodeBatch, type RecordInput, readBatches } from "@ktables/record-batch";
import * as fc from "fast-check";
import { json, string } from "ktables";
import { describe, expect, test } from "vitest";
import { ByteStore, type ByteStoreOptions } from "../../packages/ktables/src/store/bytes/byte-store.ts";
import { Heap } from "../../packages/ktables/src/store/bytes/heap.ts";
import { KeyHash } from "../../packages/ktables/src/store/bytes/key-hash.ts";
import { KeyIndex } from "../../packages/ktables/src/store/bytes/key-index.ts";
import { RecordChunk } from "../../packages/ktables/src/store/bytes/record-chunk.ts";
import { RecordKernel } from "../../packages/ktables/src/store/bytes/record-kernel.ts";
import { RecordMap } from "../../packages/ktables/src/store/bytes/record-map.ts";
import { SlotAddresses } from "../../packages/ktables/src/store/bytes/slot-addresses.ts";
import { DecodedStore } from "../../packages/ktables/src/store/decoded-store.ts";
import type { Store } from "../../packages/ktables/src/store/store.ts";
import { utf8 } from "../suites/support.ts";
import { unheard } from "../suites/unheard.ts";

test("WebAssembly and JavaScript hash keys alike", () => {
  const heap = new Heap();
  const index = new KeyIndex(heap, { hasKey: () => false });
  new SlotAddresses(heap).take(0);
  index.insert(0, 1);
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 8, maxLength: 20 }),
      fc.integer(),
      fc.integer(),
      (keys, key0, key1) => {
        const hash = new KeyHash(key0, key1);
        const kernel = RecordKernel.for(heap, hash);
        const chunk = new RecordChunk(keys.length);
        chunk.setBytes(Buffer.concat([Uint8Array.from([1, 2, 3]), ...keys]));
        chunk.start = 3;
        chunk.end = chunk.bytes.length;
        let at = 3;
        for (const [index, key] of keys.entries()) {
          chunk.keyStart[index] = at;
          chunk.keyLength[index] = key.length;
          at += key.length;
          chunk.length++;
        }
        expect(kernel?.prepare(chunk)).toBe(true);
        for (let index = 0; index < keys.length; index++) {
          expect(chunk.hash[index]).toBe(hash.of(chunk.view, chunk.keyStart[index]!, chunk.keyLength[index]!));
          expect(chunk.isBeyondAscii[index]).toBe(hash.bits >>> 7);
        }
      },
    ),
  );
});

test.each<[string, (text: string) => string]>([
  ["whole", (text) => text.slice(2)],
  ["at the end", (text) => `the same begin ${text}`],
  ["at the begin", (text) => `${text} and the same end`],
])("keys that differ %s are told apart, also when their hashes are the same", (_name, keyOf) => {
  const hash = new KeyHash(1, 2);
  const byHash = new Map<number, string>();
  const keys: string[] = [];
  // Of so many keys, some pairs have the same hash of 32 bits.
  for (let number = 0; number < 300_000; number++) {
    const key = keyOf(number.toString(36).padStart(8, "0"));
    const bytes = Buffer.from(key);
    const hashed = hash.of(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    const other = byHash.get(hashed);
    if (other === undefined) byHash.set(hashed, key);
    else keys.push(other, key);
  }
  expect(keys.length).toBeGreaterThan(4);
  const records = Array.from({ length: 40 }, (_, round) =>
    keys.map((key): RecordInput => ({ key: utf8(key), value: utf8(`"${key} ${round}"`), timestamp: 0 })),
  ).flat();
  const common = { topic: "t", key: string(), value: json(), metadata: false, expireWithLog: false } as const;
  const store = new ByteStore({ ...common, validate: "lazy", onPoison: "drop" }, unheard, { hash });
  for (const batch of readBatches(encodeBatch({ records }))) store.apply(0, batch, 0);
  expect(Object.fromEntries(store.snapshot())).toEqual(Object.fromEntries(keys.map((key) => [key, `${key} 39`])));
});

test("of known keys, WebAssembly leaves those to JavaScript that have something aside, and takes the others", () => {
  const map = new RecordMap();
  const chunk = new RecordChunk(20);
  const fill = (round: number): void => {
    chunk.begin(0);
    const records = Array.from({ length: 20 }, (_, index) => ({
      key: utf8(`key ${index}`),
      value: utf8(`value ${index} ${round}`),
      timestamp: 0,
    }));
    for (const batch of readBatches(encodeBatch({ records }))) batch.visit((record) => void chunk.add(record));
    map.prepare(chunk);
  };
  fill(0);
  for (let index = 0; index < 20; index++) map.insert(chunk, index, false);
  const eighth = map.address(map.find(chunk, 8));
  map.slabs.setAside(eighth, true);
  fill(1);
  expect(map.setOrdinary(chunk, 0, 20, false)).toBe(8);
  expect(map.setOrdinary(chunk, 8, 20, false)).toBe(8);
  expect(map.setOrdinary(chunk, 9, 20, false)).toBe(20);
  expect(map.slabs.offset(eighth)).toBe(8);
  map.slabs.setAside(eighth, false);
  expect(map.setOrdinary(chunk, 8, 20, false)).toBe(20);
});

test("a key whose value is bad keeps no other key from WebAssembly", () => {
  const decoded: string[] = [];
  const keys = string();
  const key = {
    encode: (text: string): Uint8Array => keys.encode(text),
    decode: (bytes: Uint8Array): string => {
      decoded.push(keys.decode(bytes));
      return keys.decode(bytes);
    },
  };
  const common = { topic: "t", key, value: json(), metadata: false, expireWithLog: false } as const;
  const store = new ByteStore({ ...common, validate: "eager", onPoison: "keep-previous" }, unheard);
  const write = (number: number, text: (key: number) => string, count = 100): void => {
    const records = Array.from({ length: count }, (_, key) => ({
      key: utf8(`k${key}`),
      value: utf8(text(key)),
      timestamp: 0,
    }));
    for (const batch of readBatches(encodeBatch({ records, baseOffset: 100 * number }))) store.apply(0, batch, 0);
  };
  write(0, (key) => (key === 50 || key === 99 ? "{" : "1"));
  expect(store.poisonedKeys).toBe(2);
  decoded.length = 0;
  write(1, () => "2", 99);
  expect(new Set(decoded)).toEqual(new Set(["k50"]));
  expect(store.poisonedKeys).toBe(1);
  decoded.length = 0;
  write(2, () => "3");
  // One that is good again is looked at until all are.
  expect(new Set(decoded)).toEqual(new Set(["k50", "k99"]));
  expect(store.poisonedKeys).toBe(0);
  expect(new Set(store.snapshot().values())).toEqual(new Set([3]));
});

/** What a table keeps of records that unheard listens to, which is where WebAssembly takes part. */
describe.each<[string, Pick<ByteStoreOptions<unknown>, "validate" | "onPoison">]>([
  ["lazily", { validate: "lazy", onPoison: "drop" }],
  ["eagerly, bad ones dropped", { validate: "eager", onPoison: "drop" }],
  ["eagerly, keeping what was there", { validate: "eager", onPoison: "keep-previous" }],
  ["eagerly, replacing bad ones", { validate: "eager", onPoison: () => ({ value: "instead" }) }],
])("values judged %s", (_name, policy) => {
  const key = fc.oneof(
    { weight: 6, arbitrary: fc.nat(30).map((number): Uint8Array | null => utf8(`a key like many ${number}`)) },
    { weight: 2, arbitrary: fc.nat(20).map((length): Uint8Array | null => utf8("k".repeat(length))) },
    fc.constantFrom<Uint8Array | null>(null, utf8("é"), utf8("€€€"), Uint8Array.of(0xff), Uint8Array.of(0x61, 0xc0)),
  );
  const value = fc.oneof(
    { weight: 8, arbitrary: fc.nat(60).map((length): Uint8Array | null => utf8(`"${"v".repeat(length)}"`)) },
    { weight: 1, arbitrary: fc.nat(900).map((length): Uint8Array | null => utf8(`"${"large".repeat(length)}"`)) },
    fc.constantFrom<Uint8Array | null>(null, utf8("{")),
  );
  const record = fc.record({ key, value, timestamp: fc.nat(50), hasHeaders: fc.boolean() });
  const write = fc.record({
    partition: fc.nat(2),
    // WebAssembly begins with eight.
    records: fc.array(record, { minLength: 1, maxLength: 40, size: "max" }),
    compression: fc.constantFrom("none" as const, "lz4" as const),
    /** Which finds values bad that were not judged. */
    isFollowedByReading: fc.boolean(),
  });
  const history = fc.array(write, { maxLength: 20, size: "max" });
  // Offsets up to 32 bits take less room in a record than others.
  const firstOffset = fc.constantFrom(0, 2 ** 32 - 100, 2 ** 52);

  // Of one group, which is never full, and of several.
  const segmentSize = fc.constantFrom(4, 16, 32);
  const sizes = fc.record({ segmentSize, pageBits: fc.integer({ min: 10, max: 13 }), slotChunkBits: fc.constant(3) });

  test.each([
    [false, false],
    [true, false],
    [true, true],
  ])("are the same with and without WebAssembly (several partitions: %s, metadata: %s)", (isSeveral, metadata) => {
    let ordinary = 0;
    fc.assert(
      fc.property(history, firstOffset, sizes, fc.nat(20), (writes, first, sizes, severalFrom) => {
        const common = { topic: "t", key: string(), value: json(), metadata, expireWithLog: false } as const;
        const byteStore = (allowWebAssembly: boolean) =>
          new ByteStore({ ...common, ...policy, totalOffsets: 400 }, unheard, { ...sizes, allowWebAssembly });
        const stores = [byteStore(true), byteStore(false)] as const;
        const decoded = new DecodedStore({ ...common, onPoison: policy.onPoison }, unheard);
        const all: Store<unknown>[] = [...stores, decoded];
        const offsets = [first, first, first];
        for (const [turn, { partition, records, compression, isFollowedByReading }] of writes.entries()) {
          if (isSeveral && turn === severalFrom) for (const store of all) store.expectSeveralPartitions();
          const from = isSeveral && turn >= severalFrom ? partition : 0;
          const inputs = records.map(({ key, value, timestamp, hasHeaders }): RecordInput => {
            const headers = hasHeaders && metadata ? [{ key: "h", value: utf8("x") }] : [];
            return { key, value, timestamp, headers };
          });
          const encoded = encodeBatch({ records: inputs, baseOffset: offsets[from]!, compression });
          for (const store of all) for (const batch of readBatches(encoded)) store.apply(from, batch, offsets[from]!);
          offsets[from]! += records.length;
          if (isFollowedByReading) for (const store of all) store.snapshot();
        }
        const [fast, plain] = stores;
        ordinary += fast.counters.recordsApplied;
        const look = (store: Store<unknown>): unknown => {
          const contents = [...store.snapshot()].toSorted(([a], [b]) => (a < b ? -1 : 1));
          return [contents, contents.map(([key]) => store.place(key)), store.size, store.crossPartitionKeys];
        };
        // A look is what finds bad values that were not judged.
        expect(look(fast)).toEqual(look(plain));
        expect(fast.counters).toEqual(plain.counters);
        expect(fast.memory).toEqual(plain.memory);
        expect(fast.poisoned()).toEqual(plain.poisoned());
        // What another partition has is not known to be bad before it is served.
        if (!isSeveral || policy.validate === "eager") expect(look(fast)).toEqual(look(decoded));
      }),
      { numRuns: 60 },
    );
    expect(ordinary).toBeGreaterThan(0);
  });
});
