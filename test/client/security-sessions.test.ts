import { type KafkaClientConfig, Producer, type SaslConfig, silentLogger } from "@ktables/client";
import type { EmbeddedBroker } from "@ktables/client/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { resolveConfig } from "../../packages/client/src/config.ts";
import { Connection } from "../../packages/client/src/connection.ts";
import { metadataApi } from "../../packages/client/src/protocol/generated/metadata.ts";
import { SaslSession } from "../../packages/client/src/sasl-session.ts";
import { atEnd, bytes, clientFor, failureOf, reading, requestsOf, startBroker, stopClock } from "./embedded.ts";
import { Tap } from "./tapped-connector.ts";

const users = { alice: "secret" };
const sasl: SaslConfig = { mechanism: "SCRAM-SHA-256", username: "alice", password: "secret" };
const question = {
  topics: [],
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};

function producerFor(broker: EmbeddedBroker, config: Partial<KafkaClientConfig> = {}): Producer {
  const producer = new Producer(clientFor(broker, config));
  atEnd(() => producer.close());
  return producer;
}

/** Counts the connections by their first request. */
const connectionsOf = (broker: EmbeddedBroker): number => requestsOf(broker, "ApiVersions");

describe("a session that ends (KIP-368, case 72)", () => {
  test("is renewed on its connection, under pipelined writes and a parked long poll, and nothing is lost", async () => {
    const broker = await startBroker({ sasl: { users, sessionLifetimeMs: 2000 } });
    const { pass } = stopClock();
    const tap = new Tap();
    // SCRAM would compute in other threads, for which this clock does not wait.
    const plain: SaslConfig = { ...sasl, mechanism: "PLAIN" };
    const config = { sasl: plain, connector: tap.connector };
    const seen = await reading(broker, { maxWaitMs: 200 }, config);
    const producer = producerFor(broker, config);
    const offsets: Promise<{ offset: number }>[] = [];
    while (requestsOf(broker, "SaslHandshake") < 8) {
      for (let count = 0; count < 20; count++) {
        offsets.push(producer.send({ topic: "t", key: bytes(`${offsets.length}`), value: bytes("v") }));
      }
      await pass(5);
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    const written = await Promise.all(offsets);
    expect(written.map(({ offset }) => offset)).toEqual(written.map((_, index) => index));
    await seen.until(({ records }) => records.length === written.length);
    // Control, fetch and control, produce.
    expect(connectionsOf(broker)).toBe(4);
    expect(tap.connections).toBe(4);
    // Anything else would be more than a broker can keep apart.
    expect(new Set(tap.unansweredAtHandshake)).toEqual(new Set([0]));
    expect(seen.troubles).toEqual([]);
    expect(broker.errors).toEqual([]);
  });

  test("ends for good where the credentials are no longer good; requests that waited learn so", async () => {
    const passwords: Record<string, string> = { ...users };
    const broker = await startBroker({ sasl: { users: passwords, sessionLifetimeMs: 1100 } });
    const client = clientFor(broker, { sasl });
    await client.topicMetadata("t");
    passwords["alice"] = "changed";
    const failures: string[] = [];
    while (failures.length === 0) {
      await client.topicMetadata("t", { timeoutMs: 3000 }).catch((error) => failures.push(error.code));
    }
    expect(failures).toEqual(["SASL_AUTHENTICATION_FAILED"]);
  });

  test("does not hold up the end of the client", async () => {
    const broker = await startBroker({ sasl: { users, sessionLifetimeMs: 1100 } });
    const client = clientFor(broker, { sasl });
    await client.topicMetadata("t");
    const renewal = new Promise<void>((resolve) => {
      broker.intercept("SaslHandshake", () => {
        resolve();
        return "ignore";
      });
    });
    await renewal;
    const waiting = failureOf(client.topicMetadata("t"));
    client.close();
    expect((await waiting)["code"]).toBe("CLOSED");
  });
});

describe("the time of a renewal", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  function session(lifetimes: readonly number[]) {
    const renewedAt: number[] = [];
    const release = vi.fn();
    const hold = vi.fn(() => release);
    const failures: Error[] = [];
    const parts = { renewedAt, hold, release, failures, idle: Promise.resolve(undefined) };
    const owner = {
      hold,
      whenIdle: async () => parts.idle,
      authenticate: async () => {
        renewedAt.push(performance.now());
        return lifetimes[renewedAt.length - 1] ?? 0;
      },
      fail: (error: Error) => void failures.push(error),
    };
    return Object.assign(parts, { session: new SaslSession(owner, 5000) });
  }

  test("is between 85 and 95 % of the session, and varies", async () => {
    const times: number[] = [];
    for (let count = 0; count < 50; count++) {
      const one = session([]);
      const start = performance.now();
      one.session.begin(100_000);
      await vi.advanceTimersByTimeAsync(84_990);
      expect(one.renewedAt).toEqual([]);
      await vi.advanceTimersByTimeAsync(10_020);
      times.push((one.renewedAt[0] ?? 0) - start);
      one.session.end();
    }
    expect(Math.min(...times)).toBeGreaterThanOrEqual(85_000);
    expect(Math.max(...times)).toBeLessThanOrEqual(95_010);
    expect(new Set(times).size).toBeGreaterThan(20);
  });

  test("waits until nothing is under way, and keeps requests from being sent meanwhile", async () => {
    const one = session([0]);
    const answered = Promise.withResolvers<undefined>();
    one.idle = answered.promise;
    one.session.begin(2000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([one.hold.mock.calls.length, one.renewedAt.length, one.release.mock.calls.length]).toEqual([1, 0, 0]);
    answered.resolve(undefined);
    await vi.advanceTimersByTimeAsync(0);
    expect([one.hold.mock.calls.length, one.renewedAt.length, one.release.mock.calls.length]).toEqual([1, 1, 1]);
  });

  test("never comes where the session lasts for ever, also after one that did not", async () => {
    const one = session([2000, 0]);
    one.session.begin(2000);
    await vi.advanceTimersByTimeAsync(1e9);
    expect(one.renewedAt).toHaveLength(2);
    expect(one.hold).toHaveBeenCalledTimes(2);
    expect(one.release).toHaveBeenCalledTimes(2);
  });

  test.each([1, 300, 1050])(
    "is not within a second, which a broker refuses, where it lasts %i ms",
    async (lifetime) => {
      const one = session([0]);
      const start = performance.now();
      one.session.begin(lifetime);
      await vi.advanceTimersByTimeAsync(lifetime);
      expect(one.hold, "requests wait from before the end of the session on").toHaveBeenCalledTimes(1);
      await vi.advanceTimersByTimeAsync(1100);
      expect((one.renewedAt[0] ?? 0) - start).toBeGreaterThanOrEqual(1000);
      expect(one.release).toHaveBeenCalledTimes(1);
    },
  );

  test.each([2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER])(
    "is not now where the session lasts %d ms",
    async (lifetime) => {
      const one = session([]);
      one.session.begin(lifetime);
      await vi.advanceTimersByTimeAsync(2 ** 30);
      expect(one.renewedAt).toEqual([]);
      one.session.end();
    },
  );

  test("is over when the session has ended", async () => {
    const one = session([]);
    one.session.begin(2000);
    one.session.end();
    one.session.begin(2000);
    await vi.advanceTimersByTimeAsync(1e6);
    expect(one.hold).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("throttling (KIP-219, case 71)", () => {
  /** Answers the first request of an API with this throttle time. */
  function throttle(broker: EmbeddedBroker, api: "Metadata" | "Fetch" | "Produce", throttleTimeMs: number): void {
    const handler = async (_: unknown, context: { handle(): Promise<object | undefined> }): Promise<never> => {
      const answer = await context.handle();
      if (answer === undefined) throw new Error("no answer");
      return { ...answer, throttleTimeMs } as never;
    };
    broker.intercept(api, handler, { times: 1 });
  }

  test("keeps the connection silent for that long, and what waits goes in order", async () => {
    const broker = await startBroker();
    throttle(broker, "Produce", 150);
    const producer = producerFor(broker);
    const first = await producer.send({ topic: "t", key: bytes("0"), value: bytes("v") });
    const throttledAt = performance.now();
    const later: Promise<{ offset: number }>[] = [];
    for (let count = 1; count <= 40; count++) {
      later.push(producer.send({ topic: "t", key: bytes(`${count}`), value: bytes("v") }));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const offsets = await Promise.all(later);
    expect(performance.now() - throttledAt).toBeGreaterThanOrEqual(145);
    expect([first, ...offsets].map(({ offset }) => offset)).toEqual(Array.from({ length: 41 }, (_, index) => index));
    const produced = broker.requests.filter(({ api }) => api === "Produce");
    expect((produced[1]?.at ?? 0) - (produced[0]?.at ?? 0)).toBeGreaterThanOrEqual(140);
  });

  test("of one connection is not that of another", async () => {
    const broker = await startBroker();
    throttle(broker, "Produce", 1e9);
    const client = clientFor(broker);
    const producer = new Producer(client);
    await producer.send({ topic: "t", key: bytes("k"), value: bytes("v") });
    await client.topicMetadata("t");
    const parked = producer.send({ topic: "t", key: bytes("k"), value: bytes("v") });
    parked.catch(() => undefined);
    await client.topicMetadata("t");
    expect(requestsOf(broker, "Produce")).toBe(1);
    client.close();
    await failureOf(parked);
  });

  test("is over when the client is closed: what waits is rejected as not sent", async () => {
    const broker = await startBroker();
    throttle(broker, "Metadata", 2_147_483_647);
    const client = clientFor(broker);
    await client.topicMetadata("t");
    const waiting = failureOf(client.topicMetadata("t"));
    await new Promise((resolve) => setTimeout(resolve, 10));
    client.close();
    expect((await waiting)["code"]).toBe("CLOSED");
    expect(requestsOf(broker, "Metadata")).toBe(1);
  });

  test("does not outlast a caller's patience, and what the caller gave up is never sent", async () => {
    const broker = await startBroker();
    throttle(broker, "Metadata", 100);
    const config = resolveConfig({ bootstrapServers: broker.bootstrapServers, logger: silentLogger });
    const [address] = config.bootstrapServers;
    if (address === undefined) throw new Error("no address");
    const connection = await Connection.open(address, config, new AbortController().signal);
    atEnd(() => connection.close());
    const ask = (signal?: AbortSignal): Promise<unknown> => connection.request(metadataApi, question, { signal });
    await ask();
    const caller = new AbortController();
    const first = ask();
    const givenUp = failureOf(ask(caller.signal));
    const last = ask();
    caller.abort(new Error("enough"));
    expect((await givenUp).message).toBe("enough");
    expect(requestsOf(broker, "Metadata")).toBe(1);
    await Promise.all([first, last]);
    expect(requestsOf(broker, "Metadata")).toBe(3);
  });

  test.each([0, -1, -2_147_483_648])("of %i ms is none", async (ms) => {
    const broker = await startBroker();
    throttle(broker, "Metadata", ms);
    const client = clientFor(broker);
    await client.topicMetadata("t");
    await client.topicMetadata("t", { timeoutMs: 1000 });
  });

  test("by a broker that has waited itself is over when the answer comes", async () => {
    const broker = await startBroker({ maxVersions: { Metadata: 5 } });
    throttle(broker, "Metadata", 1e9);
    const client = clientFor(broker);
    await client.topicMetadata("t");
    await client.topicMetadata("t", { timeoutMs: 1000 });
    expect(requestsOf(broker, "Metadata")).toBe(2);
  });

  test("of a reader delays it and loses nothing", async () => {
    const broker = await startBroker();
    throttle(broker, "Fetch", 100);
    const debug = vi.fn();
    const seen = await reading(broker, { maxWaitMs: 50 }, { logger: { ...silentLogger, debug } });
    const producer = producerFor(broker);
    for (let count = 0; count < 10; count++) {
      await producer.send({ topic: "t", key: bytes(`${count}`), value: bytes("v") });
    }
    await seen.until(({ records }) => records.length === 10);
    expect(seen.keys).toEqual(Array.from({ length: 10 }, (_, index) => `${index}`));
    expect(debug.mock.calls.flat().join()).toMatch(/throttles this client for 100 ms/);
  });
});
