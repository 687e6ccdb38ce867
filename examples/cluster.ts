import process from "node:process";

export interface Cluster {
  readonly bootstrapServers: string;
  close(): Promise<void>;
}

/**
 * The cluster to work with: the program's last argument that looks like `host:port`, else `KAFKA_BOOTSTRAP_SERVERS`, else a
 * broker inside this process, which is gone with it.
 */
export async function openCluster(): Promise<Cluster> {
  const argument = process.argv.slice(2).findLast((text) => /:\d+$/.test(text));
  const bootstrapServers = argument ?? process.env["KAFKA_BOOTSTRAP_SERVERS"];
  if (bootstrapServers !== undefined) return { bootstrapServers, close: async () => undefined };
  const { EmbeddedBroker } = await import("ktables/testing");
  const broker = await EmbeddedBroker.start();
  return { bootstrapServers: broker.bootstrapServers, close: () => broker.close() };
}

/**
 * Aborts when the process is asked to end; with `END_WITH_INPUT` also when its standard input ends, which is when the
 * process that started it has gone or closes it. Signals may not come through: npm's `deno` keeps them to itself.
 */
export function untilTerminated(): AbortSignal {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, end);
  if (process.env["END_WITH_INPUT"] !== undefined) {
    process.stdin.once("end", end).resume();
    // A stream that is read keeps the process alive.
    controller.signal.addEventListener("abort", () => process.stdin.destroy());
  }
  return controller.signal;
}
