import { type AbortSignalLike, AbortSource, abortReason, onAbort } from "./abort.ts";
import { toError } from "./errors.ts";
import { startTimer } from "./process-hold.ts";

/** After which the next address is tried too, while the one before may still answer (RFC 8305 §5). */
const defaultDelayMs = 250;

export interface ConnectAttempts<Connected> {
  /** One attempt; the signal aborts when another one has won, or when nobody waits any more. */
  connect(address: string, signal: AbortSignalLike): Promise<Connected>;
  /** Ends a connection that came too late. */
  discard(late: Connected): void;
  /** Default 250. */
  readonly delayMs?: number;
}

/**
 * Tries addresses in their order until one connects: the next as soon as one has failed, or has kept us waiting. So a
 * dead address costs little time, and one that drops packets does not use up the time for all.
 *
 * Rejects with an `AggregateError` of all failures in the order of the addresses, or with the signal's reason.
 */
export function firstToConnect<Connected>(
  addresses: readonly string[],
  attempts: ConnectAttempts<Connected>,
  signal: AbortSignalLike,
): Promise<Connected> {
  return new Promise<Connected>((resolve, reject) => {
    if (signal.aborted) {
      reject(abortReason(signal));
      return;
    }
    const over = new AbortSource();
    const failures: Error[] = [];
    let started = 0;
    let pending = addresses.length;
    let stopTimer: (() => void) | undefined;
    const end = (settle: () => void): void => {
      stopTimer?.();
      unsubscribe();
      settle();
      over.abort();
    };
    const unsubscribe = onAbort(signal, () => end(() => reject(abortReason(signal))));
    const startNext = (): void => {
      stopTimer?.();
      const index = started;
      const address = addresses[index];
      if (address === undefined) return;
      started++;
      if (started < addresses.length) stopTimer = startTimer(startNext, attempts.delayMs ?? defaultDelayMs);
      attempts.connect(address, over.signal).then(
        (connected) => {
          if (over.signal.aborted) attempts.discard(connected);
          else end(() => resolve(connected));
        },
        (error: unknown) => {
          failures[index] = toError(error);
          pending--;
          if (over.signal.aborted) return;
          if (pending === 0) end(() => reject(new AggregateError(failures)));
          else startNext();
        },
      );
    };
    startNext();
    if (addresses.length === 0) end(() => reject(new AggregateError(failures)));
  });
}
