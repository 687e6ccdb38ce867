/** What one release of Apache Kafka needs beyond the common recipe, in the order of {@link LINES}. */
export interface KafkaVersion {
  readonly version: string;
  /** `kraft` needs one JVM per node; `zookeeper` needs one more JVM that all nodes share. */
  readonly mode: "kraft" | "zookeeper";
  /** Scala suffix of the broker's artifact. */
  readonly scala: "2.12" | "2.13";
  /** The broker brings its own slf4j binding (log4j 1.2), so none may be added. */
  readonly bringsLogging: boolean;
  /** Artifacts `group:artifact` that must not be resolved. */
  readonly exclusions: readonly string[];
  /** Artifacts `group:artifact:version` to add, or to put in place of an excluded one. */
  readonly additions: readonly string[];
}

export const DEFAULT_KAFKA_VERSION = "4.4.0";

interface Line extends Partial<Omit<KafkaVersion, "version">> {
  /** The line starts at this version and ends before the next entry. */
  readonly from: string;
}

const LINES: readonly Line[] = [
  // These releases use javax.xml.bind, which left the JDK with Java 11.
  { from: "0.10", mode: "zookeeper", scala: "2.12", bringsLogging: true, additions: ["javax.xml.bind:jaxb-api:2.3.1"] },
  { from: "1.0", mode: "zookeeper", scala: "2.12" },
  // ZooKeeper 3.4.13's client never connects on Java 14 and later; 3.4.10's does.
  {
    from: "2.0",
    mode: "zookeeper",
    scala: "2.12",
    exclusions: ["org.apache.zookeeper:zookeeper"],
    additions: ["org.apache.zookeeper:zookeeper:3.4.10"],
  },
  { from: "2.4", mode: "zookeeper" },
  { from: "3.3" },
  // 4.4.0's metadata names this artifact, but it was not published.
  { from: "4.4", exclusions: ["org.apache.kafka:kafka-tools-api"] },
];

/** Negative, zero or positive as `left` is older than, equal to or newer than `right`. */
export function compareVersions(left: string, right: string): number {
  const a = left.split(".").map(Number);
  const b = right.split(".").map(Number);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function kafkaVersion(version: string): KafkaVersion {
  const line = LINES.findLast((candidate) => compareVersions(candidate.from, version) <= 0);
  if (!/^\d+(\.\d+){2,3}$/.test(version) || line === undefined) {
    throw new Error(
      `"${version}" is no Kafka version that the harness knows (0.10 and later, e.g. ${DEFAULT_KAFKA_VERSION})`,
    );
  }
  return {
    version,
    mode: line.mode ?? "kraft",
    scala: line.scala ?? "2.13",
    bringsLogging: line.bringsLogging ?? false,
    exclusions: line.exclusions ?? [],
    additions: line.additions ?? [],
  };
}
