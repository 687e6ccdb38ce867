import process from "node:process";
import type { KafkaTable } from "../table.ts";
import type { Command, CommandContext } from "./command.ts";
import { ExitCode } from "./exit-code.ts";
import { readOptions } from "./options.ts";
import { readFormat, type Session, withSession } from "./session.ts";
import { clockTime, plural, truncate, visible } from "./text.ts";
import { type ReadFormat, showValue, valueLine, valueMembers } from "./values.ts";

const stopSignals = ["SIGINT", "SIGTERM"] as const;

export const watchCommand: Command = {
  name: "watch",
  summary: "print every change as it happens",
  positionals: [],
  options: [...readOptions, "prefix", "initial"],
  details: `Reads the topic to its end, then prints each value that is set and each key that is deleted, until it is
interrupted (exit code 0). Elsewhere than on a terminal, and with --json, one object per line: type is "caught_up"
(with keys) once, "set" (with key, value, format) or "delete" (with key); "initial" is true for what was there already.`,
  run: async (context) => {
    const stopping = new AbortController();
    const stop = (): void => stopping.abort();
    for (const signal of stopSignals) process.once(signal, stop);
    try {
      return await withSession(context, (session) => watch(context, session, stopping.signal));
    } catch (error) {
      if (stopping.signal.aborted) return ExitCode.ok;
      throw error;
    } finally {
      for (const signal of stopSignals) process.removeListener(signal, stop);
    }
  },
};

async function watch(context: CommandContext, session: Session, stopping: AbortSignal): Promise<ExitCode> {
  const printer = new ChangePrinter(context);
  await Promise.race([session.requireTopic(), aborted(stopping)]);
  stopping.throwIfAborted();
  let isLive = false;
  const table = session.table({
    onSet: (key, value) => {
      if (isLive) printer.set(key, value, false);
    },
    onDelete: (key) => {
      if (isLive) printer.delete(key);
    },
  });
  try {
    await session.start(table, stopping);
    if (!table.isCaughtUp) {
      context.reporter.warning(`Topic "${session.topic}" is not read to its end yet; changes are printed from then on`);
    }
    const failure = session.failureOf(table);
    await Promise.race([caughtUp(table, stopping), failure]);
    // No record is applied between the three: what is not printed here is printed as a change.
    if (context.values.initial === true) for (const [key, value] of table) printer.set(key, value, true);
    printer.caughtUp(table);
    isLive = true;
    await Promise.race([aborted(stopping), failure]);
  } finally {
    await table.stop();
  }
  return ExitCode.ok;
}

/** Never returns for a table that failed: its failure is on its way. */
async function caughtUp(table: KafkaTable<Uint8Array>, signal: AbortSignal): Promise<void> {
  if (!(await table.waitUntilCaughtUp({ signal }))) await aborted(signal);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

class ChangePrinter {
  readonly #context: CommandContext;
  readonly #prefix: string;
  readonly #format: ReadFormat;

  constructor(context: CommandContext) {
    this.#context = context;
    this.#prefix = context.values.prefix ?? "";
    this.#format = readFormat(context.values);
  }

  caughtUp(table: KafkaTable<Uint8Array>): void {
    const { stdout, stderr, isJson } = this.#context;
    if (isJson) stdout.json(JSON.stringify({ type: "caught_up", keys: table.size }));
    else stderr.line(stderr.paint("dim", `watching ${plural(table.size, "key")}, Ctrl-C ends`));
  }

  set(key: string, bytes: Uint8Array, isInitial: boolean): void {
    if (!key.startsWith(this.#prefix)) return;
    const { stdout, isJson } = this.#context;
    const value = showValue(bytes, this.#format);
    if (isJson) {
      stdout.json(`{"type":"set","key":${JSON.stringify(key)},${valueMembers(value)},"initial":${isInitial}}`);
      return;
    }
    const shownKey = visible(key);
    const room = Math.max(20, stdout.width - shownKey.length - 24);
    const label = isInitial ? stdout.paint("dim", "is    ") : stdout.paint("green", "set   ");
    stdout.line(`${this.#time()}  ${label}  ${stdout.paint("bold", shownKey)}  ${truncate(valueLine(value), room)}`);
  }

  delete(key: string): void {
    if (!key.startsWith(this.#prefix)) return;
    const { stdout, isJson } = this.#context;
    if (isJson) stdout.json(`{"type":"delete","key":${JSON.stringify(key)},"initial":false}`);
    else stdout.line(`${this.#time()}  ${stdout.paint("red", "delete")}  ${stdout.paint("bold", visible(key))}`);
  }

  #time(): string {
    return this.#context.stdout.paint("dim", clockTime(new Date()));
  }
}
