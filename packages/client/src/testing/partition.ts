import type { RecordBatch } from "@ktables/record-batch";
import { ErrorCode } from "../broker-errors.ts";
import { type AppendOptions, PartitionLog } from "./partition-log.ts";
import { Refusal } from "./refusal.ts";

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

  /** Puts another node in a replica's place, or none. A leader leads on until somebody else is made the leader. */
  replaceReplica(nodeId: number, substitute: number | undefined): void {
    this.#replicas = this.#replicas.flatMap((replica) => (replica === nodeId ? (substitute ?? []) : replica));
  }

  /**
   * Appends one batch in the leader's epoch; see {@link PartitionLog.append}.
   * @throws Refusal 5 while there is no leader, as nobody takes anything then
   */
  append(batch: Uint8Array, options: AppendOptions = {}): RecordBatch {
    this.requireLeader();
    const stored = this.log.append(batch, this.#leaderEpoch, options);
    this.announce();
    return stored;
  }

  /** To be called before the log is changed by anything but a leader's election. @throws Refusal 5 */
  requireLeader(): void {
    if (this.#leaderId !== -1) return;
    throw new Refusal(
      ErrorCode.LEADER_NOT_AVAILABLE,
      `partition ${this.index} of ${this.topic} has no leader, as no node that holds it is up (${this.#replicas.join(", ")})`,
    );
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
