import { TimeoutError } from "@ktables/client";
import { CallScope, untilAborted } from "@ktables/client/internal";
import { ensureTopic } from "../ensure-topic.ts";
import { json } from "../json.ts";
import { KafkaTable } from "../table.ts";
import type { WriteToken } from "../write-token.ts";
import { KafkaTableWriter } from "../writer.ts";
import type { Command, CommandContext } from "./command.ts";
import { CommandError, ExitCode } from "./exit-code.ts";
import { connectionOptions } from "./options.ts";
import { Session } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { formatCount, formatDuration, plural } from "./text.ts";

interface Service {
  readonly host: string;
  readonly version: number;
}

const partitions = 3;
const labelWidth = 10;
/** Where the times begin, so that a line has 80 characters. */
const timesColumn = 54;

export const demoCommand: Command = {
  name: "demo",
  summary: "see a table follow a topic, on a broker of its own or on yours",
  positionals: [],
  options: connectionOptions,
  details: `Without --bootstrap-servers: starts a small Kafka broker inside this process; nothing is installed, and nothing
stays behind. With it: creates a topic of its own on your cluster (--topic names it; one that exists is refused), which
stays there. Then it writes, and measures how long each write takes to be acknowledged, and to be seen in the table.`,
  run: async (context) => {
    const servers = context.values["bootstrap-servers"];
    if (servers !== undefined) {
      const topic = context.values.topic ?? `ktables-demo-${Math.random().toString(36).slice(2, 10)}`;
      return runDemo(context, { servers, topic, isEmbedded: false });
    }
    // Loaded only here, so that no other command pays for it.
    const { EmbeddedBroker } = await import("../testing.ts");
    const broker = await EmbeddedBroker.start();
    try {
      const { bootstrapServers } = broker;
      const values = { ...context.values, "bootstrap-servers": bootstrapServers };
      const topic = context.values.topic ?? "services";
      return await runDemo({ ...context, values }, { servers: bootstrapServers, topic, isEmbedded: true });
    } finally {
      await broker.close();
    }
  },
};

interface Stage {
  readonly servers: string;
  readonly topic: string;
  readonly isEmbedded: boolean;
}

async function runDemo(context: CommandContext, stage: Stage): Promise<ExitCode> {
  const { stdout } = context;
  const { servers, topic, isEmbedded } = stage;
  const session = await Session.open(context, topic);
  const timeoutMs = session.remainingMs;
  const scope = new CallScope(
    [],
    timeoutMs,
    () => new TimeoutError(`The demo took longer than ${timeoutMs} ms`, timeoutMs),
  );
  try {
    await createOwnTopic(session, scope);
    stdout.line(stdout.paint("bold", "A Kafka topic as a Map"));
    stdout.line();
    label(stdout, "cluster", isEmbedded ? `${servers}, a broker embedded in this process` : servers);
    label(stdout, "topic", `${topic}, new, compacted, ${plural(partitions, "partition")}`);
    // A stranger's disk deserves some restraint.
    await showTable(session, stdout, isEmbedded ? 10_000 : 1000, scope);
    stdout.line();
    showNextSteps(stdout, stage);
    return ExitCode.ok;
  } finally {
    scope.end();
    session.close();
  }
}

async function createOwnTopic(session: Session, scope: CallScope): Promise<void> {
  const { outcome } = await ensureTopic(session.client, session.topic, {
    partitions,
    replicationFactor: -1,
    onPolicyMismatch: "ignore",
    signal: scope.signal,
    timeoutMs: session.remainingMs,
  });
  if (outcome !== "created") {
    throw new CommandError(
      ExitCode.usage,
      "TOPIC_ALREADY_EXISTS",
      `Topic "${session.topic}" exists; the demo only writes into a topic of its own`,
    );
  }
}

async function showTable(session: Session, stdout: Terminal, burst: number, scope: CallScope): Promise<void> {
  const { signal } = scope;
  const options = { connection: session.client, topic: session.topic, value: json<Service>(), ensureTopic: false };
  const arrivals = new Arrivals();
  const table = await KafkaTable.open({ ...options, ...arrivals.hooks }, { signal });
  const writer = await KafkaTableWriter.open({ ...options, deliveryTimeoutMs: session.remainingMs }, { signal });
  try {
    label(stdout, "table", `open, ${plural(table.size, "key")}`);
    stdout.line();
    stdout.line(
      stdout.paint("dim", `${" ".repeat(timesColumn)}${"acknowledged".padStart(12)}${"in the table".padStart(14)}`),
    );

    const show = async (verb: string, key: string, value?: Service): Promise<void> => {
      const startedAt = performance.now();
      const arrival = arrivals.next(key);
      const write: Promise<WriteToken> =
        value === undefined ? writer.delete(key, { signal }) : writer.set(key, value, { signal });
      const [acknowledgedAt, arrivedAt] = await Promise.all([
        write.then(() => performance.now()),
        untilAborted(arrival, signal),
      ]);
      const columns = `${key.padEnd(9)} ${value === undefined ? "" : JSON.stringify(value)}`.padEnd(
        timesColumn - labelWidth - 2,
      );
      const acknowledged = formatDuration(acknowledgedAt - startedAt).padStart(12);
      const seen = stdout.paint("green", formatDuration(arrivedAt - startedAt).padStart(14));
      label(stdout, verb, `${columns}${acknowledged}${seen}`);
    };
    await show("set", "billing", { host: "10.0.0.7", version: 1 });
    await show("set", "search", { host: "10.0.0.8", version: 1 });
    await show("set", "mail", { host: "10.0.0.9", version: 1 });
    await show("update", "billing", { host: "10.0.0.7", version: 2 });
    await show("delete", "search");
    stdout.line();

    label(stdout, "get", `table.get("billing")  →  ${JSON.stringify(table.get("billing"))}`);
    label(stdout, "", `table.has("search")   →  ${table.has("search")}`);
    await showBarrier(table, stdout, scope);
    await showBurst(table, writer, stdout, burst, scope);
    await showSecondTable(options, stdout, scope);
  } finally {
    await writer.stop();
    await table.stop();
  }
}

async function showBarrier(table: KafkaTable<Service>, stdout: Terminal, scope: CallScope): Promise<void> {
  const startedAt = performance.now();
  await barrier(table, scope);
  const took = formatDuration(performance.now() - startedAt);
  label(stdout, "barrier", `await table.barrier() took ${took}: every earlier write is in the table`);
}

async function showBurst(
  table: KafkaTable<Service>,
  writer: KafkaTableWriter<Service>,
  stdout: Terminal,
  count: number,
  scope: CallScope,
): Promise<void> {
  const startedAt = performance.now();
  const writes = Array.from({ length: count }, (_, index) =>
    writer.set(`service-${index}`, { host: `10.1.${index >> 8}.${index & 255}`, version: 1 }),
  );
  await Promise.all(writes);
  const acknowledged = formatDuration(performance.now() - startedAt);
  await barrier(table, scope);
  const seen = formatDuration(performance.now() - startedAt);
  label(stdout, "burst", `${formatCount(count)} sets: acknowledged after ${acknowledged}, in the table after ${seen}`);
}

async function showSecondTable(
  options: {
    connection: Session["client"];
    topic: string;
    value: ReturnType<typeof json<Service>>;
    ensureTopic: boolean;
  },
  stdout: Terminal,
  scope: CallScope,
): Promise<void> {
  const startedAt = performance.now();
  const table = await KafkaTable.open(options, { signal: scope.signal });
  const took = formatDuration(performance.now() - startedAt);
  label(stdout, "reopen", `a second table, opened now, has all ${formatCount(table.size)} keys after ${took}`);
  await table.stop();
}

async function barrier(table: KafkaTable<Service>, { signal }: CallScope): Promise<void> {
  if (await table.barrier({ signal })) return;
  throw (
    table.failure ?? new CommandError(ExitCode.tableNotReady, "BARRIER_FAILED", "The table did not reach the barrier")
  );
}

function showNextSteps(stdout: Terminal, stage: Stage): void {
  const { servers, topic } = stage.isEmbedded ? { servers: "localhost:9092", topic: "services" } : stage;
  const target = `--bootstrap-servers ${servers} --topic ${topic}`;
  stdout.line(stdout.paint("bold", "Next"));
  if (stage.isEmbedded) label(stdout, "try yours", `ktables demo --bootstrap-servers ${servers}`);
  label(stdout, "look", `ktables list ${target}`);
  label(stdout, "follow", `ktables watch ${target}`);
  label(stdout, "in code", `await KafkaTable.open({ connection: "${servers}", topic: "${topic}", value: json() })`);
  if (stage.isEmbedded) return;
  stdout.line();
  stdout.line(`Topic ${topic} stays on your cluster. To delete it:`);
  stdout.line(`  kafka-topics.sh --bootstrap-server ${servers} --delete --topic ${topic}`);
}

function label(stdout: Terminal, name: string, text: string): void {
  stdout.line(`  ${stdout.paint("cyan", name.padEnd(labelWidth))}${text}`);
}

/** Tells when a key's next change is in the table, by the clock of `performance.now()`. */
class Arrivals {
  readonly #waiting = new Map<string, (at: number) => void>();

  get hooks(): { onSet: (key: string) => void; onDelete: (key: string) => void } {
    const arrived = (key: string): void => {
      this.#waiting.get(key)?.(performance.now());
      this.#waiting.delete(key);
    };
    return { onSet: arrived, onDelete: arrived };
  }

  async next(key: string): Promise<number> {
    return new Promise((resolve) => void this.#waiting.set(key, resolve));
  }
}
