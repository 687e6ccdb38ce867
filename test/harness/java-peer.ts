import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildOnce } from "./cache.ts";
import { JavaProcess, javaIdentity, javaTool } from "./java-process.ts";
import { LinePeer, type PeerFailure } from "./line-peer.ts";
import { jarsUnavailable, kafkaCacheDirectory, kafkaClasspath } from "./maven.ts";
import type { PeerCommands } from "./peer-commands.ts";
import { runCommand, tryCommand } from "./run-command.ts";

/** The peer uses internals of the client that move between releases, so its version is fixed, whatever the broker's. */
export const PEER_VERSION = "4.4.0";

/** A command failed inside Java: `javaClass` is the exception's, `javaMessage` what it said. */
export class JavaPeerError extends Error {
  override readonly name = "JavaPeerError";
  readonly command: string;
  readonly javaClass: string;
  readonly javaMessage: string | null;

  constructor(command: string, javaClass: string, javaMessage: string | null) {
    super(`${command}: ${javaClass}: ${javaMessage}`);
    this.command = command;
    this.javaClass = javaClass;
    this.javaMessage = javaMessage;
  }
}

/** Apache Kafka's own Java client as a long-lived process; commands are in {@link PeerCommands}. */
export class JavaPeer extends LinePeer<PeerCommands> {
  constructor(process: JavaProcess) {
    super("the Java peer", process);
  }

  protected override toError(command: string, failure: PeerFailure): Error {
    return new JavaPeerError(command, failure.class ?? "", failure.message);
  }
}

/** Undefined when {@link startJavaPeer} can work, otherwise the reason why not. */
export async function javaPeerUnavailable(): Promise<string | undefined> {
  const compiler = await tryCommand(javaTool("javac"), ["-version"]);
  return compiler.exitCode === 0 ? jarsUnavailable(PEER_VERSION) : "there is no Java compiler (javac, 17 or later)";
}

/** Compiles the peer when its source has changed since the last time, and starts it. */
export async function startJavaPeer(): Promise<JavaPeer> {
  const jars = await kafkaClasspath(PEER_VERSION);
  const classes = await compiledPeer(jars);
  const flags = [
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xmx512m",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
  ];
  const classpath = [...jars, classes].join(delimiter);
  return new JavaPeer(new JavaProcess([...flags, "-cp", classpath, "ktables.peer.Peer"], { stdio: "conversation" }));
}

async function compiledPeer(jars: readonly string[]): Promise<string> {
  const directory = fileURLToPath(new URL("../java-peer/src/ktables/peer", import.meta.url));
  const names = (await readdir(directory)).filter((name) => name.endsWith(".java")).toSorted();
  const sources = names.map((name) => join(directory, name));
  const hash = createHash("sha256").update((await javaIdentity()) ?? "");
  for (const source of sources) hash.update(await readFile(source));
  const target = join(kafkaCacheDirectory(PEER_VERSION), `peer-${hash.digest("hex").slice(0, 16)}`);
  return buildOnce(target, async (path) => {
    await mkdir(path, { recursive: true });
    await runCommand(javaTool("javac"), ["-encoding", "UTF-8", "-d", path, "-cp", jars.join(delimiter), ...sources]);
  });
}
