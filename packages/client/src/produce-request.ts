import type { CompressionName } from "@ktables/record-batch";
import { ErrorCode } from "./broker-errors.ts";
import type { Connection } from "./connection.ts";
import { UnsupportedApiError } from "./errors.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import type { ProducerBatch } from "./producer-batch.ts";
import {
  type ProduceRequest,
  type ProduceResponse,
  type ProduceResponsePartition,
  produceApi,
} from "./protocol/generated/produce.ts";
import { zeroUuid } from "./protocol/uuid.ts";

/** One partition's part of a request. */
export interface ProduceEntry {
  readonly queue: PartitionQueue;
  readonly batch: ProducerBatch;
}

/** As known when the request was made; undefined for topics of brokers without topic ids. */
export type TopicIds = ReadonlyMap<string, string | undefined>;

const lastVersionWithNames = 12;

export function produceRequest(
  entries: readonly ProduceEntry[],
  topicIds: TopicIds,
  acks: number,
  timeoutMs: number,
): ProduceRequest {
  return {
    transactionalId: null,
    acks,
    timeoutMs,
    topicData: [...topicIds].map(([name, topicId]) => ({
      name,
      topicId: topicId ?? zeroUuid,
      partitionData: entries
        .filter(({ queue }) => queue.topic === name)
        .map(({ queue, batch }) => ({ index: queue.partition, records: batch.bytes ?? null })),
    })),
  };
}

/** The highest version that can name all the topics; undefined for any. */
export function highestProduceVersion(topicIds: TopicIds): number | undefined {
  return [...topicIds.values()].includes(undefined) ? lastVersionWithNames : undefined;
}

/** What the broker says about one partition; undefined where it left it out. Of repeated answers the first counts. */
export function answerFor(
  response: ProduceResponse,
  queue: PartitionQueue,
  topicId: string | undefined,
): ProduceResponsePartition | undefined {
  const topic = response.responses.find(
    (answer) => answer.name === queue.topic || (topicId !== undefined && answer.topicId === topicId),
  );
  return topic?.partitionResponses.find(({ index }) => index === queue.partition);
}

/** With acks 0 a broker answers nothing: what was sent counts as written. */
export function unconfirmedAnswer(index: number): ProduceResponsePartition {
  return {
    index,
    errorCode: ErrorCode.NONE,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    errorMessage: null,
  };
}

/** Brokers since 1.0 (KAFKA-5494). */
const firstVersionWithMemory = 5;

/**
 * Whether the broker remembers several batches of a producer and partition. One that remembers the last only, 0.11, takes
 * the first of two whose answers were lost for something out of order.
 */
export function remembersBatches(connection: Connection, maxVersion: number | undefined): boolean {
  return (connection.versionFor(produceApi, maxVersion) ?? 0) >= firstVersionWithMemory;
}

/** Brokers since 2.1 (KIP-110). An older one would answer with an error that says nothing, again and again. */
const firstVersionWithZstd = 7;

/** @throws UnsupportedApiError when the broker is too old for the compression */
export function checkCompression(
  connection: Connection,
  compression: CompressionName,
  maxVersion: number | undefined,
): void {
  if (compression !== "zstd") return;
  const version = connection.versionFor(produceApi, maxVersion);
  if (version === undefined || version >= firstVersionWithZstd) return;
  const message = `${connection.broker} is too old for batches compressed with zstd; brokers take them since Kafka 2.1`;
  throw new UnsupportedApiError("Produce", connection.broker, message);
}
