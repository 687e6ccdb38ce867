import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DeadlineTimer } from "../../packages/client/src/deadline-timer.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** A deadline so many milliseconds away, one that is met, or time that passes. */
const step = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), ms: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ kind: fc.constant("meet" as const), ms: fc.nat({ max: 10 }) }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 40 }) }),
);

test("every deadline that is not met is noticed when it comes, and none before, with one timer", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const open: number[] = [];
      const noticed: { deadline: number; at: number }[] = [];
      const timer = new DeadlineTimer(() => {
        const now = performance.now();
        for (const deadline of open.splice(0)) {
          if (deadline <= now) noticed.push({ deadline, at: now });
          else {
            open.push(deadline);
            timer.add(deadline);
          }
        }
      });
      for (const { kind, ms } of steps) {
        if (kind === "wait") vi.advanceTimersByTime(ms);
        else if (kind === "meet") open.splice(ms, 1);
        else {
          const deadline = performance.now() + ms;
          open.push(deadline);
          timer.add(deadline);
        }
        const now = performance.now();
        expect(open.every((deadline) => deadline > now)).toBe(true);
        expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
      }
      for (const { deadline, at } of noticed) expect(at).toBe(deadline);
      timer.stop();
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test("a deadline beyond what a timer can wait for is not due at once", () => {
  const onDue = vi.fn();
  const timer = new DeadlineTimer(onDue);
  timer.add(performance.now() + 1e12);
  vi.advanceTimersByTime(100_000);
  expect(onDue).not.toHaveBeenCalled();
  timer.stop();
});

test("after it was stopped, it can be used again", () => {
  const onDue = vi.fn();
  const timer = new DeadlineTimer(onDue);
  timer.add(performance.now() + 10);
  timer.stop();
  timer.add(performance.now() + 20);
  vi.advanceTimersByTime(19);
  expect(onDue).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onDue).toHaveBeenCalledTimes(1);
});
