import { readdirSync, readFileSync } from "node:fs";
import type { AbortedTransaction } from "@ktables/record-batch";
import type { DecodedBatch, ReadRecord } from "../harness/peer-commands.ts";

/** What lies beside the bytes of a captured log; see fixtures/captured/README.md. */
export interface Captured {
  /** Release of the broker. */
  readonly kafka: string;
  /** Of the topic. */
  readonly configs: Readonly<Record<string, string>>;
  /** From the broker's index of transactions. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** What the Java consumer got with `read_committed`. */
  readonly committed: readonly Omit<ReadRecord, "partition">[];
  /** What the Java consumer got with `read_uncommitted`. */
  readonly uncommitted: readonly Omit<ReadRecord, "partition">[];
  /** What Java's own decoder makes of the bytes. */
  readonly batches: readonly DecodedBatch[];
}

const directory = new URL("fixtures/captured/", import.meta.url);

/** Every captured log: its name, its bytes and what Java reads from them. */
export function capturedLogs(): { name: string; bytes: Uint8Array; java: Captured }[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".bin"))
    .toSorted()
    .map((file) => {
      const name = file.slice(0, -".bin".length);
      return {
        name,
        bytes: new Uint8Array(readFileSync(new URL(file, directory))),
        java: JSON.parse(readFileSync(new URL(`${name}.json`, directory), "utf8")),
      };
    });
}
