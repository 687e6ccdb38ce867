import {
  type CallOptions,
  createTopic,
  describeTopicConfigs,
  InvalidOptionError,
  type KafkaClient,
  KafkaError,
  type Logger,
  setTopicConfigs,
  type TopicConfigEntry,
} from "@ktables/client";
import { callChecks, check, checkOptions, throwIfAborted } from "@ktables/client/internal";
import { ConnectionHandle, type ConnectionOption } from "./connection-handle.ts";
import { TopicConfigMismatchError, TopicConfigUnreadableError } from "./errors.ts";
import { provisionChecks, resolveProvision, type TopicProvision } from "./topic-options.ts";

/**
 * - `created`: the topic did not exist.
 * - `skipped`: it exists, and no compaction is declared or the action is `ignore`, so nothing was checked.
 * - `verified`: it exists and is compacted.
 * - `mismatch`: it exists and is not compacted; a warning was logged.
 * - `reconciled`: it was not compacted, and is now.
 * - `unreadable`: it exists, and its policy could not be read.
 */
export type EnsureTopicOutcome = "created" | "skipped" | "verified" | "mismatch" | "reconciled" | "unreadable";

/** Frozen. */
export interface EnsureTopicResult {
  readonly outcome: EnsureTopicOutcome;
  /** The topic's `cleanup.policy` as it was found (before reconciling); null where it was not looked at. */
  readonly actualPolicy: string | null;
}

export interface EnsureTopicOptions extends TopicProvision, CallOptions {}

const policyName = "cleanup.policy";

/**
 * Creates the topic unless it exists; checks that an existing one is compacted, as far as `topicConfigs` ask for it,
 * and otherwise does what `onPolicyMismatch` says. Safe to run from many processes at once.
 *
 * @throws InvalidOptionError before connecting; {@link TopicConfigMismatchError}; a broker's or connection's error.
 */
export async function ensureTopic(
  connection: ConnectionOption,
  topic: string,
  options: EnsureTopicOptions = {},
): Promise<EnsureTopicResult> {
  const handle = new ConnectionHandle("ensureTopic", connection);
  if (check.nonEmptyString(topic) !== undefined) {
    throw new InvalidOptionError("topic", "ensureTopic: the topic must be a non-empty string");
  }
  checkOptions("ensureTopic", options, { ...provisionChecks, ...callChecks });
  try {
    return await provisionTopic(handle.acquire(), topic, resolveProvision(options), handle.logger, options);
  } finally {
    handle.release();
  }
}

/** {@link ensureTopic} with a client and checked options. */
export async function provisionTopic(
  client: KafkaClient,
  topic: string,
  provision: Required<TopicProvision>,
  logger: Logger,
  call: CallOptions,
): Promise<EnsureTopicResult> {
  const { topicConfigs, partitions, replicationFactor, onPolicyMismatch: action } = provision;
  const { signal, timeoutMs } = call;
  throwIfAborted(signal);
  const declared = topicConfigs?.[policyName];
  if (declared === undefined) {
    logger.warn(
      `topicConfigs of topic "${topic}" declare no ${policyName}: a new topic is created without compaction, and the ` +
        `policy of an existing one is not checked; add "${policyName}": "compact" to have both`,
      { topic },
    );
  }
  const creation = { partitions, replicationFactor, configs: topicConfigs, signal, timeoutMs };
  if ((await createTopic(client, topic, creation)) === "created") {
    logger.info(`Created topic "${topic}"`, { topic, partitions, replicationFactor, configs: topicConfigs });
    return result("created", null);
  }
  if (declared === undefined || action === "ignore" || !isCompacting(declared)) return result("skipped", null);

  let configs: TopicConfigEntry[];
  try {
    // Reconciling reports the overrides that it keeps, and so needs them all.
    const names = action === "reconcile" ? undefined : [policyName];
    configs = await describeTopicConfigs(client, topic, { names, signal, timeoutMs });
  } catch (error) {
    if (action !== "warn" || !(error instanceof KafkaError)) throw error;
    logger.info(`Could not read the configuration of topic "${topic}": ${error.message}`, { topic, error });
    return result("unreadable", null);
  }
  const actual = configs.find(({ name }) => name === policyName)?.value;
  if (actual === undefined || actual === null) {
    if (action !== "warn") throw new TopicConfigUnreadableError(topic);
    logger.info(`Could not read ${policyName} of topic "${topic}": the answer does not contain it`, { topic });
    return result("unreadable", null);
  }
  if (isCompacting(actual)) {
    if (alsoDeletes(actual)) logRetentionCaveat(logger, topic, actual);
    return result("verified", actual);
  }
  switch (action) {
    case "warn":
      logger.warn(
        `Topic "${topic}" has ${policyName} "${actual}", but "${declared}" is required: ` +
          `without compaction old keys disappear from the topic`,
        { topic, expected: declared, actual },
      );
      return result("mismatch", actual);
    case "raise":
      throw new TopicConfigMismatchError(topic, declared, actual);
    case "reconcile": {
      await setTopicConfigs(client, topic, { [policyName]: declared }, { signal, timeoutMs });
      const kept = configs
        .filter(({ name, isOverride }) => isOverride && name !== policyName)
        .map(({ name }) => name)
        .sort();
      logger.info(
        `Set ${policyName} of topic "${topic}" from "${actual}" to "${declared}"; ` +
          `${kept.length} other settings of the topic are unchanged${kept.length > 0 ? `: ${kept.join(", ")}` : ""}`,
        { topic, expected: declared, actual, kept },
      );
      if (alsoDeletes(declared)) logRetentionCaveat(logger, topic, declared);
      return result("reconciled", actual);
    }
    default:
      throw new InvalidOptionError("onPolicyMismatch", `ensureTopic: unknown onPolicyMismatch "${String(action)}"`);
  }
}

function result(outcome: EnsureTopicOutcome, actualPolicy: string | null): EnsureTopicResult {
  return Object.freeze({ outcome, actualPolicy });
}

function policies(value: string): string[] {
  return value.split(",").map((item) => item.trim());
}

function isCompacting(value: string): boolean {
  return policies(value).includes("compact");
}

function alsoDeletes(value: string): boolean {
  return policies(value).includes("delete");
}

function logRetentionCaveat(logger: Logger, topic: string, policy: string): void {
  logger.info(
    `Topic "${topic}" has ${policyName} "${policy}": keys that are not written again within its retention disappear`,
    { topic, actual: policy },
  );
}
