import type { RecordInput } from "@ktables/record-batch";
import type { ProducerRecord } from "./producer-options.ts";

/** Where a record was written. */
export interface RecordMetadata {
  readonly topic: string;
  /** Undefined on brokers without topic ids (before 2.8). */
  readonly topicId: string | undefined;
  readonly partition: number;
  /** -1 where the broker told none: with `acks: 0`, or for a batch that it recognised as written before. */
  readonly offset: number;
  /** Milliseconds since 1970: the record's own time, or the broker's for topics with LogAppendTime. */
  readonly timestamp: number;
}

interface Waiter {
  readonly resolve: (metadata: RecordMetadata) => void;
  readonly reject: (error: Error) => void;
}

/** More than the framing of a record can take: lengths, deltas and attributes as varints. */
const recordOverheadBytes = 36;

/** How many bytes a record takes in a batch at most, before compression. */
export function estimatedSize(record: Pick<ProducerRecord, "key" | "value" | "headers">): number {
  let size = recordOverheadBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const header of record.headers ?? []) size += 10 + 3 * header.key.length + (header.value?.length ?? 0);
  return size;
}

/** Records that are sent, acknowledged and retried as one. */
export class ProducerBatch {
  readonly records: RecordInput[] = [];
  /** When the records are given up, as of `performance.now()`. */
  readonly deadline: number;
  /** Resolves when every record's promise is settled. Never rejects. */
  readonly settled: Promise<void>;
  /** No record may join any more, since the batch has been sent or has its sequence. */
  isFrozen = false;
  /** The encoded batch: fixed when it is first sent, so that every retry sends the same bytes under the same sequence. */
  bytes: Uint8Array | undefined;
  /** Of the first record; undefined until the batch is first sent, and without idempotence. */
  baseSequence: number | undefined;
  size = 0;
  /** Whether the batch is part of a request that has not been answered; it may still wait for a connection. */
  isInFlight = false;
  /** Whether a request with this batch is on the wire, so that only its answer can tell whether it is written. */
  isOnWire = false;
  /** Whether an attempt ended without a definite answer. Never unset: a later refusal does not undo a first write. */
  maybeWritten = false;
  /** Requests that it was put into. */
  attempts = 0;
  /** Why the last attempt did not succeed. */
  lastFailure: Error | undefined;
  readonly #waiters: Waiter[] = [];
  #settle: () => void = () => undefined;
  #isSettled = false;

  constructor(deadline: number) {
    this.deadline = deadline;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Whether the records were reported on; the batch may still be in flight. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  add(record: RecordInput): Promise<RecordMetadata> {
    return new Promise((resolve, reject) => this.#add(record, { resolve, reject }));
  }

  #add(record: RecordInput, waiter: Waiter): void {
    this.records.push(record);
    this.size += estimatedSize(record);
    this.#waiters.push(waiter);
  }

  /**
   * `baseOffset` is -1 where it is not known, `logAppendTimeMs` where the records keep their own time. Does nothing
   * once the batch is settled.
   */
  resolve(
    place: { readonly topic: string; readonly topicId: string | undefined; readonly partition: number },
    baseOffset: number,
    logAppendTimeMs: number,
  ): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#waiters.forEach((waiter, index) => {
      waiter.resolve({
        topic: place.topic,
        topicId: place.topicId,
        partition: place.partition,
        offset: baseOffset < 0 ? -1 : baseOffset + index,
        timestamp: logAppendTimeMs >= 0 ? logAppendTimeMs : (this.records[index]?.timestamp ?? -1),
      });
    });
    this.#settle();
  }

  /**
   * `errorOf` makes the error of the record at an index; without the index it is the same for all. Does nothing once
   * the batch is settled.
   */
  reject(errorOf: (recordIndex: number) => Error): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#waiters.forEach((waiter, index) => waiter.reject(errorOf(index)));
    this.#settle();
  }

  /**
   * Two batches with the first and the second half of the records, for a batch of two or more that was too large for
   * the broker. Their sequences are those that the records had, so that what follows still fits.
   */
  split(sequenceAfter: (baseSequence: number, count: number) => number): [ProducerBatch, ProducerBatch] {
    const half = this.records.length >>> 1;
    const halves: [ProducerBatch, ProducerBatch] = [new ProducerBatch(this.deadline), new ProducerBatch(this.deadline)];
    this.records.forEach((record, index) => {
      const waiter = this.#waiters[index];
      if (waiter !== undefined) halves[index < half ? 0 : 1].#add(record, waiter);
    });
    const [first, second] = halves;
    for (const part of halves) {
      part.isFrozen = true;
      part.attempts = this.attempts;
    }
    if (this.baseSequence !== undefined) {
      first.baseSequence = this.baseSequence;
      second.baseSequence = sequenceAfter(this.baseSequence, half);
    }
    void Promise.all([first.settled, second.settled]).then(this.#settle);
    return halves;
  }
}
