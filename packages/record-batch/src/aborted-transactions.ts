import type { RecordBatch } from "./record-batch.ts";

/** What a fetch response says about a transaction that was aborted: its producer, and where its data starts. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/**
 * Tells for one fetch response of one partition which batches belong to aborted transactions, for a reader with
 * `read_committed` (KIP-98). Without that isolation level do not use it, even if the broker sent a list.
 */
export class AbortedTransactions {
  /** Not yet reached, the next one last. */
  readonly #ahead: AbortedTransaction[];
  readonly #aborting = new Set<number>();

  /** The response's list in any order (not every broker sorts it); null for none. */
  constructor(list: readonly AbortedTransaction[] | null) {
    this.#ahead = list === null ? [] : list.toSorted((a, b) => b.firstOffset - a.firstOffset);
  }

  /**
   * Whether to drop the data of `batch`. To be called once for every batch in order: also for control batches, which
   * end transactions. Those are never data; recognise them by `isControl`, the answer here is false.
   */
  isAborted(batch: RecordBatch): boolean {
    // By last offset: compaction may have removed the record that the transaction started with.
    for (let next = this.#ahead.at(-1); next !== undefined; next = this.#ahead.at(-1)) {
      if (next.firstOffset > batch.lastOffset) break;
      this.#aborting.add(next.producerId);
      this.#ahead.pop();
    }
    if (batch.isControl) {
      if (batch.controlType() === "abort") this.#aborting.delete(batch.producerId);
      return false;
    }
    return batch.isTransactional && this.#aborting.has(batch.producerId);
  }
}
