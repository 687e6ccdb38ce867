import { InvalidOptionError, KafkaClient, type KafkaClientConfig, type Logger } from "@ktables/client";
import { check, describe } from "@ktables/client/internal";

/**
 * How to reach the cluster: a bootstrap string (`host:port,…`), a connection config, or an open client. A client is
 * shared: whoever made it closes it.
 */
export type ConnectionOption = string | KafkaClientConfig | KafkaClient;

const tableOption = "it is an option of KafkaTable";
const writerOption = "it is an option of KafkaTableWriter";
const noGroup = "tables read every partition and belong to no consumer group";

/** What people put into a connection although it belongs elsewhere. */
const misplaced: Readonly<Record<string, string>> = {
  topic: "it stands beside the connection",
  fetchMaxWaitMs: tableOption,
  catchupTimeoutMs: tableOption,
  isolation: tableOption,
  acks: writerOption,
  idempotent: writerOption,
  enableIdempotence: `${writerOption}, called idempotent`,
  compression: writerOption,
  lingerMs: writerOption,
  deliveryTimeoutMs: writerOption,
  groupId: noGroup,
  autoCommit: noGroup,
  enableAutoCommit: noGroup,
  fromBeginning: "tables always read from the beginning",
  autoOffsetReset: "tables always read from the beginning",
  brokers: "it is called bootstrapServers",
  ssl: "it is called tls",
};

/** The client behind a table or writer: borrowed, or made when needed and closed on release. */
export class ConnectionHandle {
  readonly #shared: KafkaClient | undefined;
  readonly #config: string | KafkaClientConfig;
  readonly #logger: Logger;
  #own: KafkaClient | undefined;

  /** Checks the connection and copies it, so that later changes to the caller's object have no effect. */
  constructor(owner: string, connection: unknown) {
    if (connection instanceof KafkaClient) {
      this.#shared = connection;
      this.#config = "";
      this.#logger = connection.config.logger;
      return;
    }
    if (typeof connection !== "string" && check.object(connection) !== undefined) {
      throw new InvalidOptionError(
        "connection",
        `${owner}: option "connection" must be a bootstrap string, a connection config or a KafkaClient, ` +
          `got ${describe(connection)}`,
      );
    }
    const config = connection as string | KafkaClientConfig;
    this.#config = typeof config === "string" ? config : copyConfig(owner, config);
    this.#own = new KafkaClient(this.#config);
    this.#logger = this.#own.config.logger;
  }

  get logger(): Logger {
    return this.#logger;
  }

  acquire(): KafkaClient {
    if (this.#shared !== undefined) return this.#shared;
    this.#own ??= new KafkaClient(this.#config);
    return this.#own;
  }

  /** Closes the client, unless it is shared. Idempotent; {@link acquire} may follow. */
  release(): void {
    this.#own?.close();
    this.#own = undefined;
  }
}

function copyConfig(owner: string, config: KafkaClientConfig): KafkaClientConfig {
  for (const key of Object.keys(config)) {
    const home = Object.hasOwn(misplaced, key) ? misplaced[key] : undefined;
    if (home !== undefined) {
      throw new InvalidOptionError(key, `${owner}: "${key}" does not belong into the connection: ${home}`);
    }
  }
  const { bootstrapServers, tls, sasl } = config;
  return {
    ...config,
    bootstrapServers: Array.isArray(bootstrapServers) ? [...bootstrapServers] : bootstrapServers,
    tls: typeof tls === "object" && tls !== null ? { ...tls } : tls,
    sasl: typeof sasl === "object" && sasl !== null ? { ...sasl } : sasl,
  };
}
