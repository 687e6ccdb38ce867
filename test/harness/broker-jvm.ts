import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { buildOnce } from "./cache.ts";
import { javaIdentity, javaTool } from "./java-process.ts";
import { kafkaCacheDirectory, kafkaClasspath } from "./maven.ts";
import { runCommand } from "./run-command.ts";
import { track } from "./watchdog.ts";

/** Everything that starts a class of one Kafka version: `java(main, ...args)` gives the arguments of a JVM. */
export interface BrokerJvm {
  java(mainClass: string, args: readonly string[], systemProperties?: readonly string[]): string[];
}

const FLAGS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m"];

// Enough to see why a broker did not start, and when the log cleaner ran.
const LOGGING = [
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
  "-Dorg.slf4j.simpleLogger.showDateTime=true",
  "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.storage.internals.log.LogCleaner=info",
];

/** Properties of log4j 1.2, which the oldest brokers bring. */
export const LOG4J_PROPERTIES = `log4j.rootLogger=WARN, stderr
log4j.appender.stderr=org.apache.log4j.ConsoleAppender
log4j.appender.stderr.target=System.err
log4j.appender.stderr.layout=org.apache.log4j.PatternLayout
log4j.appender.stderr.layout.ConversionPattern=%d %p %c %m%n
`;

export async function plainJvm(version: string): Promise<BrokerJvm> {
  return jvm((await kafkaClasspath(version)).join(delimiter), []);
}

function jvm(classpath: string, flags: readonly string[]): BrokerJvm {
  return {
    java: (mainClass, args, systemProperties = []) => [
      ...FLAGS,
      ...flags,
      ...LOGGING,
      ...systemProperties,
      "-cp",
      classpath,
      mainClass,
      ...args,
    ],
  };
}

/**
 * The JVM with a class-data archive, which halves a broker's start. The archive is made once per version and Java
 * installation by `train`, which runs a broker with the given JVM until it is ready and lets it end by itself.
 */
export async function archivedJvm(version: string, train: (training: BrokerJvm) => Promise<void>): Promise<BrokerJvm> {
  const classpath = (await kafkaClasspath(version)).join(delimiter);
  const name = `classes-${await javaIdentity()}.jsa`;
  const archive = await buildOnce(join(kafkaCacheDirectory(version), name), async (path) => {
    await train(jvm(classpath, [`-XX:ArchiveClassesAtExit=${path}`]));
    // A JVM without this feature: an empty file keeps the next start from trying again.
    if (!existsSync(path)) await writeFile(path, "");
  });
  const usable = (await stat(archive)).size > 0;
  return jvm(classpath, usable ? [`-XX:SharedArchiveFile=${archive}`, "-Xshare:auto", "-Xlog:disable"] : []);
}

export async function formatStorage(
  broker: BrokerJvm,
  clusterId: string,
  configFile: string,
  scramUsers: readonly string[],
): Promise<void> {
  const users = scramUsers.flatMap((user) => ["--add-scram", user]);
  await runCommand(
    javaTool("java"),
    broker.java("kafka.tools.StorageTool", ["format", "-t", clusterId, "-c", configFile, ...users]),
    // Java reads its arguments in the encoding of the locale.
    { env: { LC_ALL: "C.UTF-8" } },
  );
}

export interface TemporaryDirectory {
  readonly path: string;
  remove(): Promise<void>;
}

/** A new directory that is removed when this process ends, and a function that removes it now. */
export async function temporaryDirectory(prefix: string): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  const release = track("directory", path);
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      release();
    },
  };
}
