import type { RecordInput } from "@ktables/record-batch";

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

export function estimatedSize(record: RecordInput): number {
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
  /** The encoded batch: fixed when it is first sent, so that every retry sends the same bytes under the same sequence. */
  bytes: Uint8Array | undefined;
  size = 0;
  /** Whether an attempt ended without a definite answer. Never unset: a later refusal does not undo a first write. */
  maybeWritten = false;
  readonly #waiters: Waiter[] = [];
  #settle: () => void = () => undefined;

  constructor(deadline: number) {
    this.deadline = deadline;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  add(record: RecordInput): Promise<RecordMetadata> {
    this.records.push(record);
    this.size += estimatedSize(record);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** `baseOffset` is -1 where it is not known, `logAppendTimeMs` where the records keep their own time. */
  resolve(
    place: { readonly topic: string; readonly topicId: string | undefined; readonly partition: number },
    baseOffset: number,
    logAppendTimeMs: number,
  ): void {
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

  /** `errorOf` makes the error of the record at an index; without the index it is the same for all. */
  reject(errorOf: (recordIndex: number) => Error): void {
    this.#waiters.forEach((waiter, index) => waiter.reject(errorOf(index)));
    this.#settle();
  }
}
