import type { AbortSignalLike } from "../abort.ts";
import type { Cluster, ClusterNode } from "./cluster.ts";
import type { SaslServerSession } from "./sasl-server.ts";

/** What a handler knows about the request besides its body. */
export interface RequestContext {
  readonly cluster: Cluster;
  /** The node that was asked. */
  readonly node: ClusterNode;
  readonly version: number;
  readonly clientId: string | null;
  /** The SASL side of the connection; undefined where the broker does not ask for authentication. */
  readonly sasl: SaslServerSession | undefined;
  /** Aborts when the connection ends. */
  readonly signal: AbortSignalLike;
  /** Versions on offer, lowest and highest, by API key. */
  readonly offeredVersions: ReadonlyMap<number, VersionRange>;
}

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/**
 * Answers one API. `"close"` cuts the connection, which is how a broker tells that a request without answer failed;
 * `"no answer"` is for requests that have none.
 */
export type Handler<Request, Response> = (
  request: Request,
  context: RequestContext,
) => Response | "close" | "no answer" | Promise<Response>;
