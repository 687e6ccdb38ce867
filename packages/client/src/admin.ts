import type { CallOptions } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { Attempt, KafkaClient } from "./client.ts";
import { BrokerError, type BrokerErrorContext, InvalidOptionError } from "./errors.ts";
import { callChecks, check, checkOptions, describe } from "./options.ts";
import { createPartitionsApi } from "./protocol/generated/create-partitions.ts";
import { createTopicsApi } from "./protocol/generated/create-topics.ts";
import { deleteTopicsApi } from "./protocol/generated/delete-topics.ts";

export interface CreateTopicOptions extends CallOptions {
  /** -1 for the broker's default (brokers since 2.4; older ones refuse with `INVALID_PARTITIONS`). Default 1. */
  readonly partitions?: number | undefined;
  /** -1 for the broker's default (brokers since 2.4). Default 1. */
  readonly replicationFactor?: number | undefined;
  readonly configs?: Readonly<Record<string, string>> | undefined;
}

/**
 * Creates a topic unless it exists, and returns which it was.
 *
 * @throws BrokerError with Kafka's own code; TimeoutError; InvalidOptionError
 */
export async function createTopic(
  client: KafkaClient,
  topic: string,
  options: CreateTopicOptions = {},
): Promise<"created" | "exists"> {
  checkTopic("createTopic", topic);
  checkOptions("createTopic", options, {
    ...callChecks,
    partitions: check.countOrDefault,
    replicationFactor: check.countOrDefault,
    configs: check.stringValues,
  });
  return client.retrying(`CreateTopics of "${topic}"`, options, async (attempt) => {
    const { signal } = attempt;
    const connection = await client.controllerConnection(signal);
    const timeoutMs = controllerTimeoutMs(client, attempt);
    const { topics } = await connection.request(
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
    const answer = topics.find(({ name }) => name === topic);
    if (answer?.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return "exists";
    confirm(connection.context(createTopicsApi), topic, answer);
    return "created";
  });
}

/**
 * Deletes a topic if it exists, and returns which it was. Brokers forget it a moment later.
 *
 * @throws BrokerError with Kafka's own code, such as `TOPIC_DELETION_DISABLED`; TimeoutError; InvalidOptionError
 */
export async function deleteTopic(
  client: KafkaClient,
  topic: string,
  options: CallOptions = {},
): Promise<"deleted" | "absent"> {
  checkTopic("deleteTopic", topic);
  checkOptions("deleteTopic", options, callChecks);
  return client.retrying(`DeleteTopics of "${topic}"`, options, async (attempt) => {
    const { signal } = attempt;
    const connection = await client.controllerConnection(signal);
    const timeoutMs = controllerTimeoutMs(client, attempt);
    const { responses } = await connection.request(
      deleteTopicsApi,
      { topics: [], topicNames: [topic], timeoutMs },
      { signal, serverWaitMs: timeoutMs },
    );
    const answer = responses.find(({ name }) => name === topic);
    if (answer?.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return "absent";
    confirm(connection.context(deleteTopicsApi), topic, answer);
    return "deleted";
  });
}

/**
 * Adds partitions until the topic has `count` of them, and returns whether it had so many. Keys then move to other
 * partitions: in a table's topic, old records of a key stay where they were.
 *
 * @throws BrokerError with Kafka's own code, `INVALID_PARTITIONS` where there are more; UnsupportedApiError before Kafka
 * 1.0; TimeoutError; InvalidOptionError
 */
export async function createPartitions(
  client: KafkaClient,
  topic: string,
  count: number,
  options: CallOptions = {},
): Promise<"created" | "exists"> {
  checkTopic("createPartitions", topic);
  checkOptions("createPartitions", { count }, { count: check.integer(1, 0x7fff_ffff) });
  checkOptions("createPartitions", options, callChecks);
  return client.retrying(`CreatePartitions of "${topic}"`, options, async (attempt) => {
    const { signal } = attempt;
    const connection = await client.controllerConnection(signal);
    const timeoutMs = controllerTimeoutMs(client, attempt);
    const { results } = await connection.request(
      createPartitionsApi,
      { topics: [{ name: topic, count, assignments: null }], timeoutMs, validateOnly: false },
      { signal, serverWaitMs: timeoutMs },
    );
    const answer = results.find(({ name }) => name === topic);
    if (answer?.errorCode === ErrorCode.INVALID_PARTITIONS) {
      // Also what an attempt of ours meets whose predecessor lost its answer.
      const { partitions } = await client.refreshTopic(topic, signal);
      if (partitions.length === count) return "exists";
    }
    confirm(connection.context(createPartitionsApi), topic, answer);
    return "created";
  });
}

/** How long the controller may take; not longer than the caller waits. */
function controllerTimeoutMs(client: KafkaClient, { remainingMs }: Attempt): number {
  return Math.ceil(Math.min(remainingMs, client.config.requestTimeoutMs));
}

export function checkTopic(owner: string, topic: unknown): void {
  if (check.nonEmptyString(topic) === undefined) return;
  throw new InvalidOptionError("topic", `${owner}: the topic must be a non-empty string, got ${describe(topic)}`);
}

/** Throws what the answer says about the topic, or that it says nothing. */
export function confirm(
  context: BrokerErrorContext,
  topic: string,
  answer: { readonly errorCode: number; readonly errorMessage: string | null } | undefined,
): void {
  if (answer === undefined) throw unconfirmed(context, topic);
  if (answer.errorCode !== ErrorCode.NONE) {
    throw new BrokerError(answer.errorCode, { ...context, topic, brokerMessage: answer.errorMessage });
  }
}

export function unconfirmed(context: BrokerErrorContext, topic: string): BrokerError {
  return new BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR, {
    ...context,
    topic,
    brokerMessage: `the answer does not mention the topic, so the outcome cannot be confirmed`,
  });
}
