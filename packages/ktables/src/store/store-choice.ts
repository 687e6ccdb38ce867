/** Where values are kept: each as the codec gives it, or as the bytes of its record. */
export type StoreKind = "decoded" | "bytes";

/**
 * From so many records to be read on, values are kept as bytes. Measured, see docs/stores.md: below, a `Map` is filled in a
 * tenth of a second, bytes save half of that and 20 MB at most, and `get` is ten times as fast with a `Map`; above, bytes save more and more,
 * and collecting the garbage of a growing `Map` stops the process for tens of milliseconds.
 */
const bytesFromRecords = 100_000;

/** `records`: how many there are to be read, at most, and so how many keys. */
export function chooseStore(records: number): StoreKind {
  return records < bytesFromRecords ? "decoded" : "bytes";
}
