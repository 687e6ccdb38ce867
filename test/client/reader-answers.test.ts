import { listOffsets } from "@ktables/client";
import { describe, expect, test } from "vitest";
import { clientFor, editable, plainBatch, reading, requestsOf, startBroker } from "./embedded.ts";

describe("what is damaged", () => {
  const flipped = (batch: Uint8Array): Uint8Array =>
    batch.map((byte, index) => (index === batch.length - 1 ? byte ^ 1 : byte));

  test("on the way is fetched again, without loss and without repetition, whatever was fetched ahead (case 28)", async () => {
    const broker = await startBroker();
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    for (const key of keys) broker.append("t", 0, plainBatch([[key, "v"]]));
    broker.intercept(
      "Fetch",
      async (_, context) => {
        const answer = editable(await context.handle());
        const partition = answer?.responses[0]?.partitions[0];
        if (answer === undefined || !partition?.records) return "pass";
        // In the first batch, which a cut at maxBytes leaves whole.
        partition.records = partition.records.map((byte, index) => (index === 65 ? byte ^ 1 : byte));
        return answer;
      },
      { times: 1 },
    );
    const seen = await reading(broker, { maxBytes: 300 });
    await seen.until(({ reader }) => reader.position(0) === 20);
    expect(seen.keys).toEqual(keys);
  });

  test("in the log ends the reader with the place, and nothing is skipped", async () => {
    const broker = await startBroker();
    broker.append("t", 0, plainBatch([["before", "v"]]));
    broker.append("t", 0, flipped(plainBatch([["damaged", "v"]])));
    broker.append("t", 0, plainBatch([["after", "v"]]));
    const seen = await reading(broker);
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure).toMatchObject({ code: "CORRUPT_MESSAGE", topic: "t", partition: 0 });
    expect(seen.reader.failure?.message).toContain("offset 1");
    expect(seen.keys).toEqual(["before"]);
  });

  test("by a first batch without its end is not skipped either (case 6)", async () => {
    const broker = await startBroker();
    broker.append("t", 0, plainBatch([["a", "v".repeat(100)]]));
    broker.intercept("Fetch", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (answer === undefined || !partition?.records) return "pass";
      partition.records = partition.records.subarray(0, 80);
      return answer;
    });
    const seen = await reading(broker);
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure).toMatchObject({ code: "CORRUPT_MESSAGE" });
    expect(seen.reader.position(0)).toBe(0);
  });
});

describe("strange answers (cases 31 to 33)", () => {
  test("that make no progress do not make the reader spin", async () => {
    const broker = await startBroker();
    const stale = plainBatch([["stale", null]]);
    for (const key of ["a", "b", "c"]) broker.append("t", 0, plainBatch([[key, null]]));
    const seen = await reading(broker, {}, { retryBackoffMs: 50, maxRetryBackoffMs: 50 });
    await seen.until(({ records }) => records.length === 3);
    broker.intercept("Fetch", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (answer === undefined || partition === undefined) return "pass";
      partition.records = stale;
      return answer;
    });
    broker.append("t", 0, plainBatch([["d", null]]));
    const before = requestsOf(broker, "Fetch");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(requestsOf(broker, "Fetch") - before).toBeLessThan(20);
    expect(seen.keys).toEqual(["a", "b", "c"]);
    expect(seen.reader.position(0)).toBe(3);
  });

  test.each([-1, 70, 71, 56, 9])(
    "with the error %i for the whole answer or a partition are followed by more",
    async (errorCode) => {
      const broker = await startBroker();
      broker.append("t", 0, plainBatch([["a", null]]));
      let count = 0;
      broker.intercept(
        "Fetch",
        async (_, context) => {
          const answer = editable(await context.handle());
          const partition = answer?.responses[0]?.partitions[0];
          if (answer === undefined || partition === undefined) return "pass";
          if (count++ === 0) return { ...answer, errorCode };
          partition.errorCode = errorCode;
          return answer;
        },
        { times: 2 },
      );
      const seen = await reading(broker);
      await seen.until(({ records }) => records.length === 1);
      expect(seen.troubles.length).toBeGreaterThanOrEqual(2);
    },
  );

  test("with an error that no retry can mend end the reader", async () => {
    const broker = await startBroker();
    broker.intercept("Fetch", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (answer === undefined || partition === undefined) return "pass";
      partition.errorCode = 29;
      return answer;
    });
    const seen = await reading(broker);
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure).toMatchObject({ code: "TOPIC_AUTHORIZATION_FAILED", topic: "t", partition: 0 });
  });

  test("with repeated, unasked and missing partitions are taken for what they are worth", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 2 }] });
    broker.append("t", 0, plainBatch([["a", null]]));
    broker.append("t", 1, plainBatch([["b", null]]));
    let count = 0;
    broker.intercept(
      "Fetch",
      async (_, context) => {
        const answer = editable(await context.handle());
        const [topic] = answer?.responses ?? [];
        if (answer === undefined || topic === undefined) return "pass";
        const [first, second] = topic.partitions;
        if (first === undefined || second === undefined) return "pass";
        const unasked = { ...first, partitionIndex: 7 };
        topic.partitions = count++ === 0 ? [first, first, unasked] : [second, unasked, second];
        return { ...answer, responses: [{ ...topic, topicId: "AAAAAAAAAAAAAAAAAAAAAQ", topic: "other" }, topic] };
      },
      { times: 2 },
    );
    const seen = await reading(broker);
    await seen.until(({ records }) => records.length === 2);
    expect(new Set(seen.keys)).toEqual(new Set(["a", "b"]));
  });

  test("to ListOffsets: not available, then a negative offset, then the truth (case 36)", async () => {
    const broker = await startBroker();
    broker.append("t", 0, plainBatch([["a", null]]));
    let count = 0;
    broker.intercept(
      "ListOffsets",
      async (_, context) => {
        const answer = editable(await context.handle());
        const partition = answer?.topics[0]?.partitions[0];
        if (answer === undefined || partition === undefined) return "pass";
        const codes = [78, 74, 75, 0];
        partition.errorCode = codes[count++] ?? 0;
        partition.offset = -1;
        return answer;
      },
      { times: 4 },
    );
    expect(await listOffsets(clientFor(broker), "t", "latest")).toEqual(new Map([[0, 1]]));
    expect(count).toBe(4);
  });
});
