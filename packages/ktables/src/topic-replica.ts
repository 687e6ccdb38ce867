import { type CallOptions, describeTopicConfigs, KafkaError, listOffsets, TopicReader } from "@ktables/client";
import { AbortSource, throwIfAborted } from "@ktables/client/internal";
import { CatchUp } from "./catch-up.ts";
import { DecodedStore } from "./store/decoded-store.ts";
import type { Store, StoreObserver } from "./store/store.ts";
import { chooseStore, type StoreKind } from "./store/store-choice.ts";
import type { ResolvedTableOptions } from "./table-options.ts";

/** Kafka's default of `delete.retention.ms`, for topics whose configuration may not be read. */
const defaultTombstoneRetentionMs = 86_400_000;
/** Shorter absences are no outage, however soon a topic drops its tombstones: answers always lie some time apart. */
const shortestOutageMs = 60_000;
/** The time after which the default is taken instead of waiting for the topic's configuration. */
const configTimeoutMs = 5000;

/** What a replica tells its table. */
export interface ReplicaHost<V> {
  /** A position has moved, or a broker has answered. */
  onProgress(replica: TopicReplica<V>, partition: number): void;
  /** Everything that was in the topic at the begin is applied; called once, in the turn in which it happened. */
  onCaughtUp(replica: TopicReplica<V>): void;
  onTrouble(error: Error): void;
  /** The replica has ended for good and stays as it is. */
  onFailure(replica: TopicReplica<V>, failure: Error): void;
}

/** One reading of a topic from its beginning on: its contents so far, and how far that is. */
export class TopicReplica<V> {
  readonly catchUp: CatchUp;
  readonly #options: ResolvedTableOptions<V>;
  readonly #observer: StoreObserver<V>;
  readonly #host: ReplicaHost<V>;
  readonly #ending = new AbortSource();
  /** Below which offsets of each partition nothing is left in the store. */
  readonly #expiredBelow = new Map<number, number>();
  #tombstoneRetentionMs = defaultTombstoneRetentionMs;
  #storeKind: StoreKind | undefined;
  #store: Store<V>;
  #reader: TopicReader | undefined;

  constructor(options: ResolvedTableOptions<V>, observer: StoreObserver<V>, host: ReplicaHost<V>) {
    this.#options = options;
    this.#observer = observer;
    this.#host = host;
    this.#storeKind = options.store === "auto" ? undefined : options.store;
    // There to be asked, and empty, until reading begins.
    this.#store = new DecodedStore(options, observer);
    this.catchUp = new CatchUp({
      position: (partition) => this.position(partition),
      endOffsets: (partitions, signal) =>
        listOffsets(options.connection.acquire(), options.topic, "latest", { partitions, signal }),
      onTrouble: (error) => host.onTrouble(error),
      onCaughtUp: () => host.onCaughtUp(this),
    });
  }

  /** Unless values are kept decoded, another one when reading has begun. */
  get store(): Store<V> {
    return this.#store;
  }

  /** Which one {@link store} is; undefined as long as that is not decided. */
  get storeKind(): StoreKind | undefined {
    return this.#storeKind;
  }

  /** Undefined before {@link begin}. */
  get reader(): TopicReader | undefined {
    return this.#reader;
  }

  /** The next offset to apply. */
  position(partition: number): number | undefined {
    return this.#reader?.position(partition);
  }

  /** Resolves when reading has begun; `call` gives the options of each request. */
  async begin(call: () => CallOptions): Promise<void> {
    const { connection, topic, partitions, fetchMaxWaitMs, isolation } = this.#options;
    const client = connection.acquire();
    const host = this.#host;
    const reader = new TopicReader(client, {
      topic,
      partitions,
      isolation,
      maxWaitMs: fetchMaxWaitMs,
      tombstoneRetentionMs: () => this.#tombstoneRetentionMs,
      onBatch: (partition, batch, fromOffset) => this.#store.apply(partition, batch, fromOffset),
      onProgress: (partition) => {
        if (this.#options.expireWithLog) this.#expire(partition);
        host.onProgress(this, partition);
        this.catchUp.advance(partition);
      },
      onPartitionsAdded: (partitions) => {
        this.#store.expectSeveralPartitions();
        this.catchUp.join(partitions, this.#ending.signal);
      },
      onTrouble: (error) => host.onTrouble(error),
      onFailure: (failure) => host.onFailure(this, failure),
    });
    this.#reader = reader;
    // All questions at once: from far away, it is the round trips that take the time. The store of bytes is a tenth of all
    // code, and loaded by those who may use it, while the brokers are asked.
    const [ends, bytes] = await Promise.all([
      listOffsets(client, topic, "latest", { ...call(), partitions }),
      this.#storeKind === "decoded" ? undefined : import("./store/bytes/byte-store.ts"),
      this.#askForTombstoneRetention(call()),
      reader.prepare(call()),
    ]);
    throwIfAborted(this.#ending.signal);
    const totalOffsets = offsetsToRead(ends, reader);
    this.#storeKind ??= chooseStore(totalOffsets);
    if (this.#storeKind === "bytes" && bytes !== undefined) {
      this.#store = new bytes.ByteStore({ ...this.#options, totalOffsets }, this.#observer);
    }
    if (reader.partitions().length > 1) this.#store.expectSeveralPartitions();
    await reader.start(call());
    // Nothing has been applied yet: answers to fetches come in later turns.
    this.catchUp.begin(ends, reader.partitions(), this.#ending.signal);
  }

  /** When it resolves, nothing runs any more; the contents stay. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#reader?.close();
    await this.catchUp.settled();
  }

  #expire(partition: number): void {
    const logStartOffset = this.#reader?.logStartOffset(partition) ?? -1;
    if (logStartOffset <= (this.#expiredBelow.get(partition) ?? 0)) return;
    this.#store.expire(partition, logStartOffset);
    // Records from below may still be on their way from earlier answers.
    if ((this.position(partition) ?? 0) >= logStartOffset) this.#expiredBelow.set(partition, logStartOffset);
  }

  async #askForTombstoneRetention({ signal, timeoutMs = configTimeoutMs }: CallOptions): Promise<void> {
    const { connection, topic } = this.#options;
    const name = "delete.retention.ms";
    try {
      const options = { names: [name], signal, timeoutMs: Math.min(timeoutMs, configTimeoutMs) };
      const [entry] = await describeTopicConfigs(connection.acquire(), topic, options);
      const value = entry?.value ?? "";
      if (value !== "") this.#tombstoneRetentionMs = Math.max(Number(value), shortestOutageMs);
    } catch (error) {
      if (signal?.aborted === true || !(error instanceof KafkaError)) throw error;
      connection.logger.debug(`Topic "${topic}": ${name} could not be read, so that Kafka's default counts`, { error });
    }
  }
}

/** At least as many as records: compaction leaves holes. */
function offsetsToRead(ends: ReadonlyMap<number, number>, reader: TopicReader): number {
  return reader.partitions().reduce((sum, partition) => {
    const start = reader.position(partition) ?? 0;
    return sum + Math.max(0, (ends.get(partition) ?? start) - start);
  }, 0);
}
