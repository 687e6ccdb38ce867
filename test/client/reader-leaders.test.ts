import type { KafkaClientConfig, TopicReaderOptions } from "@ktables/client";
import type { EmbeddedBroker, RequestOf } from "@ktables/client/testing";
import { describe, expect, test } from "vitest";
import { editable, plainBatch, reading, requestsOf, type SeenRecords, startBroker } from "./embedded.ts";

/** A poll that ends by itself only after the test's own time. */
const anHour = { maxWaitMs: 3_600_000 };

const append = (broker: EmbeddedBroker, key: string, partition = 0): number =>
  broker.append("t", partition, plainBatch([[key, null]]));

const arrives = async (seen: SeenRecords, key: string): Promise<void> => seen.until(({ keys }) => keys.includes(key));

describe("a leader that has moved (case 37)", () => {
  test("is followed by the hint of the old one, without asking for metadata", async () => {
    const broker = await startBroker({ nodes: 3 });
    const seen = await reading(broker, anHour);
    broker.intercept("Metadata", () => "close");
    const asked = requestsOf(broker, "Metadata");
    for (let move = 1; move <= 5; move++) {
      broker.moveLeader("t", 0, move % 3);
      append(broker, `after move ${move}`);
      await arrives(seen, `after move ${move}`);
    }
    expect(seen.troubles).toEqual([]);
    expect(requestsOf(broker, "Metadata")).toBe(asked);
    expect(seen.records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
  });

  test("is found by metadata where there is no hint", async () => {
    const broker = await startBroker({ nodes: 2, maxVersions: { Fetch: 13 } });
    const seen = await reading(broker, anHour);
    broker.moveLeader("t", 0, 1 - broker.leader("t", 0).node);
    append(broker, "after");
    await arrives(seen, "after");
    expect(seen.troubles).toContain("FENCED_LEADER_EPOCH");
  });

  test.each([
    ["has an old epoch", { leaderId: 1, leaderEpoch: 0 }],
    ["names a broker that nobody knows", { leaderId: 7, leaderEpoch: 9 }],
    ["names nobody", { leaderId: -1, leaderEpoch: 9 }],
  ])("is not looked for where a hint leads that %s", async (_, currentLeader) => {
    const broker = await startBroker({ nodes: 2 });
    expect(broker.leader("t", 0)).toEqual({ node: 0, epoch: 0 });
    broker.intercept(
      "Fetch",
      async (_request, context) => {
        const answer = editable(await context.handle());
        const partition = answer?.responses[0]?.partitions[0];
        if (answer === undefined || partition === undefined) return "pass";
        Object.assign(partition, { errorCode: 6, currentLeader, records: new Uint8Array(0) });
        return answer;
      },
      { times: 3 },
    );
    append(broker, "a");
    const seen = await reading(broker);
    await arrives(seen, "a");
    expect(seen.troubles).toContain("NOT_LEADER_OR_FOLLOWER");
    expect(broker.requests.filter(({ api, node }) => api === "Fetch" && node === 1)).toEqual([]);
  });

  test("is not chased without pauses where brokers send us back and forth", async () => {
    const broker = await startBroker({ nodes: 2 });
    const { bootstrapServers } = broker;
    const nodeEndpoints = bootstrapServers.split(",").map((address, nodeId) => {
      return { nodeId, host: "127.0.0.1", port: Number(address.split(":")[1]), rack: null };
    });
    let leaderEpoch = 0;
    append(broker, "so that nothing is waited for");
    broker.intercept("Fetch", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (answer === undefined || partition === undefined) return "pass";
      const currentLeader = { leaderId: 1 - context.node, leaderEpoch: ++leaderEpoch };
      Object.assign(partition, { errorCode: 6, currentLeader });
      return { ...answer, nodeEndpoints };
    });
    const start = performance.now();
    await reading(broker, {}, { retryBackoffMs: 40, maxRetryBackoffMs: 40 });
    await expect.poll(() => requestsOf(broker, "Fetch"), { timeout: 15_000 }).toBeGreaterThan(8);
    // Seven pauses of at least 32 ms; without them it would be a matter of a few.
    expect(performance.now() - start).toBeGreaterThan(150);
  });
});

describe("while a long poll is parked, its broker", () => {
  test("gives at once what comes to an idle partition's neighbour (case 35)", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 2 }] });
    const seen = await reading(broker, anHour);
    for (let index = 0; index < 5; index++) {
      append(broker, `k${index}`, 1);
      await arrives(seen, `k${index}`);
    }
  });

  test("is asked for partitions that come from another broker", async () => {
    const broker = await startBroker({ nodes: 2, topics: [{ name: "t", partitions: 2 }] });
    const seen = await reading(broker, anHour);
    for (let move = 0; move < 4; move++) {
      // Each time one of the two brokers gets a partition while it holds back its answer for another.
      for (const partition of [0, 1]) append(broker, `before ${move}/${partition}`, partition);
      for (const partition of [0, 1]) await arrives(seen, `before ${move}/${partition}`);
      broker.moveLeader("t", 0, 1 - broker.leader("t", 0).node);
      append(broker, `after ${move}`, 0);
      await arrives(seen, `after ${move}`);
    }
    expect(new Set(seen.keys).size).toBe(seen.keys.length);
  });

  test("is asked for partitions that are new", async () => {
    const broker = await startBroker();
    const seen = await reading(broker, anHour, { metadataMaxAgeMs: 30 });
    for (let count = 2; count <= 4; count++) {
      await broker.createPartitions("t", count);
      append(broker, `in partition ${count - 1}`, count - 1);
      await arrives(seen, `in partition ${count - 1}`);
    }
  });

  test("is asked again for a partition whose pause after an error is over", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 2 }] });
    broker.intercept(
      "Fetch",
      async (request, context) => {
        if (request.topics[0]?.partitions.length !== 2) return "pass";
        const answer = editable(await context.handle());
        const partition = answer?.responses[0]?.partitions[1];
        if (answer === undefined || partition === undefined) return "pass";
        Object.assign(partition, { errorCode: 56, records: new Uint8Array(0) });
        return answer;
      },
      { times: 1 },
    );
    append(broker, "wakes the first poll", 0);
    const seen = await reading(broker, anHour);
    await seen.until(({ troubles }) => troubles.includes("KAFKA_STORAGE_ERROR"));
    append(broker, "after the pause", 1);
    await arrives(seen, "after the pause");
  });
});

test("while a long poll is parked that was sent ahead, a damaged batch before it is fetched again", async () => {
  const broker = await startBroker();
  append(broker, "a");
  broker.intercept(
    "Fetch",
    async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (answer === undefined || !partition?.records) return "pass";
      partition.records = partition.records.map((byte, index) => (index === 65 ? byte ^ 1 : byte));
      return answer;
    },
    { times: 1 },
  );
  await arrives(await reading(broker, anHour), "a");
});

describe("fetch sessions (case 44)", () => {
  test("are never begun: every request says that it wants none", async () => {
    const broker = await startBroker();
    const sessions: (readonly [number, number])[] = [];
    broker.intercept("Fetch", ({ sessionId, sessionEpoch }) => (sessions.push([sessionId, sessionEpoch]), "pass"));
    const seen = await reading(broker);
    for (let index = 0; index < 5; index++) {
      append(broker, `k${index}`);
      await arrives(seen, `k${index}`);
    }
    expect(sessions.length).toBeGreaterThanOrEqual(5);
    expect(new Set(sessions.map(String))).toEqual(new Set(["0,-1"]));
  });

  test.each([70, 71])("that a broker misses all the same (error %i) do no harm", async (errorCode) => {
    const broker = await startBroker();
    append(broker, "a");
    broker.intercept("Fetch", () => ({ throttleTimeMs: 0, errorCode, sessionId: 0, responses: [] }), { times: 2 });
    const seen = await reading(broker);
    await arrives(seen, "a");
    expect(seen.troubles).toHaveLength(2);
  });
});

describe("a replica in the client's rack (case 40)", () => {
  const racks = ["a", "b", "c"];
  const inRackB: Partial<KafkaClientConfig> = { rack: "b" };

  async function readingFromReplica(
    options: Partial<TopicReaderOptions> = {},
    config: Partial<KafkaClientConfig> = {},
  ): Promise<{ broker: EmbeddedBroker; seen: SeenRecords; fetches: () => number[] }> {
    const broker = await startBroker({ nodes: 3, racks });
    expect(broker.leader("t", 0).node).toBe(0);
    append(broker, "first");
    const seen = await reading(broker, options, { ...inRackB, ...config });
    await arrives(seen, "first");
    const fetches = (): number[] => broker.requests.filter(({ api }) => api === "Fetch").map(({ node }) => node);
    return { broker, seen, fetches };
  }

  test("is read from, once the leader has named it, and offsets are asked of the leader", async () => {
    const { broker, seen, fetches } = await readingFromReplica(anHour);
    for (let index = 0; index < 5; index++) {
      append(broker, `k${index}`);
      await arrives(seen, `k${index}`);
    }
    expect(fetches()[0]).toBe(0);
    expect(new Set(fetches().slice(1))).toEqual(new Set([1]));
    expect(new Set(broker.requests.filter(({ api }) => api === "ListOffsets").map(({ node }) => node))).toEqual(
      new Set([0]),
    );
    expect(seen.troubles).toEqual([]);
  });

  test("is left for the new leader's word when the leader moves", async () => {
    const { broker, seen, fetches } = await readingFromReplica(anHour);
    broker.moveLeader("t", 0, 2);
    append(broker, "moved");
    await arrives(seen, "moved");
    expect(fetches()).toContain(2);
    expect(fetches().at(-1)).toBe(1);
  });

  test("is not read from where the client names no rack, or the broker is too old", async () => {
    for (const [maxVersions, rack] of [
      [{}, undefined],
      [{ Fetch: 10 }, "b"],
    ] as const) {
      const broker = await startBroker({ nodes: 3, racks, maxVersions });
      append(broker, "a");
      await arrives(await reading(broker, {}, { rack }), "a");
      expect(new Set(broker.requests.filter(({ api }) => api === "Fetch").map(({ node }) => node))).toEqual(
        new Set([0]),
      );
    }
  });

  test("that dies is replaced by the leader", async () => {
    const { broker, seen, fetches } = await readingFromReplica(anHour);
    // Metadata that still believes in it must not matter.
    broker.intercept("Metadata", () => "close");
    await broker.stopNode(1);
    append(broker, "after");
    await arrives(seen, "after");
    expect(fetches().at(-1)).toBe(0);
  });

  test.each([
    ["is behind the position", { errorCode: 1 }],
    ["says that logs differ", { divergingEpoch: { epoch: 0, endOffset: 0 } }],
    ["does not hold the partition any more", { errorCode: 6 }],
    ["is not in its place", { errorCode: 9 }],
  ])("that %s is replaced by the leader, and the position stays", async (_, change) => {
    const { broker, seen, fetches } = await readingFromReplica();
    const offsetsBefore = requestsOf(broker, "ListOffsets");
    broker.intercept("Fetch", async (__, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (context.node !== 1 || answer === undefined || partition === undefined) return "pass";
      Object.assign(partition, { ...change, records: new Uint8Array(0) });
      return answer;
    });
    for (const key of ["second", "third"]) {
      append(broker, key);
      await arrives(seen, key);
    }
    expect(seen.keys).toEqual(["first", "second", "third"]);
    expect(fetches().at(-1)).toBe(0);
    expect(requestsOf(broker, "ListOffsets")).toBe(offsetsBefore);
  });

  test("that nobody knows is not waited for", async () => {
    const broker = await startBroker({ nodes: 3, racks });
    broker.intercept("Fetch", async (request: RequestOf<"Fetch">, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitions[0];
      if (answer === undefined || partition === undefined || request.rackId === "") return "pass";
      Object.assign(partition, { preferredReadReplica: 9, records: new Uint8Array(0) });
      return answer;
    });
    append(broker, "a");
    const seen = await reading(broker, {}, inRackB);
    await arrives(seen, "a");
    expect(seen.troubles).toEqual([]);
    const before = requestsOf(broker, "Fetch");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(requestsOf(broker, "Fetch") - before).toBeLessThan(60);
  });

  test("is asked for again when its time is over", async () => {
    const { broker, seen, fetches } = await readingFromReplica({ maxWaitMs: 5 }, { metadataMaxAgeMs: 60 });
    // From the leader to the replica, back to the leader, and to the replica again.
    await seen.until(() => {
      const nodes = fetches().filter((node, index, all) => node !== all[index - 1]);
      return nodes.length >= 4;
    });
    append(broker, "after");
    await arrives(seen, "after");
    expect(seen.keys).toEqual(["first", "after"]);
  });
});
