import { PartitionLog } from "./partition-log.ts";

/** One partition: its log, who leads it, and who waits for news of it. */
export class Partition {
  readonly topic: string;
  readonly index: number;
  readonly log: PartitionLog = new PartitionLog();
  #replicas: readonly number[];
  #leaderId: number;
  #leaderEpoch = 0;
  readonly #watchers = new Set<() => void>();

  /** `leaderId` -1: no replica is up. */
  constructor(topic: string, index: number, replicas: readonly number[], leaderId: number) {
    this.topic = topic;
    this.index = index;
    this.#replicas = replicas;
    this.#leaderId = leaderId;
    this.log.beginEpoch(this.#leaderEpoch);
  }

  /** Node ids, the preferred leader first. */
  get replicas(): readonly number[] {
    return this.#replicas;
  }

  /** -1 while there is no leader. */
  get leaderId(): number {
    return this.#leaderId;
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  /**
   * Makes a node the leader, which starts a new epoch. A node that was no replica takes the old leader's place, or the
   * preferred leader's where there is none.
   */
  lead(nodeId: number): void {
    if (nodeId !== -1 && !this.#replicas.includes(nodeId)) {
      const replaced = this.#leaderId === -1 ? this.#replicas[0] : this.#leaderId;
      this.#replicas = [nodeId, ...this.#replicas.filter((replica) => replica !== replaced)];
    }
    this.#leaderId = nodeId;
    this.#leaderEpoch += 1;
    if (nodeId !== -1) this.log.beginEpoch(this.#leaderEpoch);
    this.announce();
  }

  /** Calls `onChange` at each append, leader change or deletion, until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => void this.#watchers.delete(onChange);
  }

  /** To be called after the log has changed. */
  announce(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
