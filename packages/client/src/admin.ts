import type { CallOptions } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { KafkaClient } from "./client.ts";
import { BrokerError } from "./errors.ts";
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

/** Sets the given configurations and leaves all others as they are (KIP-339; brokers since 2.3). */
export async function setTopicConfigs(
  client: KafkaClient,
  topic: string,
  configs: Readonly<Record<string, string>>,
  options: CallOptions = {},
): Promise<void> {
  await client.retrying(`IncrementalAlterConfigs of "${topic}"`, options, async ({ signal }) => {
    const connection = await client.anyConnection(signal);
    const response = await connection.request(
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
      { signal },
    );
    const answer = response.responses.find(({ resourceName }) => resourceName === topic);
    if (answer === undefined) throw unconfirmed("IncrementalAlterConfigs", topic);
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new BrokerError(answer.errorCode, {
        api: "IncrementalAlterConfigs",
        topic,
        brokerMessage: answer.errorMessage,
      });
    }
  });
}

function unconfirmed(api: string, topic: string): BrokerError {
  return new BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, {
    api,
    topic,
    brokerMessage: `the answer does not mention the topic, so the outcome cannot be confirmed`,
  });
}
