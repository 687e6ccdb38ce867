import type { CompressionName } from "@ktables/record-batch";
import { InvalidOptionError } from "./errors.ts";
import { check, describe, type OptionCheck } from "./options.ts";

export interface ProducerOptions {
  /**
   * Whether the broker recognises repeated batches, so that a retry never writes twice and never reorders (KIP-98).
   * Default: with `acks: "all"` where the broker can, which is Kafka since 0.11 but not every service; elsewhere the
   * producer goes on without and logs so. An explicit true needs `acks: "all"`, and fails where the broker cannot.
   *
   * Without it a retry after a lost answer may write twice. Order within a partition is kept all the same, because one
   * batch of a partition is on its way at a time.
   */
  readonly idempotent?: boolean | undefined;
  /**
   * Who must have a record before it counts as written: all in-sync replicas (`"all"`, the default); the leader alone
   * (1), whose crash may lose what it has acknowledged; or nobody (0). With 0 the broker never answers: a record counts
   * as written, with offset -1, once it was handed to the connection. It may be lost without anybody noticing, and is
   * tried again only if it was certainly not sent.
   */
  readonly acks?: "all" | 1 | 0 | undefined;
  /** Default `none`. */
  readonly compression?: CompressionName | undefined;
  /** How long a record may wait for company, in milliseconds. Default 0: only for others of the same tick. */
  readonly lingerMs?: number | undefined;
  /**
   * Size at which a batch is full, before compression; at most the topic's `max.message.bytes`. Default 1 000 000. Batches are
   * sent with 256 KiB already, unless records linger or five of the partition are on their way.
   */
  readonly maxBatchBytes?: number | undefined;
  /**
   * How many bytes of records may be on their way, from `send` until they are written or given up; further ones wait for
   * room, within `deliveryTimeoutMs` and until their signal aborts. Default 33 554 432 (32 MiB).
   */
  readonly maxBufferedBytes?: number | undefined;
  /** How long a record may take from `send` to its acknowledgement, retries included. Default 120 000. */
  readonly deliveryTimeoutMs?: number | undefined;
}

export interface ProducerRecord {
  readonly topic: string;
  /**
   * Null only for topics that are not compacted; others refuse it with `INVALID_RECORD` before anything is sent, where their
   * policy may be read (`DescribeConfigs`), and at the broker otherwise.
   */
  readonly key: Uint8Array | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  /** Default: chosen by the key as Java's default partitioner does. */
  readonly partition?: number | undefined;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[] | undefined;
  /** Milliseconds since 1970. Default: now. */
  readonly timestamp?: number | undefined;
}

export const producerChecks: Readonly<Record<keyof ProducerOptions, OptionCheck>> = {
  idempotent: check.boolean,
  acks: check.oneOf("all", 1, 0),
  compression: check.oneOf("none", "gzip", "snappy", "lz4", "zstd"),
  lingerMs: check.integer(0, 2_147_483_647),
  maxBatchBytes: check.integer(1, 0x7fff_ffff),
  maxBufferedBytes: check.integer(1),
  deliveryTimeoutMs: check.durationMs,
};

const bytesOrNull = (value: unknown): string | undefined =>
  value === null || value instanceof Uint8Array ? undefined : "a Uint8Array or null";
const optional =
  (inner: OptionCheck): OptionCheck =>
  (value) =>
    value === undefined ? undefined : inner(value);
const headers = (value: unknown): string | undefined =>
  Array.isArray(value) && value.every(isHeader)
    ? undefined
    : "an array of headers, each with a string key and a value that is a Uint8Array or null";

function isHeader(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return "key" in value && typeof value.key === "string" && "value" in value && bytesOrNull(value.value) === undefined;
}

const recordChecks: readonly (readonly [keyof ProducerRecord, OptionCheck])[] = [
  ["topic", check.nonEmptyString],
  ["key", bytesOrNull],
  ["value", bytesOrNull],
  ["partition", optional(check.integer(0, 0x7fff_ffff))],
  ["headers", optional(headers)],
  ["timestamp", optional(check.integer(0))],
];

/**
 * Throws {@link InvalidOptionError} for a record that no batch can hold. To be called before the record joins a batch,
 * where it would take the others down with it.
 */
export function checkRecord(record: ProducerRecord): void {
  if (check.object(record) !== undefined) {
    throw new InvalidOptionError("record", `Producer: a record must be an object, got ${describe(record)}`);
  }
  for (const [name, checkValue] of recordChecks) {
    const expected = checkValue(record[name]);
    if (expected === undefined) continue;
    throw new InvalidOptionError(
      name,
      `Producer: "${name}" of a record must be ${expected}, got ${describe(record[name])}`,
    );
  }
}
