import {
  createTopic,
  describeTopicConfigs,
  Producer,
  type ProducerOptions,
  type RecordMetadata,
  setTopicConfigs,
} from "@ktables/client";
import type { EmbeddedBroker, RequestOf } from "@ktables/client/testing";
import { describe, expect, test } from "vitest";
import {
  atEnd,
  bytes,
  clientFor,
  editable,
  failureOf,
  requestsOf,
  SeenRecords,
  startBroker,
  stopClock,
} from "./embedded.ts";

function producerFor(broker: EmbeddedBroker, options: ProducerOptions = {}, config: object = {}): Producer {
  const producer = new Producer(clientFor(broker, config), options);
  atEnd(() => producer.close());
  return producer;
}

const send = (
  producer: Producer,
  key: string,
  value: string | null = "v",
  more: object = {},
): Promise<RecordMetadata> =>
  producer.send({ topic: "t", key: bytes(key), value: value === null ? null : bytes(value), ...more });

async function keysIn(broker: EmbeddedBroker, count: number): Promise<(string | null)[]> {
  const seen = new SeenRecords(clientFor(broker));
  await seen.reader.start();
  await seen.until(({ records }) => records.length >= count);
  await seen.reader.close();
  return seen.keys;
}

describe("writing", () => {
  test("gives each record its offset, its partition and the topic's id", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 3 }] });
    const producer = producerFor(broker);
    const [a, b, c] = await Promise.all([
      send(producer, "a", "1", { partition: 2, timestamp: 5 }),
      send(producer, "b", null, { partition: 2, headers: [{ key: "h", value: null }] }),
      send(producer, "foobar"),
    ]);
    expect(a).toMatchObject({ topic: "t", partition: 2, offset: 0, timestamp: 5 });
    expect(b).toMatchObject({ partition: 2, offset: 1 });
    expect(c).toMatchObject({ partition: (-790332482 & 0x7fff_ffff) % 3, offset: 0 });
    expect(a.topicId).toMatch(/^[\w-]{22}$/);
  });

  test("puts records of one tick into one request, and of one partition into one batch", async () => {
    const broker = await startBroker({ topics: [{ name: "t", partitions: 2 }] });
    const producer = producerFor(broker);
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => send(producer, `k${index}`, "v", { partition: index % 2 })),
    );
    expect(broker.requests.filter(({ api }) => api === "Produce")).toHaveLength(1);
  });

  test("waits lingerMs for company, but not for a full batch, and not at flush or close", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, { lingerMs: 3_600_000, maxBatchBytes: 100 });
    const first = send(producer, "a");
    // Two of these do not fit into a batch, so the first is full.
    await Promise.all([first, send(producer, "b".repeat(60)), send(producer, "c".repeat(60))]);
    const late = send(producer, "d");
    await producer.flush();
    expect((await late).offset).toBe(3);
    const last = send(producer, "e");
    await producer.close();
    expect((await last).offset).toBe(4);
  });

  test("flush and close wait for records whose topic is still being looked up", async () => {
    const broker = await startBroker();
    const flushed = producerFor(broker);
    const a = send(flushed, "a");
    await flushed.flush();
    const closed = producerFor(broker);
    const b = send(closed, "b");
    await closed.close();
    expect([(await a).offset, (await b).offset]).toEqual([0, 1]);
    expect(await failureOf(send(closed, "c"))).toMatchObject({ code: "CLOSED" });
  });

  test.each([1, 0] as const)("with acks %i tells what it knows", async (acks) => {
    const broker = await startBroker();
    const producer = producerFor(broker, { acks });
    const written = await send(producer, "a");
    expect(written.offset).toBe(acks === 0 ? -1 : 0);
    expect(await keysIn(broker, 1)).toEqual(["a"]);
    expect(broker.requests.some(({ api }) => api === "InitProducerId")).toBe(false);
  });

  test("goes on without idempotence where the broker has none, unless it was asked for", async () => {
    const broker = await startBroker({ maxVersions: { InitProducerId: -1 } });
    expect((await send(producerFor(broker), "a")).offset).toBe(0);
    const error = await failureOf(send(producerFor(broker, { idempotent: true }), "b"));
    expect(error).toMatchObject({ code: "UNSUPPORTED_API", maybeWritten: false });
  });

  test("takes the time of the broker for topics that have it so", async () => {
    const broker = await startBroker({
      topics: [{ name: "t", configs: { "message.timestamp.type": "LogAppendTime" } }],
    });
    const { timestamp } = await send(producerFor(broker), "a", "v", { timestamp: 5 });
    expect(timestamp).toBeGreaterThan(1_700_000_000_000);
  });
});

describe("a lost answer (case 47)", () => {
  test("leads to the same batch again, which the broker recognises", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker);
    await send(producer, "before");
    broker.intercept("Produce", async (_, context) => (await context.handle(), "close"), { times: 2 });
    expect((await send(producer, "once")).offset).toBe(1);
    expect((await send(producer, "after")).offset).toBe(2);
    expect(await keysIn(broker, 3)).toEqual(["before", "once", "after"]);
  });

  test("with five batches in flight keeps all of them in order and single (cases 48 and 49)", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, { maxBatchBytes: 60 });
    await send(producer, "proof of the leader");
    let cuts = 0;
    broker.intercept("Produce", async (_, context) => {
      await context.handle();
      return cuts++ % 3 === 0 && cuts < 12 ? "close" : "pass";
    });
    const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`);
    const written = await Promise.all(keys.map((key) => send(producer, key)));
    expect(written.map(({ offset }) => offset)).toEqual(keys.map((_, index) => index + 1));
    expect(await keysIn(broker, 41)).toEqual(["proof of the leader", ...keys]);
    expect(cuts).toBeGreaterThan(4);
  });

  test("for good is reported as maybe written, at the deadline and not later (case 54)", async () => {
    const broker = await startBroker();
    const { pass } = stopClock();
    const producer = producerFor(broker, { deliveryTimeoutMs: 150 });
    await send(producer, "before");
    const arrived = Promise.withResolvers<void>();
    broker.intercept("Produce", async (_, context) => (await context.handle(), arrived.resolve(), "ignore"));
    const lost = send(producer, "lost");
    let isOver = false;
    const failing = failureOf(lost).finally(() => (isOver = true));
    await arrived.promise;
    await pass(149);
    expect(isOver).toBe(false);
    await pass(1);
    const error = await failing;
    expect(error).toMatchObject({
      name: "ProduceError",
      code: "TIMEOUT",
      maybeWritten: true,
      topic: "t",
      partition: 0,
    });
    expect(error.message).toMatch(/may or may not have been written: not acknowledged within 150 ms/);
  });

  test("does not keep later records back for ever, and the deadline of one is not that of the next", async () => {
    const broker = await startBroker();
    // The broker may wait for replicas as long as a request may take, and the answer may take as long again.
    const producer = producerFor(broker, { deliveryTimeoutMs: 15_000 }, { requestTimeoutMs: 200 });
    await send(producer, "before");
    broker.intercept("Produce", () => "ignore", { times: 1 });
    expect((await send(producer, "again")).offset).toBe(1);
    expect((await send(producer, "after")).offset).toBe(2);
  });
});

describe("a record that cannot be delivered in time", () => {
  test.each(["all", 1] as const)("and was never sent (acks %s) is reported as not written (case 54)", async (acks) => {
    const broker = await startBroker();
    const client = clientFor(broker);
    await client.topicMetadata("t");
    await broker.stopNode(0);
    const { passUntil } = stopClock();
    const producer = new Producer(client, { acks, deliveryTimeoutMs: 10_000 });
    atEnd(() => producer.close());
    let failure: (Error & Record<string, unknown>) | undefined;
    void failureOf(send(producer, "never")).then((error) => (failure = error));
    await passUntil(() => failure !== undefined);
    expect(failure).toMatchObject({ code: "TIMEOUT", maybeWritten: false });
    expect(failure?.message).toMatch(/was not written: not acknowledged within 10000 ms/);
    await broker.startNode(0);
    let later: RecordMetadata | undefined;
    void send(producer, "later", "v").then((written) => (later = written));
    await passUntil(() => later !== undefined);
    expect(later?.offset).toBe(0);
  });

  test("for want of a producer id is reported at its deadline", async () => {
    const broker = await startBroker();
    broker.intercept("InitProducerId", () => "ignore");
    const producer = producerFor(broker, { deliveryTimeoutMs: 120 });
    expect(await failureOf(send(producer, "a"))).toMatchObject({ code: "TIMEOUT", maybeWritten: false });
  });

  test("may outlive requests for a producer id that nobody answers", async () => {
    const broker = await startBroker();
    broker.intercept("InitProducerId", () => "ignore", { times: 2 });
    const { passUntil } = stopClock();
    const producer = producerFor(broker, {}, { requestTimeoutMs: 5000 });
    let written: RecordMetadata | undefined;
    void send(producer, "a").then((metadata) => (written = metadata));
    await passUntil(() => written !== undefined);
    expect(written?.offset).toBe(0);
    expect(requestsOf(broker, "InitProducerId")).toBe(3);
  });

  test("names what the broker said, where it said something", async () => {
    const broker = await startBroker();
    const { pass, passUntil } = stopClock();
    const producer = producerFor(broker, { deliveryTimeoutMs: 10_000 });
    let attempts = 0;
    broker.intercept("Produce", async (_, context) => {
      attempts++;
      const answer = editable(await context.handle());
      for (const topic of answer?.responses ?? []) {
        for (const partition of topic.partitionResponses) partition.errorCode = 19;
      }
      return answer ?? "pass";
    });
    const failing = failureOf(send(producer, "a"));
    await passUntil(() => attempts === 2);
    await pass(10_000);
    expect((await failing).message).toContain("NOT_ENOUGH_REPLICAS");
  });
});

describe("an answer that refuses", () => {
  const refusing =
    (errorCode: number, extra: object = {}) =>
    (request: RequestOf<"Produce">) => ({
      nodeEndpoints: [],
      throttleTimeMs: 0,
      responses: request.topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index }) => ({
          index,
          errorCode,
          baseOffset: -1,
          logAppendTimeMs: -1,
          logStartOffset: -1,
          recordErrors: [],
          errorMessage: null,
          ...extra,
        })),
      })),
    });

  test.each<[number, string]>([
    [6, "NOT_LEADER_OR_FOLLOWER"],
    [3, "UNKNOWN_TOPIC_OR_PARTITION"],
    [7, "REQUEST_TIMED_OUT"],
    [19, "NOT_ENOUGH_REPLICAS"],
    [20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND"],
    [45, "OUT_OF_ORDER_SEQUENCE_NUMBER"],
    [47, "INVALID_PRODUCER_EPOCH"],
    [59, "UNKNOWN_PRODUCER_ID"],
    [-1, "UNKNOWN_SERVER_ERROR"],
  ])("for now (%i %s) is followed by another attempt (cases 53 and 60)", async (errorCode, name) => {
    const broker = await startBroker();
    const producer = producerFor(broker);
    await send(producer, "before");
    broker.intercept("Produce", refusing(errorCode), { times: 2 });
    // Without a definite answer from the old identity, 45, 47 and 59 would leave the record undecided; here it is not.
    expect((await send(producer, name)).offset).toBe(1);
    expect(await keysIn(broker, 2)).toEqual(["before", name]);
  });

  test("for good rejects the record and lets those behind it through", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, { maxBatchBytes: 60 });
    await send(producer, "before");
    broker.intercept("Produce", refusing(29), { times: 1 });
    const [refused, ...others] = await Promise.allSettled(
      ["a", "b", "c", "d"].map((key) => send(producer, key.repeat(20))),
    );
    expect(refused).toMatchObject({
      status: "rejected",
      reason: { code: "TOPIC_AUTHORIZATION_FAILED", maybeWritten: false },
    });
    expect(others.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
    expect(await keysIn(broker, 4)).toEqual(["before", ...["b", "c", "d"].map((key) => key.repeat(20))]);
  });

  test("as a duplicate (46) counts as written", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker);
    broker.intercept("Produce", refusing(46), { times: 1 });
    expect((await send(producer, "a")).offset).toBe(-1);
  });

  test("blames the record that the broker blames (case 63)", async () => {
    const broker = await startBroker({ topics: [{ name: "t", configs: { "cleanup.policy": "compact" } }] });
    // Where the topic's policy may not be read, the broker is the first to know.
    broker.intercept("DescribeConfigs", async (_request, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      return { ...answer, results: answer.results.map((result) => ({ ...result, errorCode: 29, configs: [] })) };
    });
    const producer = producerFor(broker);
    const [good, bad] = await Promise.allSettled([
      send(producer, "a"),
      producer.send({ topic: "t", key: null, value: bytes("v") }),
    ]);
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "INVALID_RECORD", maybeWritten: false } });
    expect(good).toMatchObject({ status: "rejected", reason: { code: "INVALID_RECORD", maybeWritten: false } });
    const reasons = [good, bad].map((result) => (result.status === "rejected" ? String(result.reason) : ""));
    expect(reasons[1]).toContain("key");
    expect(reasons[1]).not.toBe(reasons[0]);
    expect((await send(producer, "b")).offset).toBe(0);
  });

  describe("for want of a key", () => {
    const keyless = { topic: "t", key: null, value: bytes("v") };
    const apisOf = (broker: EmbeddedBroker): string[] => broker.requests.map(({ api }) => api);
    const compacted = { topics: [{ name: "t", configs: { "cleanup.policy": "compact,delete" } }] };

    test("by a compacted topic comes before anything is sent, and takes nobody else down (case 63)", async () => {
      const broker = await startBroker(compacted);
      const producer = producerFor(broker);
      const results = await Promise.allSettled([
        send(producer, "a"),
        producer.send(keyless),
        producer.send(keyless),
        send(producer, "b"),
      ]);
      const refusal = { status: "rejected", reason: { code: "INVALID_RECORD", maybeWritten: false, topic: "t" } };
      expect(results).toMatchObject([{ value: { offset: 0 } }, refusal, refusal, { value: { offset: 1 } }]);
      await expect(producer.send(keyless)).rejects.toThrow(/compacted/);
      expect(apisOf(broker).filter((api) => api === "DescribeConfigs")).toHaveLength(1);
      expect(await keysIn(broker, 2)).toEqual(["a", "b"]);
    });

    test("does not come from others, which get the record in its place", async () => {
      const broker = await startBroker();
      const producer = producerFor(broker);
      const written = [send(producer, "a"), producer.send(keyless), send(producer, "b"), producer.send(keyless)];
      expect((await Promise.all(written)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);
      expect(apisOf(broker).filter((api) => api === "DescribeConfigs")).toHaveLength(1);
    });

    test("is nobody's concern who sends keys: no configuration is read", async () => {
      const broker = await startBroker(compacted);
      await send(producerFor(broker), "a");
      expect(apisOf(broker)).not.toContain("DescribeConfigs");
    });

    test("is forgotten when the topic may have changed", async () => {
      const broker = await startBroker(compacted);
      const client = clientFor(broker, { metadataMaxAgeMs: 1 });
      const producer = new Producer(client);
      await expect(producer.send(keyless)).rejects.toMatchObject({ code: "INVALID_RECORD" });
      await setTopicConfigs(client, "t", { "cleanup.policy": "delete" });
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect((await producer.send(keyless)).offset).toBe(0);
    });
  });

  test("as too large is followed by smaller batches; one record alone is rejected (case 57)", async () => {
    const broker = await startBroker({ topics: [{ name: "t", configs: { "max.message.bytes": "300" } }] });
    const producer = producerFor(broker);
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`.padEnd(50));
    const results = await Promise.allSettled([
      ...keys.slice(0, 10).map((key) => send(producer, key)),
      send(producer, "x".repeat(400)),
      ...keys.slice(10).map((key) => send(producer, key)),
    ]);
    const rejected = results.filter(({ status }) => status === "rejected");
    expect(rejected).toMatchObject([{ reason: { code: "MESSAGE_TOO_LARGE", maybeWritten: false } }]);
    expect(await keysIn(broker, 20)).toEqual(keys);
  });

  test("leaving the partition out is no answer; repeating it changes nothing (case 59)", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker);
    broker.intercept(
      "Produce",
      async (_, context) => {
        const answer = editable(await context.handle());
        return answer === undefined ? "pass" : { ...answer, responses: [] };
      },
      { times: 1 },
    );
    expect((await send(producer, "a")).offset).toBe(0);
    broker.intercept(
      "Produce",
      async (_, context) => {
        const answer = editable(await context.handle());
        return answer === undefined ? "pass" : { ...answer, responses: [...answer.responses, ...answer.responses] };
      },
      { times: 1 },
    );
    expect((await send(producer, "b")).offset).toBe(1);
    expect(await keysIn(broker, 2)).toEqual(["a", "b"]);
  });
});

describe("when leaders move (cases 50 and 51)", () => {
  test("everything arrives once and in order, whatever is in flight", async () => {
    const broker = await startBroker({ nodes: 3, topics: [{ name: "t" }] });
    const producer = producerFor(broker, { maxBatchBytes: 60 });
    const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`);
    const written: Promise<RecordMetadata>[] = [];
    for (const [index, key] of keys.entries()) {
      written.push(send(producer, key));
      if (index % 25 === 24) {
        broker.moveLeader("t", 0, (broker.leader("t", 0).node + 1) % 3);
        await written[index - 12];
      }
    }
    const offsets = (await Promise.all(written)).map(({ offset }) => offset);
    expect(offsets).toEqual(keys.map((_, index) => index));
    expect(await keysIn(broker, 200)).toEqual(keys);
  });

  test("and a node stops and comes back, nothing is lost or doubled", async () => {
    const broker = await startBroker({ nodes: 2, topics: [{ name: "t" }] });
    const producer = producerFor(broker, { maxBatchBytes: 60 });
    const keys = Array.from({ length: 120 }, (_, index) => `key ${index}`);
    const written: Promise<RecordMetadata>[] = [];
    for (const [index, key] of keys.entries()) {
      written.push(send(producer, key));
      if (index % 40 !== 20) continue;
      const { node } = broker.leader("t", 0);
      await broker.stopNode(node);
      await written[index];
      await broker.startNode(node);
    }
    await Promise.all(written);
    expect(await keysIn(broker, 120)).toEqual(keys);
  });

  test("and a partition has no leader, metadata is not asked for in a tight loop, and others go on", async () => {
    const broker = await startBroker({ nodes: 2, topics: [{ name: "t", partitions: 2, replicationFactor: 1 }] });
    const { passUntil } = stopClock();
    const producer = producerFor(broker, { deliveryTimeoutMs: 3000 }, { retryBackoffMs: 500, maxRetryBackoffMs: 500 });
    await Promise.all([send(producer, "a", "v", { partition: 0 }), send(producer, "b", "v", { partition: 1 })]);
    await broker.stopNode(broker.leader("t", 0).node);
    const before = requestsOf(broker, "Metadata");
    let failure: Error | undefined;
    void failureOf(send(producer, "stuck", "v", { partition: 0 })).then((error) => (failure = error));
    for (let count = 0; count < 100; count++) await send(producer, `${count}`, "v", { partition: 1 });
    await passUntil(() => failure !== undefined);
    expect(failure).toMatchObject({ code: "TIMEOUT" });
    expect(requestsOf(broker, "Metadata") - before).toBeLessThan(15);
  });
});

describe("a topic", () => {
  test("that does not exist is reported by name within the time, and a record may be sent again later", async () => {
    const broker = await startBroker({ topics: [] });
    const { passUntil } = stopClock();
    const client = clientFor(broker, { requestTimeoutMs: 5000 });
    const producer = new Producer(client);
    atEnd(() => producer.close());
    let error: Error | undefined;
    void failureOf(send(producer, "a")).then((failure) => (error = failure));
    await passUntil(() => error !== undefined);
    expect(error).toMatchObject({
      name: "ProduceError",
      code: "UNKNOWN_TOPIC_OR_PARTITION",
      maybeWritten: false,
      topic: "t",
    });
    await createTopic(client, "t");
    expect((await send(producer, "a")).offset).toBe(0);
  });

  test("that is deleted and created again takes what is sent then; deleted, it fails within the time (case 61)", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker, { deliveryTimeoutMs: 200 });
    const first = await send(producer, "a");
    await broker.deleteTopic("t");
    const error = await failureOf(send(producer, "b"));
    // Whether it may have been written depends on whether the time is up during an attempt or between two.
    expect(error).toMatchObject({ code: "TIMEOUT" });
    expect(error.message).toMatch(/UNKNOWN_TOPIC/);
    await broker.createTopic("t");
    const second = await send(producer, "c");
    expect(second.offset).toBe(0);
    expect(second.topicId).not.toBe(first.topicId);
  });

  test("of a partition that does not exist is refused before anything is sent", async () => {
    const broker = await startBroker();
    expect(await failureOf(send(producerFor(broker), "a", "v", { partition: 1 }))).toMatchObject({
      code: "INVALID_OPTION",
      option: "partition",
    });
  });

  test("can be created, described and changed", async () => {
    const broker = await startBroker({ topics: [] });
    const client = clientFor(broker);
    expect(await createTopic(client, "t", { partitions: 2, configs: { "cleanup.policy": "compact" } })).toBe("created");
    expect(await createTopic(client, "t", { partitions: 2 })).toBe("exists");
    await setTopicConfigs(client, "t", { "retention.ms": "5000" });
    const configs = await describeTopicConfigs(client, "t", { names: ["cleanup.policy", "retention.ms"] });
    expect(Object.fromEntries(configs.map(({ name, value }) => [name, value]))).toEqual({
      "cleanup.policy": "compact",
      "retention.ms": "5000",
    });
    const tooMany = { partitions: 1_000_000 };
    expect(await failureOf(createTopic(client, "u", tooMany))).toMatchObject({ code: "INVALID_PARTITIONS" });
  });
});

describe("giving up (case 62)", () => {
  test("a send ends that wait only", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker);
    await send(producer, "before");
    const caller = new AbortController();
    const given = producer.send({ topic: "t", key: bytes("a"), value: null }, { signal: caller.signal });
    caller.abort(new Error("enough"));
    expect((await failureOf(given)).message).toBe("enough");
    await producer.flush();
    expect(await keysIn(broker, 2)).toEqual(["before", "a"]);
  });

  test("a flush by time or by signal leaves the records alone", async () => {
    const broker = await startBroker();
    const producer = producerFor(broker);
    const go = Promise.withResolvers<void>();
    broker.intercept("Produce", async () => (await go.promise, "pass"));
    const written = send(producer, "a");
    expect(await failureOf(producer.flush({ timeoutMs: 20 }))).toMatchObject({ code: "TIMEOUT", timeoutMs: 20 });
    expect((await failureOf(producer.flush({ signal: AbortSignal.abort(new Error("enough")) }))).message).toBe(
      "enough",
    );
    go.resolve();
    expect((await written).offset).toBe(0);
  });

  test.each(["close with a time limit", "close of the client"])(
    "by %s rejects what is in flight as maybe written",
    async (how) => {
      const broker = await startBroker();
      const client = clientFor(broker);
      const producer = new Producer(client, { maxBatchBytes: 60 });
      await send(producer, "before");
      broker.intercept("Produce", () => "ignore");
      const results = Array.from({ length: 8 }, () => failureOf(send(producer, "x".repeat(30))));
      await producer.flush({ timeoutMs: 20 }).catch(() => undefined);
      if (how === "close of the client") client.close();
      else expect(await failureOf(producer.close({ timeoutMs: 20 }))).toMatchObject({ code: "TIMEOUT" });
      const errors = await Promise.all(results);
      expect(errors.map(({ code }) => code)).toEqual(errors.map(() => "CLOSED"));
      expect(errors.map(({ maybeWritten }) => maybeWritten)).toEqual([
        true,
        true,
        true,
        true,
        true,
        false,
        false,
        false,
      ]);
      await producer.close();
      expect(await failureOf(send(producer, "late"))).toMatchObject({ code: "CLOSED" });
    },
  );
});
