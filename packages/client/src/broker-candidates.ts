import { type BrokerAddress, formatAddress } from "./broker-address.ts";
import type { ResolvedConfig } from "./config.ts";
import type { ConnectionPool } from "./connection-pool.ts";

/**
 * In which order brokers are asked what any of them can answer: the known ones before the bootstrap servers, and those
 * last that have failed. So where all known brokers are gone, the bootstrap servers tell of the new ones (KIP-899); the
 * known ones stay candidates, as the bootstrap servers may be the ones that are gone.
 *
 * A broker fails also by being of no use: it can be connected to, but what it says of the cluster is nothing, an error
 * or about another cluster, as of one that was cut off or whose address belongs to somebody else now. Such brokers may be
 * many, and each may take its time: whenever `rebootstrapTriggerMs` have passed in vain, the bootstrap servers have one
 * turn before them (KIP-1102).
 */
export class BrokerCandidates {
  readonly #config: ResolvedConfig;
  readonly #pool: ConnectionPool;
  /** How often in a row a broker has given no metadata of use, by address. */
  readonly #useless = new Map<string, number>();
  /** Since when metadata has been asked for in vain, as of `performance.now()`. */
  #askingSince: number | undefined;

  constructor(config: ResolvedConfig, pool: ConnectionPool) {
    this.#config = config;
    this.#pool = pool;
  }

  /** Somebody is about to ask for metadata. */
  asking(): void {
    this.#askingSince ??= performance.now();
  }

  /** A broker, as `host:port`, has given metadata. */
  answered(broker: string): void {
    this.#askingSince = undefined;
    this.#useless.delete(broker);
  }

  /** A broker, as `host:port`, was asked for metadata and gave none that is of use. */
  wasUseless(broker: string): void {
    this.#useless.set(broker, (this.#useless.get(broker) ?? 0) + 1);
  }

  isBootstrapServer(broker: string): boolean {
    return this.#config.bootstrapServers.some((address) => formatAddress(address) === broker);
  }

  /** Each address once, for one attempt. */
  inTurn(known: readonly BrokerAddress[]): BrokerAddress[] {
    const { bootstrapServers, rebootstrapTriggerMs } = this.#config;
    const rank = (a: BrokerAddress, b: BrokerAddress): number => this.#rank(a) - this.#rank(b);
    let order = [...shuffled(known), ...bootstrapServers].toSorted(rank);
    if (this.#askingSince !== undefined && performance.now() - this.#askingSince > rebootstrapTriggerMs) {
      // The time runs anew from the next question on, so that the one after this is always for the known brokers.
      this.#askingSince = undefined;
      order = [...bootstrapServers.toSorted(rank), ...order];
    }
    return [...new Map(order.map((address) => [formatAddress(address), address])).values()];
  }

  /** The lowest is asked first: whom there is a connection to that has not been of no use. */
  #rank(address: BrokerAddress): number {
    const useless = this.#useless.get(formatAddress(address)) ?? 0;
    if (useless === 0 && this.#pool.peek(address, "control") !== undefined) return -1;
    return useless + this.#pool.failures(address);
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
