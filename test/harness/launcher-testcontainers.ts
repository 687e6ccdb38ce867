import { randomUUID } from "node:crypto";
import type { StartedTestContainer } from "testcontainers";
import { commonConfig, propertiesText } from "./broker-config.ts";
import { engineAnswers, imageExists } from "./container-engine.ts";
import { CONFIG_PATH, imageName } from "./container-image.ts";
import { freePorts } from "./free-ports.ts";
import type { KafkaCluster, Launcher, ResolvedKafkaOptions } from "./kafka-cluster.ts";
import { waitUntilBrokersKnowEachOther } from "./ready.ts";
import { track } from "./watchdog.ts";

const CONTAINER_PORT = 9092;
const START_ATTEMPTS = 4;
const OUTPUT_LIMIT = 256 * 1024;

export const testcontainersLauncher: Launcher = {
  name: "testcontainers",
  async unavailable({ version, nodes, listeners }) {
    if (nodes !== 1) return "it starts one node only";
    if (Object.keys(listeners).length > 0) return "it starts brokers with one listener only";
    if (!(await engineAnswers())) return "no container engine answers";
    const image = imageName(version);
    return (await imageExists(image))
      ? undefined
      : `there is no image ${image}: node test/harness/build-image.ts ${version}`;
  },
  async start(options) {
    for (let attempt = 1; ; attempt++) {
      const [port = 0] = await freePorts(1);
      try {
        return await startContainer(options, port);
      } catch (error) {
        // Somebody else took the port between our look and the engine's bind.
        if (attempt < START_ATTEMPTS && /already (in use|allocated)/i.test(String(error))) continue;
        throw error;
      }
    }
  },
};

function containerConfig(options: ResolvedKafkaOptions, port: number): Record<string, string> {
  return {
    ...commonConfig(1),
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@127.0.0.1:9094",
    // Transaction markers go over the network even to the broker itself, which cannot reach the host's port.
    listeners: `PLAINTEXT://0.0.0.0:${CONTAINER_PORT},INTERNAL://127.0.0.1:9093,CONTROLLER://127.0.0.1:9094`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port},INTERNAL://127.0.0.1:9093`,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INTERNAL",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": "/var/lib/kafka",
    ...options.brokerConfig,
  };
}

async function startContainer(options: ResolvedKafkaOptions, port: number): Promise<KafkaCluster> {
  // Its helper image cannot be pulled everywhere; our watchdog does the helper's work.
  process.env["TESTCONTAINERS_RYUK_DISABLED"] = "true";
  // Without it, a run inside a container pulls an image only to find out its gateway.
  process.env["TESTCONTAINERS_HOST_OVERRIDE"] ??= "127.0.0.1";
  const { GenericContainer, PullPolicy, Wait } = await import("testcontainers");
  const name = `ktables-kafka-${randomUUID()}`;
  const release = track("container", name);
  let output = "";
  try {
    const container = await new GenericContainer(imageName(options.version))
      .withName(name)
      .withLabels({ "ktables.test": "true" })
      .withPullPolicy(PullPolicy.neverPull())
      .withEnvironment({ CLUSTER_ID: "a3RhYmxlcy10ZXN0LTAwMQ" })
      .withCopyContentToContainer([{ content: propertiesText(containerConfig(options, port)), target: CONFIG_PATH }])
      .withExposedPorts({ container: CONTAINER_PORT, host: port })
      .withLogConsumer((stream) => {
        stream.on("data", (chunk: Buffer) => {
          output = (output + chunk.toString()).slice(-OUTPUT_LIMIT);
        });
      })
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
      .withStartupTimeout(60_000)
      .start();
    const cluster = new ContainerCluster(options.version, port, { container, release, output: () => output });
    await waitUntilBrokersKnowEachOther(cluster.nodes);
    return cluster;
  } catch (error) {
    // The name stays with the watchdog: a container that did start is removed at the end of this process.
    throw new Error(`Kafka ${options.version} did not start in a container: ${String(error)}\n${output.slice(-4000)}`, {
      cause: error,
    });
  }
}

interface Started {
  readonly container: StartedTestContainer;
  readonly release: () => void;
  readonly output: () => string;
}

class ContainerCluster implements KafkaCluster {
  readonly launcher = "testcontainers";
  readonly version: string;
  readonly nodes: KafkaCluster["nodes"];
  readonly bootstrapServers: string;
  readonly #started: Started;
  #stopped: Promise<void> | undefined;

  constructor(version: string, port: number, started: Started) {
    this.version = version;
    this.nodes = [{ id: 1, host: "127.0.0.1", port }];
    this.bootstrapServers = `127.0.0.1:${port}`;
    this.#started = started;
  }

  killNode(): Promise<void> {
    return Promise.reject(new Error("a container's broker is not killed alone: use the java launcher"));
  }

  stopNode(): Promise<void> {
    return Promise.reject(new Error("a container's broker is not stopped alone: use the java launcher"));
  }

  restartNode(): Promise<void> {
    return Promise.reject(new Error("a container's broker is not restarted: use the java launcher"));
  }

  output(): Promise<string> {
    return Promise.resolve(this.#started.output());
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#remove();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #remove(): Promise<void> {
    await this.#started.container.stop({ timeout: 0, remove: true, removeVolumes: true });
    this.#started.release();
  }
}
