import type { PositionLostError, TopicReaderOptions } from "@ktables/client";
import type { EmbeddedBroker, EmbeddedBrokerOptions } from "@ktables/client/testing";
import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { editable, plainBatch, reading, requestsOf, type SeenRecords, startBroker, text } from "./embedded.ts";

const append = (broker: EmbeddedBroker, key: string, partition = 0): number =>
  broker.append("t", partition, plainBatch([[key, null]]));

/** A reader that has read a, b and c, and counts what is lost. */
async function readThree(
  broker: EmbeddedBroker,
  options: Partial<TopicReaderOptions> = {},
  config: object = {},
): Promise<{ seen: SeenRecords; losses: PositionLostError[] }> {
  for (const key of ["a", "b", "c"]) append(broker, key);
  const losses: PositionLostError[] = [];
  const onPositionLost = (loss: PositionLostError): "end" => (losses.push(loss), "end");
  const seen = await reading(broker, { onPositionLost, ...options }, config);
  await seen.until(({ records }) => records.length === 3);
  return { seen, losses };
}

/** How truncation is noticed, by what the broker can do. */
const means: readonly (readonly [string, EmbeddedBrokerOptions])[] = [
  ["Fetch", {}],
  ["OffsetForLeaderEpoch version 4", { maxVersions: { Fetch: 11 } }],
  [
    "OffsetForLeaderEpoch version 2, topics without ids",
    { maxVersions: { Fetch: 10, Metadata: 9, OffsetForLeaderEpoch: 2 } },
  ],
  ["OffsetForLeaderEpoch, and metadata whose epochs are not reliable", { maxVersions: { Fetch: 10, Metadata: 8 } }],
];

describe("a log that is truncated by an unclean election (case 38)", () => {
  describe.each(means)("noticed by %s", (_, options) => {
    test.each([
      ["is shorter than the position", []],
      ["has grown to the position again", ["x", "y"]],
      ["has grown past the position again", ["x", "y", "z"]],
    ])("and that %s", async (__, regrown) => {
      const broker = await startBroker({ nodes: 2, ...options });
      const { seen, losses } = await readThree(broker);
      // At once, as far as the reader can see: no request comes between.
      broker.truncate("t", 0, 1);
      for (const key of regrown) append(broker, key);
      await seen.until(({ reader }) => reader.failure !== undefined, true);
      expect(losses).toEqual([seen.reader.failure]);
      expect(seen.reader.failure).toMatchObject({
        code: "LOG_TRUNCATED",
        retriable: false,
        topic: "t",
        partition: 0,
        position: 3,
        divergingOffset: 1,
      });
      expect(seen.keys).toEqual(["a", "b", "c"]);
    });

    test("at the position or beyond is no loss", async () => {
      const broker = await startBroker({ nodes: 2, ...options });
      const { seen, losses } = await readThree(broker);
      for (let round = 0; round < 3; round++) {
        broker.truncate("t", 0, 3 + round);
        append(broker, `after ${round}`);
        await seen.until(({ keys }) => keys.includes(`after ${round}`));
      }
      expect(losses).toEqual([]);
      expect(seen.records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
    });
  });

  test("is noticed by its length alone where a broker can compare no epochs", async () => {
    const broker = await startBroker({ nodes: 2, maxVersions: { Fetch: 11, OffsetForLeaderEpoch: -1 } });
    const { seen } = await readThree(broker);
    broker.truncate("t", 0, 1);
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure).toMatchObject({ code: "LOG_TRUNCATED", position: 3, divergingOffset: 1 });
  });

  test("is read again from its beginning where the owner wants that, and other partitions go on", async () => {
    const broker = await startBroker({ nodes: 2, topics: [{ name: "t", partitions: 2 }] });
    append(broker, "other", 1);
    for (const key of ["a", "b", "c"]) append(broker, key);
    const losses: PositionLostError[] = [];
    const seen = await reading(broker, { onPositionLost: (loss) => (losses.push(loss), "restart") });
    await seen.until(({ records }) => records.length === 4);
    broker.truncate("t", 0, 1);
    for (const key of ["x", "y", "z"]) append(broker, key);
    append(broker, "other again", 1);
    await seen.until(({ reader }) => reader.position(0) === 4 && reader.position(1) === 2);
    const after = (partition: number) => seen.records.filter((record) => record.partition === partition);
    expect(after(0).map(({ key }) => key)).toEqual(["a", "b", "c", "a", "x", "y", "z"]);
    expect(after(1).map(({ key }) => key)).toEqual(["other", "other again"]);
    expect(losses.map(({ code, partition }) => [code, partition])).toEqual([["LOG_TRUNCATED", 0]]);
  });

  test("is noticed while its batches are still being applied, none of which is handed over any more", async () => {
    const broker = await startBroker({ nodes: 2 });
    for (let index = 0; index < 30; index++) append(broker, `k${index}`);
    let applied = 0;
    let lost = false;
    const seen = await reading(broker, {
      maxBytes: 1000,
      onPositionLost: () => ((lost = true), "end"),
      onBatch: () => {
        expect(lost).toBe(false);
        if (++applied === 5) broker.truncate("t", 0, 1);
        // Longer than a slice, so that everything else gets its turn after each batch.
        for (const end = performance.now() + 10; performance.now() < end; );
      },
    });
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure).toMatchObject({ code: "LOG_TRUNCATED" });
  });
});

describe("what is no loss (case 39)", () => {
  // Both -1 at once cannot be told from no answer.
  test.each([
    { epoch: -1, endOffset: 0 },
    { epoch: 0, endOffset: -1 },
  ])("an epoch that the leader cannot place, told by Fetch (%o)", async (divergingEpoch) => {
    const broker = await startBroker({ nodes: 2 });
    const { seen, losses } = await readThree(broker);
    let told = 0;
    broker.intercept("Fetch", async (request, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (answer === undefined || partition === undefined) return "pass";
      if ((request.topics[0]?.partitions[0]?.lastFetchedEpoch ?? -1) < 0) return answer;
      told++;
      partition.divergingEpoch = divergingEpoch;
      return answer;
    });
    append(broker, "d");
    await seen.until(({ keys }) => keys.includes("d"));
    expect(told).toBeGreaterThan(0);
    expect(losses).toEqual([]);
  });

  test("an epoch that the leader cannot place, told as out of range, as Kafka does", async () => {
    const broker = await startBroker({ nodes: 2 });
    const { seen, losses } = await readThree(broker);
    let told = 0;
    broker.intercept("Fetch", async (request, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (answer === undefined || partition === undefined) return "pass";
      if ((request.topics[0]?.partitions[0]?.lastFetchedEpoch ?? -1) < 0) return answer;
      told++;
      Object.assign(partition, { errorCode: 1, records: new Uint8Array(0) });
      return answer;
    });
    for (const key of ["d", "e"]) {
      append(broker, key);
      await seen.until(({ keys }) => keys.includes(key));
    }
    expect(seen.keys).toEqual(["a", "b", "c", "d", "e"]);
    expect(told).toBeGreaterThan(0);
    expect(losses).toEqual([]);
  });

  test("an epoch that the leader cannot place, told by OffsetForLeaderEpoch", async () => {
    const broker = await startBroker({ nodes: 2, maxVersions: { Fetch: 11 } });
    let told = 0;
    broker.intercept("OffsetForLeaderEpoch", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.topics[0]?.partitions[0];
      if (answer === undefined || partition === undefined) return "pass";
      told++;
      Object.assign(partition, { leaderEpoch: -1, endOffset: -1 });
      return answer;
    });
    const { seen, losses } = await readThree(broker);
    broker.truncate("t", 0, 3);
    append(broker, "d");
    await seen.until(({ keys }) => keys.includes("d"));
    expect(told).toBeGreaterThan(1);
    expect(losses).toEqual([]);
  });

  test("a right to compare epochs that we do not have", async () => {
    const broker = await startBroker({ nodes: 2, maxVersions: { Fetch: 11, OffsetForLeaderEpoch: 2 } });
    broker.intercept("OffsetForLeaderEpoch", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.topics[0]?.partitions[0];
      if (answer === undefined || partition === undefined) return "pass";
      Object.assign(partition, { errorCode: 31, leaderEpoch: -1, endOffset: -1 });
      return answer;
    });
    const { seen } = await readThree(broker);
    append(broker, "d");
    await seen.until(({ keys }) => keys.includes("d"));
    const before = requestsOf(broker, "OffsetForLeaderEpoch");
    append(broker, "e");
    await seen.until(({ keys }) => keys.includes("e"));
    expect(requestsOf(broker, "OffsetForLeaderEpoch")).toBe(before);
  });

  test("epochs that move on while they are compared are compared again, under the new one", async () => {
    const broker = await startBroker({ nodes: 2, maxVersions: { Fetch: 11 } });
    const { seen } = await readThree(broker);
    const asked: number[] = [];
    broker.intercept("OffsetForLeaderEpoch", (request) => {
      asked.push(request.topics[0]?.partitions[0]?.currentLeaderEpoch ?? -1);
      // The leader that is asked has been replaced when the question arrives.
      if (asked.length < 4) broker.moveLeader("t", 0, 1 - broker.leader("t", 0).node);
      return "pass";
    });
    broker.moveLeader("t", 0, 1);
    append(broker, "d");
    await seen.until(({ keys }) => keys.includes("d"));
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(asked.at(-1)).toBe(broker.leader("t", 0).epoch);
    // And not once more for records of the new epoch.
    append(broker, "e");
    await seen.until(({ keys }) => keys.includes("e"));
    expect(asked.filter((epoch) => epoch === broker.leader("t", 0).epoch)).toHaveLength(1);
  });

  test("an answer about a position that is not the reader's any more", async () => {
    const broker = await startBroker({ nodes: 2 });
    const { seen, losses } = await readThree(broker, {}, { metadataMaxAgeMs: 20 });
    let isHeld = false;
    const go = Promise.withResolvers<void>();
    broker.intercept(
      "Fetch",
      async (_, context) => {
        const answer = editable(await context.handle());
        const partition = answer?.responses[0]?.partitions[0];
        if (answer === undefined || partition === undefined) return "pass";
        isHeld = true;
        await go.promise;
        Object.assign(partition, { errorCode: 1 });
        return answer;
      },
      { times: 1 },
    );
    append(broker, "d");
    await expect.poll(() => isHeld).toBe(true);
    broker.moveLeader("t", 0, 1 - broker.leader("t", 0).node);
    await seen.until(({ keys }) => keys.includes("d"));
    const before = requestsOf(broker, "ListOffsets");
    go.resolve();
    append(broker, "e");
    await seen.until(({ keys }) => keys.includes("e"));
    expect(losses).toEqual([]);
    expect(requestsOf(broker, "ListOffsets")).toBe(before);
  });
});

describe("records that were removed before they were read", () => {
  test("end the reader with what is left, or let it start over there", async () => {
    for (const answer of ["end", "restart"] as const) {
      const broker = await startBroker();
      const losses: PositionLostError[] = [];
      const { seen } = await readThree(broker, { onPositionLost: (loss) => (losses.push(loss), answer) });
      const go = Promise.withResolvers<void>();
      const held = Promise.withResolvers<void>();
      const remove = broker.intercept("Fetch", async () => (held.resolve(), await go.promise, "pass"));
      await held.promise;
      for (const key of ["d", "e", "f"]) append(broker, key);
      broker.deleteRecords("t", 0, 5);
      remove();
      go.resolve();
      await seen.until(({ reader, keys }) => reader.failure !== undefined || keys.includes("f"), true);
      expect(losses).toMatchObject([{ code: "OFFSET_OUT_OF_RANGE", partition: 0, position: 3, divergingOffset: 5 }]);
      expect(seen.keys).toEqual(answer === "end" ? ["a", "b", "c"] : ["a", "b", "c", "f"]);
      expect(seen.reader.failure).toBe(answer === "end" ? losses[0] : undefined);
    }
  });

  test("in one partition do not hold up the others while the range is looked up", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 2 }] });
    append(broker, "never read");
    const go = Promise.withResolvers<void>();
    const remove = broker.intercept("Fetch", () => {
      broker.deleteRecords("t", 0, 1);
      remove();
      broker.intercept("ListOffsets", async () => (await go.promise, "pass"));
      return "pass";
    });
    const seen = await reading(broker, { maxWaitMs: 3_600_000 });
    await expect.poll(() => requestsOf(broker, "ListOffsets")).toBeGreaterThan(1);
    for (const key of ["b", "c"]) {
      append(broker, key, 1);
      await seen.until(({ keys }) => keys.includes(key));
    }
    append(broker, "a");
    go.resolve();
    await seen.until(({ keys }) => keys.includes("a"));
  });
});

describe("out of reach for longer than tombstones are kept (case 45)", () => {
  const day = 86_400_000;
  afterEach(() => vi.restoreAllMocks());

  /** Time passes while no broker can be reached, as far as clocks say. */
  async function outage(broker: EmbeddedBroker, seen: SeenRecords, ms: number, meanwhile: () => void): Promise<void> {
    const failures = seen.troubles.length;
    const answerAgain = broker.intercept("Fetch", () => "close");
    await seen.until(({ troubles }) => troubles.length > failures);
    const now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now + ms);
    meanwhile();
    answerAgain();
  }

  test("while the log has grown, the position is lost", async () => {
    const broker = await startBroker();
    const { seen, losses } = await readThree(broker, { tombstoneRetentionMs: () => day });
    await outage(broker, seen, 2 * day, () => append(broker, "d"));
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(losses).toEqual([seen.reader.failure]);
    expect(losses[0]).toMatchObject({ code: "TOMBSTONES_MISSED", topic: "t", partition: 0, position: 3 });
    expect(losses[0]?.message).toContain("172800 s");
    expect(seen.keys).toEqual(["a", "b", "c"]);
  });

  test("and whoever starts over reads everything, and is at rest then", async () => {
    const broker = await startBroker();
    const losses: PositionLostError[] = [];
    const onPositionLost = (loss: PositionLostError): "restart" => (losses.push(loss), "restart");
    const { seen } = await readThree(broker, { tombstoneRetentionMs: day, onPositionLost });
    await outage(broker, seen, 2 * day, () => append(broker, "d"));
    await seen.until(({ keys }) => keys.at(-1) === "d");
    append(broker, "e");
    await seen.until(({ keys }) => keys.at(-1) === "e");
    expect(losses.map(({ code }) => code)).toEqual(["TOMBSTONES_MISSED"]);
    expect(seen.keys).toEqual(["a", "b", "c", "a", "b", "c", "d", "e"]);
  });

  test.each([
    ["for less time", day / 2, { tombstoneRetentionMs: day }],
    ["for less time than a function says", day / 2, { tombstoneRetentionMs: () => day }],
    ["if nobody wants to know", 2 * day, {}],
  ])("%s is no loss", async (_, ms, options) => {
    const broker = await startBroker();
    const { seen, losses } = await readThree(broker, options);
    await outage(broker, seen, ms, () => append(broker, "d"));
    await seen.until(({ keys }) => keys.at(-1) === "d");
    expect(losses).toEqual([]);
    expect(seen.keys).toEqual(["a", "b", "c", "d"]);
  });

  test("while nothing was written is no loss, and what comes then is read as ever", async () => {
    const broker = await startBroker();
    const { seen, losses } = await readThree(broker, { tombstoneRetentionMs: day });
    const fetches = requestsOf(broker, "Fetch");
    await outage(broker, seen, 2 * day, () => undefined);
    await seen.until(() => requestsOf(broker, "Fetch") > fetches + 1);
    append(broker, "d");
    await seen.until(({ keys }) => keys.at(-1) === "d");
    expect(losses).toEqual([]);
  });

  test("before anything was read is no loss", async () => {
    const broker = await startBroker();
    const losses: PositionLostError[] = [];
    const onPositionLost = (loss: PositionLostError): "end" => (losses.push(loss), "end");
    const seen = await reading(broker, { tombstoneRetentionMs: day, onPositionLost });
    await outage(broker, seen, 2 * day, () => append(broker, "a"));
    await seen.until(({ keys }) => keys.at(-1) === "a");
    expect(losses).toEqual([]);
  });
});

describe("a topic that is created again (case 41)", () => {
  const recreate = async (broker: EmbeddedBroker, partitions: number): Promise<void> => {
    await broker.deleteTopic("t");
    await broker.createTopic("t", { partitions });
    for (let partition = 0; partition < partitions; partition++) append(broker, `new ${partition}`, partition);
  };

  test.each([1, 2, 4])(
    "with %i partitions instead of two is read anew where the owner wants that",
    async (partitions) => {
      const broker = await startBroker({ topics: [{ name: "t", partitions: 2 }] });
      for (const partition of [0, 1, 0, 1]) append(broker, `old ${partition}`, partition);
      const losses: PositionLostError[] = [];
      const seen = await reading(broker, { onPositionLost: (loss) => (losses.push(loss), "restart") });
      await seen.until(({ records }) => records.length === 4);
      await recreate(broker, partitions);
      await seen.until(({ records }) => records.length === 4 + partitions);
      expect(new Set(seen.keys.slice(4))).toEqual(new Set(Array.from({ length: partitions }, (_, n) => `new ${n}`)));
      expect(losses).toMatchObject([
        { code: "TOPIC_RECREATED", topic: "t", partition: undefined, position: undefined },
      ]);
      expect(seen.reader.partitions()).toHaveLength(partitions);
    },
  );

  test("is noticed although its id was not told for a while, and the name served meanwhile (case 42)", async () => {
    const broker = await startBroker();
    const { seen, losses } = await readThree(broker, {}, { metadataMaxAgeMs: 20 });
    const versions = (): number[] => broker.requests.filter(({ api }) => api === "Fetch").map(({ version }) => version);
    const restore = broker.intercept("Metadata", async (_, context) => {
      const answer = editable(await context.handle());
      const [topic] = answer?.topics ?? [];
      if (answer === undefined || topic === undefined) return "pass";
      topic.topicId = "AAAAAAAAAAAAAAAAAAAAAA";
      return answer;
    });
    append(broker, "by id");
    await seen.until(({ keys }) => keys.includes("by id"));
    await expect
      .poll(() => {
        append(broker, "by name");
        return versions().at(-1);
      })
      .toBe(12);
    restore();
    await expect
      .poll(() => {
        append(broker, "by id again");
        return versions().at(-1);
      })
      .toBe(16);
    expect(losses).toEqual([]);
    await recreate(broker, 1);
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(losses).toMatchObject([{ code: "TOPIC_RECREATED" }]);
  });

  test("an owner that fails when it is told ends the reader with its error", async () => {
    const broker = await startBroker();
    const { seen } = await readThree(broker, {
      onPositionLost: () => {
        throw new Error("owner");
      },
    });
    await recreate(broker, 1);
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure?.message).toBe("owner");
  });
});

describe("whatever happens to the log", () => {
  type Step = { readonly what: "append" | "move" | "truncate" | "remove" | "bounce"; readonly much: number };
  const step: fc.Arbitrary<Step> = fc.record({
    what: fc.constantFrom("append", "append", "append", "move", "truncate", "remove", "bounce"),
    much: fc.nat(3),
  });

  /** What a table would hold: records by offset, thrown away where the reader says so. */
  function mirrorOptions(records: Map<number, string | null>): Partial<TopicReaderOptions> {
    return {
      onPositionLost: () => (records.clear(), "restart"),
      onBatch: (_, batch, fromOffset) => {
        batch.visit((record) => {
          if (record.offset >= fromOffset) records.set(record.offset, text(record.key()));
        });
      },
    };
  }

  async function take({ what, much }: Step, broker: EmbeddedBroker, count: number): Promise<void> {
    const [{ node }, end] = [broker.leader("t", 0), broker.endOffset("t", 0)];
    if (what === "append") append(broker, `k${count}`);
    else if (what === "move") broker.moveLeader("t", 0, (node + much) % 3);
    else if (what === "truncate") broker.truncate("t", 0, Math.max(broker.startOffset("t", 0), end - much));
    else if (what === "remove") broker.deleteRecords("t", 0, Math.max(0, end - much));
    else {
      await broker.stopNode(node);
      await broker.startNode(node);
    }
    // Sometimes the reader gets its turn, sometimes several things happen at once.
    if (much > 1) await new Promise((resolve) => setTimeout(resolve, much));
  }

  test.each(means.slice(0, 2))(
    "a mirror of it that starts over when told so is right in the end (by %s)",
    async (_, options) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
          const broker = await startBroker({ nodes: 3, ...options });
          const mirror = new Map<number, string | null>();
          const seen = await reading(broker, mirrorOptions(mirror));
          let count = 0;
          for (const one of steps) await take(one, broker, count++);
          append(broker, "last");
          const end = broker.endOffset("t", 0);
          await seen.until(({ reader }) => reader.position(0) === end && mirror.get(end - 1) === "last");
          const truth = new Map<number, string | null>();
          const fresh = await reading(broker, mirrorOptions(truth));
          await fresh.until(({ reader }) => reader.position(0) === end);
          const start = broker.startOffset("t", 0);
          expect(new Map([...mirror].filter(([offset]) => offset >= start))).toEqual(truth);
          await seen.reader.close();
          await fresh.reader.close();
          await broker.close();
        }),
        { numRuns: 25 },
      );
    },
  );
});
