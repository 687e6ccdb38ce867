interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/** Where an epoch ends; both -1 where that is not known. */
export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

const unknown: EpochEnd = { epoch: -1, endOffset: -1 };

/** At which offset each leader epoch of one log began (KIP-101). */
export class LeaderEpochs {
  /** Both numbers rise. */
  #starts: EpochStart[] = [];

  /** An epoch begins at the log's end. An epoch without records is forgotten when the next one begins at the same place. */
  begin(epoch: number, startOffset: number): void {
    this.#starts = this.#starts.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset);
    this.#starts.push({ epoch, startOffset });
  }

  /** The end of the epoch, or of the last one before it that the log has. */
  endOf(epoch: number, logEnd: number): EpochEnd {
    if (epoch < 0) return unknown;
    if (this.#starts.at(-1)?.epoch === epoch) return { epoch, endOffset: logEnd };
    const next = this.#starts.find((entry) => entry.epoch > epoch);
    if (next === undefined) return unknown;
    const floor = this.#starts.findLast((entry) => entry.epoch <= epoch);
    return { epoch: floor?.epoch ?? epoch, endOffset: next.startOffset };
  }

  /** The log ends here now. */
  truncateEnd(endOffset: number): void {
    this.#starts = this.#starts.filter((entry) => entry.startOffset < endOffset);
  }

  /** The log starts here now; the epoch of that offset stays. */
  truncateStart(startOffset: number): void {
    const last = this.#starts.findLast((entry) => entry.startOffset <= startOffset);
    this.#starts = this.#starts.filter((entry) => entry.startOffset > startOffset);
    if (last !== undefined) this.#starts.unshift({ epoch: last.epoch, startOffset });
  }
}
