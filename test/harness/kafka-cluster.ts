export type LauncherName = "external" | "testcontainers" | "java";

export interface KafkaOptions {
  /** Release of Apache Kafka. Default: whatever runs at `KAFKA_BOOTSTRAP_SERVERS` when that is set, otherwise 4.4.0. */
  readonly version?: string;
  /** Number of brokers, ids 1 to `nodes`. Default 1. */
  readonly nodes?: 1 | 3;
  /**
   * Whether the brokers are controllers too (default), or one more node is the only controller, so that killing brokers
   * never costs the cluster its controllers' majority. Java launcher and KRaft only.
   */
  readonly controller?: "combined" | "separate";
  /** Broker properties on top of the harness's own; they win. */
  readonly brokerConfig?: Readonly<Record<string, string>>;
  /** Properties of single brokers by id, on top of all others. */
  readonly nodeConfig?: Readonly<Record<number, Readonly<Record<string, string>>>>;
  /** Further listeners by name, besides `PLAINTEXT`, each on a port of its own. Java launcher and KRaft only. */
  readonly listeners?: Readonly<Record<string, "SSL" | "SASL_PLAINTEXT" | "SASL_SSL">>;
  /** Of the brokers' JVMs, on top of the harness's own, which want a quick start; they win. Java launcher only. */
  readonly jvmFlags?: readonly string[];
  /** What `--add-scram` of Kafka's storage tool takes. */
  readonly scramUsers?: readonly string[];
  /** Default: the first that can serve, in the order external, testcontainers, java. */
  readonly launcher?: LauncherName;
}

/** The options with every default filled in. */
export type ResolvedKafkaOptions = Required<Omit<KafkaOptions, "launcher">> & {
  /** The caller named the version, so a cluster of unknown version will not do. */
  readonly isVersionFixed: boolean;
};

export interface KafkaNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** `host:port` of each of the further listeners. */
  readonly listenerAddresses?: Readonly<Record<string, string>>;
  /** The node's `log.dirs`, where the launcher runs on this machine's files. */
  readonly logDirectory?: string;
}

export interface KafkaCluster extends AsyncDisposable {
  readonly bootstrapServers: string;
  /** "unknown" for a cluster that the harness did not start. */
  readonly version: string;
  readonly launcher: LauncherName;
  readonly nodes: readonly KafkaNode[];
  /** Kills a broker as a crash would (SIGKILL) and returns when it is gone. Java launcher only. */
  killNode(id: number): Promise<void>;
  /** Asks a broker to end (SIGTERM), which hands its leaderships over first; returns when it is gone. Java launcher only. */
  stopNode(id: number): Promise<void>;
  /** Starts a killed or stopped broker (or kills and starts a running one) and returns when all running brokers list it again. */
  restartNode(id: number): Promise<void>;
  /** The last output of the brokers, for a failure's message. */
  output(): Promise<string>;
  /** Kills the brokers and removes their data. Calling it again does nothing. */
  stop(): Promise<void>;
}

export interface Launcher {
  readonly name: LauncherName;
  /** Undefined when it can start such a cluster here, otherwise the reason why not. */
  unavailable(options: ResolvedKafkaOptions): Promise<string | undefined>;
  start(options: ResolvedKafkaOptions): Promise<KafkaCluster>;
}
