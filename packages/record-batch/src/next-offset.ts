import { readInt32, readInt64 } from "./integers.ts";
import { baseOffsetAt, batchLengthAt, lastOffsetDeltaAt, prefixSize, recordsAt } from "./layout.ts";

/**
 * The offset after the last whole batch, from the headers alone: nothing is verified or decompressed, so that a client
 * can ask for what follows before it decodes what it has. Undefined where there is no whole batch.
 */
export function nextOffsetOf(bytes: Uint8Array): number | undefined {
  let nextOffset: number | undefined;
  for (let at = 0; at + recordsAt <= bytes.length; ) {
    const size = prefixSize + readInt32(bytes, at + batchLengthAt);
    if (size < recordsAt || at + size > bytes.length) break;
    const offset = readInt64(bytes, at + baseOffsetAt) + readInt32(bytes, at + lastOffsetDeltaAt) + 1;
    if (!Number.isSafeInteger(offset) || offset <= (nextOffset ?? -1)) break;
    nextOffset = offset;
    at += size;
  }
  return nextOffset;
}
