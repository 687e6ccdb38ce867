import { type AbortSignalLike, abortReason, onAbort } from "./abort.ts";
import { startTimer } from "./process-hold.ts";

/** Lets one loop sleep until it is woken or its time is up. A wake-up while nobody sleeps is not lost. */
export class Wakeup {
  #pending = false;
  #resume: (() => void) | undefined;

  wake(): void {
    this.#pending = true;
    this.#resume?.();
  }

  /** Returns whether it was woken. Rejects with the signal's reason. */
  async wait(ms: number, signal: AbortSignalLike): Promise<boolean> {
    if (signal.aborted) throw abortReason(signal);
    if (!this.#pending) {
      await new Promise<void>((resolve, reject) => {
        const finish = (settle: () => void): void => {
          stopTimer();
          unsubscribe();
          this.#resume = undefined;
          settle();
        };
        const stopTimer = startTimer(() => finish(resolve), ms);
        this.#resume = () => finish(resolve);
        const unsubscribe = onAbort(signal, () => finish(() => reject(abortReason(signal))));
      });
    }
    const woken = this.#pending;
    this.#pending = false;
    return woken;
  }
}
