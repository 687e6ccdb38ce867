import type { CompressionName } from "@ktables/record-batch";
import type { AbortSignalLike } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { KafkaClient } from "./client.ts";
import type { Connection } from "./connection.ts";
import { publishFailure, publishRetry } from "./diagnostics.ts";
import { BrokerError, type BrokerErrorContext, ConnectionError, isRetriable, TimeoutError, toError } from "./errors.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import { deliveryTimeout, produceError, recordFailures, troubleOf } from "./produce-errors.ts";
import {
  answerFor,
  checkCompression,
  highestProduceVersion,
  type ProduceEntry,
  produceRequest,
  remembersBatches,
  type TopicIds,
  unconfirmedAnswer,
} from "./produce-request.ts";
import type { ProducerBatch } from "./producer-batch.ts";
import { type ProduceResponse, type ProduceResponsePartition, produceApi } from "./protocol/generated/produce.ts";
import type { TopicLookups } from "./topic-lookups.ts";

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
/** The batch is too large, but its records may not be. */
const oversizeCodes: ReadonlySet<number> = new Set([ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.RECORD_LIST_TOO_LARGE]);

/** What an exchange needs of its producer. */
export interface ProduceContext {
  readonly client: KafkaClient;
  readonly acks: "all" | 1 | 0;
  readonly compression: CompressionName;
  readonly deliveryTimeoutMs: number;
  readonly topics: TopicLookups;
  /** Aborted when the producer ends; its batches are given up by then. */
  readonly signal: AbortSignalLike;
  /** Whether batches are written under a producer id, and it is still the one. */
  readonly hasIdentity: () => boolean;
  /** From now on nothing is sent until everything in flight has come back and the broker has given a new identity. */
  readonly dropIdentity: () => void;
}

/** One request after the other: how it is sent, and what becomes of the batches in it. */
export class ProduceExchange {
  readonly #context: ProduceContext;
  readonly #client: KafkaClient;

  constructor(context: ProduceContext) {
    this.#context = context;
    this.#client = context.client;
  }

  /** Sends the batches to their leader. Resolves when all of them are back in their queues, or settled; never rejects. */
  async run(leader: number, entries: readonly ProduceEntry[]): Promise<void> {
    let connection: Connection;
    try {
      connection = await this.#client.brokerConnection(leader, "produce", this.#context.signal);
    } catch (error) {
      for (const { queue, batch } of entries) this.#onFailure(queue, batch, toError(error), false);
      return;
    }
    if (this.#context.signal.aborted) return;
    // Connecting takes its time: what was given up meanwhile was reported as not written, and must not be.
    for (const { queue, batch } of entries) {
      if (batch.isSettled)
        this.#onFailure(queue, batch, deliveryTimeout(this.#context.deliveryTimeoutMs, undefined), false);
    }
    const live = entries.filter(({ batch }) => !batch.isSettled);
    if (live.length > 0) await this.#exchange(connection, leader, live);
  }

  /** Sends one request and takes in its answer. */
  async #exchange(connection: Connection, leader: number, entries: readonly ProduceEntry[]): Promise<void> {
    const topicIds: TopicIds = new Map(
      entries.map(({ queue }) => [queue.topic, this.#client.knownTopic(queue.topic)?.topicId]),
    );
    const timeoutMs = Math.ceil(this.#client.config.requestTimeoutMs);
    const request = produceRequest(
      entries,
      topicIds,
      this.#context.acks === "all" ? -1 : this.#context.acks,
      timeoutMs,
    );
    const maxVersion = highestProduceVersion(topicIds);
    const answers: (ProduceResponsePartition | undefined)[] = [];
    for (const { batch } of entries) batch.attempts++;
    try {
      checkCompression(connection, this.#context.compression, maxVersion);
      if (this.#context.acks === 0) {
        const sent = connection.sendWithoutAnswer(produceApi, request, maxVersion);
        for (const { batch } of entries) batch.isOnWire = true;
        await sent;
        answers.push(...entries.map(({ queue }) => unconfirmedAnswer(queue.partition)));
      } else {
        const answer = connection.request(produceApi, request, { serverWaitMs: timeoutMs, maxVersion });
        for (const { batch } of entries) batch.isOnWire = true;
        const response = await answer;
        answers.push(...entries.map(({ queue }) => answerFor(response, queue, topicIds.get(queue.topic))));
        this.#noteLeaders(entries, answers, topicIds, response);
      }
    } catch (error) {
      const maybeSent = (error instanceof ConnectionError || error instanceof TimeoutError) && error.maybeSent;
      for (const { queue, batch } of entries) this.#onFailure(queue, batch, toError(error), maybeSent);
      return;
    }
    const provenLeader = remembersBatches(connection, maxVersion) ? leader : undefined;
    entries.forEach(({ queue, batch }, index) => {
      const answer = answers[index];
      if (answer?.errorCode === ErrorCode.NONE || answer?.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
        this.#onWritten(queue, batch, provenLeader, topicIds.get(queue.topic), answer);
      } else {
        this.#onRefused(queue, batch, leader, answer, connection.context(produceApi, maxVersion));
      }
    });
  }

  /** Whoever does not lead any more may name the new leader (KIP-951). */
  #noteLeaders(
    entries: readonly ProduceEntry[],
    answers: readonly (ProduceResponsePartition | undefined)[],
    topicIds: TopicIds,
    { nodeEndpoints = [] }: ProduceResponse,
  ): void {
    entries.forEach(({ queue: { topic, partition } }, index) => {
      const { errorCode, currentLeader } = answers[index] ?? {};
      if (errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER || currentLeader === undefined) return;
      const hint = { partitionIndex: partition, ...currentLeader };
      this.#client.noteLeaders(topic, topicIds.get(topic), [hint], nodeEndpoints);
    });
  }

  #onWritten(
    queue: PartitionQueue,
    batch: ProducerBatch,
    provenLeader: number | undefined,
    topicId: string | undefined,
    { baseOffset, logAppendTimeMs }: ProduceResponsePartition,
  ): void {
    if (this.#context.signal.aborted) return;
    batch.isOnWire = false;
    if (queue.isDecisive(batch)) {
      queue.acknowledge(provenLeader);
    } else {
      // Written, although one before it is undecided, for instance because that one's answer was ambiguous.
      queue.comeBack(batch);
      queue.remove(batch);
    }
    batch.resolve({ topic: queue.topic, topicId, partition: queue.partition }, baseOffset, logAppendTimeMs);
  }

  /** The broker answered with an error, or left the partition out of its answer. */
  #onRefused(
    queue: PartitionQueue,
    batch: ProducerBatch,
    leader: number,
    answer: ProduceResponsePartition | undefined,
    context: BrokerErrorContext,
  ): void {
    const errorCode = answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    const brokerMessage = answer === undefined ? "the answer does not mention the partition" : answer.errorMessage;
    const { topic, partition } = queue;
    const error = new BrokerError(errorCode, { ...context, topic, partition, brokerMessage });
    const known = this.#client.knownTopic(topic)?.partitions[partition]?.leader ?? -1;
    const hasMoved = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER && known >= 0 && known !== leader;
    this.#onFailure(queue, batch, error, ambiguousCodes.has(errorCode), answer, hasMoved);
  }

  /**
   * An attempt did not succeed. `isAmbiguous`: the batch may be written all the same. `hasMoved`: another leader is
   * known already.
   */
  #onFailure(
    queue: PartitionQueue,
    batch: ProducerBatch,
    error: Error,
    isAmbiguous: boolean,
    answer?: ProduceResponsePartition,
    hasMoved = false,
  ): void {
    if (this.#context.signal.aborted) return;
    const decisive = queue.isDecisive(batch);
    batch.isOnWire = false;
    batch.lastFailure = error;
    if (isRetriable(error) || isAmbiguous) publishRetry(troubleOf(this.#client, queue, batch, error));
    if (isAmbiguous) batch.maybeWritten = true;
    queue.comeBack(batch);
    if (!decisive) return;
    const errorCode = error instanceof BrokerError ? error.errorCode : undefined;
    if (this.#context.hasIdentity() && errorCode !== undefined && identityCodes.has(errorCode)) {
      this.#client.config.logger.warn(`${error.message}; continuing under a new producer id`);
      queue.pause(this.#client.config);
      this.#context.dropIdentity();
    } else if (hasMoved && queue.failures === 0) {
      // Once at once; leaders that keep sending us away are asked less and less often.
      queue.failures++;
    } else if (isRetriable(error) || isAmbiguous) {
      queue.pause(this.#client.config);
      if (!(error instanceof BrokerError) || error.refreshMetadata) this.#context.topics.refresh(queue.topic);
    } else if (errorCode !== undefined && oversizeCodes.has(errorCode) && isDivisible(batch)) {
      queue.split(batch);
    } else {
      this.#refuse(queue, batch, error, answer);
    }
  }

  /** This attempt has written nothing, and another one would not either. */
  #refuse(
    queue: PartitionQueue,
    batch: ProducerBatch,
    error: Error,
    answer: ProduceResponsePartition | undefined,
  ): void {
    queue.remove(batch);
    publishFailure("records", troubleOf(this.#client, queue, batch, error));
    const failureOf = recordFailures(error, answer);
    const { topic, partition } = queue;
    batch.reject((index) => produceError(topic, partition, failureOf(index), batch.maybeWritten, batch.attempts));
    if (batch.baseSequence !== undefined) this.#context.dropIdentity();
  }
}

/** A batch that may have been written must not be sent again with other limits, where it would not be recognised. */
function isDivisible(batch: ProducerBatch): boolean {
  return batch.recordCount > 1 && !batch.maybeWritten;
}
