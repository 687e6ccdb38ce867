import type { FetchContext } from "./fetch-context.ts";
import { elapsedMs, momentNow } from "./moment.ts";
import { isolationCode } from "./offsets.ts";
import type { PartitionCursor } from "./partition-cursor.ts";
import type { FetchRequest } from "./protocol/generated/fetch.ts";
import { zeroUuid } from "./protocol/uuid.ts";

/** What was asked of one partition, so that an answer that no longer fits can be told. */
export interface Asked {
  readonly cursor: PartitionCursor;
  readonly generation: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly fetchEpoch: number;
  /** How long nobody had answered for the partition when it was asked about. */
  readonly absenceMs: number;
}

/** The last version that names topics; later ones know them by id only. */
export const lastFetchVersionWithNames = 12;
/** From this version on, brokers compare the epoch of what was read last with their log at each fetch (KIP-595). */
const firstVersionWithEpochs = 12;

export function askFor(cursor: PartitionCursor): Asked {
  const { generation, leaderEpoch, fetchOffset, fetchEpoch, answeredAt } = cursor;
  return { cursor, generation, leaderEpoch, fetchOffset, fetchEpoch, absenceMs: elapsedMs(answeredAt, momentNow()) };
}

export function comparesEpochs(fetchVersion: number | undefined): boolean {
  return fetchVersion !== undefined && fetchVersion >= firstVersionWithEpochs;
}

export function fetchRequest(
  context: FetchContext,
  asked: readonly Asked[],
  maxWaitMs: number,
  sizeInBytes: number,
  version: number | undefined,
): FetchRequest {
  const { client, options } = context;
  // Half, because an answer also holds headers, and a first batch of any size.
  const maxBytes = Math.min(sizeInBytes, client.config.maxResponseBytes >>> 1);
  const now = performance.now();
  return {
    replicaId: -1,
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    isolationLevel: isolationCode(options.isolation ?? "read_committed"),
    // No fetch session (KIP-227): id 0 with epoch -1 asks for a full answer and opens none.
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic: context.topic,
        topicId: context.topicId ?? zeroUuid,
        partitions: asked.map(({ cursor, leaderEpoch, fetchOffset, fetchEpoch }) => ({
          partition: cursor.partition,
          currentLeaderEpoch: leaderEpoch,
          fetchOffset,
          lastFetchedEpoch: comparesEpochs(version) ? fetchEpoch : -1,
          logStartOffset: -1,
          partitionMaxBytes: maxBytes,
        })),
      },
    ],
    forgottenTopicsData: [],
    // For all partitions or for none: where one of them is to stay with its leader, all do for as long.
    rackId: asked.some(({ cursor }) => cursor.isLeaderOnly(now)) ? "" : (client.config.rack ?? ""),
  };
}
