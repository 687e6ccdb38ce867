import { ErrorCode } from "../../broker-errors.ts";
import type { Partition } from "../partition.ts";
import type { RequestContext } from "../request-context.ts";

/** Why this node does not serve the partition for a client that knows `epoch` (-1: none); NONE if it does. */
export function leadershipError(partition: Partition, epoch: number, { node }: RequestContext): number {
  // A node compares epochs only for partitions that it holds.
  if (partition.replicas.includes(node.id) && epoch !== -1) {
    if (epoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
    if (epoch > partition.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
  }
  return partition.leaderId === node.id ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER;
}

export interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface LeaderEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: null;
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
      this.#endpoints.set(leaderId, { nodeId: leaderId, host: node.host, port: node.port, rack: null });
    }
    return { leaderId, leaderEpoch };
  }

  endpoints(): LeaderEndpoint[] {
    return [...this.#endpoints.values()];
  }
}
