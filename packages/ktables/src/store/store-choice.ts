import type { ByteStoreOptions } from "./bytes/byte-store.ts";
import { ByteStore } from "./bytes/byte-store.ts";
import { DecodedStore } from "./decoded-store.ts";
import type { Store, StoreObserver } from "./store.ts";

/** Where values are kept: each as the codec gives it, or as the bytes of its record. */
export type StoreKind = "decoded" | "bytes";

/**
 * With so many records to be read, or more, values are kept as bytes. Measured (`test/bench/store.ts`, docs/stores.md): below,
 * neither store takes a tenth of a second to fill, or 30 MB, and decoded values are read much faster; above, collecting the
 * garbage of a growing `Map` stops the process for tens of milliseconds.
 */
const bytesFromRecords = 100_000;

/** `records`: how many there are to be read, at most, and so how many keys. */
export function chooseStore(records: number): StoreKind {
  return records < bytesFromRecords ? "decoded" : "bytes";
}

export function newStore<V>(kind: StoreKind, options: ByteStoreOptions<V>, observer: StoreObserver<V>): Store<V> {
  return kind === "bytes" ? new ByteStore(options, observer) : new DecodedStore(options, observer);
}
