import type { Partition } from "./partition.ts";
import type { TopicConfigs } from "./topic-configs.ts";

export interface Topic {
  readonly name: string;
  /** New for each incarnation, also of the same name. */
  readonly id: string;
  readonly configs: TopicConfigs;
  readonly replicationFactor: number;
  readonly partitions: Partition[];
}

/** Kafka's rule for topic names. */
export function isValidTopicName(name: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== "." && name !== "..";
}
