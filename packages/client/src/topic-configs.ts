import type { CallOptions } from "./abort.ts";
import { confirm, unconfirmed } from "./admin.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { Attempt, KafkaClient } from "./client.ts";
import type { Connection } from "./connection.ts";
import { BrokerError, UnsupportedApiError } from "./errors.ts";
import { callChecks, check, checkOptions } from "./options.ts";
import { alterConfigsApi } from "./protocol/generated/alter-configs.ts";
import { type DescribeConfigsResponseConfig, describeConfigsApi } from "./protocol/generated/describe-configs.ts";
import { incrementalAlterConfigsApi } from "./protocol/generated/incremental-alter-configs.ts";

const topicResource = 2;
const setOperation = 0;
/** `configSource` of a value that was set for this topic (DescribeConfigs v1+). */
const topicConfigSource = 1;

export interface TopicConfigEntry {
  readonly name: string;
  /** Null for sensitive values, which brokers do not tell. */
  readonly value: string | null;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  /** Whether the value was set for this topic, rather than inherited from the broker. */
  readonly isOverride: boolean;
}

/**
 * The topic's configuration: all of it, or the named entries.
 *
 * @throws BrokerError; UnsupportedApiError where the service tells no configuration; TimeoutError; InvalidOptionError
 */
export async function describeTopicConfigs(
  client: KafkaClient,
  topic: string,
  options: CallOptions & { readonly names?: readonly string[] | undefined } = {},
): Promise<TopicConfigEntry[]> {
  checkOptions("describeTopicConfigs", options, {
    ...callChecks,
    names: (value) => (Array.isArray(value) ? undefined : "an array of strings"),
  });
  return client.retrying(`DescribeConfigs of "${topic}"`, options, async ({ signal }) => {
    const connection = await client.anyConnection(signal);
    const version = connection.versionFor(describeConfigsApi);
    const response = await connection.request(
      describeConfigsApi,
      {
        resources: [
          {
            resourceType: topicResource,
            resourceName: topic,
            configurationKeys: options.names === undefined ? null : [...options.names],
          },
        ],
        includeSynonyms: false,
        includeDocumentation: false,
      },
      { signal },
    );
    const answer = response.results.find(({ resourceName }) => resourceName === topic);
    if (answer === undefined) throw unconfirmed(connection.context(describeConfigsApi), topic);
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new BrokerError(answer.errorCode, {
        ...connection.context(describeConfigsApi),
        topic,
        brokerMessage: answer.errorMessage,
      });
    }
    return answer.configs.map((entry) => ({
      name: entry.name,
      value: entry.value,
      isReadOnly: entry.readOnly,
      isSensitive: entry.isSensitive,
      isOverride: isOverride(entry, version),
    }));
  });
}

/** Brokers before 1.1 tell only whether a value is what the topic would have anyway (KIP-226 added its source). */
function isOverride(entry: DescribeConfigsResponseConfig, version: number | undefined): boolean {
  return version === 0 ? !entry.isDefault : entry.configSource === topicConfigSource;
}

/**
 * Sets the given configurations and leaves all others as they are. Brokers before 2.3 can only replace the whole set
 * (KIP-339): there the topic's settings are read first and written back together with the changes, which is logged,
 * because what somebody else changes in between is lost.
 *
 * @throws BrokerError; UnsupportedApiError where the service changes no configuration; TimeoutError; InvalidOptionError
 */
export async function setTopicConfigs(
  client: KafkaClient,
  topic: string,
  configs: Readonly<Record<string, string>>,
  options: CallOptions = {},
): Promise<void> {
  checkOptions("setTopicConfigs", options, callChecks);
  checkOptions("setTopicConfigs", { configs }, { configs: check.stringValues });
  await client.retrying(`Setting configs of "${topic}"`, options, async (attempt) => {
    const connection = await client.anyConnection(attempt.signal);
    const isIncremental = connection.versionFor(incrementalAlterConfigsApi) !== undefined;
    // A service that can neither is told so by the name of the newer API.
    if (!isIncremental && connection.versionFor(alterConfigsApi) !== undefined) {
      await replaceTopicConfigs(client, connection, topic, configs, attempt);
      return;
    }
    const { responses } = await connection.request(
      incrementalAlterConfigsApi,
      {
        resources: [
          {
            resourceType: topicResource,
            resourceName: topic,
            configs: Object.entries(configs).map(([name, value]) => ({ name, configOperation: setOperation, value })),
          },
        ],
        validateOnly: false,
      },
      { signal: attempt.signal },
    );
    confirm(
      connection.context(incrementalAlterConfigsApi),
      topic,
      responses.find(({ resourceName }) => resourceName === topic),
    );
  });
}

async function replaceTopicConfigs(
  client: KafkaClient,
  connection: Connection,
  topic: string,
  configs: Readonly<Record<string, string>>,
  { signal, remainingMs }: Attempt,
): Promise<void> {
  const current = await describeTopicConfigs(client, topic, { signal, timeoutMs: Math.max(1, remainingMs) });
  const kept = current.filter(({ name, isOverride, isReadOnly }) => {
    return isOverride && !isReadOnly && !Object.hasOwn(configs, name);
  });
  const secret = kept.find(({ value }) => value === null);
  if (secret !== undefined) {
    throw new UnsupportedApiError(
      "IncrementalAlterConfigs",
      connection.broker,
      `${connection.broker} is older than Kafka 2.3 and replaces all settings of topic "${topic}" at once, but does not ` +
        `tell the value of ${secret.name}, which would be lost`,
    );
  }
  client.config.logger.info(
    `The broker is older than 2.3: replacing all settings of topic "${topic}" by what they are, with ` +
      `${Object.keys(configs).join(", ")} changed; kept: ${kept.map(({ name }) => name).join(", ") || "none"}`,
    { topic },
  );
  const { responses } = await connection.request(
    alterConfigsApi,
    {
      resources: [
        {
          resourceType: topicResource,
          resourceName: topic,
          configs: [
            ...kept.map(({ name, value }) => ({ name, value })),
            ...Object.entries(configs).map(([name, value]) => ({ name, value })),
          ],
        },
      ],
      validateOnly: false,
    },
    { signal },
  );
  confirm(
    connection.context(alterConfigsApi),
    topic,
    responses.find(({ resourceName }) => resourceName === topic),
  );
}
