import { ErrorCode } from "../../broker-errors.ts";
import type {
  ApiVersionsRequest,
  ApiVersionsResponse,
  ApiVersionsResponseKey,
} from "../../protocol/generated/api-versions.ts";
import { serverApis } from "../apis.ts";
import type { RequestContext, VersionRange } from "../request-context.ts";

const softwareText = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

export function handleApiVersions(request: ApiVersionsRequest, context: RequestContext): ApiVersionsResponse {
  const { clientSoftwareName, clientSoftwareVersion } = request;
  const named = softwareText.test(clientSoftwareName) && softwareText.test(clientSoftwareVersion);
  if (context.version >= 3 && !named) {
    return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [], throttleTimeMs: 0 };
  }
  const apiKeys = [...context.offeredVersions]
    .map(([apiKey, range]) => offer(apiKey, range))
    .sort((a, b) => a.apiKey - b.apiKey);
  return { errorCode: ErrorCode.NONE, apiKeys, throttleTimeMs: 0 };
}

/** The answer to an unknown version of ApiVersions: nothing but the versions of ApiVersions itself (KIP-511). */
export function unsupportedVersion(offeredVersions: ReadonlyMap<number, VersionRange>): ApiVersionsResponse {
  const { key } = serverApis.ApiVersions;
  const range = offeredVersions.get(key);
  return {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: range === undefined ? [] : [offer(key, range)],
    throttleTimeMs: 0,
  };
}

/**
 * Produce is offered from version 0, which is refused when used, because Kafka does so: librdkafka takes a broker that
 * offers less for one that cannot do gzip and Snappy (KAFKA-18659).
 */
function offer(apiKey: number, range: VersionRange): ApiVersionsResponseKey {
  const minVersion = apiKey === serverApis.Produce.key ? 0 : range.min;
  return { apiKey, minVersion, maxVersion: range.max };
}
