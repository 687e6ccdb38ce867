import { setTimeout as sleep } from "node:timers/promises";
import type { JavaPeer } from "./java-peer.ts";
import { waitUntil } from "./wait-until.ts";

/**
 * Topic configs under which the real log cleaner does its work within a second of an append. Tombstones leave in two
 * cleanings; with `delete.retention.ms=0` the second one may remove them at once.
 */
export const EAGER_COMPACTION: Readonly<Record<string, string>> = {
  "cleanup.policy": "compact",
  "segment.ms": "100",
  "min.cleanable.dirty.ratio": "0.001",
  "min.compaction.lag.ms": "0",
  "max.compaction.lag.ms": "200",
  "delete.retention.ms": "0",
};

/** Key of the records that {@link compactTopic} appends to every partition. */
export const ROLL_KEY = "roll-the-segment";

export interface CompactTopicOptions {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly partitions: number;
  /** Done when a read_committed reader gets no more data records than this (roll records included). */
  readonly maxRecords: number;
}

/**
 * Makes the cleaner compact a topic with {@link EAGER_COMPACTION}. The active segment is never cleaned and is closed
 * only by an append, so this appends a record with {@link ROLL_KEY} (its value is a JSON number) to every partition
 * until few enough records are left. Returns how many are.
 */
export async function compactTopic(peer: JavaPeer, options: CompactTopicOptions): Promise<number> {
  const { bootstrapServers, topic, partitions, maxRecords } = options;
  let round = 0;
  return waitUntil(
    `${topic} is compacted to ${maxRecords} records`,
    async () => {
      await sleep(150);
      round++;
      const records = Array.from({ length: partitions }, (_, partition) => ({
        key: ROLL_KEY,
        value: String(round),
        partition,
      }));
      await peer.call("produce", { bootstrapServers, topic, records });
      await sleep(300);
      const table = await peer.call("table", { bootstrapServers, topic });
      return table.records <= maxRecords ? table.records : undefined;
    },
    { timeoutMs: 60_000 },
  );
}
