import { json, type KafkaClient, KafkaTable, KafkaTableWriter } from "ktables";

export interface Instance {
  readonly url: string;
  /** Milliseconds since 1970, by the clock of the instance. */
  readonly expiresAt: number;
}

export interface RegistryOptions {
  readonly connection: KafkaClient | string;
  readonly topic: string;
}

/** How often an instance says within its time to live that it is alive: two may be lost. */
const heartbeatsPerTtl = 3;

/**
 * Who runs where, as a table with a key `service/instance` for each process. Whoever is alive writes its entry again and
 * again, each time with a later end; what has reached its end is dead, and somebody, {@link sweep}, removes it.
 */
export class ServiceRegistry {
  readonly table: KafkaTable<Instance>;
  readonly #writer: KafkaTableWriter<Instance>;

  private constructor(table: KafkaTable<Instance>, writer: KafkaTableWriter<Instance>) {
    this.table = table;
    this.#writer = writer;
  }

  static async open(options: RegistryOptions): Promise<ServiceRegistry> {
    const topic = { ...options, value: json<Instance>() };
    const table = await KafkaTable.open(topic);
    return new ServiceRegistry(table, await KafkaTableWriter.open(topic));
  }

  async close(): Promise<void> {
    await this.#writer.stop();
    await this.table.stop();
  }

  /**
   * Announces an instance and keeps it announced. Resolves when it is in the table of this process, so that it finds
   * itself. The function that is returned withdraws it.
   */
  async announce(service: string, id: string, url: string, ttlMs: number): Promise<() => Promise<void>> {
    const key = `${service}/${id}`;
    const beat = () => this.#writer.set(key, { url, expiresAt: Date.now() + ttlMs });
    await this.table.waitFor(await beat());
    const timer = setInterval(() => {
      // The next one may succeed; the writer retries as well.
      beat().catch((error: unknown) => console.error(`heartbeat of ${key} failed:`, error));
    }, ttlMs / heartbeatsPerTtl);
    return async () => {
      clearInterval(timer);
      await this.#writer.delete(key);
    };
  }

  /** The instances of a service that are alive, from memory. */
  find(service: string): Instance[] {
    const now = Date.now();
    return [...this.table]
      .filter(([key, { expiresAt }]) => key.startsWith(`${service}/`) && expiresAt > now)
      .map(([, instance]) => instance);
  }

  /**
   * Removes what expired more than `graceMs` ago, and returns the keys. Any number of processes may do this: a tombstone
   * too many does no harm, and an instance that was only slow is back with its next heartbeat. The grace is for clocks that
   * differ. Does nothing while this table may be out of date, or everybody would seem dead after a loss of connection.
   */
  async sweep(graceMs: number): Promise<string[]> {
    if (!(await this.table.barrier({ timeoutMs: 1000 }))) return [];
    const now = Date.now();
    const expired = [...this.table].filter(([, { expiresAt }]) => expiresAt + graceMs < now).map(([key]) => key);
    await Promise.all(expired.map((key) => this.#writer.delete(key)));
    return expired;
  }
}
