import { type AbortSignalLike, abortReason, onAbort } from "./abort.ts";
import { InvalidOptionError, toError } from "./errors.ts";
import type { TopicMetadata } from "./metadata.ts";
import { ProcessHold } from "./process-hold.ts";
import { keylessRefusal, produceError } from "./produce-errors.ts";
import { estimatedSize, inBytes, type OutgoingRecord, type Report } from "./producer-batch.ts";
import type { TopicLookups } from "./topic-lookups.ts";

/**
 * Puts the record, of this size, into a batch; its promise is that of the record. The deadline is that of a record that has
 * waited; without one its time begins now. Undefined when the record is text beyond ASCII, and has to be encoded first. Throws
 * for a record that no partition takes.
 */
type Enqueue = <T>(
  record: OutgoingRecord,
  size: number,
  topic: TopicMetadata,
  report: Report<T>,
  deadline: number | undefined,
) => Promise<T> | undefined;

interface Waiting {
  readonly size: number;
  /** The record has its room; or not, and then why. */
  readonly end: (failure?: Error) => void;
  /** Resolves at the end. Never rejects. */
  readonly ended: Promise<void>;
}

/**
 * The way of a record from `send` to its queue: it waits first for room among the records on their way, then for its
 * topic to be looked up. Records stay in order all along, so one that needs little room does not overtake.
 *
 * No deadline is watched here: what takes the room was sent earlier, so its deadline ends the wait for it.
 */
export class RecordIntake {
  readonly #capacity: number;
  readonly #deliveryTimeoutMs: number;
  readonly #topics: TopicLookups;
  readonly #enqueue: Enqueue;
  readonly #waiting: Waiting[] = [];
  #used = 0;
  /** Held while a record is on its way. */
  readonly #process = new ProcessHold();

  /** `capacity` in bytes, as {@link estimatedSize} counts them. */
  constructor(capacity: number, deliveryTimeoutMs: number, topics: TopicLookups, enqueue: Enqueue) {
    this.#capacity = capacity;
    this.#deliveryTimeoutMs = deliveryTimeoutMs;
    this.#topics = topics;
    this.#enqueue = enqueue;
  }

  get isFull(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves when the record is written. @throws InvalidOptionError for a record that never finds room */
  accept<T>(record: OutgoingRecord, report: Report<T>, signal: AbortSignalLike | undefined): Promise<T> {
    const size = estimatedSize(record);
    this.#requireFit(size);
    if (this.#waiting.length > 0 || this.#used + size > this.#capacity) {
      return this.#wait(record, size, report, signal);
    }
    this.#use(size);
    return this.#lookUp(record, size, report, undefined, signal);
  }

  /** Gives back the room of records that were written or given up. */
  release(size: number): void {
    this.#used -= size;
    this.#admit();
    if (this.#used === 0) this.#process.release();
  }

  abandon(cause: Error): void {
    for (const { end } of this.#waiting.splice(0)) end(cause);
  }

  /** Resolves when every record that is on this way now has left it. */
  async settled(): Promise<void> {
    await Promise.all(this.#waiting.map(({ ended }) => ended));
    await this.#topics.settled();
  }

  #use(size: number): void {
    this.#used += size;
    this.#process.hold();
  }

  #wait<T>(record: OutgoingRecord, size: number, report: Report<T>, signal: AbortSignalLike | undefined): Promise<T> {
    const deadline = this.#deadline();
    return new Promise((resolve, reject) => {
      let finish: () => void = () => undefined;
      const ended = new Promise<void>((done) => {
        finish = done;
      });
      const stopListening = signal && onAbort(signal, () => this.#withdraw(waiting, signal));
      const end = (failure?: Error): void => {
        stopListening?.();
        finish();
        if (failure === undefined) this.#lookUp(record, size, report, deadline, signal).then(resolve, reject);
        else reject(produceError(record.topic, undefined, failure, false));
      };
      const waiting: Waiting = { size, ended, end };
      this.#waiting.push(waiting);
    });
  }

  #withdraw(waiting: Waiting, signal: AbortSignalLike): void {
    const index = this.#waiting.indexOf(waiting);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    waiting.end(toError(abortReason(signal)));
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#used + next.size > this.#capacity) return;
      this.#waiting.shift();
      this.#use(next.size);
      next.end();
    }
  }

  #lookUp<T>(
    record: OutgoingRecord,
    size: number,
    report: Report<T>,
    deadlineOfWait: number | undefined,
    signal: AbortSignalLike | undefined,
  ): Promise<T> {
    const topic = this.#topics.known(record.topic, record.key === null);
    if (topic === undefined) return this.#enterWhenKnown(record, size, report, deadlineOfWait, signal);
    return this.#enter(record, size, topic, report, deadlineOfWait);
  }

  #enterWhenKnown<T>(
    record: OutgoingRecord,
    size: number,
    report: Report<T>,
    deadlineOfWait: number | undefined,
    signal: AbortSignalLike | undefined,
  ): Promise<T> {
    const deadline = deadlineOfWait ?? this.#deadline();
    return new Promise((resolve, reject) => {
      this.#topics.whenKnown(record.topic, record.key === null, (found, failure) => {
        if (found === undefined) {
          this.release(size);
          reject(produceError(record.topic, undefined, toError(failure), false));
        } else if (signal?.aborted === true) {
          // Whoever has stopped waiting before the record was in a batch does not want it written.
          this.release(size);
        } else {
          this.#enter(record, size, found, report, deadline).then(resolve, reject);
        }
      });
    });
  }

  #enter<T>(
    record: OutgoingRecord,
    size: number,
    topic: TopicMetadata,
    report: Report<T>,
    deadline: number | undefined,
  ): Promise<T> {
    try {
      if (record.key === null && this.#topics.isCompacted(record.topic)) throw keylessRefusal(record.topic);
      const written = this.#enqueue(record, size, topic, report, deadline);
      if (written !== undefined) return written;
      const encoded = inBytes(record);
      const encodedSize = estimatedSize(encoded);
      this.#requireFit(encodedSize);
      // It has been let in as a smaller one; those behind it wait for the difference.
      this.#use(encodedSize - size);
      return this.#enter(encoded, encodedSize, topic, report, deadline);
    } catch (error) {
      this.release(size);
      return Promise.reject(toError(error));
    }
  }

  #requireFit(size: number): void {
    if (size <= this.#capacity) return;
    throw new InvalidOptionError(
      "value",
      `Producer: a record of about ${size} bytes is larger than maxBufferedBytes, which is ${this.#capacity}`,
    );
  }

  #deadline(): number {
    return performance.now() + this.#deliveryTimeoutMs;
  }
}
