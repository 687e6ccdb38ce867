import { readInt32, readInt64 } from "./integers.ts";
import {
  baseOffsetAt,
  batchLengthAt,
  lastOffsetDeltaAt,
  partitionLeaderEpochAt,
  prefixSize,
  recordsAt,
} from "./layout.ts";

/** Where whole batches end. */
export interface BatchesEnd {
  /** The offset after the last one. */
  readonly nextOffset: number;
  /** The leader epoch in which the last one was written. */
  readonly partitionLeaderEpoch: number;
  /** Of all of them. */
  readonly sizeInBytes: number;
}

/**
 * The end of the last whole batch, from the headers alone: nothing is verified or decompressed, so that a client can
 * ask for what follows before it decodes what it has. Undefined where there is no whole batch.
 */
export function endOfBatches(bytes: Uint8Array): BatchesEnd | undefined {
  let end: BatchesEnd | undefined;
  for (let at = 0; at + recordsAt <= bytes.length; ) {
    const size = prefixSize + readInt32(bytes, at + batchLengthAt);
    if (size < recordsAt || at + size > bytes.length) break;
    const nextOffset = readInt64(bytes, at + baseOffsetAt) + readInt32(bytes, at + lastOffsetDeltaAt) + 1;
    if (!Number.isSafeInteger(nextOffset) || nextOffset <= (end?.nextOffset ?? -1)) break;
    const partitionLeaderEpoch = readInt32(bytes, at + partitionLeaderEpochAt);
    at += size;
    end = { nextOffset, partitionLeaderEpoch, sizeInBytes: at };
  }
  return end;
}
