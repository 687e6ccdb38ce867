import { type Connector, listOffsets, Producer, TopicReader } from "@ktables/client";
import { encodeBatch } from "@ktables/record-batch";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  atEnd,
  bytes,
  clientFor,
  failureOf,
  plainBatch,
  reading,
  requestsOf,
  SeenRecords,
  startBroker,
} from "./embedded.ts";
import { Tap } from "./tapped-connector.ts";

describe("reading", () => {
  test("gives every partition from its beginning, then what is appended", async () => {
    const broker = await startBroker({ nodes: 3, topics: [{ name: "t", partitions: 5 }] });
    for (let partition = 0; partition < 5; partition++)
      broker.append("t", partition, plainBatch([["old", String(partition)]]));
    const seen = await reading(broker);
    await seen.until(({ records }) => records.length === 5);
    broker.append(
      "t",
      3,
      plainBatch([
        ["new", null],
        [null, "keyless"],
      ]),
    );
    await seen.until(({ records }) => records.length === 7);
    expect(seen.records.slice(5)).toEqual([
      { partition: 3, offset: 1, key: "new", value: null },
      { partition: 3, offset: 2, key: null, value: "keyless" },
    ]);
    expect(seen.reader.position(3)).toBe(3);
    expect(seen.reader.highWatermark(3)).toBe(3);
    expect(seen.reader.logStartOffset(3)).toBe(0);
    expect([...seen.reader.partitions()].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  test.each(["none", "gzip", "snappy", "lz4", "zstd"] as const)("%s batches", async (compression) => {
    const broker = await startBroker();
    broker.append(
      "t",
      0,
      plainBatch(
        [
          ["a", "1".repeat(5000)],
          ["b", ""],
        ],
        { compression },
      ),
    );
    const seen = await reading(broker);
    await seen.until(({ records }) => records.length === 2);
    expect(seen.records.map(({ value }) => value?.length)).toEqual([5000, 0]);
  });

  test("only the partitions that were asked for; a missing one is refused", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 3 }] });
    for (let partition = 0; partition < 3; partition++) broker.append("t", partition, plainBatch([["k", null]]));
    const seen = await reading(broker, { partitions: [2] });
    await seen.until(({ records }) => records.length === 1);
    expect(seen.records[0]?.partition).toBe(2);
    const missing = new TopicReader(clientFor(broker), { topic: "t", partitions: [1, 3], onBatch: () => undefined });
    expect(await failureOf(missing.start())).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION", partition: 3 });
  });

  test("an empty topic has nothing to wait for (case 26)", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 2 }] });
    const seen = await reading(broker);
    await seen.until(({ reader }) => reader.highWatermark(0) === 0 && reader.highWatermark(1) === 0);
    expect([seen.reader.position(0), seen.reader.position(1)]).toEqual([0, 0]);
    expect(await listOffsets(clientFor(broker), "t", "latest")).toEqual(
      new Map([
        [0, 0],
        [1, 0],
      ]),
    );
  });

  test("a topic with names only, from a broker without topic ids", async () => {
    const broker = await startBroker({ maxVersions: { Metadata: 9, Fetch: 12 } });
    broker.append("t", 0, plainBatch([["a", "1"]]));
    const seen = await reading(broker);
    await seen.until(({ records }) => records.length === 1);
    expect(broker.requests.find(({ api }) => api === "Fetch")?.version).toBe(12);
  });

  test("a batch larger than maxBytes, and many answers' worth of small ones (case 30)", async () => {
    const broker = await startBroker();
    broker.append("t", 0, plainBatch([["big", "x".repeat(100_000)]]));
    for (let index = 0; index < 200; index++) broker.append("t", 0, plainBatch([[`k${index}`, "y".repeat(50)]]));
    const seen = await reading(broker, { maxBytes: 1000 });
    await seen.until(({ records }) => records.length === 201);
    expect(seen.keys).toEqual(["big", ...Array.from({ length: 200 }, (_, index) => `k${index}`)]);
  });

  test("a backlog larger than the longest answer that is accepted", async () => {
    const broker = await startBroker();
    for (let index = 0; index < 100; index++) broker.append("t", 0, plainBatch([[`k${index}`, "y".repeat(900)]]));
    const seen = await reading(broker, {}, { maxResponseBytes: 8192 });
    await seen.until(({ records }) => records.length === 100);
  });

  test("ends with a clear error where one batch is longer than the longest answer that is accepted (case 30)", async () => {
    const broker = await startBroker();
    broker.append("t", 0, plainBatch([["k", "y".repeat(9000)]]));
    const seen = await reading(broker, {}, { maxResponseBytes: 4096 });
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure).toMatchObject({ code: "FRAME_TOO_LARGE" });
    expect(seen.reader.failure?.message).toContain("maxResponseBytes (4096)");
  });
});

describe("positions move over", () => {
  test("holes that compaction has left, and start inside one (cases 1 to 3)", async () => {
    const broker = await startBroker({ topics: [{ name: "t", configs: { "cleanup.policy": "compact" } }] });
    await using producer = new Producer(clientFor(broker), { maxBatchBytes: 100 });
    for (let round = 0; round < 3; round++) {
      await Promise.all(
        ["a", "b", "c"].map((key) => producer.send({ topic: "t", key: bytes(key), value: bytes(`${key}${round}`) })),
      );
    }
    broker.compact("t");
    const { records, reader, until } = await reading(broker).then((seen) => ({
      records: seen.records,
      reader: seen.reader,
      until: seen.until.bind(seen),
    }));
    await until(() => reader.position(0) === 9);
    expect(records.map(({ value }) => value)).toEqual(["a2", "b2", "c2"]);
  });

  test("batches without records, and batches that end in a hole", async () => {
    const broker = await startBroker();
    broker.append("t", 0, encodeBatch({ records: [], baseOffset: 0, lastOffset: 9 }), { keepOffsets: true });
    const record = { key: bytes("k"), value: null, timestamp: 1 };
    broker.append("t", 0, encodeBatch({ records: [record], baseOffset: 10, offsets: [12], lastOffset: 19 }), {
      keepOffsets: true,
    });
    broker.append("t", 0, encodeBatch({ records: [], baseOffset: 30, lastOffset: 39 }), { keepOffsets: true });
    const seen = await reading(broker);
    await seen.until(({ reader }) => reader.position(0) === 40);
    expect(seen.records).toEqual([{ partition: 0, offset: 12, key: "k", value: null }]);
    const latest = await listOffsets(clientFor(broker), "t", "latest");
    expect(latest.get(0)).toBe(40);
  });

  test("markers and aborted records, whose end is the last stable offset (cases 24 and 25)", async () => {
    const broker = await startBroker();
    const record = (key: string) => [{ key: bytes(key), value: null, timestamp: 1 }];
    broker.writeTransaction("t", 0, record("committed"), "commit");
    broker.writeTransaction("t", 0, record("aborted"), "abort");
    const open = broker.writeTransaction("t", 0, record("open, then aborted"), "open");
    broker.append("t", 0, plainBatch([["plain", null]]));
    const committed = await reading(broker);
    const all = await reading(broker, { isolation: "read_uncommitted" });
    await committed.until(({ reader }) => reader.position(0) === 4);
    await all.until(({ reader }) => reader.position(0) === 6);
    expect(all.keys).toEqual(["committed", "aborted", "open, then aborted", "plain"]);
    expect(committed.keys).toEqual(["committed"]);
    expect(await listOffsets(clientFor(broker), "t", "latest", { isolation: "read_committed" })).toEqual(
      new Map([[0, 4]]),
    );
    broker.endTransaction("t", 0, open.producerId, "abort");
    await committed.until(({ reader }) => reader.position(0) === 7);
    expect(committed.keys).toEqual(["committed", "plain"]);
  });

  test("the start of the log, where retention has moved it between looking and reading (case 29)", async () => {
    const broker = await startBroker();
    for (let index = 0; index < 5; index++) broker.append("t", 0, plainBatch([[`k${index}`, null]]));
    const remove = broker.intercept("Fetch", () => {
      broker.deleteRecords("t", 0, 3);
      remove();
      return "pass";
    });
    const seen = await reading(broker);
    await seen.until(({ records }) => records.length === 2);
    expect(seen.keys).toEqual(["k3", "k4"]);
  });

  test("but not over records that retention has removed unread", async () => {
    const broker = await startBroker();
    broker.append("t", 0, plainBatch([["a", null]]));
    const seen = await reading(broker);
    await seen.until(({ records }) => records.length === 1);
    const go = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    broker.intercept("Fetch", async () => (held.resolve(), await go.promise, "pass"));
    await held.promise;
    for (const key of ["b", "c"]) broker.append("t", 0, plainBatch([[key, null]]));
    broker.deleteRecords("t", 0, 3);
    go.resolve();
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure).toMatchObject({ code: "OFFSET_OUT_OF_RANGE", topic: "t", partition: 0 });
    expect(seen.keys).toEqual(["a"]);
  });
});

describe("long polls", () => {
  test("that are parked hold up neither ListOffsets nor Produce (case 34)", async () => {
    const broker = await startBroker();
    const client = clientFor(broker);
    const seen = new SeenRecords(client, { maxWaitMs: 3_600_000 });
    await seen.reader.start();
    const parked = Promise.withResolvers<void>();
    broker.intercept("Fetch", () => (parked.resolve(), "pass"), { times: 1 });
    broker.append("t", 0, plainBatch([["wake", null]]));
    await parked.promise;
    // Were these behind the poll, they would take an hour.
    expect(await listOffsets(client, "t", "latest")).toEqual(new Map([[0, 1]]));
    await using producer = new Producer(client);
    await producer.send({ topic: "t", key: bytes("b"), value: null });
    await seen.until(({ records }) => records.length === 2);
  });

  test("of two readers of one client do not hold each other up", async () => {
    const broker = await startBroker({ topics: [{ name: "t" }, { name: "busy" }] });
    const client = clientFor(broker);
    const idle = new SeenRecords(client, { maxWaitMs: 3_600_000 });
    await idle.reader.start();
    const busy = new SeenRecords(client, { topic: "busy", maxWaitMs: 3_600_000 });
    await busy.reader.start();
    for (let index = 0; index < 5; index++) {
      broker.append("busy", 0, plainBatch([[`k${index}`, null]]));
      await busy.until(({ records }) => records.length === index + 1);
    }
  });

  test("end at close at once, and leave no fetch connection", async () => {
    const broker = await startBroker({ nodes: 2, topics: [{ name: "t", partitions: 2 }] });
    const seen = await reading(broker, { maxWaitMs: 3_600_000 });
    broker.append("t", 0, plainBatch([["a", null]]));
    await seen.until(({ records }) => records.length === 1);
    await seen.reader.close();
    expect(seen.reader.failure).toBeUndefined();
    broker.append("t", 0, plainBatch([["b", null]]));
    expect(seen.keys).toEqual(["a"]);
  });
});

describe("when the cluster changes", () => {
  test("leaders move, also in the middle of a long poll, and nothing is lost or repeated (case 37)", async () => {
    const broker = await startBroker({ nodes: 3, topics: [{ name: "t", partitions: 2 }] });
    const seen = await reading(broker);
    for (let index = 0; index < 30; index++) {
      broker.append("t", index % 2, plainBatch([[`k${index}`, null]]));
      if (index % 7 === 3) broker.moveLeader("t", index % 2, (broker.leader("t", index % 2).node + 1) % 3);
      if (index % 10 === 9) await seen.until(({ records }) => records.length === index + 1);
    }
    expect(new Set(seen.keys).size).toBe(30);
    for (const partition of [0, 1]) {
      const offsets = seen.records.filter((record) => record.partition === partition).map(({ offset }) => offset);
      expect(offsets).toEqual(Array.from({ length: 15 }, (_, index) => index));
    }
  });

  test("the next request is on the wire before a large answer is applied, and after a small one", async () => {
    const fetchKey = 1;
    const broker = await startBroker();
    const tap = new Tap();
    const fetches: number[] = [];
    const seen = new SeenRecords(clientFor(broker, { connector: tap.connector }), {
      maxBytes: 100_000,
      onBatch: () => fetches.push(tap.requests.filter(({ apiKey }) => apiKey === fetchKey).length),
    });
    for (let index = 0; index < 3; index++) broker.append("t", 0, plainBatch([["k", "x".repeat(90_000)]]));
    await seen.reader.start();
    await seen.until(({ reader }) => reader.position(0) === 3);
    expect(fetches).toEqual([2, 3, 4]);
    broker.append("t", 0, plainBatch([["k", "small"]]));
    await seen.until(({ reader }) => reader.position(0) === 4);
    expect(fetches).toEqual([2, 3, 4, 4]);
  });

  test("no more is asked for because it took long to connect", async () => {
    const broker = await startBroker();
    const asked: number[] = [];
    broker.intercept("Fetch", ({ maxBytes }) => {
      asked.push(maxBytes);
      return "pass";
    });
    for (let index = 0; index < 4; index++) broker.append("t", 0, plainBatch([["k", "x".repeat(1_000_000)]]));
    // Time passes in connecting only.
    let now = performance.now();
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
    onTestFinished(() => clock.mockRestore());
    const tap = new Tap();
    const connector: Connector = async (...args) => {
      const transport = await tap.connector(...args);
      now += 1000;
      return transport;
    };
    const seen = new SeenRecords(clientFor(broker, { connector }));
    await seen.reader.start();
    await seen.until(({ reader }) => reader.position(0) === 4);
    expect(new Set(asked.slice(0, 4))).toEqual(new Set([2 ** 20]));
  });

  test("a leader moves while an answer is applied and the next one is under way (case 28)", async () => {
    const broker = await startBroker({ nodes: 2 });
    for (let index = 0; index < 60; index++) broker.append("t", 0, plainBatch([[`k${index}`, "x".repeat(100)]]));
    let batches = 0;
    const keys: number[] = [];
    const seen = new SeenRecords(clientFor(broker, { metadataMaxAgeMs: 5 }), {
      maxBytes: 6000,
      onBatch: (_, batch) => {
        keys.push(batch.baseOffset);
        batches++;
        if (batches === 5) broker.moveLeader("t", 0, 1 - broker.leader("t", 0).node);
        // Longer than a slice, so that everything else gets its turn after each batch.
        if (batches < 25) for (const end = performance.now() + 10; performance.now() < end; );
      },
    });
    await seen.reader.start();
    await seen.until(({ reader }) => reader.position(0) === 60);
    expect(keys).toEqual(Array.from({ length: 60 }, (_, index) => index));
  });

  test("an owner that is slow lets others have their turns, also where batches are small", async () => {
    const broker = await startBroker();
    for (let index = 0; index < 20; index++) broker.append("t", 0, plainBatch([[`k${index}`, "x"]]));
    let turns = 0;
    const count = (): void => {
      turns++;
      turning = setImmediate(count);
    };
    let turning = setImmediate(count);
    const seen: Set<number> = new Set();
    const reader = new SeenRecords(clientFor(broker), {
      onBatch: () => {
        seen.add(turns);
        // Longer than a slice.
        for (const end = performance.now() + 6; performance.now() < end; );
      },
    });
    await reader.reader.start();
    await reader.until(({ reader }) => reader.position(0) === 20);
    clearImmediate(turning);
    expect(seen.size).toBe(20);
  });

  test("a small answer is applied before more is asked for", async () => {
    const broker = await startBroker();
    const order: string[] = [];
    broker.intercept("Fetch", ({ topics }) => {
      order.push(`asked for ${topics[0]?.partitions[0]?.fetchOffset}`);
      return "pass";
    });
    const seen = new SeenRecords(clientFor(broker), {
      onBatch: (_, { baseOffset }) => order.push(`got ${baseOffset}`),
    });
    await seen.reader.start();
    for (let index = 0; index < 3; index++) {
      broker.append("t", 0, plainBatch([[`k${index}`, "x"]]));
      await seen.until(({ reader }) => reader.position(0) === index + 1);
      await vi.waitUntil(() => order.at(-1) === `asked for ${index + 1}`);
    }
    for (let index = 0; index < 3; index++) {
      expect(order.indexOf(`got ${index}`)).toBeLessThan(order.indexOf(`asked for ${index + 1}`));
    }
  });

  test("each partition has its turns as the first of a request, since a full answer leaves the last ones out", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 3 }] });
    const first = new Set<number>();
    broker.intercept("Fetch", ({ topics }) => {
      first.add(topics[0]?.partitions[0]?.partition ?? -1);
      return "pass";
    });
    for (let partition = 0; partition < 3; partition++) {
      for (let index = 0; index < 30; index++) broker.append("t", partition, plainBatch([["k", "x".repeat(100)]]));
    }
    const order: number[] = [];
    const seen = new SeenRecords(clientFor(broker), { maxBytes: 500, onBatch: (partition) => order.push(partition) });
    await seen.reader.start();
    await seen.until(({ reader }) => [0, 1, 2].every((partition) => reader.position(partition) === 30));
    expect(first).toEqual(new Set([0, 1, 2]));
    // None is read to its end before another has begun.
    for (const partition of [0, 1, 2]) expect(order.indexOf(partition)).toBeLessThan(30);
  });

  test("an owner that is slow has one answer fetched ahead, and no more", async () => {
    const broker = await startBroker();
    for (let index = 0; index < 60; index++) broker.append("t", 0, plainBatch([[`k${index}`, "x".repeat(10_000)]]));
    const asked: number[] = [];
    broker.intercept("Fetch", ({ topics }) => {
      asked.push(topics[0]?.partitions[0]?.fetchOffset ?? -1);
      return "pass";
    });
    const ahead: number[] = [];
    const seen = new SeenRecords(clientFor(broker), {
      maxBytes: 60_000,
      onBatch: (_, { baseOffset }) => {
        ahead.push(asked.filter((offset) => offset > baseOffset).length);
        // Longer than a slice, so that whatever could be sent or received meanwhile is.
        for (const end = performance.now() + 10; performance.now() < end; );
      },
    });
    await seen.reader.start();
    await seen.until(({ reader }) => reader.position(0) === 60);
    expect(asked.length).toBeGreaterThan(8);
    expect(new Set(ahead)).toEqual(new Set([0, 1]));
  });

  test("nodes stop one after the other and come back (case 75)", async () => {
    const broker = await startBroker({ nodes: 3, topics: [{ name: "t", partitions: 3 }] });
    const seen = await reading(broker);
    for (let node = 0; node < 3; node++) {
      await broker.stopNode(node);
      for (let partition = 0; partition < 3; partition++)
        broker.append("t", partition, plainBatch([[`${node} ${partition}`, null]]));
      await seen.until(({ records }) => records.length === 3 * (node + 1));
      await broker.startNode(node);
    }
    expect(new Set(seen.keys).size).toBe(9);
  });

  test("nodes are decommissioned, and only one is left of those that were known at first", async () => {
    const broker = await startBroker({ nodes: 3, topics: [{ name: "t", partitions: 3 }] });
    const seen = await reading(broker);
    const producer = new Producer(clientFor(broker));
    atEnd(() => producer.close());
    for (const [round, node] of [1, 0].entries()) {
      await Promise.all(
        [0, 1, 2].map((partition) => producer.send({ topic: "t", partition, key: bytes(`${round}`), value: null })),
      );
      await broker.decommissionNode(node);
    }
    await Promise.all(
      [0, 1, 2].map((partition) => producer.send({ topic: "t", partition, key: bytes("last"), value: null })),
    );
    await seen.until(({ records }) => records.length === 9);
    const count = (key: string): number => seen.keys.filter((one) => one === key).length;
    expect(["0", "1", "last"].map(count)).toEqual([3, 3, 3]);
  });

  test("a partition without a leader is waited for without a tight loop, others go on", async () => {
    const broker = await startBroker({ nodes: 2, topics: [{ name: "t", partitions: 2, replicationFactor: 1 }] });
    const seen = await reading(broker, {}, { retryBackoffMs: 40, maxRetryBackoffMs: 40 });
    const { node } = broker.leader("t", 0);
    await broker.stopNode(node);
    const before = requestsOf(broker, "Metadata");
    broker.append("t", 1, plainBatch([["led", null]]));
    await seen.until(({ records }) => records.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(requestsOf(broker, "Metadata") - before).toBeLessThan(25);
    await broker.startNode(node);
    broker.append("t", 0, plainBatch([["led again", null]]));
    await seen.until(({ records }) => records.length === 2);
  });

  test("partitions are added, are found, and are read from their beginning (case 43)", async () => {
    const broker = await startBroker();
    const seen = await reading(broker, {}, { metadataMaxAgeMs: 30 });
    await broker.createPartitions("t", 3);
    broker.append("t", 2, plainBatch([["in a new one", null]]));
    await seen.until(({ added, records }) => added.length === 2 && records.length === 1);
    expect(seen.added).toEqual([1, 2]);
    expect(seen.records[0]).toMatchObject({ partition: 2, offset: 0 });
  });

  test("the topic is deleted: trouble is reported for as long as it lasts (case 41)", async () => {
    const broker = await startBroker();
    const seen = await reading(broker);
    await broker.deleteTopic("t");
    await seen.until(({ troubles }) => troubles.includes("UNKNOWN_TOPIC_OR_PARTITION"));
    expect(seen.reader.failure).toBeUndefined();
  });

  test("the topic is deleted and created again: the reader ends, because what it read is gone (case 41)", async () => {
    const broker = await startBroker();
    broker.append("t", 0, plainBatch([["old", null]]));
    const seen = await reading(broker);
    await seen.until(({ records }) => records.length === 1);
    await broker.deleteTopic("t");
    await broker.createTopic("t");
    broker.append(
      "t",
      0,
      plainBatch([
        ["new", null],
        ["newer", null],
      ]),
    );
    await seen.until(({ reader }) => reader.failure !== undefined, true);
    expect(seen.reader.failure).toMatchObject({ code: "TOPIC_RECREATED" });
    expect(seen.keys).toEqual(["old"]);
  });
});

describe("starting", () => {
  test("connects to the leaders while they are asked where to read from", async () => {
    const broker = await startBroker({ nodes: 3, topics: [{ name: "t", partitions: 3 }] });
    const connected = Promise.withResolvers<string>();
    broker.intercept("ListOffsets", () => connected.promise);
    const starting = reading(broker);
    // Three connections that are asked, and as many for fetching.
    await vi.waitUntil(() => requestsOf(broker, "ApiVersions") === 6);
    expect(requestsOf(broker, "Fetch")).toBe(0);
    connected.resolve("pass");
    const seen = await starting;
    for (let partition = 0; partition < 3; partition++) broker.append("t", partition, plainBatch([["k", null]]));
    await seen.until(({ records }) => records.length === 3);
    expect(requestsOf(broker, "ApiVersions")).toBe(6);
  });

  test("of what is prepared looks nothing up again", async () => {
    const broker = await startBroker();
    broker.append("t", 0, plainBatch([["a", "1"]]));
    const seen = new SeenRecords(clientFor(broker));
    await seen.reader.prepare();
    expect(seen.reader.position(0)).toBe(0);
    expect(requestsOf(broker, "Fetch")).toBe(0);
    const asked = requestsOf(broker, "Metadata") + requestsOf(broker, "ListOffsets");
    await seen.reader.start();
    await seen.until(({ records }) => records.length === 1);
    expect(requestsOf(broker, "Metadata") + requestsOf(broker, "ListOffsets")).toBe(asked);
  });

  test.each(["reader", "client"] as const)("fails where the %s was closed after it was prepared", async (ended) => {
    const broker = await startBroker();
    const client = clientFor(broker);
    const reader = new TopicReader(client, { topic: "t", onBatch: () => undefined });
    await reader.prepare();
    if (ended === "reader") await reader.close();
    else client.close();
    expect(await failureOf(reader.start())).toMatchObject({ code: "CLOSED" });
  });

  test("that fails leaves no connection for fetching behind", async () => {
    const broker = await startBroker();
    const tap = new Tap();
    const client = clientFor(broker, { connector: tap.connector });
    broker.intercept("ListOffsets", () => "ignore");
    const start = new TopicReader(client, { topic: "t", onBatch: () => undefined }).start({ timeoutMs: 100 });
    await vi.waitUntil(() => tap.connections === 2);
    expect(await failureOf(start)).toMatchObject({ code: "TIMEOUT" });
    await vi.waitUntil(() => tap.openConnections === 1);
  });
});

describe("ending", () => {
  test("start fails with its reason where the topic is missing, time is up, the signal says so, or the client is closed", async () => {
    const broker = await startBroker();
    const client = clientFor(broker);
    const onBatch = (): void => undefined;
    const missing = await failureOf(new TopicReader(client, { topic: "none", onBatch }).start({ timeoutMs: 60 }));
    expect(missing).toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION", topic: "none" });
    broker.intercept("ListOffsets", () => "ignore", { times: 1 });
    const late = await failureOf(new TopicReader(client, { topic: "t", onBatch }).start({ timeoutMs: 60 }));
    expect(late).toMatchObject({ code: "TIMEOUT" });
    const signal = AbortSignal.abort(new Error("enough"));
    expect((await failureOf(new TopicReader(client, { topic: "t", onBatch }).start({ signal }))).message).toBe(
      "enough",
    );
    client.close();
    expect(await failureOf(new TopicReader(client, { topic: "t", onBatch }).start())).toMatchObject({ code: "CLOSED" });
  });

  test("close while it starts makes the start fail as closed", async () => {
    const broker = await startBroker();
    const asked = Promise.withResolvers<void>();
    broker.intercept("ListOffsets", () => (asked.resolve(), "ignore"));
    const reader = new TopicReader(clientFor(broker), { topic: "t", onBatch: () => undefined });
    const started = failureOf(reader.start());
    await asked.promise;
    await reader.close();
    expect(await started).toMatchObject({ code: "CLOSED" });
  });

  test("close in the middle of a batch's neighbours stops after that batch", async () => {
    const broker = await startBroker();
    for (let index = 0; index < 10; index++) broker.append("t", 0, plainBatch([[`k${index}`, null]]));
    const closed = Promise.withResolvers<void>();
    let batches = 0;
    const seen = new SeenRecords(clientFor(broker), {
      onBatch: () => {
        batches++;
        if (batches === 3) seen.reader.close().then(closed.resolve, closed.reject);
      },
    });
    await seen.reader.start();
    await closed.promise;
    expect(batches).toBe(3);
  });

  test.each(["onBatch", "onProgress", "onTrouble"] as const)(
    "what %s throws ends the reader with that error",
    async (callback) => {
      const broker = await startBroker();
      broker.append("t", 0, plainBatch([["a", null]]));
      const failed = Promise.withResolvers<Error>();
      const reader = new TopicReader(clientFor(broker), {
        topic: "t",
        onBatch: () => undefined,
        onFailure: failed.resolve,
        [callback]: () => {
          throw new Error("from the callback");
        },
      });
      atEnd(() => reader.close());
      if (callback === "onTrouble") broker.intercept("Fetch", () => "close", { times: 1 });
      await reader.start();
      expect((await failed.promise).message).toBe("from the callback");
      expect(reader.failure?.message).toBe("from the callback");
    },
  );

  test("the end of the client ends the reader as closed", async () => {
    const broker = await startBroker();
    const client = clientFor(broker);
    const seen = new SeenRecords(client);
    await seen.reader.start();
    client.close();
    expect(seen.reader.failure).toMatchObject({ code: "CLOSED" });
    await seen.reader.close();
  });
});
