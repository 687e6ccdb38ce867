import { AbortedTransactions, type KafkaError, nextBatch, RecordBatchError } from "@ktables/record-batch";
import { ErrorCode } from "./broker-errors.ts";
import { BrokerError, toError } from "./errors.ts";
import { type FetchContext, resumeAfterPause } from "./fetch-context.ts";
import type { PartitionCursor } from "./partition-cursor.ts";
import type { FetchResponsePartition } from "./protocol/generated/fetch.ts";

/** Bytes of one partition that passed inspection and wait to be applied. */
export interface Delivery {
  readonly cursor: PartitionCursor;
  /** Once the cursor has another one, what is left of the bytes is not applied. */
  readonly generation: number;
  readonly answer: FetchResponsePartition;
  readonly records: Uint8Array;
  /** Of the batches that are whole. */
  readonly wholeBytes: number;
}

/** The longest that batches are applied in one go before other work of the process gets its turn, in milliseconds. */
const sliceMs = 5;
/** So many damaged answers in a row mean that the log itself is damaged. */
export const maximumCorruptAnswers = 3;

/** Hands the batches over in order, yielding to other work every few milliseconds. */
export async function apply(context: FetchContext, deliveries: readonly Delivery[]): Promise<void> {
  let sliceEnd = performance.now() + sliceMs;
  for (const { cursor, generation, answer, records } of deliveries) {
    if (cursor.generation !== generation) continue;
    const aborted = abortedIn(context, answer);
    const before = cursor.position;
    cursor.noteWatermarks(answer);
    for (let at = 0; cursor.generation === generation; ) {
      const size = applyBatch(context, cursor, records, at, aborted);
      if (size === 0) break;
      at += size;
      if (context.signal.aborted) return;
      if (performance.now() >= sliceEnd) {
        await yieldToOthers();
        if (context.signal.aborted) return;
        sliceEnd = performance.now() + sliceMs;
      }
    }
    if (context.signal.aborted) return;
    // What was damaged, or lost, goes its own way.
    if (cursor.generation !== generation) continue;
    if (cursor.position === before) {
      cursor.pause(context.client.config);
    } else {
      cursor.failures = 0;
    }
    context.options.onProgress?.(cursor.partition);
  }
}

/** Undefined where there are none, or where they count. */
function abortedIn({ options }: FetchContext, answer: FetchResponsePartition): AbortedTransactions | undefined {
  const { abortedTransactions } = answer;
  if (abortedTransactions === null || abortedTransactions.length === 0) return undefined;
  return (options.isolation ?? "read_committed") === "read_committed"
    ? new AbortedTransactions(abortedTransactions)
    : undefined;
}

/** Returns the size of the batch in bytes; 0 at the end of what is whole and sound. */
function applyBatch(
  context: FetchContext,
  cursor: PartitionCursor,
  records: Uint8Array,
  at: number,
  aborted: AbortedTransactions | undefined,
): number {
  try {
    const batch = nextBatch(records, at);
    if (batch === undefined) {
      if (at === 0) throw truncated(records.length);
      return 0;
    }
    const isAborted = aborted?.isAborted(batch) ?? false;
    if (batch.nextOffset > cursor.position) {
      if (!batch.isControl && !isAborted && batch.recordCount > 0) {
        context.options.onBatch(cursor.partition, batch, cursor.position);
      }
      cursor.advance(batch);
      context.options.onProgress?.(cursor.partition);
    }
    return batch.sizeInBytes;
  } catch (error) {
    cursor.rewind();
    if (!(error instanceof RecordBatchError)) {
      context.fail(toError(error));
      return 0;
    }
    handleDamage(context, cursor, error);
    return 0;
  }
}

/** Damage may have happened on the way, so it is fetched again; what stays damaged is never skipped. */
function handleDamage(context: FetchContext, cursor: PartitionCursor, error: RecordBatchError): void {
  if (++cursor.damagedAnswers >= maximumCorruptAnswers) {
    context.fail(damage(context, cursor, error));
    return;
  }
  cursor.pause(context.client.config);
  // What is on its way was asked for beyond the damage.
  context.inBackground(() => resumeAfterPause(context, cursor));
  context.client.config.logger.warn(
    `Topic "${context.topic}" partition ${cursor.partition}: fetching a damaged batch again: ${error.message}`,
  );
}

function damage(context: FetchContext, cursor: PartitionCursor, cause: RecordBatchError): KafkaError {
  return new BrokerError(ErrorCode.CORRUPT_MESSAGE, {
    api: "Fetch",
    broker: String(cursor.source),
    topic: context.topic,
    partition: cursor.partition,
    brokerMessage: `at offset ${cursor.position}: ${cause.message}`,
  });
}

function truncated(length: number): RecordBatchError {
  return new RecordBatchError(`the answer has ${length} bytes but no whole batch`, {
    code: "BATCH_TRUNCATED",
    byteOffset: 0,
  });
}

export async function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
