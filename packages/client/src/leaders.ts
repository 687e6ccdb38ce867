import type { CallOptions } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { Attempt, KafkaClient } from "./client.ts";
import type { Connection } from "./connection.ts";
import { BrokerError } from "./errors.ts";
import type { PartitionMetadata } from "./metadata.ts";

/** What is asked of the leaders of a topic's partitions. */
export interface LeaderQuestion<T> {
  /** Kafka's name of the API. */
  readonly api: string;
  readonly topic: string;
  /** Default: all partitions of the topic. Those that it does not have are left out. */
  readonly partitions?: readonly number[] | undefined;
  /** Asks one leader about some of its partitions, and puts what it answers into `found`, also when others failed. */
  ask(
    connection: Connection,
    partitions: readonly PartitionMetadata[],
    attempt: Attempt,
    found: Map<number, T>,
  ): Promise<void>;
}

/**
 * Asks every leader once, on a connection that no long poll shares, and again where that may help, until every partition
 * has its answer or time is up.
 */
export async function askLeaders<T>(
  client: KafkaClient,
  question: LeaderQuestion<T>,
  options: CallOptions,
): Promise<Map<number, T>> {
  const { api, topic } = question;
  const found = new Map<number, T>();
  let stale = false;
  await client.retrying(`${api} of topic "${topic}"`, options, async (attempt) => {
    const known = stale ? undefined : client.knownTopic(topic);
    const isKnown = question.partitions?.every((partition) => known?.partitions[partition] !== undefined) ?? true;
    const metadata = known !== undefined && isKnown ? known : await client.refreshTopic(topic, attempt.signal);
    stale = true;
    const missing = metadata.partitions.filter(
      ({ partition }) => !found.has(partition) && (question.partitions?.includes(partition) ?? true),
    );
    const leaders = [...new Set(missing.map(({ leader }) => leader))];
    const results = await Promise.allSettled(
      leaders.map(async (leader) => {
        const partitions = missing.filter((partition) => partition.leader === leader);
        if (leader < 0) {
          const partition = partitions[0]?.partition;
          throw new BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, { api, topic, partition });
        }
        const connection = await client.brokerConnection(leader, "control", attempt.signal);
        await question.ask(connection, partitions, attempt, found);
      }),
    );
    const failure = results.find((result) => result.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  });
  return found;
}
