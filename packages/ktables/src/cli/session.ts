import { readFile } from "node:fs/promises";
import {
  BrokerError,
  type IsolationLevel,
  KafkaClient,
  KafkaError,
  type SaslConfig,
  TimeoutError,
  type TlsConfig,
} from "@ktables/client";
import { toError } from "@ktables/client/internal";
import {
  bytes,
  type Codec,
  ensureTopic,
  KafkaTable,
  type KafkaTableOptions,
  KafkaTableWriter,
  string,
  TableFailedError,
} from "../index.ts";
import { oneOf, wholeNumber } from "./arguments.ts";
import type { CommandContext } from "./command.ts";
import { CommandError, ExitCode, usageError } from "./exit-code.ts";
import type { Values } from "./options.ts";
import { showProgress } from "./progress.ts";
import { readSasl } from "./sasl-files.ts";
import { type ReadFormat, readCodec, readFormats } from "./values.ts";

/** How long a topic may be unknown before it counts as missing: brokers learn of a new one with some delay. */
const missingTopicMs = 1000;

/** What a command may want different about its table. */
type TableChoices = Partial<
  Pick<KafkaTableOptions<Uint8Array>, "topic" | "key" | "value" | "isolation" | "onSet" | "onDelete">
>;

/** The connection of one command, and the time that it has left. */
export class Session {
  readonly client: KafkaClient;
  readonly topic: string;
  readonly #context: CommandContext;
  readonly #isolation: IsolationLevel;
  readonly #partitions: number;
  readonly #replicationFactor: number;
  readonly #timeoutMs: number;
  readonly #deadline: number;
  readonly #onError = new Set<() => void>();

  private constructor(
    context: CommandContext,
    topic: string | undefined,
    tls: TlsConfig | undefined,
    sasl: SaslConfig | undefined,
  ) {
    const { values, reporter } = context;
    const bootstrapServers = required(values, "bootstrap-servers", "host:port of a broker");
    const timeoutMs = wholeNumber("timeout-ms", values["timeout-ms"], 10_000);
    this.#context = context;
    this.topic = topic ?? required(values, "topic", "the topic's name");
    this.#isolation = oneOf("isolation", values.isolation, ["read_committed", "read_uncommitted"], "read_committed");
    this.#partitions = wholeNumber("partitions", values.partitions, -1);
    this.#replicationFactor = wholeNumber("replication-factor", values["replication-factor"], -1);
    this.#timeoutMs = timeoutMs;
    this.#deadline = performance.now() + timeoutMs;
    this.client = new KafkaClient({
      bootstrapServers,
      clientId: values["client-id"],
      tls: tls ?? values.tls,
      sasl,
      connectTimeoutMs: timeoutMs,
      // The command's own time ends first, so that it is what is told of.
      requestTimeoutMs: timeoutMs + 1000,
      logger: reporter.logger(() => {
        for (const listener of this.#onError) listener();
      }),
    });
  }

  /** Checks all options but those of values; connects to nothing. */
  static async open(context: CommandContext, topic?: string): Promise<Session> {
    const { values } = context;
    return new Session(context, topic, await readTlsFiles(values), await readSasl(values));
  }

  get isTimeUp(): boolean {
    return performance.now() >= this.#deadline;
  }

  /** Milliseconds until the command's time is up, at least 1. */
  get remainingMs(): number {
    return Math.max(1, Math.ceil(this.#deadline - performance.now()));
  }

  /**
   * Makes sure that the topic exists. The library waits all its time for a missing topic to appear; somebody who
   * mistyped a name should not have to.
   */
  async requireTopic(hint = "", topic: string = this.topic): Promise<void> {
    let lastFailure: KafkaError | undefined;
    for (;;) {
      const isLastAttempt = this.remainingMs <= missingTopicMs;
      try {
        const timeoutMs = Math.min(this.remainingMs, missingTopicMs);
        await this.client.topicMetadata(topic, { timeoutMs });
        return;
      } catch (error) {
        if (error instanceof BrokerError && error.code === "UNKNOWN_TOPIC_OR_PARTITION") {
          throw new CommandError(ExitCode.refused, error.code, `Topic "${topic}" does not exist${hint}`, error);
        }
        if (!(error instanceof KafkaError) || !error.retriable) throw error;
        // What went wrong says more than that it took too long.
        if (!(error instanceof TimeoutError)) lastFailure = error;
        if (isLastAttempt) {
          throw lastFailure ?? new TimeoutError(`No broker answered within ${this.#timeoutMs} ms`, this.#timeoutMs);
        }
      }
    }
  }

  /** A table that was not started yet. */
  table(options: TableChoices = {}): KafkaTable<Uint8Array> {
    return new KafkaTable({
      connection: this.client,
      topic: this.topic,
      value: readCodec(readFormat(this.#context.values)),
      ensureTopic: false,
      isolation: this.#isolation,
      catchupTimeoutMs: this.remainingMs,
      ...options,
    });
  }

  /** Starts a table and shows how far it is. It may be `degraded` afterwards. */
  async start(table: KafkaTable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    const progress = showProgress(this.#context.stderr, table);
    try {
      await table.start({ signal });
    } finally {
      progress.end();
    }
  }

  /** Everything in the topic. @throws CommandError when that could not be read in time. */
  async load(options: TableChoices = {}): Promise<KafkaTable<Uint8Array>> {
    const topic = options.topic ?? this.topic;
    await this.requireTopic("", topic);
    const table = this.table(options);
    await this.start(table);
    const { status } = table;
    const progress = table.health().progress;
    await table.stop();
    if (table.failure !== undefined) throw new TableFailedError(topic, table.failure, table.isCaughtUp);
    if (status === "caught_up") return table;
    const { done, total } = progress ?? { done: 0, total: 0 };
    throw new CommandError(
      ExitCode.tableNotReady,
      "TABLE_DEGRADED",
      `Topic "${topic}" could not be read to its end within ${this.#timeoutMs} ms (${done} of ${total} offsets so far); ` +
        "--timeout-ms gives it more time",
    );
  }

  /** A writer of bytes; creates the topic only if the command line says so. */
  async writer(key: Codec<string> = string()): Promise<KafkaTableWriter<Uint8Array>> {
    if (this.#context.values["create-topic"] === true) {
      await ensureTopic(this.client, this.topic, {
        partitions: this.#partitions,
        replicationFactor: this.#replicationFactor,
        timeoutMs: this.remainingMs,
      });
    } else {
      await this.requireTopic("; --create-topic creates it");
    }
    return KafkaTableWriter.open({
      connection: this.client,
      topic: this.topic,
      key,
      value: bytes(),
      ensureTopic: false,
      deliveryTimeoutMs: this.remainingMs,
    });
  }

  /** Rejects when the table fails, which it announces to the log only. */
  async failureOf(table: KafkaTable<Uint8Array>): Promise<never> {
    return new Promise((_, reject) => {
      const look = (): void => {
        if (table.failure !== undefined) reject(new TableFailedError(this.topic, table.failure, table.isCaughtUp));
      };
      this.#onError.add(look);
      look();
    });
  }

  close(): void {
    this.client.close();
  }
}

/** Runs `work` with a session that is closed afterwards. */
export async function withSession(
  context: CommandContext,
  work: (session: Session) => Promise<ExitCode>,
): Promise<ExitCode> {
  const session = await Session.open(context);
  try {
    return await work(session);
  } finally {
    session.close();
  }
}

export function readFormat(values: Values): ReadFormat {
  return oneOf("value-format", values["value-format"], readFormats, "auto");
}

function required(values: Values, name: "bootstrap-servers" | "topic", what: string): string {
  const value = values[name];
  if (value === undefined || value === "") throw usageError(`--${name} is missing: ${what}`);
  return value;
}

async function readTlsFiles(values: Values): Promise<TlsConfig | undefined> {
  if ((values["cert-file"] === undefined) !== (values["key-file"] === undefined)) {
    throw usageError("--cert-file and --key-file go together");
  }
  const [ca, cert, key] = await Promise.all([
    readPem(values, "ca-file"),
    readPem(values, "cert-file"),
    readPem(values, "key-file"),
  ]);
  return ca === undefined && cert === undefined ? undefined : { ca, cert, key };
}

async function readPem(values: Values, name: "ca-file" | "cert-file" | "key-file"): Promise<string | undefined> {
  const path = values[name];
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw usageError(`--${name}: cannot read the file: ${toError(cause).message}`, cause);
  }
  // Node ignores an authority that is none, and then trusts its own list.
  if (!/^-----BEGIN [A-Z ]+-----$/m.test(text.replaceAll("\r", "")))
    throw usageError(`--${name}: "${path}" is no PEM file`);
  return text;
}
