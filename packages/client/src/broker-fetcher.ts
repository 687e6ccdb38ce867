import { type AbortSignalLike, AbortSource, abortReason, onAbort, sleep } from "./abort.ts";
import { backoffMs } from "./backoff.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionPurpose } from "./connection-pool.ts";
import { apply, type Delivery, yieldToOthers } from "./delivery.ts";
import { BrokerError } from "./errors.ts";
import { inspect, replicaFailed } from "./fetch-answer.ts";
import type { FetchContext } from "./fetch-context.ts";
import { type Asked, askFor, comparesEpochs, fetchRequest, lastFetchVersionWithNames } from "./fetch-request.ts";
import { FetchSize } from "./fetch-size.ts";
import { compareEpochs } from "./lost-position.ts";
import { type Moment, momentNow } from "./moment.ts";
import type { PartitionCursor } from "./partition-cursor.ts";
import { maximumTimerMs } from "./process-hold.ts";
import { type FetchResponse, fetchApi } from "./protocol/generated/fetch.ts";
import { Wakeup } from "./wakeup.ts";

/** Numbers fetch connections, since no two may be one: a shared one would make its users wait for each other. */
let connectionCount = 0;

/** A broker answers as soon as it has something: shorter waits bring nothing sooner, and each answer costs both sides work. */
const defaultMaxWaitMs = 5000;

/** Applied in a fraction of a millisecond. */
const littleBytes = 32 * 1024;

/** Why a flight ends that does not ask for all partitions that it could. */
const abandoned = Symbol("abandoned");

/** A connection of one fetcher. */
class Lane {
  readonly purpose: ConnectionPurpose = `fetch ${++connectionCount}`;
  /** That of the last request. */
  connection: Connection | undefined;
}

interface Arrival {
  readonly response: FetchResponse;
  readonly connection: Connection;
  /** When the request was handed to the connection, as of `performance.now()`. */
  readonly sentAt: number;
  readonly at: Moment;
}

interface Flight {
  readonly asked: readonly Asked[];
  readonly arrival: Promise<Arrival>;
  readonly abandoning: AbortSource;
}

/**
 * Fetches the partitions whose source is one broker, until there are none or the reader is closed. The next request is
 * on the wire while a large answer is applied; never more than that, so memory stays bounded by two answers.
 *
 * A broker serves one request of a connection at a time, so a partition that arrives would have to wait for the end of
 * a long poll that does not ask for it. That poll is abandoned then, and the other one of two connections is used; if
 * the broker still holds an abandoned poll there too, that connection is replaced.
 */
export class BrokerFetcher {
  readonly broker: number;
  readonly #context: FetchContext;
  readonly #lanes: readonly [Lane, Lane] = [new Lane(), new Lane()];
  readonly #arrivals = new Wakeup();
  readonly #size: FetchSize;
  #requestCount = 0;
  #usesSecond = false;
  #isRunning = false;
  /** What the broker has been asked and not been heard about. */
  #flight: Flight | undefined;

  constructor(context: FetchContext, broker: number) {
    this.#context = context;
    this.broker = broker;
    this.#size = new FetchSize(context.options.maxBytes);
  }

  /** To be called when partitions may have come to this broker. */
  wake(): void {
    this.#arrivals.wake();
    if (this.#flight !== undefined) this.#abandonIfIncomplete(this.#flight);
  }

  /** Whether {@link run} has been called. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Opens the connection of the first request before there is one. Why that fails is told when the request is made. */
  connect(): void {
    const { client, signal } = this.#context;
    client.brokerConnection(this.broker, this.#lane.purpose, signal).catch(() => undefined);
  }

  /** Ends its connections. */
  close(): void {
    for (const { purpose } of this.#lanes) this.#context.client.dropConnections(purpose);
  }

  /** Resolves when the broker is the source of no partition any more, or the reader is closed. */
  async run(): Promise<void> {
    this.#isRunning = true;
    const { signal } = this.#context;
    if (signal.aborted) return;
    const unsubscribe = onAbort(signal, () => this.#flight?.abandoning.abort(abortReason(signal)));
    try {
      await this.#follow();
    } finally {
      unsubscribe();
    }
  }

  async #follow(): Promise<void> {
    const { signal, client } = this.#context;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const flight = (this.#flight ??= this.#startFetch());
        if (flight === undefined) {
          const pause = this.#pauseMs();
          if (pause === undefined) return;
          await this.#arrivals.wait(pause, signal);
          continue;
        }
        const { asked } = flight;
        const waitingSince = performance.now();
        const { response, connection, sentAt, at } = await flight.arrival;
        // The time that it took to connect says nothing about how long an answer takes.
        const waitedMs = performance.now() - Math.max(waitingSince, sentAt);
        this.#flight = undefined;
        const deliveries = inspect(this.#context, this.broker, asked, response, at);
        failures = 0;
        // What is quickly applied shall not wait for a request to be made; what is not, shall not keep the broker waiting.
        if (this.#noteSize(deliveries, waitedMs) > littleBytes) {
          this.#flight = this.#startFetch();
          // Where every answer is there before the last one is applied, nobody else would have a turn.
          await yieldToOthers();
        }
        await apply(this.#context, deliveries);
        connection.giveBack(response);
      } catch (error) {
        if (signal.aborted) return;
        this.#flight = undefined;
        if (error === abandoned) {
          this.#changeLane();
          continue;
        }
        this.#onFailure(error);
        if (signal.aborted) return;
        const { retryBackoffMs, maxRetryBackoffMs } = client.config;
        await sleep(backoffMs(failures++, retryBackoffMs, maxRetryBackoffMs), signal).catch(() => undefined);
      }
    }
  }

  /** Returns the bytes that have come. */
  #noteSize(deliveries: readonly Delivery[], waitedMs: number): number {
    let received = 0;
    let whole = 0;
    for (const { records, wholeBytes } of deliveries) {
      received += records.length;
      whole += wholeBytes;
    }
    this.#size.note(received, whole, waitedMs);
    return received;
  }

  get #lane(): Lane {
    return this.#lanes[this.#usesSecond ? 1 : 0];
  }

  #changeLane(): void {
    this.#usesSecond = !this.#usesSecond;
    if (this.#lane.connection?.isBusy === true) this.#context.client.dropConnections(this.#lane.purpose);
  }

  #abandonIfIncomplete({ asked, abandoning }: Flight): void {
    const now = performance.now();
    const isMissing = (cursor: PartitionCursor): boolean =>
      cursor.retryAt <= now &&
      !asked.some((entry) => entry.cursor === cursor && entry.generation === cursor.generation);
    if (this.#own().some(isMissing)) abandoning.abort(abandoned);
  }

  #onFailure(error: unknown): void {
    const context = this.#context;
    for (const cursor of this.#own()) {
      // Whoever leads can still be asked for what a replica does not give.
      if (cursor.leader === this.broker) cursor.rewind();
      else replicaFailed(context, cursor);
    }
    // A broker that failed in a way it has no code for may recover, though Kafka does not call that retriable.
    const mayRecover = error instanceof BrokerError && error.errorCode === ErrorCode.UNKNOWN_SERVER_ERROR;
    if (mayRecover) context.options.onTrouble?.(error);
    else context.trouble(error);
    context.staleMetadata();
    context.moved();
  }

  #own(): PartitionCursor[] {
    return [...this.#context.cursors.values()].filter(({ source }) => source === this.broker);
  }

  /** How long every partition of this broker has to wait; undefined when there is none. */
  #pauseMs(): number | undefined {
    const own = this.#own();
    if (own.length === 0) return undefined;
    const pause = Math.min(...own.map(({ retryAt }) => retryAt)) - performance.now();
    return Math.min(Math.max(1, pause), maximumTimerMs);
  }

  /** Sends a request for every partition that is not pausing; undefined when there is none. */
  #startFetch(): Flight | undefined {
    const now = performance.now();
    const ready: PartitionCursor[] = [];
    // A partition whose pause ends must not wait for the others' long poll.
    let maxWaitMs = this.#context.options.maxWaitMs ?? defaultMaxWaitMs;
    for (const cursor of this.#context.cursors.values()) {
      if (cursor.source !== this.broker) continue;
      if (cursor.leaveReplicaWhenDue(now)) this.#context.moved();
      if (cursor.source !== this.broker) continue;
      if (cursor.retryAt > now) maxWaitMs = Math.min(maxWaitMs, cursor.retryAt - now);
      else ready.push(cursor);
    }
    if (ready.length === 0) return undefined;
    // Where a partition ends is told by the first answer about it, which shall not be held back.
    if (ready.some(({ wasAnswered }) => !wasAnswered)) maxWaitMs = 0;
    // A broker fills an answer in the order of the request: nobody is always the last (KIP-74).
    const first = this.#requestCount++ % ready.length;
    const asked = [...ready.slice(first), ...ready.slice(0, first)].map(askFor);
    const abandoning = new AbortSource();
    const arrival = this.#send(asked, Math.ceil(maxWaitMs), abandoning.signal);
    // The answer may fail while nobody waits for it yet; whoever awaits it next still sees the failure.
    arrival.catch(() => undefined);
    return { asked, arrival, abandoning };
  }

  /** The request is written at once where there is a connection. */
  async #send(asked: readonly Asked[], maxWaitMs: number, signal: AbortSignalLike): Promise<Arrival> {
    const { client, topicId } = this.#context;
    const lane = this.#lane;
    const connection =
      client.openBrokerConnection(this.broker, lane.purpose) ??
      (await client.brokerConnection(this.broker, lane.purpose, signal));
    const maxVersion = topicId === undefined ? lastFetchVersionWithNames : undefined;
    const version = connection.versionFor(fetchApi, maxVersion);
    if (!comparesEpochs(version)) await compareEpochs(this.#context, this.broker, asked, signal);
    const request = fetchRequest(this.#context, asked, maxWaitMs, this.#size.bytes, version);
    lane.connection = connection;
    const sentAt = performance.now();
    const response = await connection.request(fetchApi, request, { serverWaitMs: maxWaitMs, signal, maxVersion });
    return { response, connection, sentAt, at: momentNow() };
  }
}
