import { type BrokerAddress, parseBootstrapServers } from "./broker-address.ts";
import { InvalidOptionError } from "./errors.ts";
import { Hidden } from "./hidden.ts";
import { consoleLogger, type Logger } from "./logger.ts";
import { check, checkOptions } from "./options.ts";
import { resolveSasl, type SaslConfig } from "./sasl-config.ts";
import { type TlsConfig, tlsChecks } from "./tls-config.ts";
import type { Connector, HostLookup } from "./transport.ts";

/** How to reach a Kafka cluster. Durations are milliseconds. */
export interface KafkaClientConfig {
  /** `host:port` pairs, comma-separated or as an array; the port defaults to 9092. Some brokers of the cluster suffice. */
  readonly bootstrapServers: string | readonly string[];
  /** Name under which the cluster's operators see this client. Default `ktables`. */
  readonly clientId?: string | undefined;
  /**
   * Where this client is, in the words of the brokers' `broker.rack`: readers then fetch from the replica that the
   * leader calls closest (KIP-392; it needs a `replica.selector.class` on the brokers). Default: from leaders only.
   */
  readonly rack?: string | undefined;
  /** `true` for TLS with the runtime's certificate authorities. Default: no TLS. */
  readonly tls?: boolean | TlsConfig | undefined;
  /** Credentials for SASL listeners. Default: none. */
  readonly sasl?: SaslConfig | undefined;
  /**
   * Opens connections in place of the runtime's sockets, for proxies and tunnels. It makes TLS by itself, so `tls` cannot
   * be given beside it.
   */
  readonly connector?: Connector | undefined;
  /**
   * Resolves host names in place of the runtime, for service discovery and split DNS. Asked before each connection; all
   * addresses are tried in their order. Not used with `connector`, so it cannot be given beside it.
   */
  readonly lookup?: HostLookup | undefined;
  /** Time to establish one connection: TLS, version exchange and authentication included. Default 10 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Time to wait for an answer, beyond what the broker was asked to wait. Default 30 000. */
  readonly requestTimeoutMs?: number | undefined;
  /** First pause before a retry; doubled each time, with jitter. Default 100. */
  readonly retryBackoffMs?: number | undefined;
  /** Longest pause before a retry. Default 1 000. */
  readonly maxRetryBackoffMs?: number | undefined;
  /** Age at which metadata is fetched again, so that new partitions are found. Default 300 000. */
  readonly metadataMaxAgeMs?: number | undefined;
  /**
   * Time after which the bootstrap servers are asked for metadata before the known brokers, when those can be reached
   * but give none that is of use. Java's `metadata.recovery.rebootstrap.trigger.ms` (KIP-1102). Default 300 000.
   */
  readonly rebootstrapTriggerMs?: number | undefined;
  /** Longest answer to accept, in bytes; must exceed the topic's largest batch. Default 104 857 600 (100 MiB). */
  readonly maxResponseBytes?: number | undefined;
  /**
   * Whether the process may end although connections are open: for scripts, which have then nothing to close. Calls that
   * wait for the cluster keep it alive all the same; an iteration over changes does not. Connections of a `connector` are
   * its own affair. Default false.
   */
  readonly unref?: boolean | undefined;
  /** Default: warnings and errors to the console. */
  readonly logger?: Logger | undefined;
}

/** {@link KafkaClientConfig} checked, copied and with its defaults filled in. */
export interface ResolvedConfig {
  readonly bootstrapServers: readonly BrokerAddress[];
  readonly clientId: string;
  readonly rack: string | undefined;
  readonly tls: Hidden<TlsConfig> | undefined;
  readonly connector: Connector | undefined;
  readonly lookup: HostLookup | undefined;
  readonly sasl: Hidden<SaslConfig> | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly maxRetryBackoffMs: number;
  readonly metadataMaxAgeMs: number;
  readonly rebootstrapTriggerMs: number;
  readonly maxResponseBytes: number;
  readonly unref: boolean;
  readonly logger: Logger;
}

const configChecks = {
  bootstrapServers: (value: unknown) =>
    typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"))
      ? undefined
      : "a string or an array of strings",
  clientId: check.string,
  rack: check.nonEmptyString,
  tls: (value: unknown) =>
    typeof value === "boolean" || check.object(value) === undefined ? undefined : "true, false or an object",
  sasl: check.object,
  connector: check.callable,
  lookup: check.callable,
  connectTimeoutMs: check.durationMs,
  requestTimeoutMs: check.durationMs,
  retryBackoffMs: check.durationMs,
  maxRetryBackoffMs: check.durationMs,
  metadataMaxAgeMs: check.durationMs,
  rebootstrapTriggerMs: check.durationMs,
  maxResponseBytes: check.integer(1024, 0x7fff_ffff),
  unref: check.boolean,
  logger: (value: unknown) =>
    typeof value === "object" &&
    value !== null &&
    ["debug", "info", "warn", "error"].every((name) => typeof (value as Record<string, unknown>)[name] === "function")
      ? undefined
      : "an object with the functions debug, info, warn and error",
};

/** Checks a config, or a bare bootstrap string. Throws {@link InvalidOptionError}; touches no network. */
export function resolveConfig(config: string | readonly string[] | KafkaClientConfig): ResolvedConfig {
  const given: KafkaClientConfig =
    typeof config === "string" || isStringArray(config) ? { bootstrapServers: config } : config;
  checkOptions("connection", given, configChecks);
  if (given.bootstrapServers === undefined) {
    throw new InvalidOptionError("bootstrapServers", "connection: bootstrapServers is missing");
  }
  if (typeof given.tls === "object") checkOptions("connection.tls", given.tls, tlsChecks);
  const tls = given.tls === true ? {} : given.tls === false ? undefined : given.tls && { ...given.tls };
  if (tls !== undefined && given.connector !== undefined) {
    throw new InvalidOptionError(
      "tls",
      "connection: tls and connector exclude each other: a connector makes TLS itself",
    );
  }
  if (given.lookup !== undefined && given.connector !== undefined) {
    const message = "connection: lookup and connector exclude each other: a connector resolves host names itself";
    throw new InvalidOptionError("lookup", message);
  }
  const sasl = given.sasl && resolveSasl(given.sasl);
  const retryBackoffMs = given.retryBackoffMs ?? 100;
  return {
    bootstrapServers: parseBootstrapServers(given.bootstrapServers),
    clientId: given.clientId ?? "ktables",
    rack: given.rack,
    tls: tls && new Hidden(tls),
    connector: given.connector,
    lookup: given.lookup,
    sasl: sasl && new Hidden(sasl),
    connectTimeoutMs: given.connectTimeoutMs ?? 10_000,
    requestTimeoutMs: given.requestTimeoutMs ?? 30_000,
    retryBackoffMs,
    maxRetryBackoffMs: Math.max(given.maxRetryBackoffMs ?? 1000, retryBackoffMs),
    metadataMaxAgeMs: given.metadataMaxAgeMs ?? 300_000,
    rebootstrapTriggerMs: given.rebootstrapTriggerMs ?? 300_000,
    maxResponseBytes: given.maxResponseBytes ?? 100 * 1024 * 1024,
    unref: given.unref ?? false,
    logger: given.logger ?? consoleLogger,
  };
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}
