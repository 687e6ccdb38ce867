import { type CompressionName, KafkaError } from "@ktables/record-batch";
import {
  type AbortSignalLike,
  AbortSource,
  type CallOptions,
  CallScope,
  onAbort,
  throwIfAborted,
  untilAborted,
} from "./abort.ts";
import type { KafkaClient } from "./client.ts";
import { ClosedError, InvalidOptionError, isRetriable, TimeoutError, toError, UnsupportedApiError } from "./errors.ts";
import type { TopicMetadata } from "./metadata.ts";
import { checkOptions } from "./options.ts";
import { PartitionQueue, type ProducerIdentity, type QueueContext } from "./partition-queue.ts";
import { choosePartition } from "./partitioner.ts";
import { startTimer } from "./process-hold.ts";
import { deliveryTimeout, giveUp } from "./produce-errors.ts";
import { ProduceExchange } from "./produce-exchange.ts";
import type { ProduceEntry } from "./produce-request.ts";
import {
  type OutgoingRecord,
  type ProducerBatch,
  type RecordMetadata,
  type Report,
  recordMetadata,
} from "./producer-batch.ts";
import { requestIdentity } from "./producer-identity.ts";
import { checkRecord, type ProducerOptions, type ProducerRecord, producerChecks } from "./producer-options.ts";
import { RecordClock } from "./record-clock.ts";
import { RecordIntake } from "./record-intake.ts";
import { TopicLookups } from "./topic-lookups.ts";

/** Far below what a broker takes in one request (`socket.request.max.bytes`, 100 MiB unless configured). */
const fullRequestBytes = 16 * 1024 * 1024;

/**
 * While the first batch is with the broker the next ones are made: of two large ones in turn, either the broker or we would
 * have to wait. Five of these keep more bytes on their way than most networks hold; what comes on top is gathered.
 */
const promptBatchBytes = 256 * 1024;

/**
 * Writes records. Records of one partition are written in the order in which they were sent; a record is reported
 * exactly once as written, not written, or maybe written.
 */
export class Producer {
  readonly #client: KafkaClient;
  readonly #compression: CompressionName;
  readonly #lingerMs: number;
  readonly #deliveryTimeoutMs: number;
  readonly #idempotenceRequired: boolean;
  readonly #queues = new Set<PartitionQueue>();
  /** The same, to be found: by topic and then by number. */
  readonly #queuesOfTopics = new Map<string, PartitionQueue[]>();
  readonly #queueContext: QueueContext;
  readonly #closing = new AbortSource();
  readonly #clock = new RecordClock();
  readonly #leaveClient: () => void;
  readonly #topics: TopicLookups;
  readonly #intake: RecordIntake;
  readonly #exchange: ProduceExchange;
  #idempotent: boolean;
  #identity: ProducerIdentity | undefined;
  #identifying = false;
  #drainQueued = false;
  #stopLingering: (() => void) | undefined;
  #stopTimer: (() => void) | undefined;
  #accepting = true;

  /** Checks the options; the network is touched by the first record. @throws InvalidOptionError */
  constructor(client: KafkaClient, options: ProducerOptions = {}) {
    checkOptions("Producer", options, producerChecks);
    this.#client = client;
    const acks = options.acks ?? "all";
    if (options.idempotent === true && acks !== "all") {
      throw new InvalidOptionError("idempotent", 'Producer: option "idempotent" needs acks "all"');
    }
    this.#idempotent = options.idempotent ?? acks === "all";
    this.#idempotenceRequired = options.idempotent === true;
    this.#compression = options.compression ?? "none";
    this.#lingerMs = options.lingerMs ?? 0;
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs ?? 120_000;
    const maxBatchBytes = options.maxBatchBytes ?? 1_000_000;
    this.#queueContext = {
      maxBatchBytes,
      promptBatchBytes: this.#lingerMs > 0 ? maxBatchBytes : Math.min(maxBatchBytes, promptBatchBytes),
      deliveryTimeoutMs: this.#deliveryTimeoutMs,
      release: (size) => this.#intake.release(size),
    };
    const lookupTimeoutMs = Math.min(client.config.requestTimeoutMs, this.#deliveryTimeoutMs);
    this.#topics = new TopicLookups(client, lookupTimeoutMs, this.#closing.signal);
    this.#intake = new RecordIntake(
      options.maxBufferedBytes ?? 32 * 1024 * 1024,
      this.#deliveryTimeoutMs,
      this.#topics,
      (record, size, topic, report, deadline) => this.#enqueue(record, size, topic, report, deadline),
    );
    this.#exchange = new ProduceExchange({
      client,
      acks,
      compression: this.#compression,
      deliveryTimeoutMs: this.#deliveryTimeoutMs,
      topics: this.#topics,
      signal: this.#closing.signal,
      hasIdentity: () => this.#identity !== undefined,
      dropIdentity: () => this.#dropIdentity(),
    });
    this.#leaveClient = onAbort(client.closing, () => this.#abandon(new ClosedError("The Kafka client")));
  }

  /**
   * Resolves when the record is acknowledged. Waits first while `maxBufferedBytes` are on their way, in the order of the
   * calls; what waits is held in memory too, so whoever has more to send than brokers take should await the promises.
   *
   * Rejects with {@link ProduceError}, whose `maybeWritten` says whether the record may be in the log all the same; with
   * {@link InvalidOptionError} for a record that cannot be written. The signal ends the wait: a record that still waited
   * for room or for its topic is not written then, any other may still be.
   */
  send(
    record: ProducerRecord,
    options: { readonly signal?: AbortSignalLike | undefined } = {},
  ): Promise<RecordMetadata> {
    try {
      this.#requireOpen(options.signal);
      checkRecord(record);
      return this.sendAs(record, recordMetadata, options.signal);
    } catch (error) {
      return Promise.reject(toError(error));
    }
  }

  /**
   * As {@link send}, for a record that needs no check: resolves with what `report` makes of where it is. Throws where nothing
   * was begun. @internal
   */
  sendAs<T>(record: OutgoingRecord, report: Report<T>, signal: AbortSignalLike | undefined): Promise<T> {
    // Not async: of a hundred thousand records a second, each further promise shows.
    this.#requireOpen(signal);
    const written = this.#intake.accept(record, report, signal);
    // Room comes from what is written, so it must not linger.
    if (this.#intake.isFull) this.#queueDrain();
    return signal === undefined ? written : untilAborted(written, signal);
  }

  #requireOpen(signal: AbortSignalLike | undefined): void {
    throwIfAborted(signal);
    if (!this.#accepting || this.#client.isClosed) throw new ClosedError("The producer");
  }

  /** Resolves when every record sent before is written or given up. Rejects with {@link TimeoutError}. */
  async flush(options: CallOptions = {}): Promise<void> {
    const { timeoutMs } = options;
    const scope = new CallScope([options.signal], timeoutMs, () => {
      return new TimeoutError(`Not all records were acknowledged within ${timeoutMs} ms`, timeoutMs ?? 0);
    });
    try {
      await untilAborted(this.#settleAll(), scope.signal);
    } finally {
      scope.end();
    }
  }

  /** Takes no more records, waits for those it has, and then gives up what is left. Idempotent. */
  async close(options: CallOptions = {}): Promise<void> {
    this.#accepting = false;
    try {
      await this.flush(options);
    } finally {
      this.#abandon(new ClosedError("The producer"));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #settleAll(): Promise<void> {
    await this.#intake.settled();
    this.#drain();
    await Promise.all([...this.#queues].flatMap(({ batches }) => batches.map(({ settled }) => settled)));
  }

  /** Ends everything; what is left is rejected. */
  #abandon(cause: Error): void {
    this.#accepting = false;
    this.#stopTimer?.();
    this.#stopLingering?.();
    this.#leaveClient();
    this.#closing.abort(cause);
    this.#intake.abandon(cause);
    for (const queue of this.#queues) {
      for (const batch of queue.batches) giveUp(this.#client, queue, batch, cause);
    }
    this.#queues.clear();
    this.#queuesOfTopics.clear();
  }

  #enqueue<T>(
    record: OutgoingRecord,
    size: number,
    topic: TopicMetadata,
    report: Report<T>,
    deadline: number | undefined,
  ): Promise<T> | undefined {
    const queue = this.#queueOf(record.topic, choosePartition(record, topic));
    const written = queue.append(record, record.timestamp ?? this.#clock.now(), size, report, deadline);
    // What is behind the first unsent batch shows that this one is full and need not wait for company.
    const isFull = queue.nextToSend !== queue.batches.at(-1);
    if (this.#lingerMs === 0 || isFull || this.#intake.isFull) this.#queueDrain();
    else this.#stopLingering ??= startTimer(() => this.#drain(), this.#lingerMs);
    return written;
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    let queues = this.#queuesOfTopics.get(topic);
    if (queues === undefined) {
      queues = [];
      this.#queuesOfTopics.set(topic, queues);
    }
    let queue = queues[partition];
    if (queue === undefined) {
      queue = new PartitionQueue(topic, partition, this.#queueContext);
      queues[partition] = queue;
      this.#queues.add(queue);
    }
    return queue;
  }

  #queueDrain(): void {
    if (this.#drainQueued) return;
    this.#drainQueued = true;
    queueMicrotask(() => {
      this.#drainQueued = false;
      this.#drain();
    });
  }

  /** Sends whatever may be sent, gives up what is overdue, and arranges to be called again when time alone helps. */
  #drain(): void {
    if (this.#closing.signal.aborted) return;
    this.#stopLingering?.();
    this.#stopLingering = undefined;
    // One time for all: a pause that ends in between would be taken for pausing by one and for over by the other.
    const now = performance.now();
    this.#expire(now);
    if (this.#idempotent && this.#identity === undefined) this.#identify();
    else this.#sendReady(now);
    this.#armTimer(now);
  }

  #sendReady(now: number): void {
    for (let found = true; found; ) {
      const requests = new Map<number, { entries: ProduceEntry[]; bytes: number }>();
      for (const queue of this.#queues) {
        const leader = this.#leaderOf(queue, now);
        if (leader === undefined) continue;
        const request = requests.get(leader) ?? { entries: [], bytes: 0 };
        if (request.bytes >= fullRequestBytes) continue;
        const batch = this.#take(queue, leader, now);
        if (batch === undefined) continue;
        request.entries.push({ queue, batch });
        request.bytes += batch.bytes?.length ?? 0;
        requests.set(leader, request);
      }
      found = requests.size > 0;
      for (const [leader, { entries }] of requests) void this.#produce(leader, entries);
    }
  }

  async #produce(leader: number, entries: readonly ProduceEntry[]): Promise<void> {
    await this.#exchange.run(leader, entries);
    this.#drain();
  }

  /** Whom to send the queue's next batch to; undefined when there is none to be sent, or nobody to send it to. */
  #leaderOf(queue: PartitionQueue, now: number): number | undefined {
    if (queue.nextToSend === undefined || queue.isPausing(now)) return undefined;
    this.#topics.keepFresh(queue.topic);
    const leader = this.#client.knownTopic(queue.topic)?.partitions[queue.partition]?.leader ?? -1;
    if (leader >= 0) return leader;
    queue.pause(this.#client.config);
    this.#topics.refresh(queue.topic);
    return undefined;
  }

  #take(queue: PartitionQueue, leader: number, now: number): ProducerBatch | undefined {
    const next = queue.nextToSend;
    try {
      return queue.take(leader, this.#identity, this.#compression, now);
    } catch (error) {
      // It cannot be encoded, for instance because its sizes are beyond what a batch may have.
      if (next !== undefined) {
        queue.remove(next);
        giveUp(this.#client, queue, next, toError(error));
        if (next.baseSequence !== undefined) this.#dropIdentity();
      }
      return undefined;
    }
  }

  /** One timer for the next pause or deadline to end. */
  #armTimer(now: number): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues) {
      const waiting = queue.batches.find(({ isSettled }) => !isSettled);
      if (waiting === undefined) continue;
      next = Math.min(next, waiting.deadline);
      if (queue.isPausing(now) && queue.inFlight === 0) next = Math.min(next, queue.retryAt);
    }
    if (next === Number.POSITIVE_INFINITY) return;
    this.#stopTimer = startTimer(() => this.#drain(), Math.max(1, next - now));
  }

  /**
   * Gives up records whose time is over. A batch in flight stays in its queue, since what follows it depends on its
   * answer, but its records are reported without waiting any longer.
   */
  #expire(now: number): void {
    for (const queue of this.#queues) {
      const overdue = queue.batches.filter(({ deadline }) => deadline <= now);
      for (const batch of overdue) {
        giveUp(this.#client, queue, batch, deliveryTimeout(this.#deliveryTimeoutMs, batch.lastFailure));
        if (batch.isInFlight) continue;
        queue.remove(batch);
        if (batch.baseSequence !== undefined) this.#dropIdentity();
      }
    }
  }

  /** From now on nothing is sent until everything in flight has come back and the broker has given a new identity. */
  #dropIdentity(): void {
    this.#identity = undefined;
  }

  #identify(): void {
    const queues = [...this.#queues];
    const isNeeded = queues.some((queue) => !queue.isEmpty);
    if (this.#identifying || !isNeeded || queues.some(({ inFlight }) => inFlight > 0)) return;
    this.#identifying = true;
    for (const queue of queues) {
      for (const batch of queue.startOver()) {
        giveUp(
          this.#client,
          queue,
          batch,
          batch.lastFailure ?? new KafkaError("its answer is missing", { code: "UNDECIDED" }),
        );
      }
    }
    requestIdentity(this.#client, this.#closing.signal)
      .then(
        (identity) => {
          this.#identity = identity;
        },
        (error) => this.#onNoIdentity(toError(error)),
      )
      .finally(() => {
        this.#identifying = false;
        this.#drain();
      });
  }

  #onNoIdentity(error: Error): void {
    if (this.#closing.signal.aborted) return;
    if (error instanceof UnsupportedApiError && !this.#idempotenceRequired) {
      this.#client.config.logger.info(`${error.message} Writing without idempotence.`);
      this.#idempotent = false;
      return;
    }
    for (const queue of this.#queues) {
      if (isRetriable(error)) {
        // It is asked for again as long as there is a record whose time is not over.
        for (const batch of queue.batches) batch.lastFailure = error;
      } else {
        for (const batch of queue.takeAll()) giveUp(this.#client, queue, batch, error);
      }
    }
  }
}
