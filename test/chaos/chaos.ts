import { setTimeout as sleep } from "node:timers/promises";
import { type CompressionName, KafkaClient, partitionForKey } from "@ktables/client";
import { type IsolationLevel, KafkaTable, type Logger } from "ktables";
import type { JavaPeer } from "../harness/java-peer.ts";
import type { KafkaCluster } from "../harness/kafka.ts";
import { breakBrokers, type FaultCounts } from "./broker-faults.ts";
import { ForeignTable } from "./foreign-table.ts";
import { Gaps } from "./gaps.ts";
import { LeaderWatch } from "./leader-watch.ts";
import { ProduceCounter } from "./produce-counter.ts";
import { compareWithJava } from "./verdict.ts";
import { codec, type Numbered, Workload } from "./workload.ts";

export interface ChaosOptions {
  readonly cluster: KafkaCluster;
  readonly java: JavaPeer;
  readonly minutes: number;
  readonly log: (line: string) => void;
}

export interface ChaosReport {
  /** What must be empty: each line is a promise that was broken. */
  readonly defects: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

const partitions = 6;
const writers: readonly { readonly compression: CompressionName; readonly lingerMs: number }[] = [
  { compression: "none", lingerMs: 0 },
  { compression: "lz4", lingerMs: 5 },
  { compression: "zstd", lingerMs: 50 },
];
const isolations: readonly IsolationLevel[] = ["read_committed", "read_uncommitted", "read_committed"];

/**
 * Writes and reads a table for the given time while brokers are killed and restarted, then compares everything with what
 * the Java client reads. Needs three brokers and a controller of its own.
 */
export async function runChaos({ cluster, java, minutes, log }: ChaosOptions): Promise<ChaosReport> {
  const { bootstrapServers } = cluster;
  const topic = `chaos-${Date.now()}`;
  await java.call("createTopic", {
    bootstrapServers,
    topic,
    partitions,
    replicationFactor: 3,
    // A compacted topic, but its log stays whole: it never gets a second segment that could be cleaned.
    configs: { "cleanup.policy": "compact", "min.insync.replicas": "2", "min.compaction.lag.ms": "86400000" },
  });
  const warnings = new Map<string, number>();
  const counter = new ProduceCounter();
  const clients = [...writers, ...isolations].map(() => {
    return new KafkaClient({ bootstrapServers, connector: counter.connector, logger: countingLogger(warnings) });
  });
  const acks = new Gaps();
  const workloads = writers.map(({ compression, lingerMs }, index) => {
    const client = clientOf(clients, index);
    return new Workload({ name: `writer${index}`, client, topic, partitions, compression, lingerMs, acks });
  });
  const defects: string[] = [];
  const updates = isolations.map(() => new Gaps());
  const tables = await Promise.all(
    isolations.map((isolation, index) => {
      const client = clientOf(clients, writers.length + index);
      const note = (key: string): void =>
        updates[index]?.note(partitionForKey(new TextEncoder().encode(key), partitions));
      return openTable(client, topic, isolation, index % 2 === 0 ? "decoded" : "bytes", note);
    }),
  );
  const foreign = await ForeignTable.start(bootstrapServers, topic);
  const faults: FaultCounts = { kills: 0, stops: 0 };
  const leaders = new LeaderWatch();
  const watcher = clientOf(clients, writers.length);
  let checks = 0;
  try {
    const writing = new AbortController();
    const watching = new AbortController();
    const writes = Promise.all(workloads.map((workload) => workload.run(writing.signal)));
    const watch = leaders.run(watcher, topic, watching.signal);
    const reading = (async () => {
      while (!watching.signal.aborted) {
        checks += await checkFreshness(watcher, topic, workloads, tables, defects);
        await sleep(2000);
      }
    })();
    await breakBrokers(cluster, java, topic, faults, log, AbortSignal.timeout(minutes * 60_000));
    writing.abort();
    await writes;
    watching.abort();
    await Promise.all([watch, reading]);

    for (const table of tables) {
      if (!(await table.barrier({ timeoutMs: 60_000 }))) defects.push(`a table cannot catch up: ${table.toString()}`);
    }
    const all = workloads.flatMap(({ byKey }) => [...byKey.values()].flat());
    const other = await foreign.finish();
    if (!other.isComplete) defects.push(`the table of the other process cannot catch up: it is ${other.status}`);
    const contents = [
      ...tables.map((table) => new Map([...table].map(([key, { n }]) => [key, n]))),
      new Map(other.entries),
    ];
    defects.push(...(await compareWithJava(java, bootstrapServers, topic, workloads, contents)));
    return {
      defects,
      counts: {
        minutes,
        "kill -9": faults.kills,
        "orderly stops": faults.stops,
        "leader changes": leaders.leaderChanges,
        elections: leaders.elections,
        "writes acknowledged": all.filter(({ offset }) => offset !== undefined).length,
        "writes failed": all.filter(({ failure }) => failure !== undefined).length,
        "batches sent": counter.batches,
        "batches sent again": counter.retriedBatches,
        "connections opened": counter.connections,
        "tables compared": contents.length,
        "freshness checks": checks,
        "keys at the end": contents[0]?.size ?? 0,
        "longest time without an ack, ms": acks.longestMs,
        "longest time without an ack of one partition, ms": acks.longestOfOnePartitionMs,
        "longest time without a visible update, ms": Math.max(...updates.map(({ longestMs }) => longestMs)),
        "longest time without a visible update of one partition, ms": Math.max(
          ...updates.map(({ longestOfOnePartitionMs }) => longestOfOnePartitionMs),
        ),
        warnings: [...warnings.values()].reduce((sum, count) => sum + count, 0),
      },
    };
  } finally {
    foreign.kill();
    await Promise.all(tables.map((table) => table.stop()));
    for (const client of clients) client.close();
  }
}

function openTable(
  client: KafkaClient,
  topic: string,
  isolation: IsolationLevel,
  store: "decoded" | "bytes",
  onChange: (key: string) => void,
): Promise<KafkaTable<Numbered>> {
  const hooks = { onSet: onChange, onDelete: onChange };
  return KafkaTable.open({ connection: client, topic, value: codec, ensureTopic: false, isolation, store, ...hooks });
}

/** A new table, and every running one behind a barrier, must show whatever was acknowledged before. */
async function checkFreshness(
  client: KafkaClient,
  topic: string,
  workloads: readonly Workload[],
  tables: readonly KafkaTable<Numbered>[],
  defects: string[],
): Promise<number> {
  let checks = 0;
  const check = (what: string, table: KafkaTable<Numbered>, before: readonly ReadonlyMap<string, number>[]): void => {
    checks++;
    workloads.forEach((workload, index) => {
      for (const stale of workload.staleKeys(table, before[index] ?? new Map())) defects.push(`${what}: ${stale}`);
    });
  };
  const acknowledged = (): ReadonlyMap<string, number>[] => workloads.map((workload) => workload.acknowledged());
  const beforeOpening = acknowledged();
  const fresh = await openTable(client, topic, "read_committed", "bytes", () => undefined);
  if (fresh.isCaughtUp) check("a new table", fresh, beforeOpening);
  await fresh.stop();
  for (const table of tables) {
    const before = acknowledged();
    if (await table.barrier({ timeoutMs: 60_000 })) check("a table behind a barrier", table, before);
    else defects.push(`no barrier within a minute: ${table.toString()}`);
  }
  return checks;
}

function clientOf(clients: readonly KafkaClient[], index: number): KafkaClient {
  const client = clients[index];
  if (client === undefined) throw new Error(`there is no client ${index}`);
  return client;
}

/** Brokers that go down are what this is about, so warnings are expected; they are only counted. */
function countingLogger(warnings: Map<string, number>): Logger {
  const count = (message: string): void => void warnings.set(message, (warnings.get(message) ?? 0) + 1);
  return { debug: () => undefined, info: () => undefined, warn: count, error: count };
}
