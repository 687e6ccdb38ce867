const mebibyte = 2 ** 20;
/** Answers of this size stay in a processor's cache, and applying one takes no longer than other work may wait. */
const firstSize = mebibyte;
const largestSize = 16 * mebibyte;
/** Waiting so long for a full answer, in milliseconds, is due to the way to the broker: a larger one takes hardly longer. */
const longWaitMs = 10;
/** Who waits less than this, so many times in a row, is near the broker: what took long before was a busy machine. */
const shortWaitMs = 2;
const shortWaits = 8;

/** How many bytes to ask a broker for: little as long as that does not keep anybody waiting. */
export class FetchSize {
  readonly #limit: number;
  #bytes: number;
  /** What batches need. */
  #least: number;
  #shortWaits = 0;

  /** @param limit what the user allows; by default 16 MiB. */
  constructor(limit: number = largestSize) {
    this.#limit = limit;
    this.#bytes = Math.min(firstSize, limit);
    this.#least = this.#bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * An answer has come: `received` bytes of batches, of which `whole` can be used, since a broker cuts the last batch of an
   * answer off where that is full; and how long there was nothing else to do than to wait for it.
   */
  note(received: number, whole: number, waitedMs: number): void {
    if (received <= this.#bytes / 2) return;
    const isWasteful = received - whole > received / 8;
    if (isWasteful || waitedMs > longWaitMs) {
      this.#bytes = Math.min(2 * this.#bytes, this.#limit);
      if (isWasteful) this.#least = this.#bytes;
      this.#shortWaits = 0;
    } else if (waitedMs >= shortWaitMs) {
      this.#shortWaits = 0;
    } else if (++this.#shortWaits === shortWaits) {
      this.#bytes = Math.max(Math.floor(this.#bytes / 2), this.#least);
      this.#shortWaits = 0;
    }
  }
}
