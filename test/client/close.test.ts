import {
  createTopic,
  describeTopicConfigs,
  KafkaClient,
  KafkaError,
  listOffsets,
  Producer,
  silentLogger,
  TopicReader,
} from "@ktables/client";
import { type ApiName, EmbeddedBroker } from "@ktables/client/testing";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytes } from "./embedded.ts";

/** Far above what anything here takes, on any machine. */
const settleMs = 5000;
const users = { alice: "secret" };
const apis: readonly ApiName[] = [
  "ApiVersions",
  "Metadata",
  "ListOffsets",
  "Fetch",
  "Produce",
  "InitProducerId",
  "CreateTopics",
  "DescribeConfigs",
  "SaslHandshake",
  "SaslAuthenticate",
];
const actions = [
  "metadata",
  "missing topic",
  "offsets",
  "read",
  "read and close",
  "send",
  "flush",
  "create",
  "describe",
] as const;
const fates = ["close", "ignore", { delayMs: 3 }, { delayMs: 15 }] as const;

interface Plan {
  readonly actions: readonly (typeof actions)[number][];
  /** From which request on an API is not served as it should be, and how often. */
  readonly faults: readonly {
    readonly api: ApiName;
    readonly after: number;
    readonly times: number;
    readonly fate: (typeof fates)[number];
  }[];
  /** What is closed, in this order; the client always is in the end. */
  readonly closing: readonly ("client" | "reader" | "producer")[];
  /** After so many turns of the event loop, and then so many milliseconds. */
  readonly turns: number;
  readonly waitMs: number;
  readonly sasl: boolean;
  readonly stopsNode: boolean;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  actions: fc.array(fc.constantFrom(...actions), { minLength: 1, maxLength: 6 }),
  faults: fc.array(
    fc.record({
      api: fc.constantFrom(...apis),
      after: fc.nat(3),
      times: fc.integer({ min: 1, max: 5 }),
      fate: fc.constantFrom(...fates),
    }),
    { maxLength: 3 },
  ),
  closing: fc.uniqueArray(fc.constantFrom("client", "reader", "producer"), { minLength: 1 }),
  turns: fc.nat(12),
  waitMs: fc.oneof(fc.constant(0), fc.nat(40)),
  sasl: fc.boolean(),
  stopsNode: fc.boolean(),
});

let open: EmbeddedBroker;
let secured: EmbeddedBroker;

beforeAll(async () => {
  open = await EmbeddedBroker.start({ topics: [{ name: "t", partitions: 2 }] });
  secured = await EmbeddedBroker.start({ topics: [{ name: "t", partitions: 2 }], sasl: { users } });
});
afterAll(async () => {
  await open.close();
  await secured.close();
});

/** Sockets and timers of this process. */
function resources(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap" || name === "Timeout").length;
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} never settles`)), settleMs);
  });
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer));
}

/** Runs the plan, and returns how the calls ended. */
async function run({ actions: calls, faults, closing, turns, waitMs, sasl, stopsNode }: Plan): Promise<string[]> {
  const broker = sasl ? secured : open;
  const removals = faults.map(({ api, after, times, fate }) => {
    let requests = 0;
    return broker.intercept(api, () => (requests++ < after || requests > after + times ? "pass" : fate));
  });
  const client = new KafkaClient({
    bootstrapServers: broker.bootstrapServers,
    ...(sasl ? { sasl: { mechanism: "PLAIN", username: "alice", password: "secret" } as const } : {}),
    retryBackoffMs: 1,
    maxRetryBackoffMs: 10,
    logger: silentLogger,
  });
  const readers: TopicReader[] = [];
  const readerOf = (): TopicReader => {
    const reader = new TopicReader(client, { topic: "t", onBatch: () => undefined });
    readers.push(reader);
    return reader;
  };
  const producer = new Producer(client, { lingerMs: 1 });
  const start: Record<(typeof actions)[number], () => Promise<unknown>> = {
    metadata: () => client.topicMetadata("t"),
    "missing topic": () => client.topicMetadata("missing"),
    offsets: () => listOffsets(client, "t", "latest"),
    read: () => readerOf().start(),
    "read and close": async () => {
      const reader = readerOf();
      await reader.start();
      await reader.close();
    },
    send: () => producer.send({ topic: "t", key: bytes("k"), value: null }),
    flush: () => producer.flush(),
    create: () => createTopic(client, "t"),
    describe: () => describeTopicConfigs(client, "t"),
  };
  const pending = calls.map((name) => ({ name, outcome: start[name]() }));
  for (const { outcome } of pending) outcome.catch(() => undefined);
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  if (stopsNode) await broker.stopNode(0);
  const closings: Promise<unknown>[] = [];
  const close = {
    client: () => client.close(),
    reader: () => readers.map((reader) => reader.close()),
    producer: () => producer.close({ timeoutMs: 20 }),
  };
  for (const what of closing) {
    const closed = close[what]();
    if (closed !== undefined) closings.push(...[closed].flat());
  }
  client.close();
  const ends: string[] = [];
  const settle = async (name: string, promise: Promise<unknown>): Promise<void> => {
    const end = await within(
      promise.then(
        () => "ok",
        (error: unknown) => error,
      ),
      name,
    );
    if (end !== "ok" && !(end instanceof KafkaError)) throw new Error(`${name} ended with`, { cause: end });
    ends.push(end instanceof KafkaError ? end.code : "ok");
  };
  for (const { name, outcome } of pending) await settle(name, outcome);
  for (const closed of closings) await settle("closing", closed);
  // Closing again, and using what is closed, neither hangs nor succeeds.
  await settle("closing the producer again", producer.close());
  for (const reader of readers) await settle("closing a reader again", reader.close());
  await expect(within(client.topicMetadata("t"), "a call of a closed client")).rejects.toMatchObject({
    code: "CLOSED",
  });
  await expect(within(producer.send({ topic: "t", key: null, value: null }), "a record")).rejects.toMatchObject({
    code: "CLOSED",
  });
  for (const remove of removals) remove();
  if (stopsNode) await broker.startNode(0);
  return ends;
}

test("whatever is closed at whatever moment: every call settles, and no socket and no timer stays", async () => {
  const ends = new Set<string>();
  await fc.assert(
    fc.asyncProperty(plan, async (chosen) => {
      const before = resources();
      for (const end of await run(chosen)) ends.add(end);
      const deadline = performance.now() + settleMs;
      // The broker's ends of the sockets close a moment later.
      while (resources() > before && performance.now() < deadline)
        await new Promise((resolve) => setImmediate(resolve));
      expect(resources()).toBeLessThanOrEqual(before);
    }),
    { numRuns: 150 },
  );
  expect(ends).toContain("ok");
  expect(ends).toContain("CLOSED");
}, 120_000);
