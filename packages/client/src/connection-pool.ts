import { type AbortSignalLike, AbortSource, sleep, untilAborted } from "./abort.ts";
import { backoffMs } from "./backoff.ts";
import { type BrokerAddress, formatAddress } from "./broker-address.ts";
import type { ResolvedConfig } from "./config.ts";
import { Connection } from "./connection.ts";
import { diagnosticError, publish } from "./diagnostics.ts";
import { ClosedError } from "./errors.ts";

/**
 * A broker serves one request per connection at a time, so a long poll would hold up everything behind it. Each
 * purpose therefore has a connection of its own, and every reader its own for fetching.
 */
export type ConnectionPurpose = `fetch ${number}` | "control" | "produce";

interface Slot {
  connection: Connection | undefined;
  opening: Promise<Connection> | undefined;
  /** Nobody wants the connection any more; what is being opened must be closed. */
  isDropped: boolean;
}

interface Reputation {
  failures: number;
  /** Earliest time of the next attempt, as of `performance.now()`. */
  retryAt: number;
}

/**
 * All connections of one client, by address and purpose. Keyed by address, not by broker id: a broker that moves gets
 * a new connection by itself, and two ids behind one address share it.
 */
export class ConnectionPool {
  readonly #config: ResolvedConfig;
  readonly #slots = new Map<string, Slot>();
  readonly #reputations = new Map<string, Reputation>();
  readonly #closing = new AbortSource();

  constructor(config: ResolvedConfig) {
    this.#config = config;
  }

  /** An open connection; opened first where there is none, after a pause if the last attempts failed. */
  async get(address: BrokerAddress, purpose: ConnectionPurpose, signal: AbortSignalLike): Promise<Connection> {
    if (this.#closing.signal.aborted) throw new ClosedError("The Kafka client");
    const key = `${purpose} ${formatAddress(address)}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { connection: undefined, opening: undefined, isDropped: false };
      this.#slots.set(key, slot);
    }
    if (slot.connection?.isOpen === true) return slot.connection;
    slot.opening ??= this.#open(slot, address, purpose);
    return untilAborted(slot.opening, signal);
  }

  /** The connection if it is open already. */
  peek(address: BrokerAddress, purpose: ConnectionPurpose): Connection | undefined {
    const connection = this.#slots.get(`${purpose} ${formatAddress(address)}`)?.connection;
    return connection?.isOpen === true ? connection : undefined;
  }

  /** How many attempts to connect to this address have failed in a row. */
  failures(address: BrokerAddress): number {
    return this.#reputations.get(formatAddress(address))?.failures ?? 0;
  }

  /** Ends all connections of a purpose, whatever their address, so that requests parked at a broker end too. */
  drop(purpose: ConnectionPurpose): void {
    for (const [key, slot] of this.#slots) {
      if (!key.startsWith(`${purpose} `)) continue;
      slot.isDropped = true;
      slot.connection?.close();
      this.#slots.delete(key);
    }
  }

  close(): void {
    const error = new ClosedError("The Kafka client");
    this.#closing.abort(error);
    for (const slot of this.#slots.values()) slot.connection?.close(error);
    this.#slots.clear();
  }

  async #open(slot: Slot, address: BrokerAddress, purpose: ConnectionPurpose): Promise<Connection> {
    const name = formatAddress(address);
    try {
      const pause = (this.#reputations.get(name)?.retryAt ?? 0) - performance.now();
      if (pause > 0) await sleep(pause, this.#closing.signal);
      const connection = await this.#connect(address, purpose);
      this.#reputations.delete(name);
      if (slot.isDropped || this.#closing.signal.aborted) {
        connection.close();
        throw new ClosedError(`The connection to ${name}`);
      }
      slot.connection = connection;
      return connection;
    } catch (error) {
      if (error instanceof ClosedError) throw error;
      const failures = (this.#reputations.get(name)?.failures ?? 0) + 1;
      const pause = backoffMs(failures - 1, this.#config.retryBackoffMs, this.#config.maxRetryBackoffMs);
      this.#reputations.set(name, { failures, retryAt: performance.now() + pause });
      throw error;
    } finally {
      slot.opening = undefined;
    }
  }

  async #connect(address: BrokerAddress, purpose: ConnectionPurpose): Promise<Connection> {
    const startedAt = performance.now();
    const publishEnd = (error?: unknown): void =>
      publish("connect", () => ({
        clientId: this.#config.clientId,
        broker: formatAddress(address),
        purpose: purpose === "control" || purpose === "produce" ? purpose : "fetch",
        durationMs: performance.now() - startedAt,
        error: error === undefined ? undefined : diagnosticError(error),
      }));
    try {
      const connection = await Connection.open(address, this.#config, this.#closing.signal);
      publishEnd();
      return connection;
    } catch (error) {
      publishEnd(error);
      throw error;
    }
  }
}
