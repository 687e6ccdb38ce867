import { integerArgument, invalidArgument } from "./arguments.ts";
import { BatchBuilder, type BatchFields, type RecordInput } from "./batch-builder.ts";

/** A producer needs `records`, `compression` and its identity; the rest is what brokers and log cleaners write. */
export interface EncodeBatchOptions extends BatchFields {
  readonly records: readonly RecordInput[];
  /** The offset of each record, ascending, for batches with holes. Default: consecutive from the base offset. */
  readonly offsets?: readonly number[];
  /** Milliseconds; stored in place of the base timestamp (KIP-534). */
  readonly deleteHorizonMs?: number;
}

/** What the framing of a record and a header of it take as a rule; where it is more, the memory grows. */
const framingBytes = 16;

/**
 * Encodes one record batch (message format 2), byte for byte as the Java client does if it is not compressed.
 *
 * @throws {@link KafkaError} `INVALID_ARGUMENT` for options that no batch can hold, `BATCH_TOO_LARGE` above 2 GiB
 */
export function encodeBatch(options: EncodeBatchOptions): Uint8Array {
  const { records, offsets, deleteHorizonMs } = options;
  const baseOffset = integerArgument("baseOffset", options.baseOffset ?? 0, 0);
  if (offsets !== undefined && offsets.length !== records.length) {
    throw invalidArgument(`offsets has ${offsets.length} entries for ${records.length} records`);
  }
  let capacity = 61;
  for (const { key, value } of records) capacity += framingBytes + (key?.length ?? 0) + (value?.length ?? 0);
  const builder = new BatchBuilder(capacity, deleteHorizonMs);
  let previousOffset = baseOffset - 1;
  for (let index = 0; index < records.length; index++) {
    const { key, value, timestamp, headers } = records[index]!;
    const offset = offsets === undefined ? baseOffset + index : offsets[index]!;
    if (!(Number.isSafeInteger(offset) && offset > previousOffset)) {
      throw invalidArgument(`offset ${offset} of record ${index} is not an integer above ${previousOffset}`);
    }
    previousOffset = offset;
    builder.append(key, value, timestamp, headers, offset - baseOffset);
  }
  // The builder's memory may be larger than the batch; whoever keeps it is not to pay for that.
  const batch = builder.finish(options);
  return batch.length === batch.buffer.byteLength ? batch : batch.slice();
}
