import { KafkaError } from "@ktables/record-batch";
import { AbortSource, type CallOptions, CallScope, onAbort, sleep, throwIfAborted } from "./abort.ts";
import { backoffMs } from "./backoff.ts";
import { ErrorCode } from "./broker-errors.ts";
import { BrokerFetcher } from "./broker-fetcher.ts";
import type { KafkaClient } from "./client.ts";
import { publishFailure, publishRetry, type Trouble } from "./diagnostics.ts";
import { BrokerError, ClosedError, PositionLostError, TimeoutError, toError } from "./errors.ts";
import type { FetchContext } from "./fetch-context.ts";
import type { PartitionMetadata, TopicMetadata } from "./metadata.ts";
import { listOffsets } from "./offsets.ts";
import { checkOptions } from "./options.ts";
import { PartitionCursor } from "./partition-cursor.ts";
import { ProcessHold } from "./process-hold.ts";
import { readerChecks, type TopicReaderOptions } from "./reader-options.ts";
import { Wakeup } from "./wakeup.ts";

/**
 * Reads a topic from its beginning and then follows it, every partition at once, without a consumer group. Positions
 * move over whole batches, so that compaction holes, transaction markers and aborted data never hold them up.
 */
export class TopicReader {
  readonly #client: KafkaClient;
  readonly #options: TopicReaderOptions;
  readonly #cursors = new Map<number, PartitionCursor>();
  readonly #closing = new AbortSource();
  readonly #fetchers = new Map<number, BrokerFetcher>();
  /** What goes on in the background: fetchers, and what they have begun. */
  readonly #tasks = new Set<Promise<void>>();
  readonly #refresh = new Wakeup();
  readonly #fetching: FetchContext;
  #watcher: Promise<void> | undefined;
  /** Which incarnation of the topic is read. */
  #topicId: string | undefined;
  /** Whether the cluster, as of the last metadata, goes by topic ids. */
  #hasTopicIds = false;
  #partitionCount = 0;
  #isPrepared = false;
  #failure: Error | undefined;
  #leaveClient: (() => void) | undefined;
  readonly #process = new ProcessHold();

  /** Checks the options; the network is touched by {@link start}. @throws InvalidOptionError */
  constructor(client: KafkaClient, options: TopicReaderOptions) {
    checkOptions("TopicReader", options, readerChecks);
    this.#client = client;
    this.#options = options;
    this.#fetching = this.#newFetchContext();
  }

  /** Why the reader ended by itself; undefined while it runs and after {@link close}. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  partitions(): readonly number[] {
    return [...this.#cursors.keys()];
  }

  /** All partitions of the topic, as of the last metadata; 0 before the start. */
  get partitionCount(): number {
    return this.#partitionCount;
  }

  /** The next offset to be applied, or undefined for a partition that is not read. */
  position(partition: number): number | undefined {
    return this.#cursors.get(partition)?.position;
  }

  /** End of the partition as of the last answer; -1 before the first. */
  highWatermark(partition: number): number | undefined {
    return this.#cursors.get(partition)?.highWatermark;
  }

  /** First offset that still exists as of the last answer; -1 if unknown. */
  logStartOffset(partition: number): number | undefined {
    return this.#cursors.get(partition)?.logStartOffset;
  }

  /**
   * What {@link start} does before anything is read: looks the topic and its earliest offsets up, and connects to the leaders
   * meanwhile. To be called by those who look something up themselves at the same time, with no pause before the start. Rejects
   * as {@link start} does.
   */
  async prepare(options: CallOptions = {}): Promise<void> {
    const timeoutMs = options.timeoutMs ?? this.#client.config.requestTimeoutMs;
    const signals = [options.signal, this.#closing.signal, this.#client.closing];
    const scope = new CallScope(signals, timeoutMs, () => {
      return new TimeoutError(`Reading topic "${this.#options.topic}" did not start within ${timeoutMs} ms`, timeoutMs);
    });
    try {
      const call = { signal: scope.signal, timeoutMs: scope.remainingMs };
      const metadata = await this.#client.topicMetadata(this.#options.topic, call);
      this.#adopt(metadata);
      this.#connect(metadata.partitions);
      await this.#addPartitions(metadata, metadata.partitions, { signal: scope.signal, timeoutMs: scope.remainingMs });
      throwIfAborted(scope.signal);
      this.#isPrepared = true;
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      scope.end();
    }
  }

  /**
   * Looks the topic and its earliest offsets up, then reads in the background. Rejects with what stood in the way;
   * the reader is of no use then and needs no {@link close}.
   */
  async start(options: CallOptions = {}): Promise<void> {
    if (!this.#isPrepared) await this.prepare(options);
    // Between the two calls, either may have ended.
    throwIfAborted(this.#closing.signal);
    throwIfAborted(this.#client.closing);
    // Connections do that too, but there are none while no broker can be reached.
    if (!this.#client.config.unref) this.#process.hold();
    this.#leaveClient = onAbort(this.#client.closing, () => this.#fail(new ClosedError("The Kafka client")));
    this.#watcher = this.#watchMetadata().catch((error) => this.#fail(toError(error)));
    this.#startFetchers();
  }

  /** Ends all reading; when it resolves, no callback follows any more. Idempotent. */
  async close(): Promise<void> {
    this.#end();
    await Promise.all([...this.#tasks, this.#watcher]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #end(): void {
    this.#closing.abort(new ClosedError("The reader"));
    this.#leaveClient?.();
    this.#process.release();
    for (const fetcher of this.#fetchers.values()) fetcher.close();
  }

  #fail(failure: Error): void {
    if (this.#failure !== undefined || this.#closing.signal.aborted) return;
    this.#failure = failure;
    publishFailure("reader", this.#diagnostic(failure));
    this.#end();
    this.#options.onFailure?.(failure);
  }

  #trouble(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    if (error instanceof KafkaError && error.retriable) {
      publishRetry(this.#diagnostic(error));
      this.#options.onTrouble?.(error);
    } else {
      this.#fail(toError(error));
    }
  }

  #diagnostic(error: Error): Trouble {
    const { topic } = this.#options;
    return { clientId: this.#client.config.clientId, operation: `Reading topic "${topic}"`, topic, error };
  }

  #isWanted(partition: number): boolean {
    return this.#options.partitions?.includes(partition) ?? true;
  }

  /** Has a connection to each leader opened while it is found out where to read from. */
  #connect(partitions: readonly PartitionMetadata[]): void {
    const wanted = partitions.filter(({ partition, leader }) => leader >= 0 && this.#isWanted(partition));
    for (const leader of new Set(wanted.map(({ leader }) => leader))) this.#fetcherOf(leader).connect();
  }

  /** Adds those of the partitions that are wanted and not read yet. */
  async #addPartitions(
    metadata: TopicMetadata,
    partitionsToAdd: readonly PartitionMetadata[],
    options: CallOptions,
  ): Promise<number[]> {
    const wanted = this.#options.partitions;
    const added = partitionsToAdd.filter(({ partition }) => !this.#cursors.has(partition) && this.#isWanted(partition));
    const missing = wanted?.filter((partition) => metadata.partitions[partition] === undefined) ?? [];
    if (missing.length > 0) {
      throw new BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, {
        api: "Metadata",
        topic: metadata.name,
        partition: missing[0],
      });
    }
    if (added.length === 0) return [];
    const partitions = added.map(({ partition }) => partition);
    const earliest = await listOffsets(this.#client, metadata.name, "earliest", { ...options, partitions });
    for (const { partition, leader, leaderEpoch } of added) {
      const position = earliest.get(partition) ?? 0;
      this.#cursors.set(partition, new PartitionCursor(partition, leader, leaderEpoch, position));
    }
    return partitions;
  }

  /** Fetches metadata again when it is old or when somebody has found it wrong, and follows what it says. */
  async #watchMetadata(): Promise<void> {
    const { metadataMaxAgeMs, retryBackoffMs, maxRetryBackoffMs } = this.#client.config;
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      try {
        // After a failure, nobody who finds the metadata wrong can shorten the pause.
        if (failures > 0) await sleep(backoffMs(failures - 1, retryBackoffMs, maxRetryBackoffMs), this.#closing.signal);
        const woken = failures === 0 && (await this.#refresh.wait(metadataMaxAgeMs, this.#closing.signal));
        const metadata = await this.#client.refreshTopic(this.#options.topic, this.#closing.signal);
        await this.#follow(metadata);
        failures = this.#isComplete(metadata) ? 0 : failures + 1;
        // A leader that insists on not being one must not make us ask in a tight loop.
        if (woken && failures === 0) await sleep(retryBackoffMs, this.#closing.signal);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        failures++;
        this.#trouble(error);
      }
    }
  }

  async #follow(metadata: TopicMetadata): Promise<void> {
    if (this.#isRecreated(metadata) && !this.#startOver(metadata)) return;
    this.#adopt(metadata);
    for (const { partition, leader, leaderEpoch } of metadata.partitions) {
      this.#cursors.get(partition)?.follow(leader, leaderEpoch);
    }
    this.#startFetchers();
    // A new partition without a leader must not keep the others from being followed: it is added once it has one.
    const led = metadata.partitions.filter(({ leader }) => leader >= 0);
    const added = await this.#addPartitions(metadata, led, { signal: this.#closing.signal });
    this.#startFetchers();
    if (added.length > 0) this.#options.onPartitionsAdded?.(added);
  }

  /** A cluster that is being upgraded or downgraded may tell no id for a while; it is still the same topic. */
  #adopt(metadata: TopicMetadata): void {
    this.#topicId = metadata.topicId ?? this.#topicId;
    this.#hasTopicIds = metadata.topicId !== undefined;
    this.#partitionCount = metadata.partitions.length;
  }

  #isRecreated({ topicId }: TopicMetadata): boolean {
    return topicId !== this.#topicId && topicId !== undefined && this.#topicId !== undefined;
  }

  /** Leaves the former incarnation of the topic; false if the owner does not want the new one. */
  #startOver(metadata: TopicMetadata): boolean {
    const message = `Topic "${metadata.name}" was deleted and created again: what was read so far belongs to another topic`;
    if (!this.#mayRestart(new PositionLostError("TOPIC_RECREATED", message, { topic: metadata.name }))) return false;
    for (const [partition, cursor] of this.#cursors) {
      cursor.restart(0);
      if (metadata.partitions[partition] === undefined) this.#cursors.delete(partition);
    }
    return true;
  }

  /** Asks the owner; ends the reader if it does not say that it can start over. */
  #mayRestart(loss: PositionLostError): boolean {
    try {
      if (this.#options.onPositionLost?.(loss) === "restart") return !this.#closing.signal.aborted;
      this.#fail(loss);
    } catch (error) {
      this.#fail(toError(error));
    }
    return false;
  }

  /** Whether every partition that is read, or is to be read, has a leader. */
  #isComplete(metadata: TopicMetadata): boolean {
    return metadata.partitions.every(({ partition, leader }) => leader >= 0 || !this.#isWanted(partition));
  }

  /** Lets each broker that is a partition's source be fetched from, and those that are know that there may be more. */
  #startFetchers(): void {
    if (this.#closing.signal.aborted) return;
    for (const { source } of this.#cursors.values()) {
      if (source < 0) this.#refresh.wake();
      else this.#startFetcher(source);
    }
    for (const fetcher of this.#fetchers.values()) fetcher.wake();
  }

  #startFetcher(broker: number): void {
    const fetcher = this.#fetcherOf(broker);
    if (fetcher.isRunning) return;
    const run = async (): Promise<void> => {
      try {
        await fetcher.run();
      } catch (error) {
        this.#fail(toError(error));
      }
      this.#fetchers.delete(broker);
      fetcher.close();
      // It may have got a partition back between its last look and now.
      this.#startFetchers();
    };
    this.#track(run());
  }

  #fetcherOf(broker: number): BrokerFetcher {
    let fetcher = this.#fetchers.get(broker);
    if (fetcher === undefined) {
      fetcher = new BrokerFetcher(this.#fetching, broker);
      this.#fetchers.set(broker, fetcher);
    }
    return fetcher;
  }

  #track(work: Promise<void>): void {
    const task = work.finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  #newFetchContext(): FetchContext {
    const topicId = (): string | undefined => (this.#hasTopicIds ? this.#topicId : undefined);
    return {
      client: this.#client,
      topic: this.#options.topic,
      get topicId() {
        return topicId();
      },
      cursors: this.#cursors,
      options: this.#options,
      signal: this.#closing.signal,
      staleMetadata: () => this.#refresh.wake(),
      moved: () => this.#startFetchers(),
      inBackground: (work) => this.#track(work().catch((error) => this.#trouble(error))),
      trouble: (error) => this.#trouble(error),
      fail: (error) => this.#fail(error),
      positionLost: (cursor, loss) => {
        if (!this.#mayRestart(loss)) return;
        // Below the log's start, if that is not 0: nothing has been read, so the start is looked up then.
        cursor.restart(0);
        this.#startFetchers();
      },
    };
  }
}
