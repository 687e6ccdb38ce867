import { describe, expect, test } from "vitest";
import { decodeAll, inputOf } from "./decode.ts";
import { fillStores } from "./stores.ts";

/** A taste of test/fuzz/run.ts, which runs a million inputs on both paths. */
describe("the fuzzer of the decoder", () => {
  const seed = Date.now() % 1_000_000_000;
  const inputs = 5000;

  test(`${inputs} damaged batches are decoded or refused (seed ${seed})`, () => {
    const ends = new Set<string | undefined>();
    let records = 0;
    for (let index = 0; index < inputs; index++) {
      const outcome = decodeAll(inputOf(seed, index), index % 5 !== 0);
      ends.add(outcome.refusedAs);
      records += outcome.records;
    }
    // Mutations that all end at the same check would show nothing.
    expect(ends.size).toBeGreaterThanOrEqual(8);
    expect(records).toBeGreaterThan(inputs / 2);
  });

  test(`the stores of a table make the same of damaged batches (seed ${seed})`, () => {
    let batches = 0;
    for (let index = 0; index < 1500; index++) {
      batches += fillStores(inputOf(seed, index), index % 3 === 0, index % 4 < 2);
    }
    expect(batches).toBeGreaterThan(1000);
  });

  test("an input can be made again from the seed and its number", () => {
    for (let index = 0; index < 50; index++) expect(inputOf(seed, index)).toEqual(inputOf(seed, index));
    expect(inputOf(seed, 1)).not.toEqual(inputOf(seed + 1, 1));
  });
});
