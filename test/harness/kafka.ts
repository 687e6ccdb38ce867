import { javaPeerUnavailable } from "./java-peer.ts";
import type { KafkaCluster, KafkaOptions, Launcher, LauncherName, ResolvedKafkaOptions } from "./kafka-cluster.ts";
import { DEFAULT_KAFKA_VERSION } from "./kafka-versions.ts";
import { externalLauncher } from "./launcher-external.ts";
import { javaLauncher } from "./launcher-java.ts";
import { testcontainersLauncher } from "./launcher-testcontainers.ts";

export type { KafkaCluster, KafkaNode, KafkaOptions, LauncherName } from "./kafka-cluster.ts";

/** In the order in which they are tried. */
const LAUNCHERS: readonly Launcher[] = [externalLauncher, testcontainersLauncher, javaLauncher];

const HOW_TO_GET_ONE =
  "install a JDK (17 or later) and Maven, which are enough; brokers may also come from a container engine " +
  "(node test/harness/testcontainers-suite.ts) or be your own (KAFKA_BOOTSTRAP_SERVERS=host:port)";

export interface KafkaAvailability {
  readonly available: boolean;
  /** Which launcher would serve, or why none can and how to get one. */
  readonly how: string;
}

/**
 * Starts Apache Kafka and returns when every broker lists all of them. Whatever was started ends with this process at
 * the latest, but call `stop()`.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const resolved = resolve(options);
  const { launcher, reasons } = await choose(resolved, options.launcher);
  if (launcher === undefined) throw new Error(`cannot start Kafka ${resolved.version}: ${reasons}; ${HOW_TO_GET_ONE}`);
  return launcher.start(resolved);
}

/** Whether {@link startKafka} and the Java peer can work here, without starting anything. */
export async function kafkaAvailability(options: KafkaOptions = {}): Promise<KafkaAvailability> {
  const { launcher, reasons } = await choose(resolve(options), options.launcher);
  if (launcher === undefined) return { available: false, how: `no Kafka: ${reasons}. To get one, ${HOW_TO_GET_ONE}.` };
  const missing = await javaPeerUnavailable();
  if (missing !== undefined)
    return { available: false, how: `no Java peer: ${missing}. To get it, ${HOW_TO_GET_ONE}.` };
  return { available: true, how: `launcher "${launcher.name}"` };
}

function resolve(options: KafkaOptions): ResolvedKafkaOptions {
  const { version = DEFAULT_KAFKA_VERSION, nodes = 1, controller = "combined" } = options;
  const { brokerConfig = {}, nodeConfig = {}, listeners = {}, jvmFlags = [], scramUsers = [] } = options;
  const isVersionFixed = options.version !== undefined;
  return { version, nodes, controller, brokerConfig, nodeConfig, listeners, jvmFlags, scramUsers, isVersionFixed };
}

async function choose(
  options: ResolvedKafkaOptions,
  only: LauncherName | undefined = forcedLauncher(),
): Promise<{ launcher: Launcher | undefined; reasons: string }> {
  const reasons: string[] = [];
  for (const launcher of LAUNCHERS) {
    if (only !== undefined && launcher.name !== only) continue;
    const reason = await launcher.unavailable(options);
    if (reason === undefined) return { launcher, reasons: "" };
    reasons.push(`${launcher.name}: ${reason}`);
  }
  return { launcher: undefined, reasons: reasons.join("; ") };
}

function forcedLauncher(): LauncherName | undefined {
  const name = process.env["KTABLES_LAUNCHER"];
  if (!name) return undefined;
  const launcher = LAUNCHERS.find((candidate) => candidate.name === name);
  if (launcher === undefined)
    throw new Error(`KTABLES_LAUNCHER=${name}: use ${LAUNCHERS.map((l) => l.name).join(", ")}`);
  return launcher.name;
}
