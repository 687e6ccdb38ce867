import { InvalidOptionError } from "@ktables/client";
import { check, checkOptions, describe, type OptionCheck } from "@ktables/client/internal";
import { type Codec, checkCodec, string } from "./codec.ts";
import { ConnectionHandle, type ConnectionOption } from "./connection-handle.ts";

/**
 * What to do when the topic exists without the declared compaction: log a warning and go on (`warn`), throw
 * `TopicConfigMismatchError` (`raise`), set the topic's policy (`reconcile`), or do not look (`ignore`).
 */
export type PolicyMismatchAction = "warn" | "raise" | "reconcile" | "ignore";

/** How a topic is created where it does not exist, and checked where it does. */
export interface TopicProvision {
  /** Configs for creation. Replaces the default, {@link DEFAULT_TOPIC_CONFIGS}, as a whole. */
  readonly topicConfigs?: Readonly<Record<string, string>> | undefined;
  /** Partitions for creation; -1 for the broker's default. Default 1. */
  readonly partitions?: number | undefined;
  /** Replication factor for creation; -1 for the broker's default. Default 1. */
  readonly replicationFactor?: number | undefined;
  /** Default `warn`. */
  readonly onPolicyMismatch?: PolicyMismatchAction | undefined;
}

/** What tables and writers have in common, so that both can be opened with one object. */
export interface TopicOptions<V> extends TopicProvision {
  readonly connection: ConnectionOption;
  readonly topic: string;
  readonly value: Codec<V>;
  /** Default: strict UTF-8, which is {@link string}. */
  readonly key?: Codec<string> | undefined;
  /**
   * Create the topic if it does not exist, and check its policy if it does. Default true. Needs the right to create the
   * topic, even where it exists; without that, set false.
   */
  readonly ensureTopic?: boolean | undefined;
}

/** The topic of a table keeps the last record of every key. */
export const DEFAULT_TOPIC_CONFIGS: Readonly<Record<string, string>> = Object.freeze({ "cleanup.policy": "compact" });

export const provisionChecks: Readonly<Record<string, OptionCheck>> = {
  topicConfigs: check.stringValues,
  partitions: check.countOrDefault,
  replicationFactor: check.countOrDefault,
  onPolicyMismatch: check.oneOf("warn", "raise", "reconcile", "ignore"),
};

const topicChecks: Readonly<Record<string, OptionCheck>> = {
  connection: () => undefined,
  topic: check.nonEmptyString,
  value: () => undefined,
  key: () => undefined,
  ensureTopic: check.boolean,
  ...provisionChecks,
};

const connectionOption = 'it belongs into the connection: { connection: { bootstrapServers: "host:port", … } }';

const misplaced: Readonly<Record<string, string>> = {
  bootstrapServers: connectionOption,
  brokers: connectionOption,
  clientId: connectionOption,
  rack: connectionOption,
  tls: connectionOption,
  ssl: connectionOption,
  logger: connectionOption,
  requestTimeoutMs: connectionOption,
  connectTimeoutMs: connectionOption,
  codec: "it is called value",
  valueCodec: "it is called value",
  keyCodec: "it is called key; grouped tables and writers have it",
};

/** {@link TopicOptions} checked, copied and with their defaults. */
export interface ResolvedTopicOptions<V> {
  readonly connection: ConnectionHandle;
  readonly topic: string;
  readonly value: Codec<V>;
  readonly key: Codec<string>;
  readonly ensureTopic: boolean;
  readonly provision: Required<TopicProvision>;
}

export function resolveProvision(options: TopicProvision): Required<TopicProvision> {
  return {
    topicConfigs: Object.freeze({ ...(options.topicConfigs ?? DEFAULT_TOPIC_CONFIGS) }),
    partitions: options.partitions ?? 1,
    replicationFactor: options.replicationFactor ?? 1,
    onPolicyMismatch: options.onPolicyMismatch ?? "warn",
  };
}

/**
 * Checks the options of a table or writer.
 *
 * @param checks The options beyond {@link TopicOptions}.
 * @param elsewhere Options of the other one of the pair, and where they belong.
 * @throws InvalidOptionError
 */
export function resolveTopicOptions<V>(
  owner: string,
  options: TopicOptions<V>,
  checks: Readonly<Record<string, OptionCheck>>,
  elsewhere: Readonly<Record<string, string>>,
): ResolvedTopicOptions<V> {
  if (check.object(options) !== undefined) {
    throw new InvalidOptionError(owner, `${owner}: options must be an object, got ${describe(options)}`);
  }
  const homes: Readonly<Record<string, string>> = { ...misplaced, ...elsewhere };
  for (const key of Object.keys(options)) {
    if (Object.hasOwn(homes, key)) throw new InvalidOptionError(key, `${owner}: option "${key}": ${homes[key]}`);
  }
  for (const key of ["connection", "topic", "value"] as const) {
    if (options[key] === undefined) throw new InvalidOptionError(key, `${owner}: option "${key}" is missing`);
  }
  const connection = new ConnectionHandle(owner, options.connection);
  checkOptions(owner, options, { ...topicChecks, ...checks });
  checkCodec(owner, "value", options.value);
  if (options.key !== undefined) checkCodec(owner, "key", options.key);
  const action = options.onPolicyMismatch;
  if (options.ensureTopic === false && (action === "raise" || action === "reconcile")) {
    throw new InvalidOptionError(
      "onPolicyMismatch",
      `${owner}: onPolicyMismatch "${action}" needs ensureTopic: true, because nothing is checked without it`,
    );
  }
  return {
    connection,
    topic: options.topic,
    value: options.value,
    key: options.key ?? string(),
    ensureTopic: options.ensureTopic ?? true,
    provision: resolveProvision(options),
  };
}
