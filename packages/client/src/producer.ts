import type { CompressionName, RecordInput } from "@ktables/record-batch";
import { type AbortSignalLike, type CallOptions, CallScope, throwIfAborted, untilAborted } from "./abort.ts";
import { backoffMs } from "./backoff.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { KafkaClient } from "./client.ts";
import {
  BrokerError,
  ClosedError,
  ConnectionError,
  InvalidOptionError,
  isRetriable,
  ProduceError,
  TimeoutError,
  toError,
  UnsupportedApiError,
} from "./errors.ts";
import type { TopicMetadata } from "./metadata.ts";
import { check, checkOptions } from "./options.ts";
import { PartitionQueue, type ProducerIdentity } from "./partition-queue.ts";
import { partitionForKey } from "./partitioner.ts";
import type { ProducerBatch, RecordMetadata } from "./producer-batch.ts";
import { initProducerIdApi } from "./protocol/generated/init-producer-id.ts";
import { type ProduceRequest, type ProduceResponsePartition, produceApi } from "./protocol/generated/produce.ts";
import { zeroUuid } from "./protocol/uuid.ts";

export interface ProducerOptions {
  /**
   * Whether the broker recognises repeated batches, so that a retry never writes twice and never reorders. Default:
   * true with `acks: "all"` where the broker can (0.11 and later), false otherwise. An explicit true fails where the
   * broker cannot.
   */
  readonly idempotent?: boolean | undefined;
  /** Who must have a record before it counts as written. Default `"all"` in-sync replicas. */
  readonly acks?: "all" | 1 | 0 | undefined;
  /** Default `none`. */
  readonly compression?: CompressionName | undefined;
  /** How long a record may wait for company, in milliseconds. Default 0: only for others of the same tick. */
  readonly lingerMs?: number | undefined;
  /** Size at which a batch is full, before compression; at most the topic's `max.message.bytes`. Default 1 000 000. */
  readonly maxBatchBytes?: number | undefined;
  /** How long a record may take from `send` to its acknowledgement, retries included. Default 120 000. */
  readonly deliveryTimeoutMs?: number | undefined;
}

export interface ProducerRecord {
  readonly topic: string;
  /** Null only for topics that are not compacted. */
  readonly key: Uint8Array | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  /** Default: chosen by the key as Java's default partitioner does. */
  readonly partition?: number | undefined;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[] | undefined;
  /** Milliseconds since 1970. Default: now. */
  readonly timestamp?: number | undefined;
}

const producerChecks = {
  idempotent: check.boolean,
  acks: check.oneOf("all", 1, 0),
  compression: check.oneOf("none", "gzip", "snappy", "lz4", "zstd"),
  lingerMs: check.integer(0, 2_147_483_647),
  maxBatchBytes: check.integer(1, 0x7fff_ffff),
  deliveryTimeoutMs: check.durationMs,
};

const lastVersionWithNames = 12;
/** The broker gave up waiting for replicas, or stopped doing so after it had written: the record may be in the log. */
const ambiguousCodes: ReadonlySet<number> = new Set([
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.UNKNOWN_SERVER_ERROR,
]);
/** The broker and this producer disagree about the sequence, so a new identity is needed. */
const identityCodes: ReadonlySet<number> = new Set([
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
]);

/**
 * Writes records. Records of one partition are written in the order in which they were sent; a record is reported
 * exactly once as written, not written, or maybe written.
 */
export class Producer {
  readonly #client: KafkaClient;
  readonly #acks: "all" | 1 | 0;
  readonly #compression: CompressionName;
  readonly #lingerMs: number;
  readonly #maxBatchBytes: number;
  readonly #deliveryTimeoutMs: number;
  readonly #idempotenceRequired: boolean;
  readonly #queues = new Map<string, PartitionQueue>();
  readonly #resolving = new Map<string, Promise<TopicMetadata>>();
  readonly #resolvedAt = new Map<string, number>();
  readonly #closing = new AbortController();
  #idempotent: boolean;
  #identity: ProducerIdentity | undefined;
  #identifying = false;
  #drainScheduled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #accepting = true;

  /** Checks the options; the network is touched by the first record. @throws InvalidOptionError */
  constructor(client: KafkaClient, options: ProducerOptions = {}) {
    checkOptions("Producer", options, producerChecks);
    this.#client = client;
    this.#acks = options.acks ?? "all";
    if (options.idempotent === true && this.#acks !== "all") {
      throw new InvalidOptionError("idempotent", 'Producer: option "idempotent" needs acks "all"');
    }
    this.#idempotent = options.idempotent ?? this.#acks === "all";
    this.#idempotenceRequired = options.idempotent === true;
    this.#compression = options.compression ?? "none";
    this.#lingerMs = options.lingerMs ?? 0;
    this.#maxBatchBytes = options.maxBatchBytes ?? 1_000_000;
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs ?? 120_000;
    client.closing.addEventListener("abort", this.#onClientClosed);
  }

  /**
   * Resolves when the record is acknowledged. Rejects with {@link ProduceError}, whose `maybeWritten` says whether the
   * record may be in the log all the same. The signal ends the wait only: the record may still be written.
   */
  async send(
    record: ProducerRecord,
    options: { readonly signal?: AbortSignalLike | undefined } = {},
  ): Promise<RecordMetadata> {
    throwIfAborted(options.signal);
    this.#assertAccepting();
    const deadline = performance.now() + this.#deliveryTimeoutMs;
    const topic = this.#usableTopic(record.topic) ?? (await this.#resolveTopic(record.topic, options.signal));
    this.#assertAccepting();
    return untilAborted(this.#enqueue(record, topic, deadline), options.signal);
  }

  /** Resolves when every record sent before is written or given up. */
  async flush(options: CallOptions = {}): Promise<void> {
    this.#drain();
    const batches = [...this.#queues.values()].flatMap((queue) => [...queue.batches]);
    const scope = new CallScope([options.signal], options.timeoutMs, () => new ClosedError("The producer's flush"));
    try {
      await untilAborted(Promise.all(batches.map(({ settled }) => settled)), scope.signal);
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

  readonly #onClientClosed = (): void => this.#abandon(new ClosedError("The Kafka client"));

  #assertAccepting(): void {
    if (!this.#accepting || this.#client.isClosed) throw new ClosedError("The producer");
  }

  /** Ends everything; what is left is rejected. */
  #abandon(cause: Error): void {
    this.#accepting = false;
    clearTimeout(this.#timer);
    this.#client.closing.removeEventListener("abort", this.#onClientClosed);
    this.#closing.abort(cause);
    for (const queue of this.#queues.values()) {
      queue.batches.forEach((batch, index) => {
        this.#giveUp(queue, batch, cause, batch.maybeWritten || index < queue.inFlight);
      });
    }
    this.#queues.clear();
  }

  #usableTopic(name: string): TopicMetadata | undefined {
    // A record must not overtake those that still wait for the topic to be looked up.
    if (this.#resolving.has(name)) return undefined;
    const topic = this.#client.knownTopic(name);
    const age = performance.now() - (this.#resolvedAt.get(name) ?? Number.NEGATIVE_INFINITY);
    if (topic === undefined || age > this.#client.config.metadataMaxAgeMs) return undefined;
    return topic;
  }

  async #resolveTopic(name: string, signal: AbortSignalLike | undefined): Promise<TopicMetadata> {
    let resolving = this.#resolving.get(name);
    if (resolving === undefined) {
      const timeoutMs = Math.min(this.#client.config.requestTimeoutMs, this.#deliveryTimeoutMs);
      resolving = this.#client
        .topicMetadata(name, { signal: this.#closing.signal, timeoutMs })
        .then((topic) => {
          this.#resolvedAt.set(name, performance.now());
          return topic;
        })
        .finally(() => this.#resolving.delete(name));
      this.#resolving.set(name, resolving);
    }
    try {
      return await untilAborted(resolving, signal);
    } catch (cause) {
      throwIfAborted(signal);
      throw this.#produceError(name, undefined, toError(cause), false);
    }
  }

  #enqueue(record: ProducerRecord, topic: TopicMetadata, deadline: number): Promise<RecordMetadata> {
    const partition = choosePartition(record, topic);
    const input: RecordInput = {
      key: record.key,
      value: record.value,
      timestamp: record.timestamp ?? Date.now(),
      ...(record.headers === undefined ? {} : { headers: record.headers }),
    };
    const id = `${partition} ${record.topic}`;
    let queue = this.#queues.get(id);
    if (queue === undefined) {
      queue = new PartitionQueue(record.topic, partition);
      this.#queues.set(id, queue);
    }
    const written = queue.append(input, this.#maxBatchBytes, deadline);
    this.#scheduleDrain();
    return written;
  }

  #scheduleDrain(): void {
    if (this.#drainScheduled) return;
    this.#drainScheduled = true;
    const drain = (): void => {
      this.#drainScheduled = false;
      this.#drain();
    };
    if (this.#lingerMs > 0) setTimeout(drain, this.#lingerMs);
    else queueMicrotask(drain);
  }

  /** Sends whatever may be sent, gives up what is overdue, and arranges to be called again when time alone helps. */
  #drain(): void {
    if (this.#closing.signal.aborted) return;
    this.#expire();
    if (this.#idempotent && this.#identity === undefined) {
      this.#identify();
      return;
    }
    const now = performance.now();
    for (let found = true; found; ) {
      const requests = new Map<number, { queue: PartitionQueue; batch: ProducerBatch }[]>();
      for (const queue of this.#queues.values()) {
        if (queue.isEmpty) continue;
        const leader = this.#client.knownTopic(queue.topic)?.partitions[queue.partition]?.leader ?? -1;
        if (leader < 0) {
          if (now >= queue.retryAt) this.#refreshMetadata(queue);
          continue;
        }
        const batch = queue.take(leader, this.#identity, this.#compression, now);
        if (batch === undefined) continue;
        const entries = requests.get(leader);
        if (entries === undefined) requests.set(leader, [{ queue, batch }]);
        else entries.push({ queue, batch });
      }
      found = requests.size > 0;
      for (const [leader, entries] of requests) void this.#produce(leader, entries);
    }
    this.#armTimer();
  }

  /** One timer for the next pause or deadline to end. */
  #armTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues.values()) {
      const head = queue.batches[0];
      if (head === undefined) continue;
      next = Math.min(next, head.deadline);
      // Even one that has just passed: it may have passed between the look at the queue and this line.
      if (queue.inFlight === 0) next = Math.min(next, queue.retryAt);
    }
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#drain(), Math.max(1, next - now));
  }

  /** Gives up records whose time is over. */
  #expire(): void {
    const now = performance.now();
    for (const queue of this.#queues.values()) {
      for (let head = queue.batches[0]; head !== undefined && head.deadline <= now; head = queue.batches[0]) {
        if (queue.waitingHead === undefined) {
          // Its fate is decided by the answer; ending the connection brings that about.
          const leader = this.#client.knownTopic(queue.topic)?.partitions[queue.partition]?.leader ?? -1;
          this.#client.dropConnection(leader, "produce");
          break;
        }
        const wasSent = head.bytes !== undefined;
        queue.remove(head);
        this.#giveUp(queue, head, timedOut(this.#deliveryTimeoutMs), head.maybeWritten);
        if (wasSent) this.#dropIdentity();
      }
    }
  }

  async #produce(leader: number, entries: readonly { queue: PartitionQueue; batch: ProducerBatch }[]): Promise<void> {
    const topicIds = new Map(
      entries.map(({ queue }) => [queue.topic, this.#client.knownTopic(queue.topic)?.topicId] as const),
    );
    try {
      const connection = await this.#client.brokerConnection(leader, "produce", this.#closing.signal);
      const timeoutMs = this.#client.config.requestTimeoutMs;
      const request: ProduceRequest = {
        transactionalId: null,
        acks: this.#acks === "all" ? -1 : this.#acks,
        timeoutMs,
        topicData: [...topicIds].map(([name, topicId]) => ({
          name,
          topicId: topicId ?? zeroUuid,
          partitionData: entries
            .filter(({ queue }) => queue.topic === name)
            .map(({ queue, batch }) => ({ index: queue.partition, records: batch.bytes ?? null })),
        })),
      };
      if (this.#acks === 0) {
        connection.sendWithoutAnswer(produceApi, request);
        for (const entry of entries) this.#onWritten(entry.queue, entry.batch, leader, -1, -1);
        return;
      }
      const everyTopicHasId = [...topicIds.values()].every((topicId) => topicId !== undefined);
      const response = await connection.request(produceApi, request, {
        serverWaitMs: timeoutMs,
        maxVersion: everyTopicHasId ? undefined : lastVersionWithNames,
      });
      for (const { queue, batch } of entries) {
        const topic = response.responses.find(
          ({ name, topicId }) =>
            name === queue.topic || (topicId !== zeroUuid && topicId === topicIds.get(queue.topic)),
        );
        this.#onAnswer(
          queue,
          batch,
          leader,
          topic?.partitionResponses.find(({ index }) => index === queue.partition),
        );
      }
    } catch (error) {
      for (const { queue, batch } of entries) this.#onNoAnswer(queue, batch, error);
    } finally {
      this.#drain();
    }
  }

  #onAnswer(
    queue: PartitionQueue,
    batch: ProducerBatch,
    leader: number,
    answer: ProduceResponsePartition | undefined,
  ): void {
    if (answer === undefined) {
      const broker = String(leader);
      const message = "The answer leaves the partition out";
      this.#onNoAnswer(queue, batch, new ConnectionError("PROTOCOL_VIOLATION", broker, message, { maybeSent: true }));
      return;
    }
    const { errorCode } = answer;
    if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
      this.#onWritten(queue, batch, leader, answer.baseOffset, answer.logAppendTimeMs);
      return;
    }
    const decisive = queue.isDecisive(batch);
    if (ambiguousCodes.has(errorCode)) batch.maybeWritten = true;
    queue.comeBack();
    if (!decisive) return;
    const error = new BrokerError(errorCode, { ...this.#context(queue), brokerMessage: answer.errorMessage });
    if (this.#identity !== undefined && identityCodes.has(errorCode)) {
      this.#client.config.logger.warn(`${error.message}; continuing under a new producer id`);
      this.#dropIdentity();
    } else if (error.retriable || batch.maybeWritten) {
      this.#pause(queue);
      if (error.refreshMetadata) this.#refreshMetadata(queue);
    } else {
      this.#refuse(queue, batch, error, answer);
    }
  }

  /** The batch is definitely not written, and trying again would not help. */
  #refuse(queue: PartitionQueue, batch: ProducerBatch, error: BrokerError, answer: ProduceResponsePartition): void {
    queue.remove(batch);
    const reasons = new Map(answer.recordErrors.map((entry) => [entry.batchIndex, entry.batchIndexErrorMessage]));
    batch.reject((index) => {
      // With record errors (KIP-467) the others of the batch are innocent, though they were not written either.
      const reason = reasons.get(index);
      const cause =
        reason === undefined || reason === null
          ? error
          : new BrokerError(error.errorCode, { ...this.#context(queue), brokerMessage: reason });
      return this.#produceError(queue.topic, queue.partition, cause, false);
    });
    this.#dropIdentity();
  }

  #onWritten(queue: PartitionQueue, batch: ProducerBatch, leader: number, baseOffset: number, timestamp: number): void {
    if (!queue.isDecisive(batch)) {
      queue.comeBack();
      return;
    }
    queue.acknowledge(leader);
    const { topic, partition } = queue;
    batch.resolve({ topic, topicId: this.#client.knownTopic(topic)?.topicId, partition }, baseOffset, timestamp);
  }

  /** The connection failed, the time was up, or the answer left the partition out. */
  #onNoAnswer(queue: PartitionQueue, batch: ProducerBatch, error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const decisive = queue.isDecisive(batch);
    if (error instanceof Error && "maybeSent" in error && error.maybeSent === true) batch.maybeWritten = true;
    queue.comeBack();
    if (!decisive) return;
    if (isRetriable(error) || batch.maybeWritten) {
      this.#pause(queue);
      this.#refreshMetadata(queue);
      return;
    }
    queue.remove(batch);
    this.#giveUp(queue, batch, toError(error), false);
    this.#dropIdentity();
  }

  #pause(queue: PartitionQueue): void {
    const { retryBackoffMs, maxRetryBackoffMs } = this.#client.config;
    queue.retryAt = performance.now() + backoffMs(queue.failures++, retryBackoffMs, maxRetryBackoffMs);
  }

  /** Asks for fresh metadata in the background and drains again when it has come. */
  #refreshMetadata(queue: PartitionQueue): void {
    if (queue.retryAt <= performance.now()) this.#pause(queue);
    this.#client.refreshTopic(queue.topic, this.#closing.signal).then(
      () => this.#drain(),
      (error) => this.#client.config.logger.debug(`Metadata of "${queue.topic}": ${toError(error).message}`),
    );
  }

  /** From now on nothing is sent until everything in flight has come back and the broker has given a new identity. */
  #dropIdentity(): void {
    this.#identity = undefined;
  }

  #identify(): void {
    const queues = [...this.#queues.values()];
    const isNeeded = queues.some((queue) => !queue.isEmpty);
    if (this.#identifying || !isNeeded || queues.some(({ inFlight }) => inFlight > 0)) return;
    this.#identifying = true;
    for (const queue of queues) {
      for (const batch of queue.startOver()) {
        this.#giveUp(queue, batch, new ClosedError("The producer id under which it was sent"), true);
      }
    }
    this.#fetchIdentity()
      .then(
        (identity) => {
          this.#identity = identity;
        },
        (error) => this.#onIdentityRefused(toError(error)),
      )
      .finally(() => {
        this.#identifying = false;
        this.#drain();
      });
  }

  async #fetchIdentity(): Promise<ProducerIdentity> {
    const call = { signal: this.#closing.signal, timeoutMs: this.#deliveryTimeoutMs };
    return this.#client.retrying("InitProducerId", call, async ({ signal }) => {
      const connection = await this.#client.anyConnection(signal);
      const response = await connection.request(
        initProducerIdApi,
        { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 },
        { signal },
      );
      if (response.errorCode !== ErrorCode.NONE) {
        throw new BrokerError(response.errorCode, { api: "InitProducerId", broker: connection.broker });
      }
      return { producerId: response.producerId, producerEpoch: response.producerEpoch };
    });
  }

  #onIdentityRefused(error: Error): void {
    if (this.#closing.signal.aborted) return;
    if (error instanceof UnsupportedApiError && !this.#idempotenceRequired) {
      this.#client.config.logger.info(`${error.message} Writing without idempotence.`);
      this.#idempotent = false;
      return;
    }
    for (const queue of this.#queues.values()) {
      for (const batch of queue.takeAll()) this.#giveUp(queue, batch, error, batch.maybeWritten);
    }
  }

  #giveUp(queue: PartitionQueue, batch: ProducerBatch, cause: Error, maybeWritten: boolean): void {
    batch.reject(() => this.#produceError(queue.topic, queue.partition, cause, maybeWritten));
  }

  #produceError(topic: string, partition: number | undefined, cause: Error, maybeWritten: boolean): ProduceError {
    const code = "code" in cause && typeof cause.code === "string" ? cause.code : "PRODUCE_FAILED";
    const place = partition === undefined ? `"${topic}"` : `"${topic}" partition ${partition}`;
    const fate = maybeWritten ? "may or may not have been written" : "was not written";
    return new ProduceError(`A record for topic ${place} ${fate}: ${cause.message}`, {
      code,
      retriable: isRetriable(cause),
      cause,
      topic,
      partition,
      maybeWritten,
    });
  }

  #context(queue: PartitionQueue): { api: string; topic: string; partition: number } {
    return { api: "Produce", topic: queue.topic, partition: queue.partition };
  }
}

function choosePartition(record: ProducerRecord, topic: TopicMetadata): number {
  const count = topic.partitions.length;
  const { partition, key } = record;
  if (partition !== undefined) {
    const wrong = check.integer(0, count - 1)(partition);
    if (wrong !== undefined) {
      throw new InvalidOptionError(
        "partition",
        `Topic "${topic.name}" has ${count} partitions: partition must be ${wrong}`,
      );
    }
    return partition;
  }
  return key === null ? Math.floor(Math.random() * count) : partitionForKey(key, count);
}

function timedOut(deliveryTimeoutMs: number): TimeoutError {
  return new TimeoutError(`not acknowledged within ${deliveryTimeoutMs} ms`, deliveryTimeoutMs);
}
