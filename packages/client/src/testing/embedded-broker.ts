import { type ApiName, apiNameOf, apiNames, type RequestOf, type ResponseOf, serverApis } from "./apis.ts";
import { Cluster, type ClusterNode } from "./cluster.ts";
import { BrokerConnection } from "./connection.ts";
import { type BrokerState, dispatch } from "./dispatch.ts";
import { type InterceptHandler, type InterceptOptions, Interceptors } from "./interceptors.ts";
import { type Listener, listen } from "./listener.ts";
import type { VersionRange } from "./request-context.ts";
import { type LoggedRequest, RequestLog } from "./request-log.ts";

export interface EmbeddedTopic {
  readonly name: string;
  /** Default 1. */
  readonly partitions?: number;
  /** How many nodes hold each partition. Default: all nodes, at most 3. */
  readonly replicationFactor?: number;
  /** Topic configuration, over Kafka's defaults. */
  readonly configs?: Readonly<Record<string, string>>;
}

export interface EmbeddedBrokerOptions {
  /** How many nodes; their ids count from 0. Default 1. */
  readonly nodes?: number;
  /** Topics that exist from the start. */
  readonly topics?: readonly EmbeddedTopic[];
  /** Whether Metadata creates missing topics for a client that asks so. Default false. */
  readonly autoCreateTopics?: boolean;
  /**
   * Offers some APIs up to an older version only, to stand for an older broker; -1 leaves an API out. Default: every
   * version that the broker knows.
   */
  readonly maxVersions?: Readonly<Partial<Record<ApiName, number>>>;
}

const keptErrors = 100;

/**
 * A Kafka cluster in the memory of this process, for tests: real TCP on free ports of 127.0.0.1, the real protocol,
 * nothing to install. Any Kafka client can use it. Nothing is written to disk, and everything is gone after `close()`.
 *
 * Out of its scope: consumer groups, transactions by clients (see `writeTransaction`), security, fetch sessions.
 */
export class EmbeddedBroker {
  readonly #cluster: Cluster;
  readonly #state: BrokerState;
  readonly #listeners = new Map<number, Listener>();
  readonly #connections = new Set<BrokerConnection>();
  readonly #errors: Error[] = [];

  private constructor(options: EmbeddedBrokerOptions) {
    const nodes = Array.from({ length: options.nodes ?? 1 }, (_, id) => ({
      id,
      host: "127.0.0.1",
      port: 0,
      isUp: true,
    }));
    this.#cluster = new Cluster({ nodes, autoCreateTopics: options.autoCreateTopics ?? false, defaultPartitions: 1 });
    this.#state = {
      cluster: this.#cluster,
      interceptors: new Interceptors(),
      requests: new RequestLog(),
      offeredVersions: offeredVersions(options.maxVersions ?? {}),
    };
  }

  /** Resolves when all nodes accept connections and the topics exist. */
  static async start(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
    const broker = new EmbeddedBroker(options);
    try {
      for (const topic of options.topics ?? []) broker.#createTopic(topic);
      for (const node of broker.#cluster.nodes) await broker.#listen(node);
    } catch (error) {
      await broker.close();
      throw error;
    }
    return broker;
  }

  /** `host:port` of every node, with commas between them. */
  get bootstrapServers(): string {
    return this.#cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(",");
  }

  /** The latest requests of all nodes, oldest first, at most 10 000. */
  get requests(): readonly LoggedRequest[] {
    return this.#state.requests.list();
  }

  /** Why connections were cut by this side, the latest 100: broken requests, and errors that interceptors threw. */
  get errors(): readonly Error[] {
    return [...this.#errors];
  }

  /** Rejects with a `KafkaError` whose code is Kafka's, such as `TOPIC_ALREADY_EXISTS`. */
  async createTopic(name: string, options: Omit<EmbeddedTopic, "name"> = {}): Promise<void> {
    this.#createTopic({ ...options, name });
  }

  /**
   * Lets `handler` see each request of one API before the broker does, and answer in its place; see `InterceptAnswer`.
   * Interceptors of one API are asked in the order in which they were added. Returns the function that removes it.
   */
  intercept<Name extends ApiName>(
    api: Name,
    handler: InterceptHandler<RequestOf<Name>, ResponseOf<Name>>,
    options?: InterceptOptions,
  ): () => void;
  /** The same by Kafka's number of the API. */
  intercept(api: number, handler: InterceptHandler<unknown, unknown>, options?: InterceptOptions): () => void;
  intercept(
    api: ApiName | number,
    handler: InterceptHandler<never, unknown>,
    options: InterceptOptions = {},
  ): () => void {
    const name = typeof api === "number" ? apiNameOf(api) : api;
    if (name === undefined || !(name in serverApis)) throw new RangeError(`the embedded broker has no API ${api}`);
    const { key } = serverApis[name];
    return this.#state.interceptors.add(key, handler as InterceptHandler<unknown, unknown>, options);
  }

  /** Ends all connections, also where requests are waiting, and frees the ports. Safe to call again. */
  async close(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    await Promise.all([...this.#connections].map((connection) => connection.ended));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #createTopic({ name, partitions, replicationFactor, configs }: EmbeddedTopic): void {
    this.#cluster.createTopic({ name, partitions, replicationFactor, configs: Object.entries(configs ?? {}) });
  }

  async #listen(node: ClusterNode): Promise<void> {
    const listener = await listen(node.port, (stream) => {
      const connection = new BrokerConnection(
        stream,
        (frame, signal) => dispatch(frame, node, this.#state, signal),
        (error) => this.#note(error),
      );
      this.#connections.add(connection);
      void connection.ended.then(() => this.#connections.delete(connection));
      return connection;
    });
    node.port = listener.port;
    this.#listeners.set(node.id, listener);
  }

  #note(error: Error): void {
    this.#errors.push(error);
    if (this.#errors.length > keptErrors) this.#errors.shift();
  }
}

function offeredVersions(maxVersions: Readonly<Partial<Record<ApiName, number>>>): ReadonlyMap<number, VersionRange> {
  const offered = new Map<number, VersionRange>();
  for (const name of apiNames) {
    const { key, minVersion, maxVersion } = serverApis[name];
    const max = Math.min(maxVersions[name] ?? maxVersion, maxVersion);
    if (max >= minVersion) offered.set(key, { min: minVersion, max });
  }
  return offered;
}
