import { InvalidOptionError } from "../errors.ts";
import { check, checkOptions, describe } from "../options.ts";
import { type ApiName, serverApis } from "./apis.ts";
import { type BrokerLine, brokerLines, commonVersions } from "./broker-lines.ts";
import type { TopicPlan } from "./cluster.ts";
import type { VersionRange } from "./request-context.ts";
import { type EmbeddedSasl, saslChecks } from "./sasl-server.ts";

export interface EmbeddedTopic {
  readonly name: string;
  /** Default 1. */
  readonly partitions?: number;
  /** How many nodes hold each partition. Default: all nodes, at most 3. */
  readonly replicationFactor?: number;
  /** Topic configuration, over Kafka's defaults. */
  readonly configs?: Readonly<Record<string, string>>;
}

export interface EmbeddedBrokerOptions {
  /** How many nodes; their ids count from 0. Default 1. */
  readonly nodes?: number;
  /**
   * The rack of each node. Leaders then send clients that name their rack to a replica there, as Kafka does with
   * `RackAwareReplicaSelector`. Default: none.
   */
  readonly racks?: readonly string[];
  /** Topics that exist from the start. */
  readonly topics?: readonly EmbeddedTopic[];
  /** Whether Metadata creates missing topics for a client that asks so. Default false. */
  readonly autoCreateTopics?: boolean;
  /**
   * Stands for a broker of another release or service: offers the versions that such a broker offers, as far as this one
   * speaks them, and up to 2.8 lets the controller alone change topics. Default: every version that this broker speaks.
   */
  readonly asVersion?: BrokerLine;
  /** Offers single APIs up to an older version only, whatever `asVersion` says; -1 leaves an API out. */
  readonly maxVersions?: Readonly<Partial<Record<ApiName, number>>>;
  /** Asks every client to authenticate. Default: nobody. */
  readonly sasl?: EmbeddedSasl;
}

const maxNodes = 100;

const brokerChecks = {
  nodes: check.integer(1, maxNodes),
  racks: (value: unknown): string | undefined =>
    Array.isArray(value) && value.every((rack) => typeof rack === "string") ? undefined : "an array of strings",
  topics: (value: unknown): string | undefined => (Array.isArray(value) ? undefined : "an array"),
  autoCreateTopics: check.boolean,
  asVersion: check.oneOf(...brokerLines),
  maxVersions: check.object,
  sasl: check.object,
};

const topicChecks = {
  name: check.string,
  partitions: check.integer(1),
  replicationFactor: check.integer(1),
  configs: check.object,
};

/** @throws InvalidOptionError */
export function checkBrokerOptions(options: EmbeddedBrokerOptions): void {
  checkOptions("EmbeddedBroker", options, brokerChecks);
  if (options.sasl !== undefined) checkOptions("sasl", options.sasl, saslChecks);
}

/** @throws InvalidOptionError */
export function topicPlan(topic: EmbeddedTopic): TopicPlan {
  checkOptions("topic", topic, topicChecks);
  const { name, partitions, replicationFactor, configs = {} } = topic;
  for (const [key, value] of Object.entries(configs)) {
    if (typeof value === "string") continue;
    throw new InvalidOptionError(`configs.${key}`, `topic: "configs.${key}" must be a string, got ${describe(value)}`);
  }
  return { name, partitions, replicationFactor, configs: Object.entries(configs) };
}

/** By API key. */
export function offeredVersions(
  line: BrokerLine | undefined,
  maxVersions: Readonly<Partial<Record<ApiName, number>>>,
): ReadonlyMap<number, VersionRange> {
  const offered = commonVersions(line);
  for (const [name, limit = -1] of Object.entries(maxVersions)) {
    const key = serverApis[name as ApiName]?.key;
    const range = offered.get(key);
    if (range === undefined) continue;
    if (limit < range.min) offered.delete(key);
    else offered.set(key, { min: range.min, max: Math.min(range.max, limit) });
  }
  return offered;
}
