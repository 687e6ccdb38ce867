import { ErrorCode } from "../../broker-errors.ts";
import type {
  AlterConfigsRequest,
  AlterConfigsRequestResource,
  AlterConfigsResponse,
} from "../../protocol/generated/alter-configs.ts";
import { Refusal, refusalOf } from "../refusal.ts";
import type { RequestContext } from "../request-context.ts";
import { topicOfResource } from "./incremental-alter-configs.ts";

export function handleAlterConfigs(request: AlterConfigsRequest, context: RequestContext): AlterConfigsResponse {
  const responses = request.resources.map((resource) => {
    const { resourceType, resourceName } = resource;
    const refusal = refusalOf(() => replace(resource, request.validateOnly, context));
    return {
      errorCode: refusal?.errorCode ?? ErrorCode.NONE,
      errorMessage: refusal?.message ?? null,
      resourceType,
      resourceName,
    };
  });
  return { throttleTimeMs: 0, responses };
}

function replace(
  { resourceType, resourceName, configs }: AlterConfigsRequestResource,
  validateOnly: boolean,
  { cluster }: RequestContext,
): undefined {
  const topic = topicOfResource(resourceType, resourceName, cluster);
  const entries = configs.map(({ name, value }): [string, string] => {
    if (value !== null) return [name, value];
    throw new Refusal(ErrorCode.INVALID_REQUEST, `configuration ${name} has no value`);
  });
  topic.configs.replace(entries, validateOnly);
}
