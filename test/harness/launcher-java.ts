import { randomBytes } from "node:crypto";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { commonConfig, kraftConfig, propertiesText, zookeeperConfig } from "./broker-config.ts";
import {
  archivedJvm,
  type BrokerJvm,
  formatStorage,
  LOG4J_PROPERTIES,
  plainJvm,
  type TemporaryDirectory,
  temporaryDirectory,
} from "./broker-jvm.ts";
import { freePorts } from "./free-ports.ts";
import { JavaProcess, javaIdentity } from "./java-process.ts";
import type { KafkaCluster, KafkaNode, Launcher, ResolvedKafkaOptions } from "./kafka-cluster.ts";
import { kafkaVersion } from "./kafka-versions.ts";
import { jarsUnavailable } from "./maven.ts";
import { waitUntilBrokersKnowEachOther } from "./ready.ts";
import { GivenUp, waitUntil } from "./wait-until.ts";

const START_ATTEMPTS = 4;
const RESTART_ATTEMPTS = 10;

export const javaLauncher: Launcher = {
  name: "java",
  async unavailable({ version, listeners, controller }) {
    if (kafkaVersion(version).mode !== "kraft") {
      if (Object.keys(listeners).length > 0) return "its ZooKeeper mode has no further listeners";
      if (controller === "separate") return "its ZooKeeper mode has no controllers";
    }
    if ((await javaIdentity()) === undefined) return "there is no Java (17 or later, as `java` or under JAVA_HOME)";
    return jarsUnavailable(version);
  },
  async start(options) {
    const jvm = await archivedJvm(options.version, async (training) => {
      const broker = await JavaCluster.start(
        {
          ...options,
          nodes: 1,
          controller: "combined",
          brokerConfig: {},
          nodeConfig: {},
          listeners: {},
          jvmFlags: [],
          scramUsers: [],
        },
        training,
      );
      await broker.end("SIGTERM");
    });
    return JavaCluster.start(options, jvm);
  },
};

/** A broker, or the controller where that is a node of its own. */
interface Node extends Omit<KafkaNode, "port"> {
  /** Where clients connect; undefined for a controller. */
  readonly port: number | undefined;
  readonly logDirectory: string;
  readonly configFile: string;
  process: JavaProcess | undefined;
}

interface Broker extends Node {
  readonly port: number;
}

class JavaCluster implements KafkaCluster {
  readonly launcher = "java";
  readonly version: string;
  readonly nodes: readonly Broker[];
  readonly #controller: Node | undefined;
  readonly #jvm: BrokerJvm;
  readonly #jvmFlags: readonly string[];
  readonly #directory: TemporaryDirectory;
  #zookeeper: JavaProcess | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(
    { version, jvmFlags }: ResolvedKafkaOptions,
    nodes: readonly Broker[],
    controller: Node | undefined,
    jvm: BrokerJvm,
    directory: TemporaryDirectory,
  ) {
    this.version = version;
    this.#jvmFlags = jvmFlags;
    this.nodes = nodes;
    this.#controller = controller;
    this.#jvm = jvm;
    this.#directory = directory;
  }

  static async start(options: ResolvedKafkaOptions, jvm: BrokerJvm): Promise<JavaCluster> {
    for (let attempt = 1; ; attempt++) {
      const directory = await temporaryDirectory("ktables-kafka-");
      let cluster: JavaCluster | undefined;
      try {
        const names = Object.keys(options.listeners);
        const ports = await freePorts((2 + names.length) * options.nodes);
        const nodes = describeNodes(options.nodes, ports, names, directory.path);
        const controller =
          options.controller === "separate"
            ? { ...describeFiles(options.nodes + 1, directory.path), port: undefined }
            : undefined;
        cluster = new JavaCluster(options, nodes, controller, jvm, directory);
        await cluster.#prepare(options, ports.slice(options.nodes));
        await cluster.#launchAll();
        return cluster;
      } catch (error) {
        const output = (await cluster?.output()) ?? "";
        await (cluster?.stop() ?? directory.remove());
        // Somebody else took a port between our look and the broker's bind.
        if (attempt < START_ATTEMPTS && /Address already in use|BindException/.test(output)) continue;
        throw new Error(`Kafka ${options.version} did not start: ${String(error)}\n${output.slice(-6000)}`, {
          cause: error,
        });
      }
    }
  }

  get bootstrapServers(): string {
    return this.nodes.map(({ host, port }) => `${host}:${port}`).join(",");
  }

  async killNode(id: number): Promise<void> {
    await this.#endNode(id, "SIGKILL");
  }

  async stopNode(id: number): Promise<void> {
    await this.#endNode(id, "SIGTERM");
  }

  async #endNode(id: number, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const node = this.#node(id);
    await node.process?.end(signal);
    node.process = undefined;
  }

  async restartNode(id: number): Promise<void> {
    await this.killNode(id);
    const node = this.#node(id);
    for (let attempt = 1; ; attempt++) {
      this.#launch(node);
      try {
        return await this.#ready();
      } catch (error) {
        // ZooKeeper keeps a killed broker's registration until its session is over; a broker that finds it there ends.
        const foundItself = this.#zookeeper !== undefined && node.process?.hasExited === true;
        if (!foundItself || attempt === RESTART_ATTEMPTS) throw error;
      }
    }
  }

  async output(): Promise<string> {
    const parts = this.#everyNode.map((node) => `node ${node.id}:\n${node.process?.output ?? "(not running)\n"}`);
    return `${parts.join("")}${this.#zookeeper === undefined ? "" : `ZooKeeper:\n${this.#zookeeper.output}`}`;
  }

  /** SIGKILL: after SIGTERM, brokers that lose their controllers first wait for them until a timeout. */
  stop(): Promise<void> {
    this.#stopped ??= this.end("SIGKILL");
    return this.#stopped;
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await Promise.all(this.#everyNode.map(async (node) => node.process?.end(signal)));
    await this.#zookeeper?.end("SIGKILL");
    await this.#directory.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #prepare(options: ResolvedKafkaOptions, furtherPorts: readonly number[]): Promise<void> {
    const isKraft = kafkaVersion(options.version).mode === "kraft";
    const quorum = this.#controller === undefined ? this.nodes : [this.#controller];
    const controllers = new Map(quorum.map((node, index) => [node.id, furtherPorts[index] ?? 0]));
    const zookeeperPort = furtherPorts[0] ?? 0;
    for (const node of this.#everyNode) {
      const config = {
        ...commonConfig(this.nodes.length),
        ...(isKraft
          ? kraftConfig(node.id, node.port, controllers, describeListeners(node, options.listeners))
          : zookeeperConfig(node.id, node.port ?? 0, zookeeperPort)),
        "log.dirs": node.logDirectory,
        ...options.brokerConfig,
        ...options.nodeConfig[node.id],
      };
      await mkdir(join(this.#directory.path, `node-${node.id}`));
      await writeFile(node.configFile, propertiesText(config));
    }
    await writeFile(join(this.#directory.path, "log4j.properties"), LOG4J_PROPERTIES);
    if (isKraft) await this.#format(options.scramUsers);
    else await this.#launchZookeeper(zookeeperPort);
  }

  /** Formats the first node's directory and copies it: three formats would take three JVM starts. */
  async #format(scramUsers: readonly string[]): Promise<void> {
    const [first, ...others] = this.#everyNode;
    if (first === undefined) return;
    await formatStorage(this.#jvm, clusterId(), first.configFile, scramUsers);
    for (const node of others) {
      await cp(first.logDirectory, node.logDirectory, { recursive: true });
      const file = join(node.logDirectory, "meta.properties");
      const lines = (await readFile(file, "utf8")).split("\n").filter((line) => !line.startsWith("directory.id="));
      await writeFile(
        file,
        lines.map((line) => (line.startsWith("node.id=") ? `node.id=${node.id}` : line)).join("\n"),
      );
    }
  }

  async #launchZookeeper(port: number): Promise<void> {
    const jvm = await plainJvm(this.version);
    const data = join(this.#directory.path, "zookeeper");
    await mkdir(data);
    // The last argument is the tick in milliseconds: session timeouts are at least two ticks.
    const args = [String(port), data, "500"];
    const properties = ["-Dzookeeper.admin.enableServer=false", "-Dzookeeper.jmx.log4j.disable=true", this.#log4jFile];
    const zookeeper = new JavaProcess(jvm.java("org.apache.zookeeper.server.ZooKeeperServerMain", args, properties), {
      stdio: "output",
    });
    this.#zookeeper = zookeeper;
    await waitUntil("ZooKeeper accepts connections", async () => {
      if (zookeeper.hasExited) throw new GivenUp("ZooKeeper ended early");
      return (await accepts(port)) ? true : undefined;
    });
  }

  get #log4jFile(): string {
    return `-Dlog4j.configuration=file:${join(this.#directory.path, "log4j.properties")}`;
  }

  async #launchAll(): Promise<void> {
    for (const node of this.#everyNode) this.#launch(node);
    await this.#ready();
  }

  #launch(node: Node): void {
    const args = this.#jvm.java("kafka.Kafka", [node.configFile], [this.#log4jFile, ...this.#jvmFlags]);
    node.process = new JavaProcess(args, { stdio: "output" });
  }

  async #ready(): Promise<void> {
    const running = this.nodes.filter((node) => node.process !== undefined);
    await waitUntilBrokersKnowEachOther(running, () => {
      const ended = this.#everyNode.find((node) => node.process?.hasExited);
      if (ended !== undefined) throw new GivenUp(`the JVM of node ${ended.id} ended early`);
    });
  }

  get #everyNode(): readonly Node[] {
    return this.#controller === undefined ? this.nodes : [...this.nodes, this.#controller];
  }

  #node(id: number): Broker {
    const node = this.nodes.find((candidate) => candidate.id === id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }
}

/** Ports: one for each node's clients, one for each controller, and then those of the further listeners. */
function describeNodes(
  count: number,
  ports: readonly number[],
  listenerNames: readonly string[],
  directory: string,
): Broker[] {
  return Array.from({ length: count }, (_, index) => ({
    ...describeFiles(index + 1, directory),
    port: ports[index] ?? 0,
    listenerAddresses: Object.fromEntries(
      listenerNames.map((name, listener) => [name, `127.0.0.1:${ports[(2 + listener) * count + index] ?? 0}`]),
    ),
  }));
}

function describeFiles(id: number, directory: string): Omit<Node, "port"> {
  return {
    id,
    host: "127.0.0.1",
    logDirectory: join(directory, `node-${id}`, "data"),
    configFile: join(directory, `node-${id}`, "server.properties"),
    process: undefined,
  };
}

function describeListeners(
  { listenerAddresses }: Node,
  protocols: Readonly<Record<string, string>>,
): { name: string; protocol: string; port: number }[] {
  return Object.entries(listenerAddresses ?? {}).map(([name, address]) => {
    return { name, protocol: protocols[name] ?? "", port: Number(address.split(":")[1]) };
  });
}

/** 16 random bytes as Kafka writes a uuid; one that starts with a dash would be read as an option. */
function clusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString("base64url");
    if (!id.startsWith("-")) return id;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
