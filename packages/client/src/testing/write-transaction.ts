import { encodeBatch, encodeControlBatch, type RecordInput } from "@ktables/record-batch";
import type { Partition } from "./partition.ts";

/** The embedded broker's transactions have one batch each, of a producer of their own in its first epoch. */
const producerEpoch = 0;

/** Appends the data of a new transaction, which is open then. Returns the offset of its first record. */
export function beginTransaction(partition: Partition, records: readonly RecordInput[], producerId: number): number {
  const bytes = encodeBatch({ records, producerId, producerEpoch, baseSequence: 0, isTransactional: true });
  return partition.append(bytes).baseOffset;
}

/** Appends the marker that ends a transaction. Returns its offset. */
export function endTransaction(partition: Partition, producerId: number, outcome: "commit" | "abort"): number {
  const bytes = encodeControlBatch({ type: outcome, producerId, producerEpoch, timestamp: Date.now() });
  return partition.append(bytes).baseOffset;
}
