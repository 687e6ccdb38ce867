/** So many records may share a reading, unless a turn of the event loop ends before. */
const recordsPerReading = 16;

const resolved = /* @__PURE__ */ Promise.resolve();

/** The time of day for records. At a million records a second, asking for each would take an eighth of the time. */
export class RecordClock {
  #time = 0;
  #left = 0;
  readonly #forget = (): void => {
    this.#left = 0;
  };

  /** Milliseconds since 1970. */
  now(): number {
    if (this.#left === 0) {
      this.#time = Date.now();
      this.#left = recordsPerReading;
      void resolved.then(this.#forget);
    }
    this.#left--;
    return this.#time;
  }
}
