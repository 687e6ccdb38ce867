import { maximumTimerMs, startTimer } from "./process-hold.ts";

/**
 * One timer for many deadlines, of which hardly any is ever reached: a timer for each would take longer than all else that a
 * small request and its answer do. It stays where it is when what it was started for is done, and is looked at then.
 */
export class DeadlineTimer {
  readonly #onDue: () => void;
  #dueAt = Number.POSITIVE_INFINITY;
  #stop: (() => void) | undefined;

  /** @param onDue finds out which deadline it is, if any, and adds those again that are still to come. */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  /** Calls back at that time, as of `performance.now()`, and perhaps before. */
  add(deadline: number): void {
    if (deadline >= this.#dueAt) return;
    this.#stop?.();
    this.#dueAt = deadline;
    const ms = Math.max(1, Math.ceil(deadline - performance.now()));
    this.#stop = startTimer(
      () => {
        this.#dueAt = Number.POSITIVE_INFINITY;
        this.#onDue();
      },
      Math.min(ms, maximumTimerMs),
    );
  }

  stop(): void {
    this.#stop?.();
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}
