import type { Topic } from "./topic.ts";
import { topicConfigDefinitions } from "./topic-config-definitions.ts";

/** Where a value comes from, by Kafka's numbers (KIP-226). */
export const ConfigSource = { TOPIC: 1, STATIC_BROKER: 4, DEFAULT: 5 } as const;

/** One setting, as DescribeConfigs and CreateTopics report it. */
export interface ConfigEntry {
  readonly name: string;
  readonly value: string;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly configType: number;
  /** Every place where it could come from, the winner first. */
  readonly synonyms: readonly { readonly name: string; readonly value: string; readonly source: number }[];
}

/** All settings of a topic. */
export function topicConfigEntries(topic: Topic): ConfigEntry[] {
  return [...topicConfigDefinitions.values()].map(({ name, type, defaultValue, brokerName }) => {
    const override = topic.configs.overrides.get(name);
    const fallback = { name: brokerName, value: defaultValue, source: ConfigSource.DEFAULT };
    return {
      name,
      value: override ?? defaultValue,
      readOnly: false,
      configSource: override === undefined ? ConfigSource.DEFAULT : ConfigSource.TOPIC,
      isSensitive: false,
      configType: type,
      synonyms: override === undefined ? [fallback] : [{ name, value: override, source: ConfigSource.TOPIC }, fallback],
    };
  });
}
