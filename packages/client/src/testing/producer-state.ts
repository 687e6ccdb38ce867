import type { RecordBatch } from "@ktables/record-batch";
import { ErrorCode } from "../broker-errors.ts";
import { Refusal } from "./refusal.ts";

/** Kafka remembers this many batches per producer and partition, which is why clients keep at most five in flight. */
export const rememberedBatches = 5;
const maxSequence = 0x7fff_ffff;

interface RememberedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  /** Broker's time of the append with LogAppendTime, otherwise -1. */
  readonly logAppendTimeMs: number;
}

interface ProducerEntry {
  epoch: number;
  /** -1: nothing but transaction markers in this epoch. */
  lastSequence: number;
  /** Offset of the last data record; -1 if there is none. */
  lastDataOffset: number;
  /** Oldest first. */
  readonly batches: RememberedBatch[];
}

/** What one partition knows about idempotent and transactional producers (KIP-98, KIP-360). */
export class ProducerStates {
  readonly #entries = new Map<number, ProducerEntry>();

  /** Where exactly this batch was stored before, if it is a repetition of one of the last `remembered` ones. */
  duplicateOf(
    batch: RecordBatch,
    remembered: number,
  ): { readonly baseOffset: number; readonly logAppendTimeMs: number } | undefined {
    const entry = this.#entries.get(batch.producerId);
    if (entry === undefined || entry.epoch !== batch.producerEpoch) return undefined;
    const last = lastSequenceOf(batch);
    return entry.batches
      .slice(-remembered)
      .find(({ firstSequence, lastSequence }) => firstSequence === batch.baseSequence && lastSequence === last);
  }

  /** @throws Refusal 47 for an old epoch, 45 for a sequence that does not follow */
  check(batch: RecordBatch): void {
    const entry = this.#entries.get(batch.producerId);
    // A producer that is not known here may start anywhere: its earlier batches may have been deleted.
    if (entry === undefined) return;
    const { producerId, producerEpoch, baseSequence } = batch;
    if (producerEpoch < entry.epoch) {
      throw new Refusal(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `epoch ${producerEpoch} of producer ${producerId} is older than ${entry.epoch}`,
      );
    }
    const expected = producerEpoch > entry.epoch ? 0 : sequenceAfter(entry.lastSequence, 1);
    if (baseSequence !== expected) {
      throw new Refusal(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `sequence ${baseSequence} of producer ${producerId} arrived where ${expected} was expected`,
      );
    }
  }

  /** Forgets all producers. */
  clear(): void {
    this.#entries.clear();
  }

  /** Notes a batch that has been appended; transaction markers too. */
  update(batch: RecordBatch, logAppendTimeMs: number): void {
    let entry = this.#entries.get(batch.producerId);
    if (entry === undefined || entry.epoch !== batch.producerEpoch) {
      entry = {
        epoch: batch.producerEpoch,
        lastSequence: -1,
        lastDataOffset: entry?.lastDataOffset ?? -1,
        batches: [],
      };
      this.#entries.set(batch.producerId, entry);
    }
    if (batch.isControl) return;
    entry.lastSequence = lastSequenceOf(batch);
    entry.lastDataOffset = batch.lastOffset;
    entry.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence: entry.lastSequence,
      baseOffset: batch.baseOffset,
      logAppendTimeMs,
    });
    if (entry.batches.length > rememberedBatches) entry.batches.shift();
  }

  /** Whether the log cleaner must keep at least the header of this batch, because the sequence is read from it. */
  isLastOfProducer(batch: RecordBatch): boolean {
    const entry = this.#entries.get(batch.producerId);
    if (entry === undefined) return false;
    if (entry.lastDataOffset >= 0) return entry.lastDataOffset === batch.lastOffset;
    return batch.isControl && batch.producerEpoch === entry.epoch;
  }
}

/** `sequence + count`, continuing with 0 after 2^31 - 1. */
export function sequenceAfter(sequence: number, count: number): number {
  const sum = sequence + count;
  return sum > maxSequence ? sum - maxSequence - 1 : sum;
}

function lastSequenceOf(batch: RecordBatch): number {
  return sequenceAfter(batch.baseSequence, batch.lastOffset - batch.baseOffset);
}
