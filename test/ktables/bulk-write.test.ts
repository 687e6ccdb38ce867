import { BulkWriteError, string } from "ktables";
import { describe, expect, test } from "vitest";
import { rejection, until } from "../suites/support.ts";
import { Door, Fixture } from "./support.ts";

const most = 10_000;

describe("setAll", () => {
  const fixture = new Fixture({ topics: [{ name: "t", partitions: 3, configs: { "cleanup.policy": "compact" } }] });

  function* numbered(count: number, onTaken: (index: number) => void = () => undefined): Generator<[string, string]> {
    for (let index = 0; index < count; index++) {
      onTaken(index);
      yield [`key-${index % 20_000}`, `${index}`];
    }
  }

  test("writes everything in order, and its tokens stand for all of it", async () => {
    const writer = await fixture.openWriter();
    const table = await fixture.openTable();
    const { written, tokens } = await writer.setAll(numbered(25_000));
    expect(written).toBe(25_000);
    expect(new Set(tokens.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]));
    await table.waitFor(tokens);
    expect(new Map(table)).toEqual(new Map(numbered(25_000)));
    expect(table.stats.recordsApplied).toBe(25_000);
  });

  test("takes no more than can be on its way while nothing is acknowledged", async () => {
    const door = new Door();
    fixture.broker.intercept("Produce", door.wait);
    const writer = await fixture.openWriter();
    let taken = 0;
    const writing = writer.setAll(numbered(most * 3, (index) => (taken = index + 1)));
    await until(() => fixture.apis.includes("Produce"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(taken).toBe(most);
    door.open();
    expect((await writing).written).toBe(most * 3);
  });

  test("takes entries that come one by one", async () => {
    async function* slowly(): AsyncGenerator<[string, string]> {
      for (const entry of numbered(10)) {
        await new Promise((resolve) => setImmediate(resolve));
        yield entry;
      }
    }
    const writer = await fixture.openWriter();
    expect((await writer.setAll(slowly())).written).toBe(10);
    expect((await writer.setAll(new Map([["k", "v"]]))).written).toBe(1);
    expect(await writer.setAll([])).toEqual({ written: 0, tokens: [] });
  });

  test("says which keys have failed, and writes the others", async () => {
    const writer = await fixture.openWriter();
    const entries: [string, string][] = [
      ["a", "1"],
      ["lone \ud800 surrogate", "2"],
      ["b", "3"],
      ["c", 4 as unknown as string],
    ];
    const error = await rejection(writer.setAll(entries));
    expect(error).toBeInstanceOf(BulkWriteError);
    expect(error).toMatchObject({
      code: "BULK_WRITE_FAILED",
      retriable: false,
      written: 2,
      failures: [
        { key: "lone \ud800 surrogate", error: { code: "ENCODE_FAILED" } },
        { key: "c", error: { code: "ENCODE_FAILED" } },
      ],
    });
    expect(error.message).toContain("2 of 4 values");
    const table = await fixture.openTable();
    await table.waitFor((error as BulkWriteError).tokens);
    expect(new Map(table)).toEqual(
      new Map([
        ["a", "1"],
        ["b", "3"],
      ]),
    );
  });

  test("passes on what the entries throw, when what came before is written", async () => {
    const failure = new Error("the file has ended in the middle");
    function* broken(): Generator<[string, string]> {
      yield ["a", "1"];
      throw failure;
    }
    const writer = await fixture.openWriter();
    expect(await rejection(writer.setAll(broken()))).toBe(failure);
    const table = await fixture.openTable();
    expect([...table]).toEqual([["a", "1"]]);
  });

  test("ends with the reason of its signal, and takes nothing more", async () => {
    fixture.broker.intercept("Produce", () => "ignore");
    const writer = await fixture.openWriter({ deliveryTimeoutMs: 1000 });
    const abort = new AbortController();
    const reason = new Error("enough");
    let taken = 0;
    const writing = rejection(
      writer.setAll(
        numbered(most * 2, (index) => (taken = index)),
        { signal: abort.signal },
      ),
    );
    await until(() => fixture.apis.includes("Produce"));
    abort.abort(reason);
    expect(await writing).toBe(reason);
    expect(taken).toBeLessThan(most + 1);
    expect(await rejection(writer.setAll([["a", "1"]], { signal: abort.signal }))).toBe(reason);
  });

  test("needs a writer that is started", async () => {
    expect(await rejection(fixture.writer({ value: string() }).setAll([]))).toMatchObject({ code: "NOT_STARTED" });
  });
});
