import { type AbortSignalLike, sleep, untilAborted } from "./abort.ts";
import { backoffMs } from "./backoff.ts";
import { type BrokerAddress, formatAddress, type ResolvedConfig } from "./config.ts";
import { Connection } from "./connection.ts";
import { ClosedError } from "./errors.ts";

/**
 * A broker serves one request per connection at a time, so a long poll would hold up everything behind it. Each
 * purpose therefore has a connection of its own, and every reader its own for fetching.
 */
export type ConnectionPurpose = `fetch ${number}` | "control" | "produce";

interface Slot {
  connection: Connection | undefined;
  opening: Promise<Connection> | undefined;
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
  readonly #closing = new AbortController();

  constructor(config: ResolvedConfig) {
    this.#config = config;
  }

  /** An open connection; opened first where there is none, after a pause if the last attempts failed. */
  async get(address: BrokerAddress, purpose: ConnectionPurpose, signal: AbortSignalLike): Promise<Connection> {
    if (this.#closing.signal.aborted) throw new ClosedError("The Kafka client");
    const key = `${purpose} ${formatAddress(address)}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { connection: undefined, opening: undefined };
      this.#slots.set(key, slot);
    }
    if (slot.connection?.isOpen === true) return slot.connection;
    slot.opening ??= this.#open(slot, address);
    return untilAborted(slot.opening, signal);
  }

  /** The connection if it is open already. */
  peek(address: BrokerAddress, purpose: ConnectionPurpose): Connection | undefined {
    const connection = this.#slots.get(`${purpose} ${formatAddress(address)}`)?.connection;
    return connection?.isOpen === true ? connection : undefined;
  }

  /** Ends the connection, so that a request parked at the broker ends too. */
  drop(address: BrokerAddress, purpose: ConnectionPurpose): void {
    this.peek(address, purpose)?.close();
    this.#slots.delete(`${purpose} ${formatAddress(address)}`);
  }

  close(): void {
    const error = new ClosedError("The Kafka client");
    this.#closing.abort(error);
    for (const slot of this.#slots.values()) slot.connection?.close(error);
    this.#slots.clear();
  }

  async #open(slot: Slot, address: BrokerAddress): Promise<Connection> {
    const name = formatAddress(address);
    try {
      const pause = (this.#reputations.get(name)?.retryAt ?? 0) - performance.now();
      if (pause > 0) await sleep(pause, this.#closing.signal);
      const connection = await Connection.open(address, this.#config, this.#closing.signal);
      this.#reputations.delete(name);
      slot.connection = connection;
      return connection;
    } catch (error) {
      const failures = (this.#reputations.get(name)?.failures ?? 0) + 1;
      const pause = backoffMs(failures - 1, this.#config.retryBackoffMs, this.#config.maxRetryBackoffMs);
      this.#reputations.set(name, { failures, retryAt: performance.now() + pause });
      throw error;
    } finally {
      slot.opening = undefined;
    }
  }
}
