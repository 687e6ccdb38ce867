import type { KafkaClient, ProducerRecord } from "@ktables/client";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { TopicMetadata } from "../../packages/client/src/metadata.ts";
import { estimatedSize, recordMetadata } from "../../packages/client/src/producer-batch.ts";
import { RecordIntake } from "../../packages/client/src/record-intake.ts";
import { TopicLookups } from "../../packages/client/src/topic-lookups.ts";

const topic: TopicMetadata = { name: "t", topicId: undefined, partitions: [] };
const overhead = estimatedSize({ key: null, value: null });

type Step =
  | { readonly kind: "send"; readonly size: number }
  | { readonly kind: "release" }
  | { readonly kind: "abort"; readonly which: number }
  | { readonly kind: "learn" };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("send" as const), size: fc.integer({ min: 0, max: 100 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("release" as const) }) },
    fc.record({ kind: fc.constant("abort" as const), which: fc.nat() }),
    fc.record({ kind: fc.constant("learn" as const) }),
  ),
  { maxLength: 60 },
);

test("never lets in more than there is room for, keeps the order, and forgets nobody", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 0, max: 150 }), fc.boolean(), async (script, extra, startsKnown) => {
      const capacity = overhead + 100 + extra;
      let isKnown = startsKnown;
      const arrivals: ((found: TopicMetadata) => void)[] = [];
      const lookups = {
        known: () => (isKnown && arrivals.length === 0 ? topic : undefined),
        whenKnown: (_name: string, _isForKeyless: boolean, arrival: (found: TopicMetadata) => void) =>
          arrivals.push(arrival),
        isCompacted: () => false,
        settled: () => Promise.resolve(),
      } as unknown as TopicLookups;
      const learn = (): void => {
        isKnown = true;
        for (const arrival of arrivals) arrival(topic);
        arrivals.length = 0;
      };
      const entered: { readonly id: number; readonly size: number }[] = [];
      const left: { readonly id: number; readonly size: number }[] = [];
      const place = { topic: "t", topicId: undefined, partition: 0 };
      const intake = new RecordIntake(capacity, 1e6, lookups, (record, size, _topic, report) => {
        entered.push({ id: record.timestamp ?? -1, size });
        return Promise.resolve(report(place, 0, 0));
      });
      const controllers: AbortController[] = [];
      const outcomes = new Map<number, unknown>();
      for (const step of script) {
        if (step.kind === "send") {
          const id = controllers.length;
          const controller = new AbortController();
          controllers.push(controller);
          const record: ProducerRecord = { topic: "t", key: null, value: new Uint8Array(step.size), timestamp: id };
          intake.accept(record, recordMetadata, controller.signal).then(
            () => outcomes.set(id, "entered"),
            (error: unknown) => outcomes.set(id, error),
          );
        } else if (step.kind === "release") {
          const next = entered[left.length];
          if (next === undefined) continue;
          left.push(next);
          intake.release(next.size);
        } else if (step.kind === "abort") {
          controllers[step.which % Math.max(1, controllers.length)]?.abort();
        } else {
          learn();
        }
        const inside = entered.slice(left.length).reduce((sum, { size }) => sum + size, 0);
        expect(inside).toBeLessThanOrEqual(capacity);
      }
      learn();
      for (let next = entered[left.length]; next !== undefined; next = entered[left.length]) {
        left.push(next);
        intake.release(next.size);
      }
      await intake.settled();
      await new Promise((resolve) => setImmediate(resolve));
      expect(intake.isFull).toBe(false);
      const ids = entered.map(({ id }) => id);
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      for (const [id, controller] of controllers.entries()) {
        // Whoever aborts while the topic is looked up is forgotten on purpose: nobody waits for the outcome.
        if (!controller.signal.aborted) expect(outcomes.has(id), `outcome of ${id}`).toBe(true);
        if (ids.includes(id)) expect(outcomes.get(id)).toBe("entered");
      }
      // All room has come back: the largest record finds some at once.
      const largest: ProducerRecord = { topic: "t", key: null, value: new Uint8Array(capacity - overhead) };
      await intake.accept(largest, recordMetadata, undefined);
    }),
    { numRuns: 500 },
  );
});

test("lets those in who fit as soon as the one before them has gone away", async () => {
  const lookups = { known: () => topic, isCompacted: () => false } as unknown as TopicLookups;
  const entered: unknown[] = [];
  const intake = new RecordIntake(2 * overhead + 100, 1e6, lookups, ({ timestamp }) => {
    entered.push(timestamp);
    return new Promise(() => undefined);
  });
  const abort = new AbortController();
  const send = (timestamp: number, size: number, signal?: AbortSignal): Promise<unknown> =>
    intake.accept({ topic: "t", key: null, value: new Uint8Array(size), timestamp }, recordMetadata, signal);
  void send(1, 50);
  const large = send(2, 100, abort.signal);
  void send(3, 50);
  expect(entered).toEqual([1]);
  abort.abort();
  await expect(large).rejects.toThrow();
  expect(entered).toEqual([1, 3]);
});

test("those who get room while the topic arrives come behind those who have waited for the topic", async () => {
  const entered: unknown[] = [];
  let arrive: (found: TopicMetadata) => void = () => undefined;
  let known: TopicMetadata | undefined;
  const client = {
    config: { metadataMaxAgeMs: 60_000 },
    knownTopic: () => known,
    topicMetadata: () =>
      new Promise<TopicMetadata>((resolve) => {
        arrive = resolve;
      }),
  } as unknown as KafkaClient;
  const lookups = new TopicLookups(client, 1000, new AbortController().signal);
  const intake = new RecordIntake(2 * overhead + 100, 1e6, lookups, ({ timestamp }) => {
    entered.push(timestamp);
    return new Promise(() => undefined);
  });
  const abort = new AbortController();
  const send = (timestamp: number, size: number, signal?: AbortSignal): void => {
    void intake.accept(
      { topic: "t", key: new Uint8Array(0), value: new Uint8Array(size), timestamp },
      recordMetadata,
      signal,
    );
  };
  send(0, 50, abort.signal);
  send(1, 50);
  send(2, 50);
  abort.abort();
  known = topic;
  arrive(topic);
  await new Promise((resolve) => setImmediate(resolve));
  expect(entered).toEqual([1, 2]);
});
