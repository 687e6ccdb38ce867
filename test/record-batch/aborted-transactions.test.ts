import { AbortedTransactions, encodeBatch, encodeControlBatch, type RecordBatch } from "@ktables/record-batch";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { onlyBatch, rawBatch, utf8 } from "./support.ts";

function data(producerId: number, baseOffset: number, count = 1, isTransactional = true): RecordBatch {
  const records = Array.from({ length: count }, () => ({ key: utf8("k"), value: utf8("v"), timestamp: 0 }));
  return onlyBatch(encodeBatch({ records, producerId, baseOffset, isTransactional }));
}

function marker(type: "commit" | "abort", producerId: number, baseOffset: number): RecordBatch {
  return onlyBatch(encodeControlBatch({ type, producerId, producerEpoch: 0, timestamp: 0, baseOffset }));
}

function keptOffsets(
  list: readonly { producerId: number; firstOffset: number }[] | null,
  batches: readonly RecordBatch[],
): number[] {
  const aborted = new AbortedTransactions(list);
  return batches.filter((batch) => !aborted.isAborted(batch) && !batch.isControl).map(({ baseOffset }) => baseOffset);
}

describe("aborted transactions", () => {
  test("two producers interleaved, the list out of order", () => {
    const batches = [
      data(1, 0),
      data(2, 1),
      data(1, 2),
      marker("abort", 1, 3),
      data(1, 4),
      data(2, 5),
      marker("abort", 2, 6),
      data(2, 7),
    ];
    const list = [
      { producerId: 2, firstOffset: 1 },
      { producerId: 1, firstOffset: 0 },
    ];
    expect(keptOffsets(list, batches)).toEqual([4, 7]);
    expect(keptOffsets(list.toReversed(), batches)).toEqual([4, 7]);
  });

  test("the same producer aborts, commits and aborts again", () => {
    const batches = [
      data(1, 0),
      marker("abort", 1, 1),
      data(1, 2),
      marker("commit", 1, 3),
      data(1, 4),
      marker("abort", 1, 5),
      data(1, 6),
    ];
    const list = [
      { producerId: 1, firstOffset: 4 },
      { producerId: 1, firstOffset: 0 },
    ];
    expect(keptOffsets(list, batches)).toEqual([2, 6]);
  });

  test("an abort marker without data, a second one, and one that nobody announced", () => {
    const batches = [
      marker("abort", 1, 0),
      data(1, 1),
      marker("abort", 1, 2),
      marker("abort", 1, 3),
      marker("abort", 9, 4),
      data(1, 5),
    ];
    expect(keptOffsets([{ producerId: 1, firstOffset: 0 }], batches)).toEqual([1, 5]);
    expect(keptOffsets([{ producerId: 1, firstOffset: 1 }], batches)).toEqual([5]);
  });

  test("a transaction that starts within a compacted batch counts from its last offset", () => {
    const record = { key: utf8("k"), value: utf8("v"), timestamp: 0 };
    const compacted = onlyBatch(
      encodeBatch({
        records: [record],
        baseOffset: 10,
        offsets: [12],
        lastOffset: 19,
        producerId: 1,
        isTransactional: true,
      }),
    );
    expect(keptOffsets([{ producerId: 1, firstOffset: 15 }], [compacted, data(1, 20)])).toEqual([]);
    expect(keptOffsets([{ producerId: 1, firstOffset: 20 }], [compacted, data(1, 20)])).toEqual([10]);
  });

  test("data without a transaction stays, also of a producer that is aborting", () => {
    const batches = [data(1, 0), data(1, 1, 1, false), data(-1, 2, 1, false), data(2, 3), marker("abort", 1, 4)];
    expect(keptOffsets([{ producerId: 1, firstOffset: 0 }], batches)).toEqual([1, 2, 3]);
  });

  test("a marker that compaction has emptied, a commit, and an unknown control record end nothing", () => {
    const empty = onlyBatch(rawBatch({ attributes: 0x30, recordCount: 0, producerId: 1n, baseOffset: 1n }));
    const unknown = onlyBatch(
      rawBatch({ attributes: 0x30, producerId: 1n, baseOffset: 2n, records: [20, 0, 0, 0, 8, 0, 0, 0, 4, 1, 0] }),
    );
    expect(unknown.controlType()).toBe("unknown");
    const batches = [data(1, 0), empty, unknown, marker("commit", 1, 3), data(1, 4)];
    expect(keptOffsets([{ producerId: 1, firstOffset: 0 }], batches)).toEqual([]);
  });

  test("no list drops nothing, and the caller's list is not touched", () => {
    const list = [
      { producerId: 2, firstOffset: 9 },
      { producerId: 1, firstOffset: 0 },
    ];
    const copy = structuredClone(list);
    keptOffsets(Object.freeze(list), [data(1, 0), data(2, 9)]);
    expect(list).toEqual(copy);
    expect(keptOffsets(null, [data(1, 0), marker("abort", 1, 1)])).toEqual([0]);
    expect(keptOffsets([], [data(1, 0), marker("abort", 1, 1)])).toEqual([0]);
  });

  test("any log, fetched from any batch on, shows exactly what was committed", () => {
    // Each step is one batch: a producer writes (and begins if it has to), or ends its transaction.
    const step = fc.record({
      producerId: fc.integer({ min: 1, max: 3 }),
      action: fc.constantFrom(
        "write" as const,
        "write" as const,
        "plain" as const,
        "commit" as const,
        "abort" as const,
      ),
      count: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.nat(40),
        fc.array(fc.nat(), { maxLength: 8 }),
        (steps, from, order) => {
          const log: RecordBatch[] = [];
          const open = new Map<number, { firstOffset: number; batches: RecordBatch[] }>();
          const announced: { producerId: number; firstOffset: number }[] = [];
          const hidden = new Set<RecordBatch>();
          let offset = 0;
          const append = (batch: RecordBatch) => {
            log.push(batch);
            offset = batch.nextOffset;
            return batch;
          };
          const end = (type: "commit" | "abort", producerId: number) => {
            const transaction = open.get(producerId);
            open.delete(producerId);
            if (transaction !== undefined && type === "abort") {
              announced.push({ producerId, firstOffset: transaction.firstOffset });
              for (const batch of transaction.batches) hidden.add(batch);
            }
            append(marker(type, producerId, offset));
          };
          for (const { producerId, action, count } of steps) {
            if (action === "commit" || action === "abort") end(action, producerId);
            else if (action === "plain") append(data(-1, offset, count, false));
            else {
              const transaction = open.get(producerId) ?? { firstOffset: offset, batches: [] };
              open.set(producerId, transaction);
              transaction.batches.push(append(data(producerId, offset, count)));
            }
          }
          for (const producerId of open.keys()) end("abort", producerId);

          // A broker announces what overlaps the fetched range: transactions that end in it, in no certain order.
          const fetched = log.slice(from);
          const first = fetched[0]?.baseOffset ?? offset;
          const endOf = (transaction: { producerId: number; firstOffset: number }) =>
            log.find(
              (batch) =>
                batch.controlType() === "abort" &&
                batch.producerId === transaction.producerId &&
                batch.baseOffset > transaction.firstOffset,
            )?.baseOffset ?? offset;
          const list = announced
            .filter((transaction) => endOf(transaction) >= first)
            .map((transaction, index) => ({ transaction, rank: order[index % Math.max(order.length, 1)] ?? 0 }))
            .sort((a, b) => a.rank - b.rank)
            .map(({ transaction }) => transaction);
          const expected = fetched.filter((batch) => !batch.isControl && !hidden.has(batch));
          expect(keptOffsets(list, fetched)).toEqual(expected.map(({ baseOffset }) => baseOffset));
        },
      ),
      { numRuns: 300 },
    );
  });
});
