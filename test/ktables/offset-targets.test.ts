import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OffsetTargets, OffsetWaiters } from "../../packages/ktables/src/offset-targets.ts";

const never = new AbortController().signal;

describe("offset targets", () => {
  test("are done when every position has reached its target", () => {
    const targets = new OffsetTargets(
      new Map([
        [0, 5],
        [1, 0],
      ]),
    );
    targets.advance(1, 0);
    targets.advance(0, 4);
    expect(targets.isDone).toBe(false);
    targets.advance(2, 100);
    targets.advance(0, undefined);
    expect(targets.isDone).toBe(false);
    targets.advance(0, 5);
    expect(targets.isDone).toBe(true);
  });

  test("are not done while more of them are to be named", () => {
    const targets = new OffsetTargets();
    targets.hold();
    targets.hold();
    targets.release();
    expect(targets.isDone).toBe(false);
    targets.add(0, 1);
    targets.release();
    expect(targets.isDone).toBe(false);
    targets.advance(0, 1);
    expect(targets.isDone).toBe(true);
  });

  test("are done exactly when the last position says so, in whatever order positions move", () => {
    const steps = fc.array(fc.tuple(fc.nat(3), fc.nat(20)), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(fc.nat(10), { minLength: 1, maxLength: 4 }), steps, (ends, moves) => {
        const targets = new OffsetTargets(new Map(ends.entries()));
        const reached = new Set<number>();
        for (const [partition, position] of moves) {
          targets.advance(partition, position);
          if (position >= (ends[partition] ?? Number.POSITIVE_INFINITY)) reached.add(partition);
          expect(targets.isDone).toBe(reached.size === ends.length);
        }
      }),
    );
  });
});

describe("offset waiters", () => {
  test("resolve in the call that reaches the last target, and are forgotten", async () => {
    const waiters = new OffsetWaiters();
    const order: string[] = [];
    const near = waiters.done(new OffsetTargets(new Map([[0, 1]])), never).then(() => order.push("near"));
    const far = waiters.done(new OffsetTargets(new Map([[0, 2]])), never).then(() => order.push("far"));
    expect(waiters.size).toBe(2);
    waiters.advance(0, 1);
    expect(waiters.size).toBe(1);
    await near;
    expect(order).toEqual(["near"]);
    waiters.advance(0, 2);
    expect(waiters.size).toBe(0);
    await far;
  });

  test("an aborted signal rejects with its reason, before and during the wait", async () => {
    const waiters = new OffsetWaiters();
    const targets = (): OffsetTargets => new OffsetTargets(new Map([[0, 1]]));
    const reason = new Error("enough");
    await expect(waiters.done(targets(), AbortSignal.abort(reason))).rejects.toBe(reason);
    const abort = new AbortController();
    const waiting = waiters.done(targets(), abort.signal);
    expect(waiters.size).toBe(1);
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(waiters.size).toBe(0);
    waiters.advance(0, 1);
  });

  test("leave no listener on the signal", async () => {
    const listeners = new Set<() => void>();
    const signal = {
      aborted: false,
      addEventListener: (_type: "abort", listener: () => void) => void listeners.add(listener),
      removeEventListener: (_type: "abort", listener: () => void) => void listeners.delete(listener),
    };
    const waiters = new OffsetWaiters();
    const waiting = waiters.done(new OffsetTargets(new Map([[0, 1]])), signal);
    expect(listeners.size).toBe(1);
    waiters.advance(0, 1);
    await waiting;
    expect(listeners.size).toBe(0);
  });
});
