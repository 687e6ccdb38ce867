import type { RecordInput, RecordPosition } from "@ktables/record-batch";

/** What the encoder needs to write a record again, independent of the batch that it was read from. */
export function copyRecord(record: RecordPosition): RecordInput {
  return {
    key: record.key()?.slice() ?? null,
    value: record.value()?.slice() ?? null,
    timestamp: record.timestamp(),
    headers: record.headers(),
  };
}
