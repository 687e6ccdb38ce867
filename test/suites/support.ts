import type { Logger } from "ktables";
import { test } from "vitest";

/** A broker, as much of it as the suites need. */
export interface SuiteBroker {
  readonly bootstrapServers: string;
  /** Release of Apache Kafka, or a service's name; undefined for the embedded broker as such, which can what the newest can. */
  readonly version?: string;
  stop(): Promise<void>;
}

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
}

/** Keeps what is logged. */
export function recordingLogger(): Logger & { readonly lines: LogLine[]; messages(level: LogLine["level"]): string[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine["level"]) => (message: string) => {
    lines.push({ level, message });
  };
  return {
    lines,
    messages: (level) => lines.filter((line) => line.level === level).map(({ message }) => message),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

/** Names of tests that a broker cannot pass, with the reason. */
export type Infidelities = Readonly<Record<string, string>>;

/** As vitest's `test`; but what the broker cannot do is run all the same and must fail, so that a reason does not outlive its cause. */
export function testDespite(infidelities: Infidelities): typeof test {
  const define = (name: string, body: () => Promise<void>): void => {
    const reason = infidelities[name];
    if (reason === undefined) test(name, body);
    else test.fails(`${name} [fails here: ${reason}]`, body);
  };
  // The suites use no more of it than this.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.assign(define, { each: test.each.bind(test) }) as unknown as typeof test;
}

let topicCount = 0;

/** A name that no other test uses, on a cluster that outlives the run either. */
export function newTopic(hint: string): string {
  return `${hint}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}-${++topicCount}`;
}

/** Resolves when the condition holds; the test's own time limit is the only one. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** What the promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string; cause?: unknown }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error("rejected with something that is no Error", { cause: error });
  }
  throw new Error("expected a rejection");
}

/** Where the tables of this run keep their contents: every test of tables runs with the default and with bytes (`vitest.config.ts`). */
export const storeUnderTest = storeNamed(process.env["KTABLES_STORE"]);

function storeNamed(name = "auto"): "auto" | "decoded" | "bytes" {
  if (name === "auto" || name === "decoded" || name === "bytes") return name;
  throw new Error(`KTABLES_STORE is auto, decoded or bytes, not ${name}`);
}

const encoder = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** What not every broker has, and the release of Apache Kafka that brought it, as `[major, minor]`. */
const features = {
  idempotence: [0, 11],
  "config changes": [0, 11],
  "partition creation": [1, 0],
  zstd: [2, 1],
  "incremental config changes": [2, 3],
  "default partitions": [2, 4],
  "topic ids": [2, 8],
} as const;

export type Feature = keyof typeof features;

/** What services have of it. */
const services: ReadonlyMap<string, readonly Feature[]> = new Map([["event-hubs", ["zstd", "partition creation"]]]);

/** Whether the broker has a feature. One whose release is not known counts as the newest. */
export function has({ version }: SuiteBroker, feature: Feature): boolean {
  const service = services.get(version ?? "");
  if (service !== undefined) return service.includes(feature);
  const [major, minor] = features[feature];
  const [ownMajor, ownMinor] = (version ?? "").split(".").map(Number);
  if (ownMajor === undefined || ownMinor === undefined || Number.isNaN(ownMajor)) return true;
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
