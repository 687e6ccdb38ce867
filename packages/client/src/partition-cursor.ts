import { backoffMs } from "./backoff.ts";
import { type Moment, momentNow } from "./moment.ts";
import type { FetchResponsePartition } from "./protocol/generated/fetch.ts";

/** Where a reader stands in one partition. */
export class PartitionCursor {
  readonly partition: number;
  #leader: number;
  #leaderEpoch: number;
  #replica: number | undefined;
  /** When the leader is to be asked again whether it still prefers the replica, as of `performance.now()`. */
  #replicaUntil = 0;
  #leaderOnlyUntil = 0;
  #generation = 0;
  /** The next offset to apply: every record below it was handed over, or is gone from the log. */
  position: number;
  /** Leader epoch of the batch that ends at `position`; -1 before the first. */
  positionEpoch = -1;
  /** The next offset to ask for; ahead of `position` while fetched batches wait to be applied. */
  fetchOffset: number;
  /** Leader epoch of the batch that ends at `fetchOffset`; -1 if there is none, or if it is not to be compared. */
  fetchEpoch = -1;
  /** Whether a batch was applied since the position was last taken from the log's start. */
  hasApplied = false;
  /** End of what is replicated and may be read; -1 before the first answer. */
  highWatermark = -1;
  /** First offset that still exists; -1 where the broker does not tell. */
  logStartOffset = -1;
  /** Failures, or answers without progress, since the last progress. */
  failures = 0;
  /** Answers in a row that held a damaged batch. */
  damagedAnswers = 0;
  /** No request before this time, as of `performance.now()`; infinite while somebody finds out where to go on. */
  retryAt = 0;
  /** When the partition's leader or replica last answered for it; at first when the reading began. */
  answeredAt: Moment = momentNow();
  /** Whether it ever did, without an error. */
  wasAnswered = false;
  /** Under which leader the position was last compared with the log, on brokers that do not do so at each fetch. */
  comparedUnder = "";

  constructor(partition: number, leader: number, leaderEpoch: number, position: number) {
    this.partition = partition;
    this.#leader = leader;
    this.#leaderEpoch = leaderEpoch;
    this.position = position;
    this.fetchOffset = position;
  }

  /** Broker id, or -1 while the partition has no leader. */
  get leader(): number {
    return this.#leader;
  }

  /** As of the news that named the leader; -1 if unknown. */
  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  /** The broker to fetch from: the leader, or the replica that it named (KIP-392). */
  get source(): number {
    return this.#replica ?? this.#leader;
  }

  /** What was asked in another generation, or is being applied, does not fit any more. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether the leader shall not name a replica, because one has failed. */
  isLeaderOnly(now: number): boolean {
    return now < this.#leaderOnlyUntil;
  }

  /** Takes in who leads. */
  follow(leader: number, leaderEpoch: number): void {
    if (leader === this.#leader && leaderEpoch === this.#leaderEpoch) return;
    this.#leader = leader;
    this.#leaderEpoch = leaderEpoch;
    this.#replica = undefined;
    this.#leaderOnlyUntil = 0;
    this.rewind();
  }

  /** Reads from a replica for a while. */
  readFrom(replica: number, untilMs: number): void {
    this.#replica = replica;
    this.#replicaUntil = untilMs;
    this.rewind();
  }

  /** Goes back to the leader; until then it shall not name a replica again. */
  leaveReplica(leaderOnlyUntil: number): void {
    this.#leaderOnlyUntil = leaderOnlyUntil;
    this.#toLeader();
  }

  /** Goes back to the leader, which may name a replica again, once the replica's time is over. Tells whether it has. */
  leaveReplicaWhenDue(now: number): boolean {
    if (this.#replica === undefined || now < this.#replicaUntil) return false;
    this.#toLeader();
    return true;
  }

  #toLeader(): void {
    this.#replica = undefined;
    this.rewind();
  }

  /** Forgets what was fetched but not applied; answers still on their way no longer match and are dropped. */
  rewind(): void {
    this.#generation++;
    this.fetchOffset = this.position;
    this.fetchEpoch = this.positionEpoch;
  }

  /** Starts over at an offset, as if nothing had been read. */
  restart(offset: number): void {
    this.position = offset;
    this.positionEpoch = -1;
    this.hasApplied = false;
    this.highWatermark = -1;
    this.logStartOffset = -1;
    this.damagedAnswers = 0;
    this.answeredAt = momentNow();
    this.rewind();
  }

  /** A batch was applied. */
  advance({ nextOffset, partitionLeaderEpoch }: { nextOffset: number; partitionLeaderEpoch: number }): void {
    this.position = nextOffset;
    this.positionEpoch = partitionLeaderEpoch;
    this.hasApplied = true;
    this.damagedAnswers = 0;
  }

  noteWatermarks(answer: FetchResponsePartition): void {
    this.highWatermark = answer.highWatermark;
    this.logStartOffset = answer.logStartOffset;
  }

  /** The partition is left out of requests for a while that grows with every failure in a row. */
  pause(config: { readonly retryBackoffMs: number; readonly maxRetryBackoffMs: number }): void {
    this.retryAt = performance.now() + backoffMs(this.failures++, config.retryBackoffMs, config.maxRetryBackoffMs);
  }
}
