import type { RecordHeader } from "@ktables/record-batch";
import { RecordChunk } from "./record-chunk.ts";
import type { RecordSlabs } from "./record-slabs.ts";

/** What belongs to a record and is not in its bytes. */
export interface Aside<V> {
  /** What is served instead of a value that could not be decoded. */
  readonly replacement: { readonly value: V } | undefined;
  readonly headers: readonly RecordHeader[];
}

/** A record by itself, copied from wherever it was, for keys that have values in several partitions. */
export interface PartitionRecord<V> {
  /** Of one record, prepared. */
  readonly chunk: RecordChunk;
  readonly aside: Aside<V> | undefined;
}

export function copyOfChunk<V>(chunk: RecordChunk, index: number, aside: Aside<V> | undefined): PartitionRecord<V> {
  const copy = alone(chunk.key(index), chunk.value(index));
  copy.partition = chunk.partition;
  copy.hash[0] = chunk.hash[index]!;
  copy.offset[0] = chunk.offset[index]!;
  copy.timestamp[0] = chunk.timestamp[index]!;
  return { chunk: copy, aside };
}

/** `place` is that of the record, or what stands for the one that it was stored without. */
export function copyOfStored<V>(
  slabs: RecordSlabs,
  address: number,
  place: { readonly partition: number; readonly timestamp: number },
  aside: Aside<V> | undefined,
): PartitionRecord<V> {
  const copy = alone(slabs.key(address), slabs.value(address));
  copy.partition = place.partition;
  copy.offset[0] = slabs.offset(address);
  copy.timestamp[0] = place.timestamp;
  return { chunk: copy, aside };
}

function alone(key: Uint8Array, value: Uint8Array): RecordChunk {
  const chunk = new RecordChunk(1);
  const bytes = new Uint8Array(key.length + value.length + 2 * longestLength);
  const keyStart = writeLength(bytes, 0, key.length);
  bytes.set(key, keyStart);
  const valueStart = writeLength(bytes, keyStart + key.length, value.length);
  bytes.set(value, valueStart);
  chunk.setBytes(bytes);
  chunk.length = 1;
  chunk.keyStart[0] = keyStart;
  chunk.keyLength[0] = key.length;
  chunk.valueStart[0] = valueStart;
  chunk.valueLength[0] = value.length;
  return chunk;
}

const longestLength = 5;

/** As in records; returns where it ends. */
function writeLength(bytes: Uint8Array, at: number, length: number): number {
  let left = length * 2;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes[at++] = 0x80 | (left % 0x80);
  bytes[at] = left;
  return at + 1;
}
