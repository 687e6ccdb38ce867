import type { KafkaError, RecordBatch } from "@ktables/record-batch";
import type { PositionLostError } from "./errors.ts";
import type { IsolationLevel } from "./offsets.ts";
import { check, type OptionCheck } from "./options.ts";

export interface TopicReaderOptions {
  readonly topic: string;
  /** Default: all partitions, those that are added later included. */
  readonly partitions?: readonly number[] | undefined;
  /** Whether records of transactions that are open or aborted are left out. Default `read_committed`. */
  readonly isolation?: IsolationLevel | undefined;
  /** How long a broker may hold an answer back while it has nothing new, in milliseconds. Default 5000. */
  readonly maxWaitMs?: number | undefined;
  /**
   * Size at which a broker ends an answer, at the most; one larger batch is still returned whole. Less is asked for as long
   * as that keeps nobody waiting. Default 16 MiB.
   */
  readonly maxBytes?: number | undefined;
  /**
   * How long tombstones can be read at the least after they were written, in milliseconds: the topic's
   * `delete.retention.ms`. A partition that was out of reach for longer, and has grown meanwhile, has lost its position
   * with `TOMBSTONES_MISSED`. A function is called when it matters. Default: whatever happened meanwhile does not matter.
   */
  readonly tombstoneRetentionMs?: number | (() => number) | undefined;
  /**
   * A batch with data: never a control batch, never one of an aborted transaction (with `read_committed`). Batches of
   * a partition come in offset order. Records below `fromOffset` were delivered before and must be left out. The batch
   * and its bytes are valid during the call only. What it throws ends the reader.
   */
  onBatch(partition: number, batch: RecordBatch, fromOffset: number): void;
  /** The position or the watermarks of a partition have changed; follows `onBatch`. */
  onProgress?(partition: number): void;
  /** Partitions that appeared after the start; they are read from their beginning. */
  onPartitionsAdded?(partitions: readonly number[]): void;
  /**
   * The log no longer leads from what was read to the position. `"end"` ends the reader with the error; `"restart"`
   * reads the partition, or all of them where the error names none, from the beginning again: whatever came from
   * there before is not to be trusted, and the next `onBatch` of the partition is its first. Default `"end"`.
   */
  onPositionLost?(loss: PositionLostError): "end" | "restart";
  /** Something failed and is being tried again. */
  onTrouble?(error: KafkaError): void;
  /** The reader has ended for good. */
  onFailure?(failure: Error): void;
}

export const readerChecks: Readonly<Record<string, OptionCheck>> = {
  topic: check.nonEmptyString,
  partitions: (value: unknown) =>
    Array.isArray(value) && value.every((item) => check.integer(0)(item) === undefined)
      ? undefined
      : "an array of partition numbers",
  isolation: check.oneOf("read_committed", "read_uncommitted"),
  maxWaitMs: check.durationMs,
  maxBytes: check.integer(1, 0x7fff_ffff),
  tombstoneRetentionMs: (value: unknown) => (typeof value === "function" ? undefined : check.nonNegativeMs(value)),
  onBatch: check.callable,
  onProgress: check.callable,
  onPartitionsAdded: check.callable,
  onPositionLost: check.callable,
  onTrouble: check.callable,
  onFailure: check.callable,
};
