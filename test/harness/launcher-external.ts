import type { KafkaCluster, KafkaNode, Launcher } from "./kafka-cluster.ts";
import { probeCluster } from "./metadata-probe.ts";

/** A cluster that somebody else runs, named by the environment. Nothing of it is started, changed or stopped. */
export const externalLauncher: Launcher = {
  name: "external",
  async unavailable(options) {
    const servers = process.env["KAFKA_BOOTSTRAP_SERVERS"];
    if (!servers) return "KAFKA_BOOTSTRAP_SERVERS is not set";
    if (options.isVersionFixed) return "a given cluster's version is not known";
    if (Object.keys(options.brokerConfig).length > 0) return "a given cluster's brokers cannot be configured";
    if (Object.keys(options.listeners).length > 0) return "a given cluster's listeners cannot be chosen";
    if (options.controller === "separate") return "a given cluster's controllers cannot be chosen";
    const brokers = await firstAnswer(servers).catch(() => []);
    if (brokers.length === 0) return `no broker answers at KAFKA_BOOTSTRAP_SERVERS=${servers}`;
    return brokers.length >= options.nodes
      ? undefined
      : `${servers} has ${brokers.length} broker(s), not ${options.nodes}`;
  },
  async start() {
    const bootstrapServers = process.env["KAFKA_BOOTSTRAP_SERVERS"] ?? "";
    return externalCluster(bootstrapServers, await firstAnswer(bootstrapServers));
  },
};

async function firstAnswer(bootstrapServers: string): Promise<KafkaNode[]> {
  const probes = bootstrapServers.split(",").map((server) => {
    const colon = server.lastIndexOf(":");
    const host = server
      .slice(0, colon)
      .trim()
      .replace(/^\[|\]$/g, "");
    return probeCluster(host, Number(server.slice(colon + 1)), 5000);
  });
  const { brokers } = await Promise.any(probes);
  return brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port }));
}

function externalCluster(bootstrapServers: string, nodes: readonly KafkaNode[]): KafkaCluster {
  const refuse = (): Promise<never> => Promise.reject(new Error("the harness does not control this cluster's brokers"));
  return {
    bootstrapServers,
    version: "unknown",
    launcher: "external",
    nodes,
    killNode: refuse,
    stopNode: refuse,
    restartNode: refuse,
    output: () => Promise.resolve(""),
    stop: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
