import { untilAborted } from "../abort.ts";
import type { ServerApi } from "../protocol/api.ts";
import { readRequestHeader, writeResponseHeader } from "../protocol/headers.ts";
import { ProtocolReader } from "../protocol/reader.ts";
import { ProtocolWriter } from "../protocol/writer.ts";
import { type ApiName, apiNameOf, serverApis } from "./apis.ts";
import type { Cluster, ClusterNode } from "./cluster.ts";
import { unsupportedVersion } from "./handlers/api-versions.ts";
import { handlers } from "./handlers/index.ts";
import type { InterceptContext, Interceptors } from "./interceptors.ts";
import type { Handler, RequestContext, VersionRange } from "./request-context.ts";
import type { RequestLog } from "./request-log.ts";
import type { SaslServerSession } from "./sasl-server.ts";

/** What the connections of all nodes share. */
export interface BrokerState {
  readonly cluster: Cluster;
  readonly interceptors: Interceptors;
  readonly requests: RequestLog;
  readonly offeredVersions: ReadonlyMap<number, VersionRange>;
}

/**
 * What happens to the connection after a request: bytes are written, `"close"` cuts it, `"hang"` leaves it as it is
 * for ever, `"no answer"` goes on with the next request.
 */
export type Outcome = Uint8Array | "close" | "hang" | "no answer";

/** What a client may ask before it has authenticated. */
const openApis: ReadonlySet<ApiName> = /* @__PURE__ */ new Set<ApiName>([
  "ApiVersions",
  "SaslAuthenticate",
  "SaslHandshake",
]);

/** Carries out one request. @throws ProtocolError for bytes that are no request, and whatever an interceptor throws */
export async function dispatch(
  frame: Uint8Array,
  node: ClusterNode,
  state: BrokerState,
  sasl: SaslServerSession | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  const reader = new ProtocolReader(frame);
  const header = readRequestHeader(reader, hasFlexibleHeader);
  const name = apiNameOf(header.apiKey);
  if (name === undefined) return "close";
  const { apiKey, apiVersion, correlationId, clientId } = header;
  state.requests.add({ node: node.id, api: name, version: apiVersion, clientId, at: Date.now() });
  const offered = state.offeredVersions.get(apiKey);
  if (offered === undefined || apiVersion < offered.min || apiVersion > offered.max) {
    // KIP-511: a client asks this first and cannot know the versions, so it gets an answer that everyone can read.
    if (name !== "ApiVersions") return "close";
    return encodeFrame(serverApis.ApiVersions, unsupportedVersion(state.offeredVersions), 0, correlationId);
  }
  if (sasl?.isAuthenticated === false && !openApis.has(name)) return "close";
  const context: RequestContext = {
    cluster: state.cluster,
    node,
    sasl,
    version: apiVersion,
    clientId,
    signal,
    offeredVersions: state.offeredVersions,
  };
  const api = serverApis[name] as ServerApi<unknown, unknown>;
  const handler = handlers[name] as Handler<unknown, unknown>;
  const request = api.decodeRequest(reader, apiVersion);
  const answer = await intercepted(name, request, context, handler, state.interceptors);
  if (answer === "close" || answer === "no answer") return answer;
  if (answer === "ignore") return "hang";
  return answer instanceof Uint8Array ? answer : encodeFrame(api, answer, apiVersion, correlationId);
}

async function intercepted(
  name: ApiName,
  request: unknown,
  context: RequestContext,
  handler: Handler<unknown, unknown>,
  interceptors: Interceptors,
): Promise<unknown> {
  const { node, version, clientId, signal } = context;
  const interceptContext: InterceptContext<unknown> = {
    node: node.id,
    api: name,
    version,
    clientId,
    signal,
    handle: async () => {
      const answer = await handler(request, context);
      return answer === "close" || answer === "no answer" ? undefined : answer;
    },
  };
  // A test may hold a request for as long as it likes; the end of the connection ends the wait.
  const answer = await untilAborted(interceptors.answer(serverApis[name].key, request, interceptContext), signal);
  return answer === "pass" ? handler(request, context) : answer;
}

function hasFlexibleHeader(apiKey: number, apiVersion: number): boolean {
  const name = apiNameOf(apiKey);
  return name !== undefined && apiVersion >= serverApis[name].flexibleFrom;
}

function encodeFrame<Request, Response>(
  api: ServerApi<Request, Response>,
  response: Response,
  version: number,
  correlationId: number,
): Uint8Array {
  const writer = new ProtocolWriter();
  writer.int32(0);
  writeResponseHeader(writer, api.key, correlationId, version >= api.flexibleFrom);
  api.encodeResponse(writer, response, version);
  writer.setInt32(0, writer.length - 4);
  return writer.finish();
}
