import type { RecordHeader, RecordPosition } from "@ktables/record-batch";
import { inputCapacity } from "./heap-layout.ts";

/** Bytes from the first key to the last value: what is read several times should stay there, too. */
export const largestChunk: number = inputCapacity;

/**
 * Where some records of a batch lie in its bytes: what is done with them is done for all of them, one step after the
 * other. Valid as long as those bytes are.
 */
export class RecordChunk {
  readonly capacity: number;
  length = 0;
  partition = 0;
  bytes: Uint8Array = new Uint8Array(0);
  #view: DataView | undefined;
  /** Where the part of those bytes begins and ends that has keys, values and their lengths. */
  start = 0;
  end = 0;
  readonly keyStart: Int32Array;
  /** -1: null. */
  readonly keyLength: Int32Array;
  readonly valueStart: Int32Array;
  /** -1: null, a tombstone. */
  readonly valueLength: Int32Array;
  readonly offset: Float64Array;
  /** Of the key. */
  readonly hash: Int32Array;
  /** Whether the key has bytes that are not ASCII. */
  readonly isBeyondAscii: Uint8Array;
  /** What was asked for; not set otherwise. */
  readonly timestamp: Float64Array;
  readonly headers: (readonly RecordHeader[])[] = [];
  hasHeaders = false;
  /** Whether WebAssembly found the records, and what is known of them is still with it alone. */
  isElsewhere = false;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.keyStart = new Int32Array(capacity);
    this.keyLength = new Int32Array(capacity);
    this.valueStart = new Int32Array(capacity);
    this.valueLength = new Int32Array(capacity);
    this.offset = new Float64Array(capacity);
    this.hash = new Int32Array(capacity);
    this.isBeyondAscii = new Uint8Array(capacity);
    this.timestamp = new Float64Array(capacity);
  }

  begin(partition: number): void {
    this.partition = partition;
    this.length = 0;
    this.isElsewhere = false;
  }

  /** Whether the record finds room here, too, without making the chunk's bytes too many. */
  takes(record: RecordPosition): boolean {
    return this.length < this.capacity && endOf(record) - this.start <= largestChunk;
  }

  add(record: RecordPosition): number {
    if (this.bytes !== record.bytes) this.setBytes(record.bytes);
    const index = this.length++;
    this.end = endOf(record);
    this.keyStart[index] = record.keyStart;
    // The byte before shows where the length of the key begins.
    if (index === 0) this.start = this.bodyStart(0) - 1;
    this.keyLength[index] = record.keyLength;
    this.valueStart[index] = record.valueStart;
    this.valueLength[index] = record.valueLength;
    this.offset[index] = record.offset;
    return index;
  }

  /** Where the length of the key begins: of all its bytes but the last, the highest bit is set. */
  bodyStart(index: number): number {
    const { bytes } = this;
    let start = this.keyStart[index]! - 1;
    while (bytes[start - 1]! >= 0x80) start--;
    return start;
  }

  /** Of the bytes; made when it is needed, since WebAssembly needs none. */
  get view(): DataView {
    const { bytes } = this;
    return (this.#view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  setBytes(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.#view = undefined;
  }

  /** A view. */
  key(index: number): Uint8Array {
    const start = this.keyStart[index]!;
    return this.bytes.subarray(start, start + this.keyLength[index]!);
  }

  /** A view. */
  value(index: number): Uint8Array {
    const start = this.valueStart[index]!;
    return this.bytes.subarray(start, start + this.valueLength[index]!);
  }

  /**
   * What the chunk had is done with. The bytes stay, for the next batch is mostly one of the same answer: they are memory that
   * answers are received into, which is kept for the next one anyway.
   */
  clear(): void {
    this.length = 0;
    this.headers.length = 0;
    this.hasHeaders = false;
  }
}

function endOf(record: RecordPosition): number {
  return record.valueStart + Math.max(record.valueLength, 0);
}
