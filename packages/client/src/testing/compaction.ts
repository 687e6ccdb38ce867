import { AbortedTransactions, encodeBatch, type RecordBatch, type RecordInput } from "@ktables/record-batch";
import { copyRecord } from "./copy-record.ts";
import type { PartitionLog } from "./partition-log.ts";

/**
 * Cleans a whole log once, as Kafka's log cleaner does with the segments that are no longer written:
 * - of each key only the last record stays; records without key and of aborted transactions go;
 * - what stays keeps its offset, and a batch keeps the offsets that it covers, so that holes appear;
 * - a batch that has become empty goes, except the last of its producer and the last of the log, whose headers stay;
 * - tombstones and transaction markers go in two steps: the first cleaning that could remove them notes when that may
 *   happen (`delete.retention.ms` from then, KIP-534), a later one removes them;
 * - from the first open transaction on nothing is touched, and the log's start does not move.
 */
export function compact(log: PartitionLog, deleteRetentionMs: number, now: number): void {
  const end = log.lastStableOffset;
  const latest = latestOffsets(log, end);
  /** Producers whose current transaction still has batches in the log. */
  const withData = new Set<number>();
  const cleaned: Uint8Array[] = [];
  for (const batch of log.batches) {
    if (batch.baseOffset >= end) {
      cleaned.push(batch.bytes);
      continue;
    }
    const horizon = batch.hasDeleteHorizon ? batch.baseTimestamp : undefined;
    const isDue = horizon !== undefined && horizon <= now;
    let survivors: Survivors;
    if (batch.isControl) {
      const isNeeded = withData.delete(batch.producerId);
      survivors = select(batch, () => isNeeded || !isDue);
      survivors.isStamped = !isNeeded;
    } else {
      if (batch.isTransactional) withData.add(batch.producerId);
      survivors = select(batch, (key, offset, isTombstone) => {
        const isLatest = key !== undefined && offset === latest.get(key);
        return isLatest && !(isTombstone && isDue);
      });
    }
    const mayVanish = !log.producers.isLastOfProducer(batch) && batch.nextOffset !== log.highWatermark;
    if (survivors.records.length === 0 && mayVanish) continue;
    const newHorizon = horizon ?? (survivors.isStamped ? now + deleteRetentionMs : undefined);
    const isUnchanged = survivors.records.length === batch.recordCount && newHorizon === horizon;
    cleaned.push(isUnchanged ? batch.bytes : rewrite(batch, survivors, newHorizon));
  }
  log.replaceBatches(cleaned);
}

interface Survivors {
  readonly records: RecordInput[];
  readonly offsets: number[];
  /** Whether something in it is to be removed by a later cleaning, so that the batch must say from when on. */
  isStamped: boolean;
}

function select(
  batch: RecordBatch,
  survives: (key: string | undefined, offset: number, isTombstone: boolean) => boolean,
): Survivors {
  const survivors: Survivors = { records: [], offsets: [], isStamped: false };
  batch.visit((record) => {
    const isTombstone = record.valueLength < 0;
    if (!survives(keyText(record.key()), record.offset, isTombstone)) return;
    survivors.records.push(copyRecord(record));
    survivors.offsets.push(record.offset);
    survivors.isStamped ||= isTombstone;
  });
  return survivors;
}

/** The last offset of each key below `end`; records of aborted transactions do not count. */
function latestOffsets(log: PartitionLog, end: number): ReadonlyMap<string, number> {
  const latest = new Map<string, number>();
  const aborted = new AbortedTransactions(log.abortedBetween(0, end));
  for (const batch of log.batches) {
    if (batch.baseOffset >= end) break;
    if (aborted.isAborted(batch) || batch.isControl) continue;
    batch.visit((record) => {
      const key = keyText(record.key());
      if (key !== undefined) latest.set(key, record.offset);
    });
  }
  return latest;
}

/** One character per byte, so that equal keys and no others give equal text. */
function keyText(key: Uint8Array | null): string | undefined {
  if (key === null) return undefined;
  let text = "";
  for (const byte of key) text += String.fromCharCode(byte);
  return text;
}

function rewrite(batch: RecordBatch, { records, offsets }: Survivors, deleteHorizonMs: number | undefined): Uint8Array {
  const { baseOffset, lastOffset, partitionLeaderEpoch, producerId, producerEpoch, baseSequence } = batch;
  const { isTransactional, isControl, timestampType } = batch;
  return encodeBatch({
    records,
    offsets,
    baseOffset,
    lastOffset,
    compression: batch.compression,
    partitionLeaderEpoch,
    producerId,
    producerEpoch,
    baseSequence,
    isTransactional,
    isControl,
    timestampType,
    ...(timestampType === "LogAppendTime" ? { maxTimestamp: batch.maxTimestamp } : {}),
    ...(deleteHorizonMs === undefined || records.length === 0 ? {} : { deleteHorizonMs }),
  });
}
