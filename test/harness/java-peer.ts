import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildOnce } from "./cache.ts";
import { JavaProcess, javaIdentity, javaTool } from "./java-process.ts";
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

export interface CallOptions {
  /** Milliseconds until the call rejects. Default 60 000. */
  readonly timeoutMs?: number;
}

interface PendingCall {
  readonly command: string;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly class: string; readonly message: string | null };
}

/** Apache Kafka's own Java client as a long-lived process; commands are in {@link PeerCommands}. */
export class JavaPeer implements AsyncDisposable {
  readonly #process: JavaProcess;
  readonly #pending = new Map<number, PendingCall>();
  #lastId = 0;

  constructor(process: JavaProcess) {
    this.#process = process;
    const { stdin, stdout } = process.child;
    if (stdin === null || stdout === null) throw new Error("the Java peer has no pipes");
    // A write to a dead peer: its end rejects the calls.
    stdin.on("error", () => undefined);
    // Not readline, which also ends a line at U+2028 and U+2029: JSON may hold those as they are.
    let rest = "";
    stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = chunk.split("\n");
      lines[0] = rest + lines[0];
      rest = lines.pop() ?? "";
      for (const line of lines) this.#settle(line);
    });
    void process.exited.then(() => this.#failAll());
  }

  /** Calls may overlap: codec commands run in order, commands that talk to brokers run side by side. */
  call<Name extends keyof PeerCommands>(
    command: Name,
    args: PeerCommands[Name][0],
    options: CallOptions = {},
  ): Promise<PeerCommands[Name][1]> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#process.hasExited) return reject(new Error(`${command}: the Java peer has ended`));
      const timeoutMs = options.timeoutMs ?? 60_000;
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`${command}: no answer from the Java peer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, {
        command,
        resolve: (result) => {
          clearTimeout(timer);
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion
          resolve(result as PeerCommands[Name][1]);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#process.child.stdin?.write(`${JSON.stringify({ id, command, arguments: args })}\n`);
    });
  }

  /** What Java wrote to its standard error, for a failure's message. */
  get output(): string {
    return this.#process.output;
  }

  async stop(): Promise<void> {
    await this.#process.end("SIGKILL");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #settle(line: string): void {
    // The peer's program and these types are two halves of one contract; each test checks what it uses.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const answer = JSON.parse(line) as Answer;
    const call = this.#pending.get(answer.id);
    // A call that has timed out.
    if (call === undefined) return;
    this.#pending.delete(answer.id);
    if (answer.error === undefined) call.resolve(answer.result);
    else call.reject(new JavaPeerError(call.command, answer.error.class, answer.error.message));
  }

  #failAll(): void {
    for (const call of this.#pending.values()) {
      call.reject(new Error(`${call.command}: the Java peer ended\n${this.output.slice(-4000)}`));
    }
    this.#pending.clear();
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
