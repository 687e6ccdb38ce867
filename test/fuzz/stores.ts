import { encodeBatch, nextBatch, type RecordBatch, RecordBatchError, readBatches } from "@ktables/record-batch";
import { string } from "ktables";
import { ByteStore } from "../../packages/ktables/src/store/bytes/byte-store.ts";
import type { RecordMapSizes } from "../../packages/ktables/src/store/bytes/record-map.ts";
import { DecodedStore } from "../../packages/ktables/src/store/decoded-store.ts";
import type { Store, StoreCounters } from "../../packages/ktables/src/store/store.ts";
import { unheard } from "../suites/unheard.ts";
import { maxDecompressedBytes } from "./decode.ts";

/** Small pieces, so that a few records fill several. */
const sizes: RecordMapSizes = { segmentSize: 16, pageBits: 10, slotChunkBits: 3 };
/** Both stores of a table, empty between one input and the next, so that each shows its defects alone. */
class StorePair {
  readonly #partitions: readonly number[];
  readonly #decoded: Store<string>;
  readonly #kept: Store<string>;

  /** With several partitions, places are kept. */
  constructor(partitions: readonly number[]) {
    const common = { topic: "t", key: string(), value: string(), expireWithLog: false } as const;
    const metadata = partitions.length > 1;
    const options = { ...common, metadata, onPoison: "keep-previous", validate: "eager" } as const;
    this.#partitions = partitions;
    this.#decoded = new DecodedStore(options, unheard);
    this.#kept = new ByteStore(options, unheard, sizes);
    if (metadata) for (const store of this.#both) store.expectSeveralPartitions();
  }

  get #both(): readonly [Store<string>, Store<string>] {
    return [this.#decoded, this.#kept];
  }

  /**
   * Gives both all batches of the input, twice. Throws where they do not make the same of it. Returns how many batches
   * they took.
   */
  take(bytes: Uint8Array, checkCrc: boolean): number {
    const before = this.#both.map(({ counters }) => counters);
    let batches = 0;
    for (const partition of [this.#partitions.at(-1)!, this.#partitions[0]!]) {
      for (const batch of wholeBatches(bytes, checkCrc)) {
        const [refusal, other] = this.#both.map((store) => refusalOf(() => store.apply(partition, batch, 0)));
        if (refusal !== other) throw new Error(`one store said ${refusal}, the other ${other}`);
        if (refusal !== undefined) {
          // What came before the defect may have been applied.
          this.#clear();
          return batches;
        }
        batches++;
      }
      const [one, other] = this.#both.map((store, index) => contentsOf(store, before[index]!));
      if (one !== other) throw new Error(`one store has ${one}, the other ${other}`);
    }
    this.#clear();
    return batches;
  }

  #clear(): void {
    const keys = new Set(this.#both.flatMap((store) => [...store.keys(), ...store.poisoned().map(({ key }) => key)]));
    const records = [...keys].map((key) => ({ key: new TextEncoder().encode(key), value: null, timestamp: 0 }));
    for (const partition of this.#partitions) {
      for (const batch of readBatches(encodeBatch({ records }))) {
        for (const store of this.#both) store.apply(partition, batch, 0);
      }
    }
    for (const { size, poisonedKeys } of this.#both) {
      if (size + poisonedKeys > 0)
        throw new Error(`${size} keys, and ${poisonedKeys} poisoned ones, have outlived tombstones`);
    }
  }
}

let pairs: readonly [StorePair, StorePair] | undefined;

/** See {@link StorePair.take}. */
export function fillStores(bytes: Uint8Array, checkCrc: boolean, keepPlaces: boolean): number {
  pairs ??= [new StorePair([0]), new StorePair([0, 1])];
  return pairs[keepPlaces ? 1 : 0].take(bytes, checkCrc);
}

/** Up to the first that is none. */
function* wholeBatches(bytes: Uint8Array, checkCrc: boolean): Generator<RecordBatch, undefined> {
  for (let start = 0; ; ) {
    let batch: RecordBatch | undefined;
    if (refusalOf(() => (batch = nextBatch(bytes, start, { checkCrc, maxDecompressedBytes }))) !== undefined) return;
    if (batch === undefined) return;
    start += batch.sizeInBytes;
    yield batch;
  }
}

function refusalOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof RecordBatchError) return error.code;
    throw error;
  }
}

function contentsOf(store: Store<string>, before: StoreCounters): string {
  const keys = [...store.keys()].toSorted();
  return JSON.stringify([
    store.size,
    Object.entries(store.counters).map(([name, count]) => [name, count - before[name as keyof StoreCounters]]),
    store.crossPartitionKeys,
    keys.map((key) => [key, store.get(key), placeOf(store, key)]),
    [...store.values()].toSorted(),
    store.poisoned().map(({ key, partition, offset, serving }) => [key, partition, offset, serving]),
  ]);
}

function placeOf(store: Store<string>, key: string): unknown {
  const place = store.place(key);
  return place && { ...place, headers: place.headers.map(({ key, value }) => [key, value && [...value]]) };
}
