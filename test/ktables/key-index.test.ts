import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Heap } from "../../packages/ktables/src/store/bytes/heap.ts";
import { segmentUsed } from "../../packages/ktables/src/store/bytes/heap-layout.ts";
import { KeyForecast } from "../../packages/ktables/src/store/bytes/key-forecast.ts";
import { KeyHash } from "../../packages/ktables/src/store/bytes/key-hash.ts";
import { KeyIndex } from "../../packages/ktables/src/store/bytes/key-index.ts";
import { SlotAddresses } from "../../packages/ktables/src/store/bytes/slot-addresses.ts";

/** HalfSipHash-1-3 of the bytes 0 to n - 1 under the key 00 01 .. 07, as the tests of the Linux kernel have it. */
const vectors = [
  0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1,
  0xc839caed, 0xe4fa32cf, 0x959246ee,
];

describe("the hash of keys", () => {
  test("is HalfSipHash-1-3", () => {
    const hash = new KeyHash(0x03020100, 0x07060504);
    const bytes = Uint8Array.from([9, 9, ...vectors.keys()]);
    expect(vectors.map((_, length) => hash.of(new DataView(bytes.buffer), 2, length) >>> 0)).toEqual(vectors);
  });

  test("tells keys that are not ASCII", () => {
    const hash = new KeyHash(1, 2);
    const text = fc.string({ unit: "binary", maxLength: 9 });
    fc.assert(
      fc.property(text, (text) => {
        const bytes = Buffer.from(text);
        hash.of(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
        expect(hash.bits >= 0x80).toBe(bytes.some((byte) => byte >= 0x80));
      }),
    );
  });
});

describe("the forecast of keys", () => {
  test("is that new ones come as often as lately", () => {
    const forecast = new KeyForecast(100_000);
    expect(forecast.note(1000, 1000)).toBeUndefined();
    expect(forecast.note(9000, 10_000)).toBe(100_000);
    expect(forecast.note(10_000, 19_000)).toBe(19_000 + 72_000);
    expect(forecast.note(10_000, 19_000)).toBe(19_000);
    // Some have been removed.
    expect(forecast.note(10_000, 14_000)).toBe(14_000);
    expect(forecast.note(60_000, 74_000)).toBe(74_000);
    expect(forecast.note(60_000, 134_000)).toBeUndefined();
  });

  test("is bounded by the share of new ones, which tells how many keys there are to choose from", () => {
    const forecast = new KeyForecast(1_000_000);
    expect(forecast.note(10_000, 10_000)).toBe(1_000_000);
    // Half of 12 500 keys and as many again, as of the middle of the sample.
    expect(forecast.note(10_000, 15_000)).toBe(25_000);
    expect(forecast.note(10_000, 17_000)).toBe(20_000);
    expect(forecast.note(10_000, 18_000)).toBeCloseTo(17_500 / 0.9);
  });

  test.each([1000, 20_000, 100_000])("is about right for %d keys of ten million records", (keys) => {
    const forecast = new KeyForecast(10_000_000);
    const seen = new Set<number>();
    let random = 1;
    for (let batch = 0; seen.size < 0.7 * keys; batch++) {
      for (let record = 0; record < 5000; record++) {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) | 0;
        seen.add(Math.floor(((random >>> 0) / 2 ** 32) * keys));
      }
      const expected = forecast.note(5000, seen.size) ?? 0;
      expect(expected).toBeLessThan(batch === 0 ? 10_000_001 : 1.3 * keys);
      expect(expected).toBeGreaterThan(0.7 * keys);
    }
  });

  test("is none where nobody knows how much is to come", () => {
    expect(new KeyForecast(0).note(100_000, 100_000)).toBeUndefined();
  });
});

describe("the memory of a store", () => {
  test("grows at once to what is expected, on trust to a quarter of a gibibyte, and then to four times what it is", () => {
    const heap = new Heap();
    const { size } = heap;
    heap.expect(size / 2);
    expect(heap.size).toBe(size);
    heap.expect(100_000_000);
    expect(heap.size).toBeGreaterThan(100_000_000);
    expect(heap.size).toBeLessThan(101_000_000);
    heap.expect(3e9);
    expect(heap.size).toBeGreaterThan(4e8);
    expect(heap.size).toBeLessThan(402_000_000);
  });

  test("does without where there is not so much", () => {
    const heap = new Heap({ pages: 4 });
    heap.expect(3e9);
    expect(heap.size).toBeLessThan(2 ** 23);
    expect(heap.takePage()).toBeGreaterThan(0);
  });
});

describe("the index of keys", () => {
  /** Addresses are those of keys in an array; few hashes, so that many collide. */
  const newIndex = (keys: (number | undefined)[], segmentSize: number) =>
    new KeyIndex<number>(new Heap(), { hasKey: (address, key) => keys[address] === key }, segmentSize);

  const step = fc.record({ key: fc.nat(60), what: fc.constantFrom("remove", "move") });
  test.each<[string, (key: number) => number]>([
    ["all different", (key) => Math.imul(key, 0x9e3779b1)],
    ["the same in the leading bits", (key) => key & 0xff],
    ["the same in the trailing bits", (key) => key << 24],
    ["few", (key) => (key % 3) << 16],
    ["one", () => 0x12345678],
  ])("finds what was inserted and not removed, whose hashes are %s", (_name, hashOf) => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 300 }),
        fc.constantFrom(4, 8, 32),
        fc.nat(500),
        (steps, segmentSize, expected) => {
          // An address is never 0.
          const keys: (number | undefined)[] = [undefined];
          const index = newIndex(keys, segmentSize);
          index.expect(expected);
          const addresses = new Map<number, number>();
          for (const { key, what } of steps) {
            const address = addresses.get(key);
            expect(index.find(hashOf(key), key, 0)).toBe(address ?? -1);
            const next = keys.push(key) - 1;
            if (address === undefined) {
              index.insert(hashOf(key), next);
              addresses.set(key, next);
            } else if (what === "remove") {
              index.remove(hashOf(key), address);
              addresses.delete(key);
            } else {
              index.move(hashOf(key), address, next);
              addresses.set(key, next);
            }
            if (address !== undefined) keys[address] = undefined;
          }
          for (let key = 0; key <= 60; key++) expect(index.find(hashOf(key), key, 0)).toBe(addresses.get(key) ?? -1);
        },
      ),
      { numRuns: 200 },
    );
  });

  /** What it takes to insert so many keys when so many are expected, and after the first split another number, by key. */
  const grow = (count: number, expected: number, then = expected): { moves: number; bytes: number } => {
    const heap = new Heap({ pageBits: 12 });
    const before = heap.takenBytes;
    const free = heap.free.bind(heap);
    let moves = 0;
    vi.spyOn(heap, "free").mockImplementation((at, size) => {
      moves += heap.words[at / 4 + segmentUsed]!;
      free(at, size);
    });
    const keys: (number | undefined)[] = [undefined];
    const index = new KeyIndex<number>(heap, { hasKey: (address, key) => keys[address] === key }, 64);
    index.expect(expected);
    for (let key = 1; key <= count; key++) {
      keys.push(key);
      index.insert(Math.imul(key, 0x9e3779b1), key);
      if (moves > 0) index.expect(then);
    }
    for (let key = 1; key <= count; key++) expect(index.find(Math.imul(key, 0x9e3779b1), key, 0)).toBe(key);
    return { moves: moves / count, bytes: (heap.takenBytes - before) / count };
  };

  test("moves its keys a few times only, where it knows how many there will be", () => {
    expect(grow(20_000, 0).moves).toBeGreaterThan(1);
    expect(grow(20_000, 20_000).moves).toBeLessThan(0.2);
  });

  test("has room for what is expected and not much more, whatever the number", () => {
    for (const count of [7000, 10_000, 14_000, 20_000, 27_000]) {
      const { bytes } = grow(count, count);
      expect(bytes).toBeGreaterThan(12);
      expect(bytes).toBeLessThan(24);
    }
  });

  test("loses little where too much or too little was expected", () => {
    // What is expected in vain costs no more than one step.
    expect(grow(20_000, 20_000_000).bytes).toBeLessThan(48);
    expect(grow(20_000, 20_000_000, 20_000)).toEqual(grow(20_000, 20_000));
    expect(grow(600, 20_000, 600).bytes).toBeLessThan(48);
    // What has turned out too small is used again.
    expect(grow(28_000, 20_000).bytes).toBeLessThan(24);
    for (const expected of [0, 100, 1000, 10_000, 17_000, 19_000]) {
      const { moves, bytes } = grow(20_000, expected);
      expect(moves).toBeLessThan(2);
      expect(bytes).toBeLessThan(32);
    }
  });

  test("grows a segment at a time, of which none is larger than it may be", () => {
    const keys: (number | undefined)[] = [undefined];
    const segmentSize = 16;
    const index = newIndex(keys, segmentSize);
    const hashOf = (key: number): number => Math.imul(key, 0x9e3779b1) ^ (key >>> 3);
    let before = index.segments;
    for (let key = 1; key < 20_000; key++) {
      keys.push(key);
      index.insert(hashOf(key), key);
      expect(index.segments - before).toBeLessThanOrEqual(3);
      before = index.segments;
    }
    expect(index.segments).toBeGreaterThan(20_000 / segmentSize);
    for (let key = 1; key < 20_000; key++) expect(index.find(hashOf(key), key, 0)).toBe(key);
    expect(index.find(hashOf(20_001), 20_001, 0)).toBe(-1);
  });

  test("takes the addresses of 4 GiB, counted in units of 8 bytes", () => {
    const addresses = [1, 2 ** 24, 2 ** 28, 2 ** 29 - 1];
    const index = new KeyIndex<number>(new Heap(), { hasKey: (address, key) => address === key }, 4);
    for (const address of addresses) index.insert(address, address);
    for (const address of addresses) expect(index.find(address, address, 0)).toBe(address);
    index.remove(2 ** 24, 2 ** 24);
    expect(addresses.map((address) => index.find(address, address, 0))).toEqual([1, -1, 2 ** 28, 2 ** 29 - 1]);
  });
});

test("slots are taken in order, and those that are released again first", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(100)), { maxLength: 300 }), fc.constantFrom(1, 2, 7), (steps, chunkBits) => {
      const slots = new SlotAddresses(new Heap(), chunkBits);
      const taken = new Map<number, number>();
      const free: number[] = [];
      for (const [address, release] of steps.entries()) {
        const [first] = [...taken.keys()].filter((slot) => slot >= (release ?? 0));
        if (release !== null && first !== undefined) {
          slots.release(first);
          taken.delete(first);
          free.push(first);
        } else {
          const expected = free.pop() ?? taken.size;
          expect(slots.take(address)).toBe(expected);
          taken.set(expected, address);
        }
        expect(slots.size).toBe(taken.size);
        const listed: [number, number][] = [];
        for (let slot = slots.next(0); slot >= 0; slot = slots.next(slot + 1)) listed.push([slot, slots.get(slot)]);
        expect(listed).toEqual([...taken].toSorted(([a], [b]) => a - b));
      }
    }),
  );
});
