import { ProduceError, Producer, type ProducerRecord, type RecordMetadata } from "@ktables/client";
import { nextBatch } from "@ktables/record-batch";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { advanceSequence, PartitionQueue } from "../../packages/client/src/partition-queue.ts";
import { estimatedSize, recordMetadata } from "../../packages/client/src/producer-batch.ts";
import { type Fate, ModelBroker } from "./model-broker.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

type Outcome = { readonly written: number } | { readonly maybeWritten: boolean };
type Step = { readonly send: number } | { readonly passMs: number } | { readonly fate: Fate };

interface Result {
  readonly logs: readonly string[][];
  /** By record; record `id` was sent to partition `id % 2`. */
  readonly outcomes: readonly Outcome[];
}

/** Lets everything happen that needs no timer. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve();
}

/** Drives a producer through the steps, then lets the broker behave until every record is reported on. */
async function run(steps: readonly Step[], deliveryTimeoutMs: number, remembered: 1 | 5): Promise<Result> {
  const broker = new ModelBroker(remembered);
  const producer = new Producer(broker.client, { maxBatchBytes: 100, deliveryTimeoutMs });
  const outcomes: Outcome[] = [];
  let sent = 0;
  let reported = 0;
  for (const step of steps) {
    if ("send" in step) {
      for (let count = 0; count < step.send; count++) {
        const id = sent++;
        producer.send({ topic: "t", partition: id % 2, key: bytes(String(id)), value: null }).then(
          ({ offset }: RecordMetadata) => {
            expect(outcomes[id]).toBeUndefined();
            outcomes[id] = { written: offset };
            reported++;
          },
          (error: unknown) => {
            if (!(error instanceof ProduceError)) throw error;
            expect(outcomes[id]).toBeUndefined();
            outcomes[id] = { maybeWritten: error.maybeWritten };
            reported++;
          },
        );
      }
    } else if ("passMs" in step) {
      await vi.advanceTimersByTimeAsync(step.passMs);
    } else {
      broker.step(step.fate);
    }
    await settle();
  }
  for (let turn = 0; turn < 500; turn++) {
    if (reported === sent && broker.inFlight === 0) break;
    broker.step("answer");
    await vi.advanceTimersByTimeAsync(20);
    await settle();
  }
  expect(reported, "records that were reported on").toBe(sent);
  await producer.close();
  return { logs: broker.logs, outcomes };
}

/** Nothing twice, everything in order, and every report true. */
function check({ logs, outcomes }: Result): void {
  const ids = logs.map((log) => log.map(Number));
  for (const log of ids) expect(log, "in order and nothing twice").toEqual([...new Set(log)].toSorted((a, b) => a - b));
  outcomes.forEach((outcome, id) => {
    const offset = ids[id % 2]?.indexOf(id);
    if ("written" in outcome) expect(offset, `offset of record ${id}`).toBe(outcome.written);
    else if (!outcome.maybeWritten) expect(offset, `record ${id} was reported as not written`).toBe(-1);
  });
}

const fates: readonly Fate[] = [
  "answer",
  "lose answer",
  "lose request",
  "time out after writing",
  "time out without writing",
  "refuse for now",
  "refuse for good",
  "refuse as too large",
  "refuse the sequence",
  "leave out of the answer",
  "move leader",
];

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ send: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ passMs: fc.constantFrom(1, 15, 60, 400) }) },
  { weight: 4, arbitrary: fc.constant({ fate: "answer" as const }) },
  { weight: 5, arbitrary: fc.record({ fate: fc.constantFrom(...fates) }) },
);

const anyMemory = fc.constantFrom(5 as const, 1 as const);

describe("whatever happens to requests and answers", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("each record is written once and in order, or truthfully reported as not or maybe written", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { maxLength: 60 }),
        fc.constantFrom(300, 1e6),
        anyMemory,
        async (steps, ...rest) => {
          check(await run(steps, ...rest));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("without refusals and deadlines every record is written", async () => {
    const harmless = fates.filter((fate) => !fate.startsWith("refuse") || fate === "refuse for now");
    const step = fc.oneof(
      fc.record({ send: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ passMs: fc.constantFrom(1, 15, 60) }),
      fc.record({ fate: fc.constantFrom(...harmless) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), anyMemory, async (steps, remembered) => {
        const result = await run(steps, 1e6, remembered);
        check(result);
        expect(result.outcomes.filter((outcome) => !("written" in outcome))).toEqual([]);
      }),
      { numRuns: 700 },
    );
  });
});

describe("the queue of a partition", () => {
  const identity = { producerId: 7, producerEpoch: 0 };
  const record: ProducerRecord = { topic: "t", key: bytes("k"), value: null };
  const append = (queue: PartitionQueue): void => {
    queue.append(record, 0, estimatedSize(record), recordMetadata, undefined)?.catch(() => undefined);
  };

  const queueOf = (
    maxBatchBytes: number,
    promptBatchBytes: number,
    release: (size: number) => void = () => undefined,
  ) => new PartitionQueue("t", 0, { maxBatchBytes, promptBatchBytes, deliveryTimeoutMs: 1e6, release });

  function filled(batches: number, recordsEach = 1): PartitionQueue {
    const queue = queueOf(40 * recordsEach, 40 * recordsEach);
    for (let count = 0; count < batches * recordsEach; count++) append(queue);
    return queue;
  }
  const take = (queue: PartitionQueue, leader = 1): ReturnType<PartitionQueue["take"]> =>
    queue.take(leader, identity, "none", 0);
  const sequenceOf = (batch: ReturnType<PartitionQueue["take"]>): number | undefined =>
    batch?.bytes === undefined ? undefined : nextBatch(batch.bytes, 0)?.baseSequence;

  test("sends one batch until a leader has proven itself, then five, and one again after a failure or a move", () => {
    const queue = filled(20);
    const first = take(queue);
    expect(sequenceOf(first)).toBe(0);
    expect(take(queue)).toBeUndefined();
    queue.acknowledge(1);
    const five = Array.from({ length: 5 }, () => take(queue));
    expect(five.map(sequenceOf)).toEqual([1, 2, 3, 4, 5]);
    expect(take(queue)).toBeUndefined();
    queue.acknowledge(1);
    expect(take(queue, 2), "a new leader waits for what is in flight at the old one").toBeUndefined();
    for (const batch of five.slice(1)) if (batch !== undefined) queue.comeBack(batch);
    const again = take(queue);
    expect(again).toBe(five[1]);
    expect(take(queue)).toBeUndefined();
  });

  test("makes batches that can follow each other while one is with the broker, and gathers what has to wait", () => {
    const queue = queueOf(400, 80);
    const counts = (): number[] => queue.batches.map(({ recordCount }) => recordCount);
    for (let count = 0; count < 16; count++) append(queue);
    // Each record takes 37 bytes.
    expect(counts()).toEqual([2, 2, 2, 2, 2, 6]);
    take(queue);
    queue.acknowledge(1);
    for (let count = 0; count < 5; count++) take(queue);
    expect(queue.inFlight).toBe(5);
    queue.acknowledge(1);
    for (let count = 0; count < 16; count++) append(queue);
    expect(counts()).toEqual([2, 2, 2, 6, 2, 10, 4]);
  });

  test("sends the same bytes again after a failure", () => {
    const queue = filled(2);
    const batch = take(queue);
    const before = batch?.bytes?.slice();
    if (batch !== undefined) queue.comeBack(batch);
    append(queue);
    expect(take(queue)).toBe(batch);
    expect(batch?.bytes).toEqual(before);
  });

  test("counts sequences past 2^31 - 1 on from 0 (case 52)", () => {
    expect(advanceSequence(2 ** 31 - 1, 1)).toBe(0);
    expect(advanceSequence(2 ** 31 - 2, 5)).toBe(3);
    expect(advanceSequence(0, 1)).toBe(1);
  });

  test("keeps the sequences of a batch that is split, and of what follows it (case 57)", () => {
    const queue = filled(2, 3);
    const whole = take(queue);
    expect(whole?.recordCount).toBe(3);
    if (whole === undefined) return;
    queue.comeBack(whole);
    queue.split(whole);
    const sequences: (number | undefined)[] = [];
    for (let count = 0; count < 3; count++) {
      sequences.push(sequenceOf(take(queue)));
      queue.acknowledge(1);
    }
    expect(sequences).toEqual([0, 1, 3]);
  });

  test("gives back the room of all records, also of those that join the half of a batch that was too large", async () => {
    let taken = 0;
    const queue = queueOf(1000, 1000, (size) => void (taken -= size));
    const add = (): void => {
      taken += estimatedSize(record);
      append(queue);
    };
    for (let count = 0; count < 4; count++) add();
    const whole = take(queue);
    if (whole === undefined) throw new Error("there is nothing to send");
    queue.comeBack(whole);
    queue.split(whole);
    // Under a new identity its halves are as good as new.
    queue.startOver();
    add();
    const batches = queue.takeAll();
    expect(batches.map(({ recordCount }) => recordCount)).toEqual([2, 3]);
    for (const batch of batches) batch.resolve({ topic: "t", topicId: undefined, partition: 0 }, 0, -1);
    await Promise.all([whole, ...batches].map(({ settled }) => settled));
    await Promise.resolve();
    expect(taken).toBe(0);
  });
});
