import { ErrorCode } from "../../broker-errors.ts";
import type { Partition } from "../partition.ts";
import type { RequestContext } from "../request-context.ts";

/**
 * Why this node does not serve the partition for a client that knows `epoch` (-1: none); NONE if it does. What need not
 * be done by the leader can be done by each replica.
 */
export function leadershipError(
  partition: Partition,
  epoch: number,
  { node }: RequestContext,
  needsLeader = true,
): number {
  const isReplica = partition.replicas.includes(node.id);
  // A node compares epochs only for partitions that it holds.
  if (isReplica && epoch !== -1) {
    if (epoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
    if (epoch > partition.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
  }
  const serves = needsLeader ? partition.leaderId === node.id : isReplica;
  return serves ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER;
}

export interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface LeaderEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

/** Collects the leaders that an answer names, with their addresses (KIP-951). */
export class LeaderHints {
  readonly #context: RequestContext;
  readonly #endpoints = new Map<number, LeaderEndpoint>();

  constructor(context: RequestContext) {
    this.#context = context;
  }

  hint({ leaderId, leaderEpoch }: Partition): CurrentLeader {
    const node = this.#context.cluster.liveNodes.find(({ id }) => id === leaderId);
    if (node !== undefined) {
      this.#endpoints.set(leaderId, { nodeId: leaderId, host: node.host, port: node.port, rack: node.rack });
    }
    return { leaderId, leaderEpoch };
  }

  endpoints(): LeaderEndpoint[] {
    return [...this.#endpoints.values()];
  }
}
