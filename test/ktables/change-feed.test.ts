import fc from "fast-check";
import { type Change, ChangeFeed } from "ktables";
import { describe, expect, test } from "vitest";

type Step = { take: true } | { take: false; key: string; value: string | undefined };

const steps = fc.array(
  fc.oneof(
    fc.constant<Step>({ take: true }),
    fc.record({
      take: fc.constant<false>(false),
      key: fc.constantFrom("a", "b", "c"),
      value: fc.option(fc.string({ maxLength: 3 }), { nil: undefined }),
    }),
  ),
  { maxLength: 60 },
);

describe("a change feed", () => {
  test("whatever the pace of its consumer, what it tells adds up to the contents", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom<"none" | "snapshot">("none", "snapshot"), async (sequence, initial) => {
        const table = new Map([["a", "before"]]);
        const copy = initial === "snapshot" ? new Map<string, string>() : new Map(table);
        const feed = new ChangeFeed<string>({ initial }, () => undefined);
        feed.open(table.entries());
        let offset = 0;
        const apply = (change: Change<string>): void => {
          if (change.type === "caught-up" || change.type === "resync") return;
          // The old value is what the consumer was told last, so that it can undo what it did for it.
          expect(change.oldValue).toBe(copy.get(change.key));
          if (change.type === "set") copy.set(change.key, change.value);
          else copy.delete(change.key);
        };
        let untaken = 1 + (initial === "snapshot" ? 1 : 0);
        /** Of untaken changes: what the key had before the first, and whether the last has set it. */
        const changed = new Map<string, { readonly before: string | undefined; readonly isSet: boolean }>();
        for (const step of sequence) {
          if (!step.take) {
            const place = { key: step.key, oldValue: table.get(step.key), partition: 0, offset: offset++ };
            if (step.value === undefined) {
              table.delete(step.key);
              feed.push({ type: "delete", phase: "live", ...place });
            } else {
              table.set(step.key, step.value);
              feed.push({ type: "set", phase: "live", value: step.value, ...place });
            }
            const pending = changed.get(step.key);
            const isSet = step.value !== undefined;
            if (pending?.isSet === true && pending.before === undefined && !isSet) changed.delete(step.key);
            else changed.set(step.key, { before: (pending ?? { before: place.oldValue }).before, isSet });
          } else if (untaken + changed.size > 0) {
            const { value } = await feed.next();
            apply(value);
            if (untaken > 0) untaken--;
            else if (value.type === "set" || value.type === "delete") changed.delete(value.key);
          }
        }
        feed.end();
        for await (const change of feed) apply(change);
        expect(copy).toEqual(table);
      }),
    );
  });

  test("delivers nothing before it is opened, and its failure after what was left", async () => {
    const feed = new ChangeFeed<string>({}, () => undefined);
    const change = { type: "set", key: "k", value: "v", oldValue: undefined, phase: "live", partition: 0, offset: 0 };
    feed.push({ ...change, type: "set", phase: "live" });
    feed.open([]);
    feed.push({ ...change, type: "set", phase: "live", offset: 1 });
    const failure = new Error("the table has failed");
    feed.end(failure);
    expect((await feed.next()).value).toEqual({ type: "caught-up" });
    expect((await feed.next()).value).toEqual({ ...change, offset: 1 });
    await expect(feed.next()).rejects.toBe(failure);
    expect((await feed.next()).done).toBe(true);
  });

  test("tells nothing of a key that came and went while nobody looked", async () => {
    const feed = new ChangeFeed<string>({ maxBuffered: 1 }, () => undefined);
    feed.open([]);
    const place = { phase: "live", partition: 0, offset: 0 } as const;
    for (let index = 0; index < 10; index++) {
      feed.push({ type: "set", key: `${index}`, value: "v", oldValue: undefined, ...place });
      feed.push({ type: "delete", key: `${index}`, oldValue: "v", ...place });
    }
    feed.push({ type: "set", key: "stays", value: "v", oldValue: undefined, ...place });
    feed.end();
    const told: Change<string>[] = [];
    for await (const change of feed) told.push(change);
    expect(told).toMatchObject([{ type: "caught-up" }, { type: "set", key: "stays" }]);
  });

  test("ends with an error when its consumer is too far behind, and tells no part of the truth then", async () => {
    let ended = 0;
    const feed = new ChangeFeed<string>({ maxBuffered: 2 }, () => ended++);
    feed.open([]);
    const place = { value: "v", oldValue: undefined, phase: "live", partition: 0, offset: 0 } as const;
    for (const key of ["a", "b", "a"]) feed.push({ type: "set", key, ...place });
    expect(ended).toBe(0);
    feed.push({ type: "set", key: "c", ...place });
    expect(ended).toBe(1);
    await expect(feed.next()).rejects.toMatchObject({ code: "CHANGES_OVERFLOW" });
    expect((await feed.next()).done).toBe(true);
  });

  test("answers calls of next in their order, and ends those that wait", async () => {
    const feed = new ChangeFeed<string>({}, () => undefined);
    const results = [feed.next(), feed.next(), feed.next()];
    feed.open([]);
    feed.push({ type: "delete", key: "k", oldValue: undefined, phase: "live", partition: 0, offset: 0 });
    await feed.return();
    expect((await results[0])?.value).toEqual({ type: "caught-up" });
    expect((await results[1])?.value).toMatchObject({ type: "delete" });
    expect((await results[2])?.done).toBe(true);
  });

  test("says once that it has ended", () => {
    let ended = 0;
    const controller = new AbortController();
    const feed = new ChangeFeed<string>({ signal: controller.signal }, () => ended++);
    controller.abort();
    feed.end();
    expect(ended).toBe(1);
  });
});
