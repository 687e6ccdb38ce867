import {
  type CompressionName,
  encodeBatch,
  KafkaError,
  nextBatch,
  type RecordBatch,
  type RecordInput,
} from "@ktables/record-batch";
import { brokerErrorFacts, ErrorCode } from "../broker-errors.ts";
import { copyRecord } from "./copy-record.ts";
import type { Partition } from "./partition.ts";
import { Refusal } from "./refusal.ts";
import type { TopicConfigs } from "./topic-configs.ts";

const invalidTimestamp = 32;
const invalidTransactionState = 48;
const magicAt = 16;

/** One record that is the reason why its batch was refused (KIP-467). */
export interface RecordFault {
  /** Counts the records of the batch from 0. */
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string;
}

/** A batch was refused because of some of its records. */
export class RecordRefusal extends Refusal {
  readonly recordErrors: readonly RecordFault[];

  constructor(errorCode: number, recordErrors: readonly RecordFault[]) {
    super(errorCode, "One or more records have been rejected");
    this.recordErrors = recordErrors;
  }
}

export interface Appended {
  readonly baseOffset: number;
  /** -1 unless the topic uses LogAppendTime. */
  readonly logAppendTimeMs: number;
}

/**
 * Appends what a producer sent, after the checks of a real leader. A batch that was stored before is not stored
 * again; its first place is the answer. That is noticed for the last `remembered` batches of a producer.
 *
 * @throws Refusal
 */
export function appendProduced(
  partition: Partition,
  configs: TopicConfigs,
  records: Uint8Array,
  remembered: number,
): Appended {
  const batch = checkedBatch(records, configs);
  const isIdempotent = batch.producerId >= 0;
  if (isIdempotent) {
    const duplicate = partition.log.producers.duplicateOf(batch, remembered);
    if (duplicate !== undefined) {
      return { baseOffset: duplicate.baseOffset, logAppendTimeMs: duplicate.logAppendTimeMs };
    }
    partition.log.producers.check(batch);
  }
  if (batch.isTransactional && !partition.log.hasOpenTransaction(batch.producerId)) {
    throw new Refusal(invalidTransactionState, `producer ${batch.producerId} has no transaction on this partition`);
  }
  const logAppendTimeMs = configs.get("message.timestamp.type") === "LogAppendTime" ? Date.now() : -1;
  const bytes = asStored(batch, configs, logAppendTimeMs);
  const { baseOffset } = partition.append(bytes, { logAppendTimeMs });
  return { baseOffset, logAppendTimeMs };
}

function checkedBatch(records: Uint8Array, configs: TopicConfigs): RecordBatch {
  if (records.length > magicAt && records[magicAt] !== 2) {
    throw invalidRecord(`message format ${records[magicAt]} is not accepted, only 2`);
  }
  const batch = decode(() => nextBatch(records, 0, { checkCrc: false }));
  if (batch === undefined) throw invalidRecord("the request holds no whole record batch");
  if (batch.sizeInBytes !== records.length) throw invalidRecord("the request must hold exactly one record batch");
  if (batch.baseOffset !== 0) throw invalidRecord(`the base offset is ${batch.baseOffset}, it should be 0`);
  const maxMessageBytes = configs.getNumber("max.message.bytes");
  if (batch.sizeInBytes > maxMessageBytes) {
    throw new Refusal(
      ErrorCode.MESSAGE_TOO_LARGE,
      `a batch of ${batch.sizeInBytes} bytes exceeds max.message.bytes, which is ${maxMessageBytes}`,
    );
  }
  decode(() => nextBatch(records, 0));
  const offsets = batch.nextOffset - batch.baseOffset;
  if (batch.recordCount !== offsets) {
    throw invalidRecord(`the batch claims ${batch.recordCount} records for ${offsets} offsets`);
  }
  if (batch.isControl) throw invalidRecord("clients must not write control batches");
  if (batch.producerId >= 0 && batch.baseSequence < 0) throw invalidRecord("an idempotent batch needs a sequence");
  checkRecords(batch, configs);
  return batch;
}

function checkRecords(batch: RecordBatch, configs: TopicConfigs): void {
  const needsKeys = configs.isCompacted;
  const isCreateTime = configs.get("message.timestamp.type") === "CreateTime";
  const now = Date.now();
  const oldest = now - configs.getNumber("message.timestamp.before.max.ms");
  const newest = now + configs.getNumber("message.timestamp.after.max.ms");
  const withoutKey: RecordFault[] = [];
  const badTimes: RecordFault[] = [];
  let batchIndex = 0;
  decode(() =>
    batch.visit((record) => {
      if (needsKeys && record.keyLength < 0) {
        withoutKey.push({ batchIndex, batchIndexErrorMessage: "Compacted topic cannot accept message without key" });
      }
      const timestamp = record.timestamp();
      if (isCreateTime && timestamp !== -1 && (timestamp < oldest || timestamp > newest)) {
        badTimes.push({ batchIndex, batchIndexErrorMessage: `Timestamp ${timestamp} is out of range` });
      }
      batchIndex += 1;
    }),
  );
  if (withoutKey.length > 0) throw new RecordRefusal(ErrorCode.INVALID_RECORD, withoutKey);
  if (badTimes.length > 0) throw new RecordRefusal(invalidTimestamp, badTimes);
}

/** As the topic's configuration wants it; the very bytes of the producer where it wants nothing. */
function asStored(batch: RecordBatch, configs: TopicConfigs, logAppendTimeMs: number): Uint8Array {
  const configured = configs.get("compression.type");
  const compression =
    configured === "producer"
      ? batch.compression
      : configured === "uncompressed"
        ? "none"
        : (configured as CompressionName);
  const timestampType = logAppendTimeMs < 0 ? "CreateTime" : "LogAppendTime";
  if (compression === batch.compression && timestampType === "CreateTime" && batch.timestampType === "CreateTime") {
    return batch.bytes;
  }
  const { producerId, producerEpoch, baseSequence, isTransactional } = batch;
  const copies: RecordInput[] = [];
  batch.visit((record) => copies.push(copyRecord(record)));
  return encodeBatch({
    records: copies,
    compression,
    producerId,
    producerEpoch,
    baseSequence,
    isTransactional,
    timestampType,
    ...(logAppendTimeMs < 0 ? {} : { maxTimestamp: logAppendTimeMs }),
  });
}

/** Tells damage from other reasons to refuse a batch. */
function decode<T>(attempt: () => T): T {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const { description } = brokerErrorFacts(ErrorCode.CORRUPT_MESSAGE);
    throw new Refusal(ErrorCode.CORRUPT_MESSAGE, `${description}: ${error.message}`);
  }
}

function invalidRecord(message: string): Refusal {
  return new Refusal(ErrorCode.INVALID_RECORD, message);
}
