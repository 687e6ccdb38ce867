import type { CallOptions } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { Attempt, KafkaClient } from "./client.ts";
import type { Connection } from "./connection.ts";
import { BrokerError } from "./errors.ts";
import { alterConfigsApi } from "./protocol/generated/alter-configs.ts";
import { createTopicsApi } from "./protocol/generated/create-topics.ts";
import { describeConfigsApi } from "./protocol/generated/describe-configs.ts";
import { incrementalAlterConfigsApi } from "./protocol/generated/incremental-alter-configs.ts";

const topicResource = 2;
const setOperation = 0;
/** `configSource` of a value that was set for this topic (DescribeConfigs v1+). */
const topicConfigSource = 1;

export interface CreateTopicOptions extends CallOptions {
  /** -1 for the broker's default (brokers since 2.4). Default 1. */
  readonly partitions?: number | undefined;
  /** -1 for the broker's default (brokers since 2.4). Default 1. */
  readonly replicationFactor?: number | undefined;
  readonly configs?: Readonly<Record<string, string>> | undefined;
}

export interface TopicConfigEntry {
  readonly name: string;
  /** Null for sensitive values, which brokers do not tell. */
  readonly value: string | null;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  /** Whether the value was set for this topic, rather than inherited from the broker. */
  readonly isOverride: boolean;
}

/** Returns whether the topic was created now or had existed; other errors are thrown as {@link BrokerError}. */
export async function createTopic(
  client: KafkaClient,
  topic: string,
  options: CreateTopicOptions = {},
): Promise<"created" | "exists"> {
  return client.retrying(`CreateTopics of "${topic}"`, options, async ({ signal, remainingMs }) => {
    const connection = await client.anyConnection(signal);
    const timeoutMs = Math.round(Math.min(remainingMs, client.config.requestTimeoutMs));
    const response = await connection.request(
      createTopicsApi,
      {
        topics: [
          {
            name: topic,
            numPartitions: options.partitions ?? 1,
            replicationFactor: options.replicationFactor ?? 1,
            assignments: [],
            configs: Object.entries(options.configs ?? {}).map(([name, value]) => ({ name, value })),
          },
        ],
        timeoutMs,
        validateOnly: false,
      },
      { signal, serverWaitMs: timeoutMs },
    );
    const answer = response.topics.find(({ name }) => name === topic);
    if (answer === undefined) throw unconfirmed("CreateTopics", topic);
    if (answer.errorCode === ErrorCode.NONE) return "created";
    if (answer.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return "exists";
    throw new BrokerError(answer.errorCode, { api: "CreateTopics", topic, brokerMessage: answer.errorMessage });
  });
}

/** The topic's configuration: all of it, or the named entries. */
export async function describeTopicConfigs(
  client: KafkaClient,
  topic: string,
  options: CallOptions & { readonly names?: readonly string[] | undefined } = {},
): Promise<TopicConfigEntry[]> {
  return client.retrying(`DescribeConfigs of "${topic}"`, options, async ({ signal }) => {
    const connection = await client.anyConnection(signal);
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
    if (answer === undefined) throw unconfirmed("DescribeConfigs", topic);
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new BrokerError(answer.errorCode, { api: "DescribeConfigs", topic, brokerMessage: answer.errorMessage });
    }
    return answer.configs.map((entry) => ({
      name: entry.name,
      value: entry.value,
      isReadOnly: entry.readOnly,
      isSensitive: entry.isSensitive,
      isOverride: entry.configSource === topicConfigSource,
    }));
  });
}

/**
 * Sets the given configurations and leaves all others as they are. Brokers before 2.3 can only replace the whole set
 * (KIP-339): there the topic's settings are read first and written back together with the changes, which is logged,
 * because what somebody else changes in between is lost.
 */
export async function setTopicConfigs(
  client: KafkaClient,
  topic: string,
  configs: Readonly<Record<string, string>>,
  options: CallOptions = {},
): Promise<void> {
  await client.retrying(`Setting configs of "${topic}"`, options, async (attempt) => {
    const connection = await client.anyConnection(attempt.signal);
    if (connection.versionFor(incrementalAlterConfigsApi) === undefined) {
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
    confirm("IncrementalAlterConfigs", topic, responses);
  });
}

async function replaceTopicConfigs(
  client: KafkaClient,
  connection: Connection,
  topic: string,
  configs: Readonly<Record<string, string>>,
  { signal, remainingMs }: Attempt,
): Promise<void> {
  const current = await describeTopicConfigs(client, topic, { signal, timeoutMs: remainingMs });
  const kept = current.filter(({ name, value, isOverride, isReadOnly }) => {
    return isOverride && !isReadOnly && value !== null && !Object.hasOwn(configs, name);
  });
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
  confirm("AlterConfigs", topic, responses);
}

/** Throws what the answer says about the topic, or that it says nothing. */
function confirm(
  api: string,
  topic: string,
  responses: readonly {
    readonly resourceName: string;
    readonly errorCode: number;
    readonly errorMessage: string | null;
  }[],
): void {
  const answer = responses.find(({ resourceName }) => resourceName === topic);
  if (answer === undefined) throw unconfirmed(api, topic);
  if (answer.errorCode !== ErrorCode.NONE) {
    throw new BrokerError(answer.errorCode, { api, topic, brokerMessage: answer.errorMessage });
  }
}

function unconfirmed(api: string, topic: string): BrokerError {
  return new BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, {
    api,
    topic,
    brokerMessage: `the answer does not mention the topic, so the outcome cannot be confirmed`,
  });
}
