import { BatchBuilder, type BatchFields, nextBatch, type RecordPosition } from "@ktables/record-batch";
import type { ProducerRecord } from "./producer-options.ts";
import { TransientUtf8 } from "./transient-utf8.ts";

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

/** Where a batch was written. */
export interface BatchPlace {
  readonly topic: string;
  readonly topicId: string | undefined;
  readonly partition: number;
}

/** What the promise of a record resolves with. `offset` and `timestamp` are those of {@link RecordMetadata}. */
export type Report<T> = (place: BatchPlace, offset: number, timestamp: number) => T;

export const recordMetadata: Report<RecordMetadata> = ({ topic, topicId, partition }, offset, timestamp) => {
  return { topic, topicId, partition, offset, timestamp };
};

/** Who waits for a record. */
interface Waiting {
  readonly fail: (error: Error) => void;
  written(place: BatchPlace, offset: number, logAppendTimeMs: number): void;
}

/** One object for each record, since there may be many thousands of them. */
class Waiter<T> implements Waiting {
  readonly #resolve: (value: T) => void;
  readonly #report: Report<T>;
  readonly #timestamp: number;
  readonly fail: (error: Error) => void;

  constructor(resolve: (value: T) => void, fail: (error: Error) => void, report: Report<T>, timestamp: number) {
    this.#resolve = resolve;
    this.fail = fail;
    this.#report = report;
    this.#timestamp = timestamp;
  }

  written(place: BatchPlace, offset: number, logAppendTimeMs: number): void {
    this.#resolve(this.#report(place, offset, logAppendTimeMs >= 0 ? logAppendTimeMs : this.#timestamp));
  }
}

/** A record on its way. Its key and value may be text, for those who are spared to encode what is ASCII. */
export interface OutgoingRecord extends Omit<ProducerRecord, "key" | "value"> {
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
}

const keyText = /* @__PURE__ */ new TransientUtf8();
const valueText = /* @__PURE__ */ new TransientUtf8();

/** The record with bytes for text, which are valid until the next call. */
export function inBytes(record: OutgoingRecord): OutgoingRecord {
  const { key, value } = record;
  return {
    ...record,
    key: typeof key === "string" ? keyText.encode(key) : key,
    value: typeof value === "string" ? valueText.encode(value) : value,
  };
}

/** More than the framing of a record can take: lengths, deltas and attributes as varints. */
const recordOverheadBytes = 36;

/** How many bytes a record takes in a batch at most, before compression; text counts as if it were ASCII. */
export function estimatedSize(record: Pick<OutgoingRecord, "key" | "value" | "headers">): number {
  let size = recordOverheadBytes + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const header of record.headers ?? []) size += 10 + 3 * header.key.length + (header.value?.length ?? 0);
  return size;
}

/** Records that are sent, acknowledged and retried as one. */
export class ProducerBatch {
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
  /** What its records are estimated to take, see {@link estimatedSize}. */
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
  readonly #release: (size: number) => void;
  readonly #builder: BatchBuilder;
  /** One for each record. */
  readonly #waiters: Waiting[] = [];
  #settle: () => void = () => undefined;
  #isSettled = false;

  /**
   * `release` is called with the size of the records when they have been reported on. `capacity` is how many bytes the
   * batch is expected to take.
   */
  constructor(deadline: number, release: (size: number) => void, capacity?: number) {
    this.#builder = new BatchBuilder(capacity);
    this.deadline = deadline;
    this.#release = release;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    void this.settled.then(() => release(this.size));
  }

  /** So far, not compressed. */
  get sizeInBytes(): number {
    return this.#builder.sizeInBytes;
  }

  get recordCount(): number {
    return this.#builder.recordCount;
  }

  /** Whether the records were reported on; the batch may still be in flight. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /**
   * Copies a record, of this estimated size. Undefined when it is text beyond ASCII, and has to be encoded first.
   *
   * @throws KafkaError for one that no batch can hold
   */
  add<T>(
    { key, value, headers }: OutgoingRecord,
    timestamp: number,
    size: number,
    report: Report<T>,
  ): Promise<T> | undefined {
    if (!this.#builder.append(key, value, timestamp, headers)) return undefined;
    this.size += size;
    return new Promise((resolve, reject) => this.#waiters.push(new Waiter(resolve, reject, report, timestamp)));
  }

  /** Encodes what there is. @throws KafkaError for what no batch can hold */
  freeze(fields: BatchFields): Uint8Array {
    this.bytes = this.#builder.finish(fields);
    this.isFrozen = true;
    return this.bytes;
  }

  /** Undoes {@link freeze}, for a batch that was not written and gets another identity. */
  thaw(): void {
    this.bytes = undefined;
    this.baseSequence = undefined;
    this.isFrozen = false;
  }

  /**
   * `baseOffset` is -1 where it is not known, `logAppendTimeMs` where the records keep their own time. Does nothing
   * once the batch is settled.
   */
  resolve(place: BatchPlace, baseOffset: number, logAppendTimeMs: number): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    let offset = baseOffset;
    for (const waiter of this.#waiters) waiter.written(place, baseOffset < 0 ? -1 : offset++, logAppendTimeMs);
    this.#settle();
  }

  /**
   * `errorOf` makes the error of the record at an index; without the index it is the same for all. Does nothing once
   * the batch is settled.
   */
  reject(errorOf: (recordIndex: number) => Error): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#waiters.forEach((waiter, index) => waiter.fail(errorOf(index)));
    this.#settle();
  }

  /**
   * Two batches with the first and the second half of the records, for a batch of two or more that was too large for
   * the broker. Their sequences are those that the records had, so that what follows still fits.
   */
  split(sequenceAfter: (baseSequence: number, count: number) => number): [ProducerBatch, ProducerBatch] {
    const half = this.recordCount >>> 1;
    const first = new ProducerBatch(this.deadline, this.#release);
    const second = new ProducerBatch(this.deadline, this.#release);
    let index = 0;
    nextBatch(this.#builder.finish({}), 0, { checkCrc: false })?.visit((record) => {
      const waiter = this.#waiters[index];
      if (waiter !== undefined) (index < half ? first : second).#take(record, waiter);
      index++;
    });
    // From now on the halves count, and what joins them.
    this.size = 0;
    for (const part of [first, second]) {
      part.isFrozen = true;
      part.attempts = this.attempts;
    }
    if (this.baseSequence !== undefined) {
      first.baseSequence = this.baseSequence;
      second.baseSequence = sequenceAfter(this.baseSequence, half);
    }
    void Promise.all([first.settled, second.settled]).then(this.#settle);
    return [first, second];
  }

  #take(record: RecordPosition, waiter: Waiting): void {
    const [key, value, headers] = [record.key(), record.value(), record.headers()];
    this.#builder.append(key, value, record.timestamp(), headers);
    this.size += estimatedSize({ key, value, headers });
    this.#waiters.push(waiter);
  }
}
