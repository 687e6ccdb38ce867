import { type AbortedTransaction, nextBatch, patchPlacement, type RecordBatch } from "@ktables/record-batch";
import { type EpochEnd, LeaderEpochs } from "./leader-epochs.ts";
import { ProducerStates } from "./producer-state.ts";
import { invalidArgument } from "./refusal.ts";

/** An aborted transaction in the log, from its first record to its marker. */
interface AbortedRange extends AbortedTransaction {
  readonly lastOffset: number;
}

export interface AppendOptions {
  /** Keeps the batch at its own offsets, which must not be below the log's end. */
  readonly keepOffsets?: boolean;
  /** Default: the batch keeps its own times. */
  readonly logAppendTimeMs?: number;
}

/** The batches of one partition. Every record is replicated at once, so that the high watermark is the log's end. */
export class PartitionLog {
  readonly producers: ProducerStates = new ProducerStates();
  readonly #epochs = new LeaderEpochs();
  #batches: RecordBatch[] = [];
  #start = 0;
  #end = 0;
  /** First offset of each open transaction, by producer id. */
  readonly #openTransactions = new Map<number, number>();
  #aborted: AbortedRange[] = [];

  get startOffset(): number {
    return this.#start;
  }

  get highWatermark(): number {
    return this.#end;
  }

  /** Below it every transaction is decided. */
  get lastStableOffset(): number {
    return Math.min(this.#end, ...this.#openTransactions.values());
  }

  get batches(): readonly RecordBatch[] {
    return this.#batches;
  }

  /** Whether the producer has a transaction open here. */
  hasOpenTransaction(producerId: number): boolean {
    return this.#openTransactions.has(producerId);
  }

  /**
   * Appends a copy of one batch at the end; with `keepOffsets` at the batch's own offsets, which must not be below.
   * Returns the batch as it is stored. @throws KafkaError `INVALID_ARGUMENT` for bytes that are not one whole batch, or below the end.
   */
  append(bytes: Uint8Array, leaderEpoch: number, options: AppendOptions = {}): RecordBatch {
    const copy = bytes.slice();
    const given = wholeBatch(copy);
    const baseOffset = options.keepOffsets === true ? given.baseOffset : this.#end;
    if (baseOffset < this.#end) throw invalidArgument(`offset ${baseOffset} is below the log's end, ${this.#end}`);
    patchPlacement(copy, { baseOffset, partitionLeaderEpoch: leaderEpoch });
    const batch = wholeBatch(copy);
    this.#end = batch.nextOffset;
    this.#keep(batch, options.logAppendTimeMs ?? -1);
    return batch;
  }

  /** A leader has been elected: what follows belongs to its epoch. */
  beginEpoch(epoch: number): void {
    this.#epochs.begin(epoch, this.#end);
  }

  /** Where an epoch ends in this log; see {@link LeaderEpochs.endOf}. */
  endOfEpoch(epoch: number): EpochEnd {
    return this.#epochs.endOf(epoch, this.#end);
  }

  /** Index of the first batch that reaches `offset` or beyond; the number of batches if there is none. */
  indexAt(offset: number): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const batch = this.#batches[middle];
      if (batch !== undefined && batch.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * At most `maxBytes` from the batch that holds `offset`, up to `endOffset`. As a real broker cuts its log file, the
   * last batch may be incomplete. An incomplete first batch gives nothing, or with `wholeFirst` all of it (KIP-74).
   */
  read(offset: number, endOffset: number, maxBytes: number, wholeFirst: boolean): LogSlice {
    const parts: Uint8Array[] = [];
    let size = 0;
    let readTo = offset;
    for (let index = this.indexAt(offset); index < this.#batches.length; index++) {
      const batch = this.#batches[index];
      if (batch === undefined || batch.baseOffset >= endOffset) break;
      const room = maxBytes - size;
      if (batch.sizeInBytes > room) {
        if (size === 0 && !wholeFirst) break;
        const cut = size === 0 ? batch.sizeInBytes : room;
        parts.push(batch.bytes.subarray(0, cut));
        size += cut;
        readTo = batch.nextOffset;
        break;
      }
      parts.push(batch.bytes);
      size += batch.sizeInBytes;
      readTo = batch.nextOffset;
    }
    return { bytes: concatenate(parts, size), readTo };
  }

  /** The aborted transactions that reach into `[from, to)`. */
  abortedBetween(from: number, to: number): AbortedTransaction[] {
    return this.#aborted
      .filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < to)
      .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }));
  }

  /** Moves the log's start, as retention does; batches wholly below it are gone. */
  deleteBefore(offset: number): void {
    this.#start = Math.max(this.#start, offset);
    this.#batches = this.#batches.slice(this.indexAt(this.#start));
    this.#epochs.truncateStart(this.#start);
  }

  /** Drops every batch that reaches `offset` or beyond, as if it had never been written. */
  truncate(offset: number): void {
    const kept = this.#batches.slice(0, this.indexAt(offset));
    const cut = this.#batches[kept.length];
    this.#end = Math.min(offset, cut?.baseOffset ?? offset);
    this.#batches = [];
    this.#epochs.truncateEnd(this.#end);
    this.producers.clear();
    this.#openTransactions.clear();
    this.#aborted = [];
    for (const batch of kept) this.#keep(batch, batch.timestampType === "LogAppendTime" ? batch.maxTimestamp : -1);
  }

  #keep(batch: RecordBatch, logAppendTimeMs: number): void {
    this.#batches.push(batch);
    this.#noteTransaction(batch);
    if (batch.producerId >= 0) this.producers.update(batch, logAppendTimeMs);
  }

  /**
   * Puts what compaction has left in place of the batches; offsets, watermarks and producers stay. An aborted
   * transaction without data is forgotten: once its marker is gone too, naming it would make readers drop the
   * producer's next transaction.
   */
  replaceBatches(batches: readonly Uint8Array[]): void {
    this.#batches = batches.map(wholeBatch);
    this.#aborted = this.#aborted.filter((range) => this.#batches.some((batch) => isDataOf(batch, range)));
  }

  #noteTransaction(batch: RecordBatch): void {
    if (batch.isControl) {
      const firstOffset = this.#openTransactions.get(batch.producerId);
      this.#openTransactions.delete(batch.producerId);
      if (firstOffset === undefined || batch.controlType() !== "abort") return;
      this.#aborted.push({ producerId: batch.producerId, firstOffset, lastOffset: batch.lastOffset });
    } else if (batch.isTransactional && !this.#openTransactions.has(batch.producerId)) {
      this.#openTransactions.set(batch.producerId, batch.baseOffset);
    }
  }
}

function isDataOf(batch: RecordBatch, { producerId, firstOffset, lastOffset }: AbortedRange): boolean {
  const isInside = batch.baseOffset >= firstOffset && batch.lastOffset < lastOffset;
  return isInside && batch.producerId === producerId && !batch.isControl;
}

export interface LogSlice {
  readonly bytes: Uint8Array;
  /** The offset after the last batch touched. */
  readonly readTo: number;
}

/** What is stored has been checked when it came in, or is broken on purpose. */
function wholeBatch(bytes: Uint8Array): RecordBatch {
  const batch = nextBatch(bytes, 0, { checkCrc: false });
  if (batch?.sizeInBytes !== bytes.length) throw invalidArgument(`${bytes.length} bytes are not one whole batch`);
  return batch;
}

function concatenate(parts: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
