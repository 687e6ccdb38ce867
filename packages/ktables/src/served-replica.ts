import { type AbortSignalLike, type CallOptions, PositionLostError, type TopicReader } from "@ktables/client";
import { ProcessHold, toError } from "@ktables/client/internal";
import type { CatchUp } from "./catch-up.ts";
import { Rebuild } from "./rebuild.ts";
import { differencesOf } from "./store/differences.ts";
import type { Store, StoreCounters } from "./store/store.ts";
import type { StoreKind } from "./store/store-choice.ts";
import { ShadowObserver, type TableObserver } from "./table-observer.ts";
import type { ResolvedTableOptions } from "./table-options.ts";
import { type ReplicaHost, TopicReplica } from "./topic-replica.ts";
import { addCounters } from "./view-stats.ts";

/** What the served replica tells its table. */
export interface ServedReplicaHost {
  /** A broker has answered. */
  onContact(): void;
  /** The position of a partition that is served has moved. */
  onProgress(partition: number): void;
  /** What is served has caught up for the first time. */
  onCaughtUp(): void;
  /** What is served belongs to a log that is gone; another replica is being built. */
  onLost(loss: PositionLostError): void;
  /** Another replica is served now; called after those who listen to changes were told the difference. */
  onReplaced(): void;
  onTrouble(error: Error): void;
  /** No replica follows the topic any more. */
  onEnd(failure: Error): void;
}

/** The replica that a table serves; when the log that it came from is gone, another one takes its place at once. */
export class ServedReplica<V> {
  readonly #options: ResolvedTableOptions<V>;
  readonly #observer: TableObserver<V>;
  readonly #host: ServedReplicaHost;
  readonly #replicaHost: ReplicaHost<V>;
  readonly #signal: AbortSignalLike;
  #replica: TopicReplica<V>;
  /** What the replicas before this one have counted. */
  #countedBefore: StoreCounters | undefined;
  #rebuild: Rebuild<V> | undefined;
  #rebuilding: Promise<void> | undefined;
  #hasCaughtUp = false;
  #resyncs = 0;

  /** When the signal ends, nothing is rebuilt any more. */
  constructor(
    options: ResolvedTableOptions<V>,
    observer: TableObserver<V>,
    host: ServedReplicaHost,
    signal: AbortSignalLike,
  ) {
    this.#options = options;
    this.#observer = observer;
    this.#host = host;
    this.#signal = signal;
    this.#replicaHost = {
      onProgress: (replica, partition) => {
        host.onContact();
        if (replica === this.#replica && this.#rebuild === undefined) host.onProgress(partition);
      },
      onCaughtUp: (replica) => (replica === this.#replica ? this.#onCaughtUp() : this.#rebuild?.onCaughtUp()),
      onTrouble: (error) => host.onTrouble(error),
      onFailure: (replica, failure) =>
        replica === this.#replica ? this.#onEnd(failure) : this.#rebuild?.onFailure(failure),
    };
    this.#replica = new TopicReplica(options, observer, this.#replicaHost);
  }

  get store(): Store<V> {
    return this.#replica.store;
  }

  /** Which one that is; undefined as long as it is not decided. */
  get storeKind(): StoreKind | undefined {
    return this.#replica.storeKind;
  }

  /** Undefined before {@link begin}. */
  get reader(): TopicReader | undefined {
    return this.#replica.reader;
  }

  /** Of the replica that is being built, if one is. */
  get catchUp(): CatchUp {
    return (this.#rebuild?.replica ?? this.#replica).catchUp;
  }

  get counters(): StoreCounters {
    const { counters } = this.#replica.store;
    return this.#countedBefore === undefined ? counters : addCounters(this.#countedBefore, counters);
  }

  /** Whether what is served belongs to a log that is gone. */
  get isRebuilding(): boolean {
    return this.#rebuild !== undefined;
  }

  get resyncs(): number {
    return this.#resyncs;
  }

  /** The next offset to apply; undefined while what is served belongs to a log that is gone. */
  position(partition: number): number | undefined {
    return this.isRebuilding ? undefined : this.#replica.position(partition);
  }

  /** Resolves when reading has begun; `call` gives the options of each request. */
  async begin(call: () => CallOptions): Promise<void> {
    await this.#replica.begin(call);
  }

  /** When it resolves, nothing runs any more; the contents stay. The signal must have ended. */
  async close(): Promise<void> {
    await Promise.all([this.#replica.close(), this.#rebuild?.close(), this.#rebuilding]);
  }

  #onCaughtUp(): void {
    if (this.#hasCaughtUp) return;
    this.#hasCaughtUp = true;
    this.#host.onCaughtUp();
  }

  #onEnd(failure: Error): void {
    if (failure instanceof PositionLostError && this.#options.onReset === "resync") this.#resync(failure);
    else this.#host.onEnd(failure);
  }

  #resync(loss: PositionLostError): void {
    let observer = new ShadowObserver(this.#observer);
    const rebuild = new Rebuild(
      () => {
        observer = new ShadowObserver(this.#observer);
        return new TopicReplica(this.#options, observer, this.#replicaHost);
      },
      (error) => this.#host.onTrouble(error),
    );
    this.#rebuild = rebuild;
    this.#host.onLost(loss);
    // In the pauses between attempts, nothing else would keep the process alive.
    const alive = new ProcessHold();
    if (!this.#options.connection.acquire().config.unref) alive.hold();
    const run = async (): Promise<void> => {
      try {
        const replica = await rebuild.run(this.#signal);
        if (!this.#signal.aborted) this.#adopt(replica, observer, loss);
      } catch (error) {
        if (!this.#signal.aborted) this.#host.onEnd(toError(error));
      } finally {
        alive.release();
      }
    };
    this.#rebuilding = run();
  }

  /** In one turn: whoever reads sees the old contents or the new ones, and listeners hear of all that is different. */
  #adopt(replica: TopicReplica<V>, observer: ShadowObserver<V>, loss: PositionLostError): void {
    const differences = differencesOf(this.#replica.store, replica.store);
    this.#countedBefore = this.counters;
    this.#replica = replica;
    this.#rebuild = undefined;
    this.#resyncs++;
    observer.reveal();
    const { connection, topic } = this.#options;
    const { removed, set } = differences;
    connection.logger.info(
      `The table of topic "${topic}" was read anew: ${set.length} keys were set and ${removed.length} removed`,
      { topic },
    );
    this.#observer.resync(loss, differences);
    this.#onCaughtUp();
    this.#host.onReplaced();
    // It may have ended since it caught up, when nobody listened yet.
    const failure = replica.reader?.failure;
    if (failure !== undefined) this.#onEnd(failure);
  }
}
