import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbeddedBroker, InterceptHandler, RequestOf, ResponseOf } from "@ktables/client/testing";
import { encodeBatch, type RecordInput } from "@ktables/record-batch";
import { buildSync } from "esbuild";
import { afterAll, afterEach } from "vitest";
import type { CommandContext } from "../../packages/ktables/src/cli/command.ts";
import type { Values } from "../../packages/ktables/src/cli/options.ts";
import { Reporter } from "../../packages/ktables/src/cli/reporter.ts";
import { type OutputStream, Terminal } from "../../packages/ktables/src/cli/terminal.ts";

const ktablesPackage = join(import.meta.dirname, "../../packages/ktables");

/** The command as it is installed; runs of it start several times faster than those of its sources. */
const installed = mkdtempSync(join(tmpdir(), "ktables-cli-"));
copyFileSync(join(ktablesPackage, "package.json"), join(installed, "package.json"));
buildSync({
  entryPoints: [join(ktablesPackage, "src/bin.ts")],
  outdir: join(installed, "dist"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  conditions: ["@ktables/source"],
  keepNames: true,
});

afterAll(() => rmSync(installed, { recursive: true }));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One run of the command in a process of its own. */
export class Run {
  readonly child: ChildProcessWithoutNullStreams;
  stdout = "";
  stderr = "";
  readonly ended: Promise<Outcome>;

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [join(installed, "dist/bin.js"), ...args]);
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
    running.add(this);
    void this.ended.finally(() => running.delete(this));
  }

  /** Waits until what was printed passes; rejects when the process ends before. */
  async until(passes: (stdout: string) => boolean): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      const look = (): void => {
        if (passes(this.stdout)) resolve();
      };
      this.child.stdout.on("data", look);
      look();
    });
    const early = this.ended.then(({ code, stdout, stderr }) => {
      if (!passes(stdout)) throw new Error(`ended with ${code} before that was printed: ${stdout}${stderr}`);
    });
    await Promise.race([seen, early]);
  }
}

const running = new Set<Run>();

// A process outlives its test only when the test has failed.
afterEach(async () => {
  for (const run of running) run.child.kill("SIGKILL");
  await Promise.all([...running].map((run) => run.ended));
});

export async function ktables(...args: string[]): Promise<Outcome> {
  const run = new Run(args);
  run.child.stdin.end();
  return run.ended;
}

export async function ktablesWithInput(input: string | Uint8Array, ...args: string[]): Promise<Outcome> {
  const run = new Run(args);
  run.child.stdin.end(input);
  return run.ended;
}

/** The objects of an output of JSON lines. */
export function objects(text: string): unknown[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}

export function record(key: string | null, value: string | Uint8Array | null): RecordInput {
  const bytes = (given: string | Uint8Array | null): Uint8Array | null =>
    typeof given === "string" ? new TextEncoder().encode(given) : given;
  return { key: bytes(key), value: bytes(value), timestamp: 0 };
}

/** Puts records into partition 0 without any client. */
export function fill(broker: EmbeddedBroker, topic: string, ...records: RecordInput[]): void {
  broker.append(topic, 0, encodeBatch({ records }));
}

/** For `EmbeddedBroker.intercept`: the topic may not be read (TOPIC_AUTHORIZATION_FAILED). */
export const refuseFetch: InterceptHandler<RequestOf<"Fetch">, ResponseOf<"Fetch">> = async (_, context) => {
  const answer = await context.handle();
  if (answer === undefined) return "close";
  const responses = answer.responses.map((entry) => ({
    ...entry,
    partitions: entry.partitions.map((part) => ({ ...part, errorCode: 29 })),
  }));
  return { ...answer, responses };
};

/** A port of this machine at which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A stream that keeps what is written to it. */
export class Screen implements OutputStream {
  readonly isTTY: boolean;
  readonly columns: number;
  text = "";

  constructor(options: { isTTY?: boolean; columns?: number } = {}) {
    this.isTTY = options.isTTY ?? true;
    this.columns = options.columns ?? 60;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  on(): void {}

  once(): void {}
}

/** What a command gets when it runs on a terminal without colours. */
export function terminalContext(
  values: Values,
  positionals: readonly string[] = [],
): { context: CommandContext; out: Screen; err: Screen } {
  const out = new Screen();
  const err = new Screen();
  const stdout = new Terminal(out, { NO_COLOR: "1" });
  const stderr = new Terminal(err, { NO_COLOR: "1" });
  const isJson = values.json === true;
  const reporter = new Reporter(stderr, { isJson, isDebug: false });
  return { context: { values, positionals, stdout, stderr, reporter, isJson }, out, err };
}
