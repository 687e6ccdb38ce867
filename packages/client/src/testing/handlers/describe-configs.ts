import { ErrorCode } from "../../broker-errors.ts";
import type {
  DescribeConfigsRequest,
  DescribeConfigsRequestResource,
  DescribeConfigsResponse,
  DescribeConfigsResponseResult,
} from "../../protocol/generated/describe-configs.ts";
import type { Cluster } from "../cluster.ts";
import { Refusal, refusalOf } from "../refusal.ts";
import type { RequestContext } from "../request-context.ts";
import { isValidTopicName } from "../topic.ts";
import { ConfigType } from "../topic-config-definitions.ts";
import { type ConfigEntry, ConfigSource, topicConfigEntries } from "../topic-config-entries.ts";

const topicResource = 2;
const brokerResource = 4;

export function handleDescribeConfigs(
  request: DescribeConfigsRequest,
  { cluster, version }: RequestContext,
): DescribeConfigsResponse {
  const results = request.resources.map((resource): DescribeConfigsResponseResult => {
    const { resourceType, resourceName, configurationKeys } = resource;
    const entries = refusalOf(() => entriesOf(resource, cluster));
    if (entries instanceof Refusal) {
      return { errorCode: entries.errorCode, errorMessage: entries.message, resourceType, resourceName, configs: [] };
    }
    const configs = entries
      .filter(({ name }) => configurationKeys === null || configurationKeys.includes(name))
      .map((entry) => ({
        ...entry,
        // Later versions tell the source instead.
        isDefault: version === 0 && entry.configSource === ConfigSource.DEFAULT,
        synonyms: request.includeSynonyms ? entry.synonyms : [],
        documentation: null,
      }));
    return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName, configs };
  });
  return { throttleTimeMs: 0, results };
}

function entriesOf({ resourceType, resourceName }: DescribeConfigsRequestResource, cluster: Cluster): ConfigEntry[] {
  if (resourceType === topicResource) {
    const topic = cluster.topic(resourceName);
    if (topic !== undefined) return topicConfigEntries(topic);
    throw isValidTopicName(resourceName)
      ? new Refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${resourceName} does not exist`)
      : new Refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, `topic name ${JSON.stringify(resourceName)} is not valid`);
  }
  if (resourceType === brokerResource && cluster.nodes.some(({ id }) => String(id) === resourceName)) {
    return brokerConfigEntries(resourceName, cluster);
  }
  throw new Refusal(ErrorCode.INVALID_REQUEST, `there is no resource ${resourceName} of type ${resourceType}`);
}

function brokerConfigEntries(nodeId: string, cluster: Cluster): ConfigEntry[] {
  const entry = (name: string, value: string, configType: number): ConfigEntry => ({
    name,
    value,
    readOnly: true,
    configSource: ConfigSource.STATIC_BROKER,
    isSensitive: false,
    configType,
    synonyms: [{ name, value, source: ConfigSource.STATIC_BROKER }],
  });
  return [
    entry("auto.create.topics.enable", String(cluster.autoCreateTopics), ConfigType.BOOLEAN),
    entry("default.replication.factor", String(cluster.defaultReplicationFactor), ConfigType.INT),
    entry("node.id", nodeId, ConfigType.INT),
    entry("num.partitions", String(cluster.defaultPartitions), ConfigType.INT),
  ];
}
