import type { AbortSignalLike, CallOptions } from "./abort.ts";
import { ErrorCode } from "./broker-errors.ts";
import type { KafkaClient } from "./client.ts";
import type { Connection } from "./connection.ts";
import { BrokerError } from "./errors.ts";
import { askLeaders } from "./leaders.ts";
import type { PartitionMetadata } from "./metadata.ts";
import { listOffsetsApi } from "./protocol/generated/list-offsets.ts";

/** Which records a reader sees, and so where a partition ends for it. */
export type IsolationLevel = "read_uncommitted" | "read_committed";

export function isolationCode(level: IsolationLevel): number {
  return level === "read_committed" ? 1 : 0;
}

export interface ListOffsetsOptions extends CallOptions {
  /** Default: all partitions of the topic. */
  readonly partitions?: readonly number[] | undefined;
  /** `read_committed` ends at the last stable offset, `read_uncommitted` (default) at the high watermark. */
  readonly isolation?: IsolationLevel | undefined;
}

const timestampOf = { earliest: -2, latest: -1 } as const;

/**
 * Where partitions begin or end, as their leaders see it now: one request per leader, on a connection that no long
 * poll shares. Retries until every partition has answered or time is up. Returns offsets by partition.
 */
export async function listOffsets(
  client: KafkaClient,
  topic: string,
  at: "earliest" | "latest",
  options: ListOffsetsOptions = {},
): Promise<Map<number, number>> {
  const isolationLevel = isolationCode(options.isolation ?? "read_uncommitted");
  return askLeaders(
    client,
    {
      api: "ListOffsets",
      topic,
      partitions: options.partitions,
      ask: (connection, partitions, { signal }, found) =>
        listAtLeader(connection, topic, partitions, timestampOf[at], isolationLevel, signal, found),
    },
    options,
  );
}

async function listAtLeader(
  connection: Connection,
  topic: string,
  partitions: readonly PartitionMetadata[],
  timestamp: number,
  isolationLevel: number,
  signal: AbortSignalLike,
  found: Map<number, number>,
): Promise<void> {
  const response = await connection.request(
    listOffsetsApi,
    {
      replicaId: -1,
      isolationLevel,
      topics: [
        {
          name: topic,
          partitions: partitions.map(({ partition, leaderEpoch }) => ({
            partitionIndex: partition,
            currentLeaderEpoch: leaderEpoch,
            timestamp,
          })),
        },
      ],
    },
    { signal },
  );
  const answers = response.topics.find(({ name }) => name === topic)?.partitions ?? [];
  let failure: BrokerError | undefined;
  for (const { partition } of partitions) {
    const answer = answers.find(({ partitionIndex }) => partitionIndex === partition);
    const errorCode = answer?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    if (answer !== undefined && errorCode === ErrorCode.NONE && answer.offset >= 0) {
      found.set(partition, answer.offset);
    } else {
      // A negative offset without an error is an answer that cannot be true; the leader may not know better yet.
      failure = new BrokerError(errorCode === ErrorCode.NONE ? ErrorCode.OFFSET_NOT_AVAILABLE : errorCode, {
        ...connection.context(listOffsetsApi),
        topic,
        partition,
      });
    }
  }
  if (failure !== undefined) throw failure;
}
