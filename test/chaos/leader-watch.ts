import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaClient, TopicMetadata } from "@ktables/client";

/** Counts what happens to the leaders of a topic, by asking for metadata five times a second. */
export class LeaderWatch {
  /** How often a partition had another leader than before. */
  leaderChanges = 0;
  /** How far leader epochs have advanced: each election is a new epoch, also one that the same broker wins. */
  elections = 0;
  readonly #last = new Map<number, { leader: number; leaderEpoch: number }>();

  async run(client: KafkaClient, topic: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = await client.topicMetadata(topic).catch(() => undefined);
      if (now !== undefined) this.#compare(now);
      await sleep(200);
    }
  }

  #compare({ partitions }: TopicMetadata): void {
    for (const { partition, leader, leaderEpoch } of partitions) {
      // A partition without a leader is on its way from one to the next.
      if (leader < 0) continue;
      const before = this.#last.get(partition);
      if (before !== undefined && leader !== before.leader) this.leaderChanges++;
      if (before !== undefined) this.elections += Math.max(0, leaderEpoch - before.leaderEpoch);
      this.#last.set(partition, { leader, leaderEpoch });
    }
  }
}
