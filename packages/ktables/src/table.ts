import {
  type AbortSignalLike,
  type CallOptions,
  KafkaError,
  listOffsets,
  PositionLostError,
  partitionForKey,
  TimeoutError,
} from "@ktables/client";
import {
  AbortSource,
  CallScope,
  callChecks,
  check,
  checkOptions,
  throwIfAborted,
  toError,
} from "@ktables/client/internal";
import { type ChangeFeed, type ChangesOptions, checkChangesOptions } from "./change-feed.ts";
import { encodeWith } from "./codec.ts";
import { EndOffsets } from "./end-offsets.ts";
import { provisionTopic } from "./ensure-topic.ts";
import { AlreadyStartedError, NotStartedError, StoppedError, TableFailedError } from "./errors.ts";
import type { PartitionHealth, TableHealth } from "./health.ts";
import { inspectAsString } from "./inspect.ts";
import { LogLimiter } from "./log-limiter.ts";
import { OffsetTargets, OffsetWaiters } from "./offset-targets.ts";
import { ServedReplica } from "./served-replica.ts";
import type { Store } from "./store/store.ts";
import { TableContents } from "./table-contents.ts";
import { TableObserver } from "./table-observer.ts";
import { type KafkaTableOptions, type ResolvedTableOptions, resolveTableOptions } from "./table-options.ts";
import type { TableStatus, ViewStats } from "./view-stats.ts";
import { checkTokens, type WriteToken } from "./write-token.ts";

/**
 * A compacted topic as a map that follows it. The contents only change between turns of the event loop; iterators are
 * live, as those of `Map`, and {@link snapshot} stands still.
 *
 * A table is started once. After {@link stop}, and after a failure, it goes on serving what it had. When the log that the
 * contents came from is gone, it does as `onReset` says.
 */
export class KafkaTable<V> extends TableContents<V> {
  readonly #options: ResolvedTableOptions<V>;
  readonly #name: string;
  readonly #log: LogLimiter;
  readonly #observer: TableObserver<V>;
  readonly #waiters = new OffsetWaiters();
  /** Done for ever when the table has caught up for the first time. */
  readonly #gate = new OffsetTargets();
  readonly #ends = new EndOffsets(() => {
    const { connection, topic, partitions } = this.#options;
    return listOffsets(connection.acquire(), topic, "latest", { partitions, signal: this.#ending.signal });
  });
  /** Ends the start and every wait; its reason is a `KafkaError`. */
  #ending = new AbortSource();
  #replica: ServedReplica<V>;
  #isFrozen = false;
  #phase: "unstarted" | "running" | "stopped" = "unstarted";
  #isDegraded = false;
  #failure: Error | undefined;
  #catchUpMs: number | undefined;
  #replayedAtCatchUp: number | undefined;
  #releasing: Promise<void> | undefined;
  /** When a broker last answered, as of `performance.now()`. */
  #contactAt: number | undefined;
  #lastTrouble: Error | undefined;

  /** Checks the options and connects to nothing. @throws InvalidOptionError */
  constructor(options: KafkaTableOptions<V>) {
    const resolved = resolveTableOptions(options);
    const name = `The table of topic "${resolved.topic}"`;
    const store = (): Store<V> => {
      this.#assertStarted();
      return this.#replica.store;
    };
    super(store, name, resolved.metadata);
    this.#options = resolved;
    this.#name = name;
    inspectAsString(this);
    this.#log = new LogLimiter(this.#options.connection.logger);
    this.#observer = new TableObserver(this.#options, this.#log);
    this.#replica = this.#newReplica();
    this.#gate.hold();
  }

  /** Makes a table and starts it: resolves when it has caught up, or is `degraded`. See {@link start}. */
  static async open<V>(
    options: KafkaTableOptions<V>,
    call: { readonly signal?: AbortSignalLike | undefined } = {},
  ): Promise<KafkaTable<V>> {
    const table = new KafkaTable(options);
    await table.start(call);
    return table;
  }

  /**
   * Ensures the topic, reads it from its beginning and resolves when everything that was in it at the start is applied;
   * or, with status `degraded` and an error in the log, when that takes longer than `catchupTimeoutMs`.
   *
   * A start that fails before it could read leaves the table as it was, so that it may be repeated. Whatever the
   * failure, nothing stays open.
   *
   * @throws AlreadyStartedError; StoppedError when stopped meanwhile; TableFailedError when the reader died while
   * catching up; the signal's reason; the error of the broker or connection that stood in the way.
   */
  async start(call: { readonly signal?: AbortSignalLike | undefined } = {}): Promise<void> {
    checkOptions("start", call, { signal: check.object });
    if (this.#phase !== "unstarted") {
      throw new AlreadyStartedError(this.#name, "; a table is started once, make a new one");
    }
    throwIfAborted(call.signal);
    this.#phase = "running";
    const { catchupTimeoutMs } = this.#options;
    const scope = new CallScope([call.signal, this.#ending.signal], catchupTimeoutMs);
    try {
      await this.#beginReading(scope);
    } catch (error) {
      await this.#release();
      throwIfAborted(this.#ending.signal);
      this.#reset();
      throw error;
    } finally {
      scope.end();
    }
    try {
      const isCaughtUp = await this.#waitForGate(call.signal, Math.max(1, scope.remainingMs));
      if (isCaughtUp) return;
      throwIfAborted(this.#ending.signal);
      this.#reportDegraded();
    } catch (error) {
      // A table that has failed is not one that somebody has stopped.
      if (this.#failure === undefined) await this.stop();
      await this.#release();
      throw error;
    }
  }

  /**
   * Ends reading and every wait, and closes what the table has opened. The contents stay readable. Does nothing before
   * {@link start}; idempotent; never throws.
   */
  async stop(): Promise<void> {
    if (this.#phase === "unstarted") return;
    this.#phase = "stopped";
    this.#ending.abort(new StoppedError(this.#name));
    this.#observer.endFeeds();
    await this.#release();
  }

  /** The same as {@link stop}. */
  async close(): Promise<void> {
    await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get topic(): string {
    return this.#options.topic;
  }

  /** Whether {@link start} was called; stays true after a stop or a failure. */
  get started(): boolean {
    return this.#phase !== "unstarted";
  }

  get status(): TableStatus {
    if (this.#failure !== undefined) return "failed";
    if (this.#phase !== "running") return this.#phase;
    if (this.#isFrozen) return "stale";
    if (this.#replica.isRebuilding) return "resyncing";
    if (this.isCaughtUp) return "caught_up";
    return this.#isDegraded ? "degraded" : "loading";
  }

  /** Why the reader died; undefined while all is well. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Whether the table has once reached the end offsets of its start; never unset. */
  get isCaughtUp(): boolean {
    return this.#gate.isDone;
  }

  /** Counters as of now; readable at any time. */
  get stats(): ViewStats {
    return Object.freeze({
      ...this.#replica.counters,
      store: this.#replica.storeKind,
      poisonedKeys: this.#replica.store.poisonedKeys,
      crossPartitionKeys: this.#replica.store.crossPartitionKeys,
      callbackErrors: this.#observer.callbackErrors,
      catchUpMs: this.#catchUpMs,
      replayedAtCatchUp: this.#replayedAtCatchUp,
      resyncs: this.#replica.resyncs,
      pendingWaits: this.#waiters.size,
    });
  }

  /**
   * Waits until the table has caught up. True then; false when `timeoutMs` (default: none) has passed, or the table is
   * dead or stopped, in which case it returns at once.
   *
   * @throws NotStartedError; the signal's reason.
   */
  async waitUntilCaughtUp(call: CallOptions = {}): Promise<boolean> {
    checkOptions("waitUntilCaughtUp", call, callChecks);
    this.#assertStarted();
    throwIfAborted(call.signal);
    return this.#waitForGate(call.signal, call.timeoutMs);
  }

  /**
   * Waits until everything that was acknowledged to anybody before the call is applied: read your own writes, of any
   * process. True then. False when that could not be established: `timeoutMs` (default: none) has passed, the brokers
   * could not be asked, the table is dead or was stopped meanwhile. A table that has not caught up can do this too.
   *
   * Records behind an open transaction of another producer become readable only when that transaction ends
   * (`isolation: "read_committed"`), and the call waits for them.
   *
   * @throws NotStartedError; StoppedError when the table was stopped before the call; the signal's reason.
   */
  async barrier(call: CallOptions = {}): Promise<boolean> {
    checkOptions("barrier", call, callChecks);
    this.#assertStarted();
    if (this.#phase === "stopped") throw new StoppedError(this.#name);
    const { signal, timeoutMs } = call;
    throwIfAborted(signal);
    if (this.#failure !== undefined || this.#isFrozen) return false;
    return this.#within(signal, timeoutMs, async (scope) => {
      const ends = await this.#ends.asOfNow(scope.signal);
      const targets = new OffsetTargets(ends);
      for (const partition of ends.keys()) targets.advance(partition, this.#replica.position(partition));
      await this.#waiters.done(targets, scope.signal);
    });
  }

  /**
   * Waits until the writes that the tokens stand for are applied, whoever made them: read your own write, also in
   * another process. Resolves at once for what is applied already.
   *
   * A token without an offset (-1) waits for everything that is in its partition at the time of the call.
   *
   * @throws NotStartedError; StoppedError; TableFailedError; TimeoutError after `timeoutMs` (default: none);
   * InvalidOptionError for something that is no token of this topic; the signal's reason.
   */
  async waitFor(tokens: WriteToken | readonly WriteToken[], call: CallOptions = {}): Promise<void> {
    checkOptions("waitFor", call, callChecks);
    this.#assertStarted();
    const wanted = checkTokens(this.topic, this.#options.partitions, tokens);
    throwIfAborted(call.signal);
    throwIfAborted(this.#ending.signal);
    const { signal, timeoutMs } = call;
    const scope = new CallScope([signal, this.#ending.signal], timeoutMs, () => {
      return new TimeoutError(`${this.#name} has not applied the write within ${timeoutMs} ms`, timeoutMs ?? 0);
    });
    try {
      const targets = new OffsetTargets(await this.#targetsOf(wanted, scope.signal));
      for (const partition of targets.partitions()) targets.advance(partition, this.#replica.position(partition));
      await this.#waiters.done(targets, scope.signal);
    } finally {
      scope.end();
    }
  }

  /** The offsets to reach, one past the last wanted one of each partition. */
  async #targetsOf(tokens: readonly WriteToken[], signal: AbortSignalLike): Promise<Map<number, number>> {
    const partitions = tokens.filter(({ offset }) => offset < 0).map(({ partition }) => partition);
    const targets =
      partitions.length === 0
        ? new Map<number, number>()
        : await listOffsets(this.#options.connection.acquire(), this.topic, "latest", { partitions, signal });
    for (const { partition, offset } of tokens) {
      targets.set(partition, Math.max(targets.get(partition) ?? 0, offset + 1));
    }
    return targets;
  }

  /**
   * The changes from now on, or from when the table has caught up, with old and new values: see {@link ChangeFeed}. A
   * feed ends normally when its signal aborts or the table is stopped, and throws when the table fails.
   *
   * @throws NotStartedError; InvalidOptionError.
   */
  changes(options: ChangesOptions = {}): ChangeFeed<V> {
    checkChangesOptions(options);
    this.#assertStarted();
    const feed = this.#observer.changes(options, this.isCaughtUp ? this.#replica.store.entries() : undefined);
    if (this.#failure !== undefined) feed.end(this.#failure);
    else if (this.#phase === "stopped") feed.end();
    return feed;
  }

  /**
   * The partition that holds a key, by the partitioner of Java's client and of most others: where several processes read
   * some `partitions` each, this tells which of them has the key. Changes when the topic gets more partitions.
   *
   * @throws NotStartedError before the topic has been found; CodecError for a key that cannot be encoded.
   */
  partitionFor(key: string): number {
    const count = this.#replica.reader?.partitionCount ?? 0;
    if (count === 0) throw new NotStartedError(this.#name);
    return partitionForKey(encodeWith(this.#options.key, "key", key), count);
  }

  /** How the table is doing, as of now; readable at any time. */
  health(): TableHealth {
    const { reader } = this.#replica;
    const partitions = (reader?.partitions() ?? []).map((partition): PartitionHealth => {
      const known = (offset: number | undefined): number | undefined => (offset === -1 ? undefined : offset);
      return {
        partition,
        position: reader?.position(partition) ?? 0,
        endOffset: known(reader?.highWatermark(partition)),
        logStartOffset: known(reader?.logStartOffset(partition)),
      };
    });
    const { status } = this;
    const isCatchingUp = status === "loading" || status === "degraded" || status === "resyncing";
    return Object.freeze({
      status,
      lag: partitions.reduce((sum, { position, endOffset }) => sum + Math.max(0, (endOffset ?? 0) - position), 0),
      lastContactMs: this.#contactAt === undefined ? undefined : performance.now() - this.#contactAt,
      progress: isCatchingUp ? this.#replica.catchUp.progress() : undefined,
      partitions,
      poisonedKeys: this.#replica.store.poisonedKeys,
      lastError: this.#failure ?? this.#lastTrouble,
    });
  }

  override toString(): string {
    const { store, storeKind } = this.#replica;
    const size = this.#phase === "unstarted" ? "" : `, ${store.size} keys`;
    const where = storeKind === undefined ? "" : `, store "${storeKind}"`;
    return `KafkaTable(topic "${this.topic}", ${this.status}${size}${where})`;
  }

  #assertStarted(): void {
    if (this.#phase === "unstarted") throw new NotStartedError(this.#name);
  }

  async #beginReading(scope: CallScope): Promise<void> {
    const { connection, topic, ensureTopic, provision } = this.#options;
    const call = (): CallOptions => ({ signal: scope.signal, timeoutMs: Math.max(1, Math.ceil(scope.remainingMs)) });
    const client = connection.acquire();
    if (ensureTopic) await provisionTopic(client, topic, provision, connection.logger, call());
    throwIfAborted(scope.signal);
    await this.#replica.begin(call);
    this.#contactAt ??= performance.now();
  }

  /** Back to where a table is before its first start. */
  #reset(): void {
    this.#ending.abort(new StoppedError(this.#name));
    this.#ending = new AbortSource();
    this.#replica = this.#newReplica();
    this.#releasing = undefined;
    this.#phase = "unstarted";
  }

  /** Closes what was opened. Never rejects, so that it hides no other error. */
  #release(): Promise<void> {
    this.#releasing ??= (async (): Promise<void> => {
      const { connection } = this.#options;
      try {
        await this.#replica.close();
      } catch (error) {
        connection.logger.warn(`${this.#name} could not be closed cleanly: ${toError(error).message}`, { error });
      }
      connection.release();
      this.#log.flush();
    })();
    return this.#releasing;
  }

  #newReplica(): ServedReplica<V> {
    const host = {
      onContact: (): void => {
        this.#contactAt = performance.now();
      },
      onProgress: (partition: number) => this.#waiters.advance(partition, this.#replica.position(partition)),
      onCaughtUp: () => this.#onCaughtUp(),
      onLost: (loss: PositionLostError) => this.#onLost(loss),
      onReplaced: () => this.#onReplaced(),
      onTrouble: (error: Error) => this.#onTrouble(error),
      onEnd: (failure: Error) => this.#onEnd(failure),
    };
    return new ServedReplica(this.#options, this.#observer, host, this.#ending.signal);
  }

  #onCaughtUp(): void {
    const { recordsApplied, tombstonesApplied } = this.#replica.counters;
    this.#catchUpMs = this.#replica.catchUp.durationMs;
    this.#replayedAtCatchUp = recordsApplied + tombstonesApplied;
    this.#gate.release();
    this.#observer.openFeeds(() => this.#replica.store.entries());
    this.#waiters.settle();
  }

  #onLost(loss: PositionLostError): void {
    this.#lastTrouble = loss;
    this.#waiters.markLost();
    this.#options.connection.logger.warn(
      `${this.#name} reads it anew, and serves what it had meanwhile: ${loss.message}`,
      { topic: this.topic, error: loss },
    );
  }

  #onReplaced(): void {
    this.#waiters.settleLost();
    for (const partition of this.#replica.reader?.partitions() ?? []) {
      this.#waiters.advance(partition, this.#replica.position(partition));
    }
  }

  #onEnd(failure: Error): void {
    if (failure instanceof PositionLostError && this.#options.onReset === "freeze") this.#freeze(failure);
    else this.#onFailure(failure);
  }

  #freeze(loss: PositionLostError): void {
    this.#isFrozen = true;
    this.#lastTrouble = loss;
    const size = this.#replica.store.size;
    this.#options.connection.logger.error(
      `${this.#name} stays as it is, with ${size} keys, and follows the topic no longer: ${loss.message}`,
      { topic: this.topic, size, error: loss },
    );
    this.#ending.abort(new TableFailedError(this.topic, loss, this.isCaughtUp));
    this.#observer.endFeeds();
    void this.#release();
  }

  #onTrouble(error: Error): void {
    this.#lastTrouble = error;
    const kind = error instanceof KafkaError ? error.code : error.name;
    this.#log.warn(kind, () => `${this.#name} is retrying: ${error.message}`, { topic: this.topic, error });
  }

  #onFailure(failure: Error): void {
    this.#failure = failure;
    const size = this.#replica.store.size;
    this.#options.connection.logger.error(
      `${this.#name} has failed and stays as it is, with ${size} keys: ${failure.message}`,
      { topic: this.topic, size, error: failure },
    );
    const failed = new TableFailedError(this.topic, failure, this.isCaughtUp);
    this.#ending.abort(failed);
    this.#observer.endFeeds(failed);
    // Whoever only reads from the table will not stop it, and an open connection would keep the process alive.
    void this.#release();
  }

  #reportDegraded(): void {
    this.#isDegraded = true;
    const { recordsApplied, tombstonesApplied } = this.#replica.counters;
    this.#options.connection.logger.error(
      `${this.#name} has not caught up within ${this.#options.catchupTimeoutMs} ms: ` +
        `${recordsApplied + tombstonesApplied} records applied so far; it goes on loading`,
      { topic: this.topic, recordsApplied, tombstonesApplied },
    );
  }

  async #waitForGate(signal: AbortSignalLike | undefined, timeoutMs: number | undefined): Promise<boolean> {
    if (this.#failure !== undefined) return false;
    if (this.isCaughtUp) return true;
    return this.#within(signal, timeoutMs, (scope) => this.#waiters.done(this.#gate, scope.signal));
  }

  /**
   * True when `work` succeeds; false when the table or the time has ended, or a broker has failed. Rejects with the
   * reason of the caller's signal, and with what is nobody's expected failure.
   */
  async #within(
    signal: AbortSignalLike | undefined,
    timeoutMs: number | undefined,
    work: (scope: CallScope) => Promise<void>,
  ): Promise<boolean> {
    const scope = new CallScope(
      [signal, this.#ending.signal],
      timeoutMs,
      () => new TimeoutError("The time to wait is over", timeoutMs ?? 0),
    );
    try {
      await work(scope);
      return true;
    } catch (error) {
      throwIfAborted(signal);
      if (error instanceof KafkaError) return false;
      throw error;
    } finally {
      scope.end();
    }
  }
}
