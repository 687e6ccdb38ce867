import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, realpath, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { temporaryDirectory } from "./broker-jvm.ts";
import { callEngine } from "./container-engine.ts";
import { javaTool } from "./java-process.ts";
import { kafkaClasspath } from "./maven.ts";
import { runCommand, tryCommand } from "./run-command.ts";

/** Where the container's start script expects the broker's properties. */
export const CONFIG_PATH = "/etc/kafka/server.properties";

/** What the broker needs of the JDK, found with jdeps and by running it with every codec. */
const MODULES = [
  "java.base,java.desktop,java.logging,java.management,java.naming,java.rmi,java.security.jgss,java.security.sasl",
  "java.sql,java.xml,jdk.crypto.ec,jdk.management,jdk.unsupported",
].join(",");

const START_SCRIPT = `#!/bin/sh
set -e
java -cp '/opt/kafka/*' kafka.tools.StorageTool format -t "$CLUSTER_ID" -c ${CONFIG_PATH}
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m \\
  -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \\
  -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info \\
  -cp '/opt/kafka/*' kafka.Kafka ${CONFIG_PATH}
`;

export function imageName(version: string): string {
  return `ktables-kafka:${version}`;
}

/**
 * Builds the image from what is on this machine: a Java runtime by jlink, the broker's jars, a shell and the libraries
 * that these load. Nothing is pulled, so it also works where no image can be.
 */
export async function buildImage(version: string): Promise<void> {
  const directory = await temporaryDirectory("ktables-image-");
  try {
    const root = join(directory.path, "root");
    for (const part of ["bin", "lib", "lib64", "tmp", "etc/kafka", "var/lib/kafka", "opt/kafka"]) {
      await mkdir(join(root, part), { recursive: true });
    }
    await chmod(join(root, "tmp"), 0o1777);
    await addJava(root);
    for (const jar of await kafkaClasspath(version)) await copyFile(jar, join(root, "opt/kafka", basename(jar)));
    await addShellAndLibraries(root);
    await writeFile(join(root, "bin/start-kafka"), START_SCRIPT, { mode: 0o755 });
    await importRoot(root, version);
  } finally {
    await directory.remove();
  }
}

async function addJava(root: string): Promise<void> {
  const home = dirname(dirname(await realpath((await runCommand("which", [javaTool("java")])).trim())));
  const jlink = join(home, "bin/jlink");
  if (!existsSync(jlink))
    throw new Error(`the image's Java runtime is made with jlink, which ${home} lacks: install a JDK`);
  await runCommand(jlink, [
    "--add-modules",
    MODULES,
    "--strip-java-debug-attributes",
    "--no-header-files",
    "--no-man-pages",
    "--output",
    join(root, "opt/jre"),
  ]);
}

async function addShellAndLibraries(root: string): Promise<void> {
  for (const program of ["bash", "env", "sleep", "cat"]) {
    await cp((await runCommand("which", [program])).trim(), join(root, "bin", program), { dereference: true });
  }
  await symlink("bash", join(root, "bin/sh"));
  const findings = await runCommand("find", [root, "-name", "*.so", "-o", "-path", "*/bin/*", "-type", "f"]);
  const libraries = new Set<string>();
  for (const file of findings.split("\n").filter(Boolean)) {
    // Scripts and the like are no dynamic executables; ldd says so with an exit code.
    const listing = await tryCommand("ldd", [file]);
    for (const [, path] of listing.output.matchAll(/=> (\/\S+)|^\s*(\/lib64\/\S+)/gm)) if (path) libraries.add(path);
  }
  for (const library of libraries) {
    if (!library.startsWith(root)) await cp(library, join(root, "lib", basename(library)), { dereference: true });
  }
  await addLoader(root, libraries);
}

/** The dynamic loader, and the stubs that zstd's native library still names although glibc has merged them. */
async function addLoader(root: string, libraries: ReadonlySet<string>): Promise<void> {
  const loader = (await tryCommand("ldd", [join(root, "bin/bash")])).output.match(/(\/lib\S*\/ld-linux\S+)/)?.[1];
  if (loader === undefined) throw new Error("ldd names no dynamic loader");
  await mkdir(join(root, dirname(loader)), { recursive: true });
  await cp(loader, join(root, loader), { dereference: true });
  const libc = [...libraries].find((path) => basename(path).startsWith("libc.so"));
  if (libc === undefined) throw new Error("ldd names no C library");
  for (const stub of ["libpthread.so.0", "libdl.so.2", "librt.so.1", "libm.so.6"]) {
    const path = join(dirname(libc), stub);
    if (existsSync(path)) await cp(path, join(root, "lib", stub), { dereference: true });
  }
}

async function importRoot(root: string, version: string): Promise<void> {
  const [repository = "", tag = ""] = imageName(version).split(":");
  const query = new URLSearchParams({ fromSrc: "-", repo: repository, tag });
  query.append("changes", "ENV PATH=/opt/jre/bin:/bin");
  query.append("changes", 'CMD ["/bin/start-kafka"]');
  const tar = spawn("tar", ["-C", root, "-c", "."], { stdio: ["ignore", "pipe", "ignore"] });
  const answer = await callEngine("POST", `/images/create?${query.toString()}`, tar.stdout);
  if (answer.status !== 200 || answer.body.includes('"error"')) {
    throw new Error(`the engine refused the image (${answer.status}): ${answer.body.slice(-1000)}`);
  }
}
