import { ErrorCode } from "../../broker-errors.ts";
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsRequestResource,
  IncrementalAlterConfigsResponse,
} from "../../protocol/generated/incremental-alter-configs.ts";
import type { Cluster } from "../cluster.ts";
import { Refusal, refusalOf } from "../refusal.ts";
import type { RequestContext } from "../request-context.ts";
import type { Topic } from "../topic.ts";
import type { ConfigChange } from "../topic-configs.ts";

const topicResource = 2;
const operations = ["set", "delete", "append", "subtract"] as const;

export function handleIncrementalAlterConfigs(
  request: IncrementalAlterConfigsRequest,
  context: RequestContext,
): IncrementalAlterConfigsResponse {
  const responses = request.resources.map((resource) => {
    const { resourceType, resourceName } = resource;
    const refusal = refusalOf(() => change(resource, request.validateOnly, context));
    return {
      errorCode: refusal?.errorCode ?? ErrorCode.NONE,
      errorMessage: refusal?.message ?? null,
      resourceType,
      resourceName,
    };
  });
  return { throttleTimeMs: 0, responses };
}

function change(
  { resourceType, resourceName, configs }: IncrementalAlterConfigsRequestResource,
  validateOnly: boolean,
  { cluster }: RequestContext,
): undefined {
  const topic = topicOfResource(resourceType, resourceName, cluster);
  const changes = configs.map(({ name, configOperation, value }): ConfigChange => {
    const operation = operations[configOperation];
    if (operation !== undefined) return { name, operation, value };
    throw new Refusal(ErrorCode.INVALID_REQUEST, `configuration operation ${configOperation} is unknown`);
  });
  topic.configs.change(changes, validateOnly);
}

/** The topic whose configuration is to be changed. @throws Refusal 3, 42 */
export function topicOfResource(resourceType: number, resourceName: string, cluster: Cluster): Topic {
  if (resourceType !== topicResource) {
    throw new Refusal(ErrorCode.INVALID_REQUEST, "only the configuration of topics can be changed");
  }
  const topic = cluster.topic(resourceName);
  if (topic !== undefined) return topic;
  throw new Refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${resourceName} does not exist`);
}
