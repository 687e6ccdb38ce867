import type { CompressionName } from "@ktables/record-batch";
import { backoffMs } from "./backoff.ts";
import { type OutgoingRecord, ProducerBatch, type Report } from "./producer-batch.ts";

/** Who writes, as the broker knows it: together with sequence numbers it lets the broker drop repeated batches. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** What a queue needs of its producer. */
export interface QueueContext {
  readonly maxBatchBytes: number;
  /** Size at which a batch takes no more records as long as it need not wait for an answer to be sent. */
  readonly promptBatchBytes: number;
  readonly deliveryTimeoutMs: number;
  /** Called with the size of records that have been reported on. */
  readonly release: (size: number) => void;
}

/** The broker remembers this many batches of a producer and partition (KIP-98), so no more may be undecided. */
const maximumInFlight = 5;
/** Sequence numbers are non-negative 32-bit integers; after the last comes 0. */
const sequenceModulus = 2 ** 31;

export function advanceSequence(sequence: number, count: number): number {
  return (sequence + count) % sequenceModulus;
}

/**
 * The batches of one partition, in the order in which they must be written. Answers come in the order of the requests,
 * so only the head can change the queue: once it fails, everything sent behind it is awaited and then sent again, in
 * order and with the same bytes.
 */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** No request before this time, as of `performance.now()`. */
  retryAt = 0;
  /** Failed attempts since the last success. */
  failures = 0;
  readonly #context: QueueContext;
  readonly #batches: ProducerBatch[] = [];
  /** How many batches from the head are in flight. */
  #inFlight = 0;
  /** The head has failed: nothing is sent until all that is in flight has come back. */
  #draining = false;
  #nextSequence = 0;
  /** The size of the last batch that was sent: the next one begins with as much memory. */
  #latestSize: number | undefined;
  /**
   * The leader that has acknowledged a batch since the last failure. A leader that knows nothing of the producer takes
   * any first sequence, so a second batch may follow only after that: else it could be taken in place of the first.
   */
  #provenLeader: number | undefined;

  constructor(topic: string, partition: number, context: QueueContext) {
    this.topic = topic;
    this.partition = partition;
    this.#context = context;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get batches(): readonly ProducerBatch[] {
    return this.#batches;
  }

  /** The first batch that is not in flight. Meaningless while the queue waits for everything in flight to come back. */
  get nextToSend(): ProducerBatch | undefined {
    return this.#batches[this.#inFlight];
  }

  /** Whether a request may be sent only once time has passed. */
  isPausing(now: number): boolean {
    return now < this.retryAt;
  }

  /** No request for a while, which grows with every failure in a row. */
  pause(config: { readonly retryBackoffMs: number; readonly maxRetryBackoffMs: number }): void {
    this.retryAt = performance.now() + backoffMs(this.failures++, config.retryBackoffMs, config.maxRetryBackoffMs);
  }

  /**
   * Adds a record of this estimated size. Its time runs from now on, unless it has a deadline from having waited.
   * Undefined when it is text beyond ASCII, and has to be encoded first.
   *
   * @throws KafkaError for one that no batch can hold
   */
  append<T>(
    record: OutgoingRecord,
    timestamp: number,
    size: number,
    report: Report<T>,
    deadline: number | undefined,
  ): Promise<T> | undefined {
    const { maxBatchBytes, promptBatchBytes, deliveryTimeoutMs, release } = this.#context;
    const limit = this.#batches.length > maximumInFlight ? maxBatchBytes : promptBatchBytes;
    const last = this.#batches.at(-1);
    if (last !== undefined && !last.isFrozen && last.size + size <= limit) {
      return last.add(record, timestamp, size, report);
    }
    const batch = new ProducerBatch(deadline ?? performance.now() + deliveryTimeoutMs, release, this.#latestSize);
    const written = batch.add(record, timestamp, size, report);
    if (written !== undefined) this.#batches.push(batch);
    return written;
  }

  /**
   * The next batch to be put into a request to `leader`, now frozen; undefined when none may be sent. Throws what
   * {@link ProducerBatch.freeze} throws; the batch, {@link nextToSend}, is then still unsent.
   */
  take(
    leader: number,
    identity: ProducerIdentity | undefined,
    compression: CompressionName,
    now: number,
  ): ProducerBatch | undefined {
    const limit = identity !== undefined && this.#provenLeader === leader ? maximumInFlight : 1;
    if (this.#draining || this.#inFlight >= limit || this.isPausing(now)) return undefined;
    const batch = this.nextToSend;
    if (batch === undefined) return undefined;
    if (batch.bytes === undefined) {
      const baseSequence = batch.baseSequence ?? this.#nextSequence;
      this.#latestSize = batch.sizeInBytes;
      batch.freeze({ compression, ...(identity === undefined ? {} : { ...identity, baseSequence }) });
      if (identity !== undefined && batch.baseSequence === undefined) {
        batch.baseSequence = baseSequence;
        this.#nextSequence = advanceSequence(baseSequence, batch.recordCount);
      }
    }
    batch.isInFlight = true;
    this.#inFlight++;
    return batch;
  }

  /** Whether an answer about this batch decides anything: it must be the head, and the head must not have failed. */
  isDecisive(batch: ProducerBatch): boolean {
    return !this.#draining && this.#batches[0] === batch;
  }

  /** The head was written, by a leader that may be sent several batches at once from now on; undefined where it may not. */
  acknowledge(leader: number | undefined): void {
    this.#batches.shift();
    this.#inFlight--;
    this.#provenLeader = leader;
    this.failures = 0;
  }

  /** A batch came back without success; the head stays and is sent again once nothing is in flight. */
  comeBack(batch: ProducerBatch): void {
    batch.isInFlight = false;
    this.#inFlight--;
    this.#draining = this.#inFlight > 0;
    this.#provenLeader = undefined;
  }

  /** Takes the batch out for good; the caller settles it. */
  remove(batch: ProducerBatch): void {
    const index = this.#batches.indexOf(batch);
    if (index >= 0) this.#batches.splice(index, 1);
  }

  /** Puts two halves in the place of a batch that was too large. */
  split(batch: ProducerBatch): void {
    const index = this.#batches.indexOf(batch);
    if (index >= 0) this.#batches.splice(index, 1, ...batch.split(advanceSequence));
  }

  /** Takes every batch out; nothing may be in flight. The caller settles them. */
  takeAll(): ProducerBatch[] {
    return this.#batches.splice(0);
  }

  /**
   * Starts over under a new identity. Nothing may be in flight. Batches that may have been written under the old one
   * are taken out and returned: sent again, they could be written twice.
   */
  startOver(): ProducerBatch[] {
    this.#nextSequence = 0;
    this.#provenLeader = undefined;
    const undecided = this.#batches.filter(({ maybeWritten }) => maybeWritten);
    for (const batch of undecided) this.remove(batch);
    for (const batch of this.#batches) batch.thaw();
    return undecided;
  }
}
