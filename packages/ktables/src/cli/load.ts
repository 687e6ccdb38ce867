import { KafkaError } from "@ktables/client";
import { toError } from "@ktables/client/internal";
import type { KafkaTableWriter } from "../writer.ts";
import type { Command, CommandContext } from "./command.ts";
import { type Difference, differencesOf, printDifferences } from "./differences.ts";
import { anyBytes, byteKeys, showKey } from "./entries.ts";
import { type Entries, readEntries } from "./entry-file.ts";
import { CommandError, ExitCode, exitCodeOf, usageError } from "./exit-code.ts";
import { writeOptions } from "./options.ts";
import { type Session, withSession } from "./session.ts";
import { formatCount } from "./text.ts";

/** So many writes are on their way at once; the next ones are made when all of these are acknowledged. */
const writesAtOnce = 1000;

export const loadCommand: Command = {
  name: "load",
  summary: "write what dump has printed, from a file or stdin (-)",
  positionals: ["file"],
  options: [...writeOptions, "object", "value-format", "delete-missing", "dry-run", "isolation"],
  details: `Sets every key of the input, and leaves others as they are; with --delete-missing it removes those, so that the
topic becomes equal to the input. Keys that have the value already are not written again. The input is JSON lines with
key, value and, unless it is "json", format ("string", "base64"); with --object one JSON object of keys and values. All of
it is checked before anything is written.

Prints one object with the numbers of keys that were set, deleted, left unchanged and failed. Each key that could not be
written is reported on stderr, and the exit code is that of the first. With --dry-run: what would change, as diff
prints it, and the numbers.`,
  run: async (context) => {
    const { positionals, values } = context;
    const deletesMissing = values["delete-missing"] === true;
    const wanted = await readEntries(positionals[0] ?? "", values);
    if (deletesMissing && wanted.size === 0 && values.object !== true) {
      // A program before the pipe that has failed must not empty the topic.
      throw usageError(
        "The input is empty: --delete-missing would remove every key; to do that, give {} with --object",
      );
    }
    return withSession(context, (session) => load(context, session, wanted, deletesMissing));
  },
};

async function load(
  context: CommandContext,
  session: Session,
  wanted: Entries,
  deletesMissing: boolean,
): Promise<ExitCode> {
  const isDryRun = context.values["dry-run"] === true;
  const writer = isDryRun ? undefined : await session.writer(byteKeys);
  try {
    const present = await session.load(anyBytes);
    const changes = differencesOf(present, wanted).filter(({ value }) => value !== undefined || deletesMissing);
    const result = new LoadResult(context);
    if (writer === undefined) {
      await printDifferences(changes, context.stdout, context.isJson);
      for (const change of changes) result.done(change);
    } else {
      await writeAll(session, writer, changes, result);
    }
    result.print(wanted.size - changes.filter(({ value }) => value !== undefined).length);
    return result.exitCode;
  } finally {
    await writer?.stop();
  }
}

async function writeAll(
  session: Session,
  writer: KafkaTableWriter<Uint8Array>,
  changes: readonly Difference[],
  result: LoadResult,
): Promise<void> {
  for (let start = 0; start < changes.length; start += writesAtOnce) {
    if (session.isTimeUp) {
      result.outOfTime(changes.length - start);
      return;
    }
    await Promise.all(
      changes.slice(start, start + writesAtOnce).map(async (change) => {
        try {
          await (change.value === undefined ? writer.delete(change.key) : writer.set(change.key, change.value));
          result.done(change);
        } catch (error) {
          result.failed(change, error);
        }
      }),
    );
  }
}

class LoadResult {
  readonly #context: CommandContext;
  #set = 0;
  #deleted = 0;
  #failed = 0;
  exitCode: ExitCode = ExitCode.ok;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  done({ value }: Difference): void {
    if (value === undefined) this.#deleted++;
    else this.#set++;
  }

  failed({ key }: Difference, thrown: unknown): void {
    const error = toError(thrown);
    const code = error instanceof KafkaError ? error.code : "INTERNAL";
    this.#report(new CommandError(exitCodeOf(error), code, `Key "${showKey(key).text}": ${error.message}`, error), 1);
  }

  outOfTime(keys: number): void {
    const message = `${keys} more keys were not written, because the time is up; --timeout-ms gives it more`;
    this.#report(new CommandError(ExitCode.unreachable, "TIMEOUT", message), keys);
  }

  #report(error: CommandError, keys: number): void {
    this.#context.reporter.error(error);
    if (this.#failed === 0) this.exitCode = error.exitCode;
    this.#failed += keys;
  }

  print(unchanged: number): void {
    const { stdout, isJson, values } = this.#context;
    const counts = { set: this.#set, deleted: this.#deleted, unchanged, failed: this.#failed };
    if (isJson) {
      stdout.json(JSON.stringify({ type: "loaded", dryRun: values["dry-run"] === true, ...counts }));
      return;
    }
    stdout.line(
      Object.entries(counts)
        .filter(([name, count]) => count > 0 || name === "set")
        .map(([name, count]) => `${formatCount(count)} ${name}`)
        .join(", "),
    );
  }
}
