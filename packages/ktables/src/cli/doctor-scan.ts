import { listOffsets, partitionForKey, type RecordBatch, TopicReader } from "@ktables/client";
import { CallScope, untilAborted } from "@ktables/client/internal";
import { byteKeys, showKey } from "./entries.ts";
import { CommandError, ExitCode } from "./exit-code.ts";
import type { Session } from "./session.ts";
import { type ReadFormat, showValue, type WriteFormat } from "./values.ts";

/** A key of `byteKeys` with the size of its value, in bytes. */
export interface SizedKey {
  readonly key: string;
  readonly bytes: number;
}

/** What a topic holds, as a reader of committed records sees it. */
export interface TopicScan {
  readonly partitions: number;
  readonly records: number;
  /** Of the batches, compressed. */
  readonly bytes: number;
  readonly keyless: number;
  /** Keys whose last record is a value. */
  readonly liveKeys: number;
  /** Of the live values. */
  readonly valueBytes: number;
  /** Live keys that are not UTF-8. */
  readonly binaryKeys: readonly string[];
  /** Live values by what they are. */
  readonly formats: Readonly<Record<WriteFormat, number>>;
  /** Live keys whose value is not of the format that was asked for. */
  readonly undecodable: readonly string[];
  /** Keys with a live value in more than one partition. */
  readonly inSeveralPartitions: readonly string[];
  /** Live keys that are not where Java's default partitioner puts them. */
  readonly misplaced: readonly string[];
  /** The largest first, at most three. */
  readonly largest: readonly SizedKey[];
  /** Offsets that are not readable yet, because of a transaction that is open. */
  readonly heldByTransactions: number;
}

/** Reads the topic to its end. @throws CommandError with exit code 5 when there is not enough time. */
export async function scanTopic(
  session: Session,
  format: ReadFormat,
  onStart: (progress: () => { readonly done: number; readonly total: number }) => void,
): Promise<TopicScan> {
  const { client, topic } = session;
  const call = (): { readonly timeoutMs: number } => ({ timeoutMs: session.remainingMs });
  const [begins, highWatermarks, ends] = await Promise.all([
    listOffsets(client, topic, "earliest", call()),
    listOffsets(client, topic, "latest", call()),
    listOffsets(client, topic, "latest", { ...call(), isolation: "read_committed" }),
  ]);
  const collector = new Collector(ends.size);
  let finish = (): void => undefined;
  let fail: (error: Error) => void = () => undefined;
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  // It may fail while the start is still waited for, which fails too.
  finished.catch(() => undefined);
  const reader = new TopicReader(client, {
    topic,
    partitions: [...ends.keys()],
    onBatch: (partition, batch, fromOffset) => collector.add(partition, batch, fromOffset, ends.get(partition) ?? 0),
    onProgress: () => finishAtEnds(),
    onFailure: fail,
  });
  const missing = (): number => sumOver(ends, (end, partition) => Math.max(0, end - (reader.position(partition) ?? 0)));
  const finishAtEnds = (): void => {
    if (missing() === 0) finish();
  };
  const total = sumOver(ends, (end, partition) => end - (begins.get(partition) ?? 0));
  onStart(() => ({ done: Math.max(0, total - missing()), total }));
  const scope = new CallScope([], session.remainingMs, () => {
    const text = `Topic "${topic}" could not be read to its end in time (${total - missing()} of ${total} offsets so far)`;
    return new CommandError(ExitCode.tableNotReady, "TIMEOUT", `${text}; --timeout-ms gives it more time`);
  });
  try {
    await reader.start({ signal: scope.signal, timeoutMs: session.remainingMs });
    finishAtEnds();
    await untilAborted(finished, scope.signal);
  } finally {
    scope.end();
    await reader.close();
  }
  const held = sumOver(highWatermarks, (end, partition) => Math.max(0, end - (ends.get(partition) ?? end)));
  return collector.result(format, held);
}

function sumOver(offsets: ReadonlyMap<number, number>, of: (offset: number, partition: number) => number): number {
  return [...offsets].reduce((sum, [partition, offset]) => sum + of(offset, partition), 0);
}

/** Counts records, and keeps the last one of each key and partition. */
class Collector {
  readonly #latest: readonly Map<string, Uint8Array | null>[];
  #records = 0;
  #bytes = 0;
  #keyless = 0;

  constructor(partitions: number) {
    this.#latest = Array.from({ length: partitions }, () => new Map());
  }

  /** Takes in the records from `fromOffset` to `end`. */
  add(partition: number, batch: RecordBatch, fromOffset: number, end: number): void {
    if (batch.baseOffset >= end) return;
    this.#bytes += batch.sizeInBytes;
    batch.visit((record) => {
      if (record.offset < fromOffset || record.offset >= end) return;
      this.#records++;
      const key = record.key();
      if (key === null) this.#keyless++;
      else this.#latest[partition]?.set(byteKeys.decode(key), record.value()?.slice() ?? null);
    });
  }

  result(format: ReadFormat, heldByTransactions: number): TopicScan {
    const partitions = this.#latest.length;
    const formats = { json: 0, string: 0, base64: 0 };
    const homes = new Map<string, number>();
    const binaryKeys = new Set<string>();
    const undecodable = new Set<string>();
    const misplaced = new Set<string>();
    const largest: SizedKey[] = [];
    let valueBytes = 0;
    for (const [partition, latest] of this.#latest.entries()) {
      for (const [key, value] of latest) {
        if (value === null) continue;
        homes.set(key, (homes.get(key) ?? 0) + 1);
        valueBytes += value.length;
        keepLargest(largest, { key, bytes: value.length });
        const actual = showValue(value, "auto").format;
        formats[actual]++;
        if (!isOfFormat(actual, format)) undecodable.add(key);
        if (!showKey(key).isText) binaryKeys.add(key);
        if (partitionForKey(byteKeys.encode(key), partitions) !== partition) misplaced.add(key);
      }
    }
    return {
      partitions,
      records: this.#records,
      bytes: this.#bytes,
      keyless: this.#keyless,
      liveKeys: homes.size,
      valueBytes,
      binaryKeys: [...binaryKeys],
      formats,
      undecodable: [...undecodable],
      inSeveralPartitions: [...homes].filter(([, count]) => count > 1).map(([key]) => key),
      misplaced: [...misplaced],
      largest,
      heldByTransactions,
    };
  }
}

/** JSON is text too, and everything is bytes. */
function isOfFormat(actual: WriteFormat, wanted: ReadFormat): boolean {
  if (wanted === "json") return actual === "json";
  return wanted !== "string" || actual !== "base64";
}

const keptSizes = 3;

function keepLargest(largest: SizedKey[], sized: SizedKey): void {
  const smallest = largest.at(-1);
  if (largest.length === keptSizes && smallest !== undefined && smallest.bytes >= sized.bytes) return;
  largest.push(sized);
  largest.sort((a, b) => b.bytes - a.bytes);
  largest.length = Math.min(largest.length, keptSizes);
}
