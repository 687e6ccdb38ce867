import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EndOffsets } from "../../packages/ktables/src/end-offsets.ts";
import { rejection } from "../suites/support.ts";

const never = new AbortController().signal;

/** A topic with one partition whose end grows; requests are answered when told to, with the end of that moment. */
class Topic {
  end = 0;
  requests = 0;
  readonly #unanswered: ((offsets: ReadonlyMap<number, number>) => void)[] = [];
  readonly ends = new EndOffsets(() => {
    this.requests++;
    return new Promise((resolve) => this.#unanswered.push(resolve));
  });

  async answer(): Promise<void> {
    this.#unanswered.shift()?.(new Map([[0, this.end]]));
    // Promises that wait for each other settle within as many turns of the microtask queue, all of them before this.
    await new Promise((resolve) => setTimeout(resolve));
  }
}

describe("end offsets", () => {
  test("calls of one turn share a request", async () => {
    const topic = new Topic();
    const answers = Promise.all(Array.from({ length: 5 }, () => topic.ends.asOfNow(never)));
    await topic.answer();
    await topic.answer();
    expect(topic.requests).toBe(1);
    expect(await answers).toEqual(Array.from({ length: 5 }, () => new Map([[0, 0]])));
  });

  test("whatever the moment of a call, its answer is from after it, and no two requests are on their way", async () => {
    const steps = fc.array(fc.constantFrom("call", "write", "answer"), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const topic = new Topic();
        const calls: Promise<void>[] = [];
        let answered = 0;
        for (const step of [...sequence, "answer", "answer", "answer"]) {
          if (step === "write") topic.end++;
          if (step === "call") {
            const { end } = topic;
            calls.push(topic.ends.asOfNow(never).then((ends) => expect(ends.get(0)).toBeGreaterThanOrEqual(end)));
          }
          if (step === "answer") {
            await topic.answer();
            answered = Math.min(topic.requests, answered + 1);
          }
          expect(topic.requests - answered).toBeLessThanOrEqual(1);
        }
        await Promise.all(calls);
      }),
    );
  });

  test("a caller that leaves takes nothing away from the others", async () => {
    const topic = new Topic();
    const leaving = new AbortController();
    const left = rejection(topic.ends.asOfNow(leaving.signal));
    const staying = topic.ends.asOfNow(never);
    const reason = new Error("enough");
    leaving.abort(reason);
    expect(await left).toBe(reason);
    await topic.answer();
    expect(await staying).toEqual(new Map([[0, 0]]));
  });

  test("a request that fails fails those who share it, and nobody else", async () => {
    const failure = new Error("no leader");
    let requests = 0;
    const ends = new EndOffsets(async () => {
      if (++requests === 1) throw failure;
      return new Map([[0, 7]]);
    });
    const both = await Promise.all([rejection(ends.asOfNow(never)), rejection(ends.asOfNow(never))]);
    expect(both).toEqual([failure, failure]);
    expect(await ends.asOfNow(never)).toEqual(new Map([[0, 7]]));
  });
});
