import { BrokerError, isRetriable, ProduceError, TimeoutError } from "./errors.ts";
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
