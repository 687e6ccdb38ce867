/** Who is measured, and how its program is started. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { CompressionName } from "@ktables/record-batch";
import { root } from "../../command.ts";
import { buildOnce, cacheDirectory } from "../../harness/cache.ts";
import { goPeerProgram } from "../../harness/go-peer.ts";
import { PEER_VERSION } from "../../harness/java-peer.ts";
import { javaIdentity, javaTool } from "../../harness/java-process.ts";
import { artifactClasspath } from "../../harness/maven.ts";
import { pythonInterpreter } from "../../harness/python-peer.ts";
import { runCommand } from "../../harness/run-command.ts";
import type { Task } from "../programs/client.ts";
import { builtProgram } from "./built-program.ts";
import { nodeRdkafkaModules, nodeRdkafkaVersion } from "./node-rdkafka.ts";

export type RuntimeName = "node" | "deno" | "bun" | "java" | "go" | "python";

type Bench = Task["bench"];

/** The arguments before the task, with what there is to say about who is started. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Name and version. */
  readonly runtime: string;
  /** Of the client. */
  readonly version: string;
}

export interface Subject {
  readonly name: string;
  readonly runtime: RuntimeName;
  readonly benches: readonly Bench[];
  readonly reads: readonly CompressionName[];
  /** Whether it can parse values as JSON when they arrive. */
  readonly parses: boolean;
  /** Builds the program where that is needed; rejects with the reason why it cannot be had. */
  readonly prepare: () => Promise<Program>;
}

const everyBench: readonly Bench[] = ["catch-up", "writes", "sequential-writes", "barrier", "propagation", "idle"];
/** What nobody else has. */
const ownBenches: readonly Bench[] = [...everyBench, "wait-for"];
const everyCodec: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];
const bench = join(root, "test/bench");

const javascript = {
  node: ["node", "--expose-gc"],
  deno: ["deno", "run", "--allow-all", "--v8-flags=--expose-gc"],
  bun: ["bun"],
} as const;

/** Ours first: the others are compared with the first. */
export const subjects: readonly Subject[] = [
  inJavaScript("ktables", "node", "ktables", { benches: ownBenches }),
  inJavaScript("ktables", "deno", "ktables", { benches: ownBenches }),
  inJavaScript("ktables", "bun", "ktables", { benches: ownBenches }),
  {
    name: "bare loop",
    runtime: "node",
    benches: ["catch-up", "barrier", "propagation", "idle"],
    reads: ["none"],
    parses: true,
    prepare: () => javascriptProgram("node", "bare-loop", "of this repository"),
  },
  inJavaScript("kafka-ts", "node", "kafka-ts"),
  inJavaScript("kafka-ts", "bun", "kafka-ts"),
  // The other codecs are left to packages of other authors.
  inJavaScript("kafkajs", "node", "kafkajs", { reads: ["none", "gzip"] }),
  inJavaScript("@platformatic/kafka", "node", "platformatic"),
  {
    name: "node-rdkafka",
    runtime: "node",
    benches: everyBench,
    // As it is compiled here, without further libraries.
    reads: ["none", "gzip", "snappy", "lz4"],
    parses: true,
    prepare: nodeRdkafkaProgram,
  },
  {
    name: "ktables for Python",
    runtime: "python",
    benches: everyBench,
    // As for kafkajs.
    reads: ["none", "gzip"],
    parses: true,
    prepare: pythonProgram,
  },
  inJava("GlobalKTable", "streams", { benches: ["catch-up", "idle"], parses: false }),
  inJava("Java consumer", "consumer", { benches: everyBench, parses: true }),
  { name: "franz-go", runtime: "go", benches: everyBench, reads: everyCodec, parses: true, prepare: goProgram },
];

function inJavaScript(
  name: string,
  runtime: keyof typeof javascript,
  file: string,
  { reads = everyCodec, benches = everyBench }: Partial<Pick<Subject, "reads" | "benches">> = {},
): Subject {
  const prepare = async (): Promise<Program> => {
    const folder = name === "ktables" ? "packages/ktables" : join("node_modules", name);
    const { version } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8")) as { version: string };
    return javascriptProgram(runtime, file, version);
  };
  return { name, runtime, benches, reads, parses: true, prepare };
}

async function javascriptProgram(runtime: keyof typeof javascript, file: string, version: string): Promise<Program> {
  const [command, ...args] = javascript[runtime];
  const path = join(root, "node_modules/.bin", command);
  return {
    command: path,
    args: [...args, await builtProgram(file)],
    runtime: `${runtime} ${versionIn(await runCommand(path, ["--version"]))}`,
    version,
  };
}

async function nodeRdkafkaProgram(): Promise<Program> {
  const env = { NODE_PATH: await nodeRdkafkaModules() };
  return { ...(await javascriptProgram("node", "node-rdkafka", nodeRdkafkaVersion)), env };
}

function inJava(name: string, client: string, able: Pick<Subject, "benches" | "parses">): Subject {
  const prepare = async (): Promise<Program> => {
    const jars = await artifactClasspath(`org.apache.kafka:kafka-streams:${PEER_VERSION}`);
    const classpath = [...jars, await compiled(jars)].join(delimiter);
    return {
      command: javaTool("java"),
      // On two cores Java would take its serial collector.
      args: ["-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", classpath].concat([
        "ktables.bench.Bench",
        client,
      ]),
      runtime: `java ${versionIn(await runCommand(javaTool("java"), ["-version"]))}`,
      version: PEER_VERSION,
    };
  };
  return { name, runtime: "java", reads: everyCodec, ...able, prepare };
}

async function compiled(jars: readonly string[]): Promise<string> {
  const directory = join(bench, "java");
  const sources = (await readdir(directory)).toSorted().map((name) => join(directory, name));
  const hash = createHash("sha256").update((await javaIdentity()) ?? "");
  for (const source of sources) hash.update(await readFile(source));
  return buildOnce(join(cacheDirectory(), `bench-${hash.digest("hex").slice(0, 16)}`), async (path) => {
    await mkdir(path, { recursive: true });
    await runCommand(javaTool("javac"), ["-encoding", "UTF-8", "-d", path, "-cp", jars.join(delimiter), ...sources]);
  });
}

async function goProgram(): Promise<Program> {
  const modules = await readFile(join(root, "test/go-peer/go.mod"), "utf8");
  return {
    command: await goPeerProgram(),
    args: ["bench"],
    runtime: `go ${versionIn(await runCommand("go", ["version"]))}`,
    version: versionIn(/franz-go v.*/.exec(modules)?.[0] ?? ""),
  };
}

async function pythonProgram(): Promise<Program> {
  const command = await pythonInterpreter();
  const requirements = await readFile(join(root, "test/python-peer/requirements.txt"), "utf8");
  return {
    command,
    args: ["-I", "-B", join(bench, "programs/python.py")],
    runtime: `python ${versionIn(await runCommand(command, ["--version"]))}`,
    version: versionIn(/ktables==.*/.exec(requirements)?.[0] ?? ""),
  };
}

function versionIn(text: string): string {
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? "";
}
