import { installDebianPackages } from "./debian-packages.ts";
import { runCommand, tryCommand } from "./run-command.ts";
import { type TrackedProcess as Process, TrackedProcess } from "./tracked-process.ts";
import { GivenUp, waitUntil } from "./wait-until.ts";

/**
 * Undefined when `kcat` can be called, otherwise the reason why not. With `KTABLES_REQUIRE_KAFKA=1`, as CI has it,
 * Debian's package is installed where that is possible (as root).
 */
export async function kcatUnavailable(): Promise<string | undefined> {
  if ((await tryCommand("kcat", ["-V"])).exitCode === 0) return undefined;
  if (process.env["KTABLES_REQUIRE_KAFKA"] !== "1") return "kcat is not installed (Debian has a package of that name)";
  const reason = await installDebianPackages("kcat");
  return reason === undefined ? undefined : `kcat is not installed, and ${reason}`;
}

/** Runs librdkafka's command line to its end and returns what it printed. */
export function kcat(bootstrapServers: string, args: readonly string[], input = ""): Promise<string> {
  return runCommand("kcat", ["-q", "-b", bootstrapServers, ...args], { input, timeoutMs: 60_000 });
}

export interface MockCluster {
  readonly bootstrapServers: string;
  stop(): Promise<void>;
}

/** librdkafka's own cluster in memory, which a `kcat` that waits for its standard input keeps alive. */
export async function startMockCluster(brokers: number): Promise<MockCluster> {
  const args = ["-P", "-b", "unused", "-t", "unused", "-X", `test.mock.num.brokers=${brokers}`];
  const child: Process = new TrackedProcess("kcat", args, { stdio: "conversation" });
  const bootstrapServers = await waitUntil("librdkafka's mock cluster has started", async () => {
    if (child.hasExited) throw new GivenUp(`kcat ended early: ${child.output}`);
    return /replaced with (\S+)/.exec(child.output)?.[1];
  });
  return { bootstrapServers, stop: () => child.end("SIGKILL") };
}
