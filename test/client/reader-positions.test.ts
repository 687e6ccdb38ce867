import { encodeBatch } from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import { bytes, editable, plainBatch, reading, requestsOf, startBroker } from "./embedded.ts";

const record = (key: string) => ({ key: bytes(key), value: null, timestamp: 1 });

describe("a position within a batch", () => {
  test("in a hole: the batch around it comes whole, its records below are dropped (case 3)", async () => {
    const broker = await startBroker();
    const records = ["below", "also below", "above"].map(record);
    broker.append("t", 0, encodeBatch({ records, offsets: [0, 2, 9], lastOffset: 9 }), { keepOffsets: true });
    broker.append("t", 0, plainBatch([["next", null]]));
    broker.deleteRecords("t", 0, 5);
    const seen = await reading(broker);
    await seen.until(({ reader }) => reader.position(0) === 11);
    expect(seen.records.map(({ offset, key }) => [offset, key])).toEqual([
      [9, "above"],
      [10, "next"],
    ]);
  });

  test("in a hole at its end: the batch brings nothing but progress (case 3)", async () => {
    const broker = await startBroker();
    const batch = encodeBatch({ records: [record("below")], offsets: [0], lastOffset: 9 });
    broker.append("t", 0, batch, { keepOffsets: true });
    broker.deleteRecords("t", 0, 5);
    const seen = await reading(broker);
    await seen.until(({ reader }) => reader.position(0) === 10);
    expect(seen.records).toEqual([]);
  });
});

test("read_uncommitted shows aborted data, also where the broker lists it as aborted (case 19)", async () => {
  const broker = await startBroker();
  const { producerId } = broker.writeTransaction("t", 0, [record("aborted")], "abort");
  broker.append("t", 0, plainBatch([["plain", null]]));
  broker.intercept("Fetch", async (_, context) => {
    const answer = editable(await context.handle());
    const partition = answer?.responses[0]?.partitions[0];
    if (answer === undefined || partition === undefined) return "pass";
    partition.abortedTransactions = [{ producerId, firstOffset: 0 }];
    return answer;
  });
  const seen = await reading(broker, { isolation: "read_uncommitted" });
  await seen.until(({ reader }) => reader.position(0) === 3);
  expect(seen.keys).toEqual(["aborted", "plain"]);
  expect(requestsOf(broker, "Fetch")).toBeGreaterThan(0);
});
