import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildOnce, cacheDirectory } from "./cache.ts";
import { type KafkaVersion, kafkaVersion } from "./kafka-versions.ts";
import { runCommand, tryCommand } from "./run-command.ts";

/** The binding that writes the broker's log to its standard error, with levels set by system properties. */
const LOGGING = "org.slf4j:slf4j-simple:1.7.36";

/** The folder that holds (or will hold) the jars of a Kafka version, and what is derived from them. */
export function kafkaCacheDirectory(version: string): string {
  return join(cacheDirectory(), version);
}

/** Undefined when {@link kafkaClasspath} can work, otherwise the reason why not. */
export async function jarsUnavailable(version: string): Promise<string | undefined> {
  if (existsSync(join(kafkaCacheDirectory(version), "jars"))) return undefined;
  const maven = await tryCommand("mvn", ["-v"]);
  return maven.exitCode === 0 ? undefined : `Kafka ${version}'s jars are not cached and there is no Maven (mvn)`;
}

/**
 * The jars of a Kafka broker (its clients and JSON library included), in a stable order. Resolved by Maven, whose own
 * configuration says from where, the first time that a version is asked for; about 40 MB and 3 to 10 seconds.
 */
export async function kafkaClasspath(version: string): Promise<string[]> {
  const known = kafkaVersion(version);
  const directory = await buildOnce(join(kafkaCacheDirectory(version), "jars"), (path) => resolveJars(known, path));
  return jarsIn(directory);
}

/** The jars of an artifact `group:artifact:version` and of what it depends on, resolved as {@link kafkaClasspath} does. */
export async function artifactClasspath(artifact: string): Promise<string[]> {
  const directory = await buildOnce(join(cacheDirectory(), artifact.split(":").slice(1).join("-")), (path) =>
    resolveDependencies([dependency(artifact), dependency(LOGGING)], path),
  );
  return jarsIn(directory);
}

async function jarsIn(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".jar"));
  if (names.length === 0) throw new Error(`${directory} holds no jars; remove it and try again`);
  return names.toSorted().map((name) => join(directory, name));
}

async function resolveJars(version: KafkaVersion, directory: string): Promise<void> {
  const broker = `org.apache.kafka:kafka_${version.scala}:${version.version}`;
  const dependencies = [
    dependency(broker, version.exclusions),
    ...version.additions.map((artifact) => dependency(artifact)),
    ...(version.bringsLogging ? [] : [dependency(LOGGING)]),
  ];
  await resolveDependencies(dependencies, directory);
}

async function resolveDependencies(dependencies: readonly string[], directory: string): Promise<void> {
  const project = `${directory}/project`;
  await mkdir(project, { recursive: true });
  await writeFile(join(project, "pom.xml"), projectFile(dependencies));
  await runCommand("mvn", ["-B", "-q", "dependency:copy-dependencies", `-DoutputDirectory=${directory}`], {
    cwd: project,
  });
}

function projectFile(dependencies: readonly string[]): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ktables</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>${dependencies.join("")}</dependencies>
</project>
`;
}

function dependency(artifact: string, exclusions: readonly string[] = []): string {
  const [groupId, artifactId, version] = artifact.split(":");
  const excluded = exclusions.map((exclusion) => {
    const [group, name] = exclusion.split(":");
    return `<exclusion><groupId>${group}</groupId><artifactId>${name}</artifactId></exclusion>`;
  });
  return `
    <dependency>
      <groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version>
      <exclusions>${excluded.join("")}</exclusions>
    </dependency>`;
}
