import type { AbortSignalLike } from "@ktables/client";
import { untilAborted } from "@ktables/client/internal";

type Offsets = ReadonlyMap<number, number>;

/**
 * Asks where a topic ends. Calls of one turn share a request, and so do all that come while one is on its way: not that
 * one, whose answer may be older than what they want to see, but the next.
 */
export class EndOffsets {
  readonly #ask: () => Promise<Offsets>;
  #onItsWay: Promise<unknown> = Promise.resolve();
  #next: Promise<Offsets> | undefined;

  constructor(ask: () => Promise<Offsets>) {
    this.#ask = ask;
  }

  /** The ends at some moment after the call. The signal ends the wait, not the request. */
  async asOfNow(signal: AbortSignalLike): Promise<Offsets> {
    this.#next ??= this.#askNext();
    return untilAborted(this.#next, signal);
  }

  async #askNext(): Promise<Offsets> {
    await this.#onItsWay;
    this.#next = undefined;
    const answer = this.#ask();
    this.#onItsWay = answer.catch(() => undefined);
    return answer;
  }
}
