import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RequestGate } from "../../packages/client/src/request-gate.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

type Step = "pass" | "hold" | "release" | "pause" | "wait";

test("whatever holds it and for how long, requests go through in order, and only while nothing holds", () => {
  const steps = fc.array(fc.constantFrom<Step>("pass", "pass", "hold", "release", "pause", "wait"), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.boolean(), (sequence, ends) => {
      const gate = new RequestGate();
      const holds: (() => void)[] = [];
      const through: number[] = [];
      let asked = 0;
      let pausedUntil = 0;
      for (const step of sequence) {
        if (step === "pass") {
          const id = asked++;
          gate.pass(() => through.push(id));
        } else if (step === "hold") holds.push(gate.hold());
        else if (step === "release") holds.shift()?.();
        else if (step === "wait") vi.advanceTimersByTime(10);
        else {
          // Sometimes shorter than what is left of a longer one.
          const ms = asked % 2 === 0 ? 5 : 25;
          gate.holdFor(ms);
          pausedUntil = Math.max(pausedUntil, performance.now() + ms);
        }
        const isOpen = holds.length === 0 && performance.now() >= pausedUntil;
        if (isOpen) expect(through).toHaveLength(asked);
      }
      const before = through.length;
      gate.pass(() => through.push(asked));
      const isHeld = holds.length > 0 || performance.now() < pausedUntil;
      expect(through).toHaveLength(isHeld ? before : before + 1);
      if (ends) gate.end();
      else {
        for (const release of holds) release();
        vi.advanceTimersByTime(25);
      }
      expect(through).toEqual(Array.from({ length: asked + 1 }, (_, index) => index));
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test("what was released twice was held once", () => {
  const gate = new RequestGate();
  const release = gate.hold();
  const other = gate.hold();
  const task = vi.fn();
  gate.pass(task);
  release();
  release();
  expect(task).not.toHaveBeenCalled();
  other();
  expect(task).toHaveBeenCalledTimes(1);
});

test("nothing is held back after the end", () => {
  const gate = new RequestGate();
  gate.end();
  gate.hold();
  gate.holdFor(1000);
  const task = vi.fn();
  gate.pass(task);
  expect(task).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});
