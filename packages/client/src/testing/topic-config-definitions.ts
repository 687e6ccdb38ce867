/** Kafka's numbers of the types of configuration values (KIP-569). */
export const ConfigType = { BOOLEAN: 1, STRING: 2, INT: 3, LONG: 5, DOUBLE: 6, LIST: 7 } as const;

export interface ConfigDefinition {
  readonly name: string;
  readonly type: number;
  readonly defaultValue: string;
  /** The broker's setting that the default comes from. */
  readonly brokerName: string;
  /** Whether the value is acceptable; what is not is INVALID_CONFIG. */
  readonly accepts: (value: string) => boolean;
}

const maxLong = "9223372036854775807";
const maxInt = "2147483647";

function boolean(name: string, defaultValue: string, brokerName = `log.${name}`): ConfigDefinition {
  return {
    name,
    type: ConfigType.BOOLEAN,
    defaultValue,
    brokerName,
    accepts: (value) => /^(true|false)$/i.test(value),
  };
}

function integer(
  type: number,
  name: string,
  defaultValue: string,
  minimum: number,
  brokerName: string,
): ConfigDefinition {
  const maximum = Number(type === ConfigType.INT ? maxInt : maxLong);
  return {
    name,
    type,
    defaultValue,
    brokerName,
    accepts: (value) => /^-?\d{1,19}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum,
  };
}

function int(name: string, defaultValue: string, minimum: number, brokerName = `log.${name}`): ConfigDefinition {
  return integer(ConfigType.INT, name, defaultValue, minimum, brokerName);
}

function long(name: string, defaultValue: string, minimum: number, brokerName = `log.${name}`): ConfigDefinition {
  return integer(ConfigType.LONG, name, defaultValue, minimum, brokerName);
}

function oneOf(name: string, values: readonly string[], defaultValue: string, brokerName: string): ConfigDefinition {
  return { name, type: ConfigType.STRING, defaultValue, brokerName, accepts: (value) => values.includes(value) };
}

const definitions: readonly ConfigDefinition[] = [
  {
    name: "cleanup.policy",
    type: ConfigType.LIST,
    defaultValue: "delete",
    brokerName: "log.cleanup.policy",
    accepts: (value) => listItems(value).every((item) => item === "compact" || item === "delete"),
  },
  oneOf(
    "compression.type",
    ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"],
    "producer",
    "compression.type",
  ),
  long("delete.retention.ms", "86400000", 0, "log.cleaner.delete.retention.ms"),
  long("file.delete.delay.ms", "60000", 0, "log.segment.delete.delay.ms"),
  long("flush.messages", maxLong, 1, "log.flush.interval.messages"),
  long("flush.ms", maxLong, 0, "log.flush.interval.ms"),
  int("index.interval.bytes", "4096", 0),
  long("max.compaction.lag.ms", maxLong, 1, "log.cleaner.max.compaction.lag.ms"),
  int("max.message.bytes", "1048588", 0, "message.max.bytes"),
  long("message.timestamp.after.max.ms", "3600000", 0),
  long("message.timestamp.before.max.ms", maxLong, 0),
  oneOf("message.timestamp.type", ["CreateTime", "LogAppendTime"], "CreateTime", "log.message.timestamp.type"),
  {
    name: "min.cleanable.dirty.ratio",
    type: ConfigType.DOUBLE,
    defaultValue: "0.5",
    brokerName: "log.cleaner.min.cleanable.ratio",
    accepts: (value) => value.trim() !== "" && Number(value) >= 0 && Number(value) <= 1,
  },
  long("min.compaction.lag.ms", "0", 0, "log.cleaner.min.compaction.lag.ms"),
  int("min.insync.replicas", "1", 1, "min.insync.replicas"),
  boolean("preallocate", "false"),
  long("retention.bytes", "-1", -2),
  long("retention.ms", "604800000", -1),
  int("segment.bytes", "1073741824", 14),
  int("segment.index.bytes", "10485760", 4, "log.index.size.max.bytes"),
  long("segment.jitter.ms", "0", 0, "log.roll.jitter.ms"),
  long("segment.ms", "604800000", 1, "log.roll.ms"),
  boolean("unclean.leader.election.enable", "false", "unclean.leader.election.enable"),
];

/** What can be configured for a topic, with the defaults of Apache Kafka 4, by name. */
export const topicConfigDefinitions: ReadonlyMap<string, ConfigDefinition> = new Map(
  definitions.map((definition) => [definition.name, definition]),
);

/** The items of a list value. */
export function listItems(value: string): string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
