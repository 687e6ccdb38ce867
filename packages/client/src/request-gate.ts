import { startTimer } from "./process-hold.ts";
/**
 * Lets requests through at once, or keeps them while anything holds it, and then lets them through in the order in which
 * they came: requests of a producer that overtook each other would be refused, or written in the wrong order.
 */
export class RequestGate {
  readonly #waiting: (() => void)[] = [];
  readonly #holds = new Set<symbol>();
  #pause: { readonly release: () => void; readonly stopTimer: () => void; readonly until: number } | undefined;
  #isEnded = false;

  /** Runs the task now, or when nothing holds any more. */
  pass(task: () => void): void {
    if (this.#holds.size === 0) task();
    else this.#waiting.push(task);
  }

  /** Keeps what comes from now on, until the returned function is called. */
  hold(): () => void {
    if (this.#isEnded) return () => undefined;
    const hold = Symbol("hold");
    this.#holds.add(hold);
    return () => {
      if (this.#holds.delete(hold)) this.#letThrough();
    };
  }

  /** Keeps what comes within the next `ms` milliseconds, or longer where that was said before. */
  holdFor(ms: number): void {
    const until = performance.now() + ms;
    if (this.#isEnded || (this.#pause !== undefined && this.#pause.until >= until)) return;
    const release = this.#pause?.release ?? this.hold();
    this.#pause?.stopTimer();
    const stopTimer = startTimer(() => {
      this.#pause = undefined;
      release();
    }, ms);
    this.#pause = { release, stopTimer, until };
  }

  /** Lets everything through for good: the tasks find out by themselves that the connection is over. */
  end(): void {
    this.#isEnded = true;
    this.#pause?.stopTimer();
    this.#pause = undefined;
    this.#holds.clear();
    this.#letThrough();
  }

  #letThrough(): void {
    while (this.#holds.size === 0) {
      const task = this.#waiting.shift();
      if (task === undefined) return;
      task();
    }
  }
}
