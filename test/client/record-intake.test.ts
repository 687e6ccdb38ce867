import type { ProducerRecord, RecordMetadata } from "@ktables/client";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { TopicMetadata } from "../../packages/client/src/metadata.ts";
import { estimatedSize } from "../../packages/client/src/producer-batch.ts";
import { RecordIntake } from "../../packages/client/src/record-intake.ts";
import type { TopicLookups } from "../../packages/client/src/topic-lookups.ts";

const topic: TopicMetadata = { name: "t", topicId: undefined, partitions: [] };
const overhead = estimatedSize({ key: null, value: null });

type Step =
  | { readonly kind: "send"; readonly size: number }
  | { readonly kind: "release" }
  | { readonly kind: "abort"; readonly which: number }
  | { readonly kind: "expire"; readonly until: number }
  | { readonly kind: "learn" };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("send" as const), size: fc.integer({ min: 0, max: 100 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("release" as const) }) },
    fc.record({ kind: fc.constant("abort" as const), which: fc.nat() }),
    fc.record({ kind: fc.constant("expire" as const), until: fc.nat({ max: 60 }) }),
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
        whenKnown: (_: string, arrival: (found: TopicMetadata) => void) => arrivals.push(arrival),
        settled: () => Promise.resolve(),
      } as unknown as TopicLookups;
      const learn = (): void => {
        isKnown = true;
        for (const arrival of arrivals) arrival(topic);
        arrivals.length = 0;
      };
      const entered: { readonly id: number; readonly size: number }[] = [];
      const left: { readonly id: number; readonly size: number }[] = [];
      const place: RecordMetadata = { topic: "t", topicId: undefined, partition: 0, offset: 0, timestamp: 0 };
      const intake = new RecordIntake(capacity, 1000, lookups, (record) => {
        entered.push({ id: record.timestamp ?? -1, size: estimatedSize(record) });
        return Promise.resolve(place);
      });
      const controllers: AbortController[] = [];
      const outcomes = new Map<number, unknown>();
      let clock = 0;
      for (const step of script) {
        if (step.kind === "send") {
          const id = controllers.length;
          const controller = new AbortController();
          controllers.push(controller);
          const record: ProducerRecord = { topic: "t", key: null, value: new Uint8Array(step.size), timestamp: id };
          // Each has more time than the one before it, as with one timeout for all.
          intake.accept(record, id, controller.signal).then(
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
        } else if (step.kind === "expire") {
          clock = Math.max(clock, step.until);
          intake.expire(clock);
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
      await intake.accept(largest, Number.POSITIVE_INFINITY, undefined);
    }),
    { numRuns: 500 },
  );
});
