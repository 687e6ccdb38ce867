import { maximumTimerMs, startTimer } from "./process-hold.ts";

/**
 * What the library needs of an `AbortSignal`. The real one fits; stated structurally so that the public types need
 * neither the DOM library nor Node's types.
 */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Taken by every call that waits for the network. */
export interface CallOptions {
  /** Ends the wait; the call rejects with the signal's reason. */
  readonly signal?: AbortSignalLike | undefined;
  /** Milliseconds after which the call rejects with code `TIMEOUT`. */
  readonly timeoutMs?: number | undefined;
}

/** What an aborted signal gives as its reason, or a plain `AbortError` where it gives none. */
export function abortReason(signal: AbortSignalLike): unknown {
  return signal.reason ?? new DOMException("This operation was aborted", "AbortError");
}

export function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted === true) throw abortReason(signal);
}

/**
 * What an `AbortController` is, for signals that nobody but this library listens to: the event target that one has takes
 * longer to make, and more memory, than all else of a short call.
 */
export class AbortSource {
  readonly signal: OwnSignal = new OwnSignal();

  /** Does nothing the second time. */
  abort(reason?: unknown): void {
    this.signal.end(reason);
  }
}

class OwnSignal implements AbortSignalLike {
  aborted = false;
  reason: unknown;
  /** Most have one at a time, for which a set would be the larger part of them. */
  #listener: (() => void) | undefined;
  #others: Set<() => void> | undefined;

  addEventListener(_type: "abort", listener: () => void): void {
    if (this.#listener === undefined) this.#listener = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#others?.delete(listener);
  }

  end(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#listener?.();
    for (const listener of this.#others ?? []) listener();
    this.#listener = undefined;
    this.#others = undefined;
  }
}

/** An `AbortSignal` that ends when the signal does, for functions of users, who may pass it on to what takes no other. */
export function nativeSignal(signal: AbortSignalLike): AbortSignalLike {
  if (!(signal instanceof OwnSignal)) return signal;
  const controller = new AbortController();
  const end = (): void => controller.abort(signal.reason);
  if (signal.aborted) end();
  else signal.addEventListener("abort", end);
  return controller.signal;
}

interface Subscription {
  readonly callbacks: Set<() => void>;
  readonly fire: () => void;
}

const subscriptions = /* @__PURE__ */ new WeakMap<AbortSignalLike, Subscription>();

/**
 * Calls back once when the signal aborts; returns the function that takes that back. However many calls share a signal,
 * it gets one listener: an event target searches its list at every change, and Node warns of a leak from eleven on.
 * The signal must not be aborted yet.
 */
export function onAbort(signal: AbortSignalLike, callback: () => void): () => void {
  if (signal instanceof OwnSignal) {
    signal.addEventListener("abort", callback);
    return () => signal.removeEventListener("abort", callback);
  }
  let subscription = subscriptions.get(signal);
  if (subscription === undefined) {
    const callbacks = new Set<() => void>();
    const fire = (): void => {
      subscriptions.delete(signal);
      for (const call of callbacks) call();
    };
    subscription = { callbacks, fire };
    subscriptions.set(signal, subscription);
    signal.addEventListener("abort", fire);
  }
  const { callbacks, fire } = subscription;
  callbacks.add(callback);
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0 || subscriptions.get(signal)?.fire !== fire) return;
    subscriptions.delete(signal);
    signal.removeEventListener("abort", fire);
  };
}

/**
 * Settles with `promise`, or rejects with the signal's reason when that comes first. The promise itself goes on; its
 * late rejection is observed here, so it never becomes an unhandled one.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignalLike | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => undefined);
      reject(abortReason(signal));
      return;
    }
    const unsubscribe = onAbort(signal, () => reject(abortReason(signal)));
    promise.then(
      (value) => {
        unsubscribe();
        resolve(value);
      },
      (error: unknown) => {
        unsubscribe();
        reject(error);
      },
    );
  });
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when that comes first. */
export async function sleep(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
  throwIfAborted(signal);
  return new Promise<void>((resolve, reject) => {
    const stopTimer = startTimer(() => {
      unsubscribe?.();
      resolve();
    }, ms);
    const unsubscribe =
      signal &&
      onAbort(signal, () => {
        stopTimer();
        reject(abortReason(signal));
      });
  });
}

/**
 * The lifetime of one call: it ends when any of the given signals aborts or when its time is up, whichever comes
 * first. `end()` must be called when the call is over, so that no timer or listener stays behind.
 */
export class CallScope {
  readonly #source = new AbortSource();
  readonly #detach: (() => void)[] = [];
  readonly #deadline: number;

  constructor(signals: readonly (AbortSignalLike | undefined)[], timeoutMs?: number, timeoutError?: () => Error) {
    for (const signal of signals) {
      if (signal === undefined) continue;
      if (signal.aborted) {
        this.#source.abort(abortReason(signal));
        continue;
      }
      this.#detach.push(onAbort(signal, () => this.#source.abort(abortReason(signal))));
    }
    this.#deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    // What lasts longer than a timer can, nearly 25 days, is as good as without an end.
    if (timeoutMs !== undefined && timeoutMs <= maximumTimerMs && timeoutError !== undefined) {
      this.#detach.push(startTimer(() => this.#source.abort(timeoutError()), timeoutMs));
    }
  }

  get signal(): AbortSignalLike {
    return this.#source.signal;
  }

  /** Milliseconds left, never negative; infinite where the call has no timeout. */
  get remainingMs(): number {
    return Math.max(0, this.#deadline - performance.now());
  }

  end(): void {
    for (const detach of this.#detach.splice(0)) detach();
  }
}
