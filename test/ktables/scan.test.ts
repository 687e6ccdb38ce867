import * as fc from "fast-check";
import type { KafkaTable, ScanOptions } from "ktables";
import { describe, expect, test } from "vitest";
import { compareKeys, rangeOf, SortedKeys } from "../../packages/ktables/src/sorted-keys.ts";
import { until } from "../suites/support.ts";
import { Fixture } from "./support.ts";

/** Keys that share beginnings, on both sides of the surrogates and with halves of the same pair. */
const unit = fc.constantFrom("", "a", "b", "é", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{1f600}", "\u{1f601}");
const key = fc.oneof(
  fc.array(unit, { maxLength: 4 }).map((units) => units.join("")),
  fc.string({ unit: "binary", maxLength: 4 }),
);

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

describe("keys in order", () => {
  test("are ordered as their UTF-8 bytes are", () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(byBytes(a, b));
      }),
      { numRuns: 2000 },
    );
  });

  test("of any range are those that a sorted and filtered array of bytes has", () => {
    const bound = fc.option(key, { nil: undefined });
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 40 }), bound, bound, bound, (keys, prefix, from, to) => {
        const sorted = new SortedKeys().of({
          keys: () => new Set(keys).values(),
          keySetVersion: 0,
        });
        const [start, end] = rangeOf(sorted, { prefix, from, to });
        const expected = keys
          .filter((key) => prefix === undefined || Buffer.from(key).indexOf(Buffer.from(prefix)) === 0)
          .filter((key) => from === undefined || byBytes(key, from) >= 0)
          .filter((key) => to === undefined || byBytes(key, to) < 0)
          .sort(byBytes);
        expect(sorted.slice(start, end)).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("are sorted again only when keys were added or removed", () => {
    const keys = new Map([
      ["b", 1],
      ["a", 1],
    ]);
    let asked = 0;
    const store = {
      keySetVersion: 0,
      keys: () => {
        asked++;
        return keys.keys();
      },
    };
    const sorted = new SortedKeys();
    const first = sorted.of(store);
    expect(sorted.of(store)).toBe(first);
    expect(asked).toBe(1);
    keys.set("aa", 1);
    store.keySetVersion++;
    expect(sorted.of(store)).toEqual(["a", "aa", "b"]);
    expect(first).toEqual(["a", "b"]);
    sorted.of({ ...store });
    expect(asked).toBe(3);
  });
});

const fixture = new Fixture();

describe.each([{ metadata: false }, { metadata: true, expireWithLog: true }])(
  "scan() of a table with %o",
  (options) => {
    test("knows of every key that comes or goes, at once", async () => {
      const writer = await fixture.openWriter();
      const table = await fixture.openTable(options);
      const keysAfter = async (...records: readonly (readonly [string, string | null])[]): Promise<string> => {
        for (const [key, value] of records) {
          await table.waitFor(await (value === null ? writer.delete(key) : writer.set(key, value)));
        }
        return [...table.scan()].map(([key]) => key).join(" ");
      };
      expect(await keysAfter()).toBe("");
      expect(await keysAfter(["b", "1"])).toBe("b");
      expect(await keysAfter(["a", "1"])).toBe("a b");
      expect(await keysAfter(["b", "2"])).toBe("a b");
      expect(await keysAfter(["a", null])).toBe("b");
      expect(await keysAfter(["c", "1"])).toBe("b c");
      expect(await keysAfter(["b", null])).toBe("c");
      fixture.broker.deleteRecords("t", 0, fixture.broker.endOffset("t", 0));
      if (options.expireWithLog === true) await until(() => table.size === 0);
      expect(await keysAfter()).toBe(options.expireWithLog === true ? "" : "c");
    });
  },
);

describe("scan()", () => {
  async function open(...keys: readonly string[]): Promise<KafkaTable<string>> {
    await fixture.write(...keys.map((key) => [key, `value of ${key}`] as const));
    return fixture.openTable();
  }

  test.each<[string, ScanOptions, readonly string[]]>([
    ["nothing", {}, ["a", "a/1", "a/2", "b", "c"]],
    ["a prefix", { prefix: "a/" }, ["a/1", "a/2"]],
    ["a prefix, backwards", { prefix: "a", reverse: true }, ["a/2", "a/1", "a"]],
    ["a lower bound, which is included", { from: "a/2" }, ["a/2", "b", "c"]],
    ["an upper bound, which is not", { to: "b" }, ["a", "a/1", "a/2"]],
    ["bounds that are no keys", { from: "a/11", to: "bb" }, ["a/2", "b"]],
    ["bounds within a prefix", { prefix: "a", from: "a/", to: "a/2" }, ["a/1"]],
    ["bounds around a prefix", { prefix: "a/", from: "", to: "z" }, ["a/1", "a/2"]],
    ["bounds outside a prefix", { prefix: "a/", from: "b" }, []],
    ["bounds that exclude each other", { from: "c", to: "a" }, []],
    ["a limit", { limit: 2 }, ["a", "a/1"]],
    ["a limit, backwards within bounds", { to: "c", limit: 2, reverse: true }, ["b", "a/2"]],
    ["a limit of none", { limit: 0 }, []],
  ])("gives the keys for %s", async (_, options, expected) => {
    const table = await open("b", "a/2", "a", "c", "a/1");
    expect([...table.scan(options)]).toEqual(expected.map((key) => [key, `value of ${key}`]));
  });

  test("settles the keys at the call, gives the values of the moment, and leaves out what is gone", async () => {
    const table = await open("a", "b", "c");
    const scan = table.scan({ limit: 2 });
    await fixture.write(["aa", "new"], ["a", null], ["b", "changed"], ["d", "new"]);
    await table.barrier();
    expect([...scan]).toEqual([
      ["b", "changed"],
      ["c", "value of c"],
    ]);
    expect([...table.scan()].map(([key]) => key)).toEqual(["aa", "b", "c", "d"]);
  });

  test("goes on with the new contents when the topic was read anew meanwhile", async () => {
    const table = await open("a", "b", "c");
    const scan = table.scan();
    expect(scan.next().value).toEqual(["a", "value of a"]);
    await fixture.broker.deleteTopic("t");
    await fixture.broker.createTopic("t", { configs: { "cleanup.policy": "compact" } });
    await fixture.write(["c", "new"]);
    await until(() => table.get("c") === "new");
    expect([...scan]).toEqual([["c", "new"]]);
  });

  test("is refused before the start and with wrong options", async () => {
    expect(() => fixture.table().scan()).toThrow(expect.objectContaining({ code: "NOT_STARTED" }));
    const table = await open("a");
    for (const options of [{ prefix: 1 }, { from: null }, { to: {} }, { limit: -1 }, { limit: 1.5 }, { reverse: 1 }]) {
      expect(() => table.scan(options as never)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    }
    expect(() => table.scan({ start: "a" } as never)).toThrow('unknown option "start"');
  });
});
