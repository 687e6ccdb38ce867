import { getEventListeners } from "node:events";
import type { AbortSignalLike, Connector, HostLookup, SaslConfig } from "@ktables/client";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AbortSource, CallScope, nativeSignal, onAbort, untilAborted } from "../../packages/client/src/abort.ts";
import { clientFor, failureOf, startBroker } from "./embedded.ts";
import { Tap } from "./tapped-connector.ts";

const never = new Promise<never>(() => undefined);

describe.each([
  ["a source of our own", () => new AbortSource()],
  ["an AbortController", () => new AbortController()],
])("the signal of %s", (_name, newSource) => {
  test("tells those who listen when it ends, once, and nobody who has stopped to", () => {
    const step = fc.record({ who: fc.nat(4), what: fc.constantFrom("listen", "leave") });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const source = newSource();
        const leaving = new Map<number, () => void>();
        const told: number[] = [];
        for (const { who, what } of steps) {
          if (what === "leave") {
            leaving.get(who)?.();
            leaving.delete(who);
          } else if (!leaving.has(who)) {
            leaving.set(
              who,
              onAbort(source.signal, () => told.push(who)),
            );
          }
        }
        source.abort("reason");
        source.abort("another");
        expect(new Set(told)).toEqual(new Set(leaving.keys()));
        expect(told.length).toBe(leaving.size);
        expect(source.signal).toMatchObject({ aborted: true, reason: "reason" });
      }),
    );
  });

  test("ends a wait with its reason, also one that begins too late, and leaves alone what is over", async () => {
    const source = newSource();
    expect(await untilAborted(Promise.resolve(1), source.signal)).toBe(1);
    await expect(untilAborted(Promise.reject(new Error("own")), source.signal)).rejects.toThrow("own");
    const wait = untilAborted(never, source.signal);
    source.abort(new Error("over"));
    await expect(wait).rejects.toThrow("over");
    await expect(untilAborted(never, source.signal)).rejects.toThrow("over");
    // Without anybody to hear of it.
    await expect(untilAborted(Promise.reject(new Error("late")), source.signal)).rejects.toThrow("over");
  });

  test("ends a scope, which leaves nothing behind when it is over before", async () => {
    const source = newSource();
    const other = new CallScope([source.signal]);
    other.end();
    if (source.signal instanceof AbortSignal) expect(getEventListeners(source.signal, "abort")).toEqual([]);
    const scope = new CallScope([undefined, source.signal]);
    const wait = untilAborted(never, scope.signal);
    source.abort();
    await expect(wait).rejects.toMatchObject({ name: "AbortError" });
    expect(other.signal.aborted).toBe(false);
    scope.end();
    expect(new CallScope([source.signal]).signal.aborted).toBe(true);
  });

  test("has one that AbortSignal.any and others take", () => {
    const source = newSource();
    const native = nativeSignal(source.signal) as AbortSignal;
    const any = AbortSignal.any([native]);
    expect(any.aborted).toBe(false);
    source.abort("reason");
    expect(any).toMatchObject({ aborted: true, reason: "reason" });
    expect((nativeSignal(source.signal) as AbortSignal).reason).toBe("reason");
  });
});

describe("functions of users get an AbortSignal", () => {
  const signals: AbortSignalLike[] = [];

  test("to connect", async () => {
    const connector: Connector = (...args) => {
      signals.push(args[2]);
      return new Tap().connector(...args);
    };
    await clientFor(await startBroker(), { connector }).topicMetadata("t");
    expect(signals.splice(0)).toEqual([expect.any(AbortSignal)]);
  });

  test("to look a host up", async () => {
    const { port } = new URL(`tcp://${(await startBroker()).bootstrapServers}`);
    const lookup: HostLookup = async (_, signal) => {
      signals.push(signal);
      return [];
    };
    await failureOf(clientFor({ bootstrapServers: `h:${port}` }, { lookup }).topicMetadata("t", { timeoutMs: 100 }));
    expect(signals.splice(0)[0]).toBeInstanceOf(AbortSignal);
  });

  test("to give a token", async () => {
    const sasl: SaslConfig = {
      mechanism: "OAUTHBEARER",
      token: async (signal) => {
        signals.push(signal);
        return { value: "good" };
      },
    };
    const broker = await startBroker({ sasl: { acceptsToken: () => true } });
    await clientFor(broker, { sasl }).topicMetadata("t");
    expect(signals.splice(0)).toEqual([expect.any(AbortSignal)]);
  });
});
