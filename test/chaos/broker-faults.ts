import { setTimeout as sleep } from "node:timers/promises";
import type { JavaPeer } from "../harness/java-peer.ts";
import type { KafkaCluster } from "../harness/kafka.ts";
import { waitUntil } from "../harness/wait-until.ts";

export interface FaultCounts {
  kills: number;
  stops: number;
}

/**
 * In turn: kills a leader (SIGKILL) twice, then restarts every broker in an orderly way. Never touches a broker before
 * all replicas are in sync again, so that no acknowledged record can be lost by Kafka itself. All brokers run at the end.
 */
export async function breakBrokers(
  cluster: KafkaCluster,
  java: JavaPeer,
  topic: string,
  counts: FaultCounts,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { bootstrapServers, nodes } = cluster;
  const describe = () => java.call("describeTopic", { bootstrapServers, topic });
  const inSync = (): Promise<unknown> =>
    waitUntil(
      "all replicas in sync",
      async () => {
        const { partitions } = await describe();
        return partitions.every(({ inSyncReplicas }) => inSyncReplicas.length === nodes.length) ? true : undefined;
      },
      { timeoutMs: 180_000 },
    );
  const comeBack = async (id: number): Promise<void> => {
    await sleep(500 + Math.random() * 2500);
    await cluster.restartNode(id);
    await inSync();
    // Long enough for preferred leaders to come back now and then.
    await sleep(Math.random() * 3000);
  };
  await inSync();
  for (let round = 0; !signal.aborted; round++) {
    for (let kill = 0; kill < 2 && !signal.aborted; kill++) {
      const { partitions } = await describe();
      const { partition, leader } = partitions[Math.floor(Math.random() * partitions.length)] ?? {
        partition: 0,
        leader: 1,
      };
      log(`kill -9 of node ${leader}, leader of partition ${partition}`);
      await cluster.killNode(leader);
      counts.kills++;
      await comeBack(leader);
    }
    log("rolling restart");
    for (const { id } of nodes) {
      if (signal.aborted) break;
      await cluster.stopNode(id);
      counts.stops++;
      await comeBack(id);
    }
  }
}
