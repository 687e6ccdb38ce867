/** The longest times between events that ought to be frequent, over all and by partition. */
export class Gaps {
  #last: number | undefined;
  #longestMs = 0;
  readonly #partitions = new Map<number, { last: number; longestMs: number }>();

  /** To be called at each event. */
  note(partition: number): void {
    const now = performance.now();
    this.#longestMs = Math.max(this.#longestMs, now - (this.#last ?? now));
    this.#last = now;
    const own = this.#partitions.get(partition);
    if (own === undefined) {
      this.#partitions.set(partition, { last: now, longestMs: 0 });
      return;
    }
    own.longestMs = Math.max(own.longestMs, now - own.last);
    own.last = now;
  }

  /** Between two events, whatever their partitions. */
  get longestMs(): number {
    return Math.round(this.#longestMs);
  }

  /** Between two events of one partition, the worst of all partitions. */
  get longestOfOnePartitionMs(): number {
    return Math.round(Math.max(0, ...[...this.#partitions.values()].map(({ longestMs }) => longestMs)));
  }
}
