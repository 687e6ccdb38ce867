import { ErrorCode } from "./broker-errors.ts";
import type { KafkaClient } from "./client.ts";
import { publishFailure, type Trouble } from "./diagnostics.ts";
import { BrokerError, isRetriable, ProduceError, TimeoutError } from "./errors.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import type { ProducerBatch } from "./producer-batch.ts";
import type { ProduceResponsePartition } from "./protocol/generated/produce.ts";

export function produceError(
  topic: string,
  partition: number | undefined,
  cause: Error,
  maybeWritten: boolean,
  attempt = 0,
): ProduceError {
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
    attempt,
  });
}

export function deliveryTimeout(deliveryTimeoutMs: number, lastFailure: Error | undefined): TimeoutError {
  const reason = lastFailure === undefined ? "" : `; the last attempt failed: ${lastFailure.message}`;
  const message = `not acknowledged within ${deliveryTimeoutMs} ms${reason}`;
  return new TimeoutError(message, deliveryTimeoutMs, { cause: lastFailure });
}

/** What the broker would say to a record without a key, and to all records of its batch. */
export function keylessRefusal(topic: string): Error {
  const brokerMessage = "the topic is compacted, and a record without a key could never be";
  const refusal = new BrokerError(ErrorCode.INVALID_RECORD, { api: "Produce", topic, brokerMessage });
  return produceError(topic, undefined, refusal, false);
}

/**
 * Why each record of a refused batch was not written. With record errors (KIP-467) the broker says which records are
 * to blame; the others are innocent, though they were not written either.
 */
export function recordFailures(
  error: Error,
  answer: ProduceResponsePartition | undefined,
): (recordIndex: number) => Error {
  if (!(error instanceof BrokerError) || answer === undefined) return () => error;
  const reasons = new Map(answer.recordErrors.map((entry) => [entry.batchIndex, entry.batchIndexErrorMessage]));
  const { errorCode, api, version, broker, topic, partition } = error;
  return (recordIndex) => {
    const brokerMessage = reasons.get(recordIndex);
    return brokerMessage
      ? new BrokerError(errorCode, { api, version, broker, topic, partition, brokerMessage })
      : error;
  };
}

/** Reports the records as not written, or as maybe written where that is not certain. */
export function giveUp(client: KafkaClient, queue: PartitionQueue, batch: ProducerBatch, cause: Error): void {
  const maybeWritten = batch.maybeWritten || batch.isOnWire;
  if (!batch.isSettled) publishFailure("records", troubleOf(client, queue, batch, cause));
  batch.reject(() => produceError(queue.topic, queue.partition, cause, maybeWritten, batch.attempts));
}

/** What diagnostics channels tell about a batch. */
export function troubleOf(
  { config: { clientId } }: KafkaClient,
  { topic, partition }: PartitionQueue,
  { attempts }: ProducerBatch,
  error: Error,
): Trouble {
  const operation = `Writing to topic "${topic}" partition ${partition}`;
  return { clientId, operation, topic, partition, attempt: attempts, error };
}
