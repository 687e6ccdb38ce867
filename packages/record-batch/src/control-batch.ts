import { encodeBatch } from "./encode.ts";
import { writeInt16, writeInt32 } from "./integers.ts";

/** A transaction marker, which a broker appends when a transaction ends. */
export interface ControlBatchOptions {
  readonly type: "commit" | "abort";
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** Default 0. */
  readonly baseOffset?: number;
  /** Epoch of the transaction coordinator that decided. Default 0. */
  readonly coordinatorEpoch?: number;
  /** Default -1. */
  readonly partitionLeaderEpoch?: number;
}

/** Encodes a batch with one transaction marker (KIP-98). */
export function encodeControlBatch(options: ControlBatchOptions): Uint8Array {
  const key = new Uint8Array(4); // version 0, then the type
  writeInt16(key, 2, options.type === "commit" ? 1 : 0);
  const value = new Uint8Array(6); // version 0, then the epoch
  writeInt32(value, 2, options.coordinatorEpoch ?? 0);
  return encodeBatch({
    records: [{ key, value, timestamp: options.timestamp }],
    isControl: true,
    isTransactional: true,
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    baseOffset: options.baseOffset ?? 0,
    partitionLeaderEpoch: options.partitionLeaderEpoch ?? -1,
  });
}
