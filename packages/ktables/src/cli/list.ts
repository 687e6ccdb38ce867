import type { KafkaTable } from "../table.ts";
import type { Command } from "./command.ts";
import { ExitCode } from "./exit-code.ts";
import { readOptions } from "./options.ts";
import { readFormat, withSession } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { formatDuration, plural, truncate, visible } from "./text.ts";
import { type ReadFormat, showValue, valueLine, valueMembers } from "./values.ts";

/** Longer keys are printed whole, and their values stand where there is room. */
const widestKeyColumn = 40;

export const listCommand: Command = {
  name: "list",
  summary: "print all keys and values",
  positionals: [],
  options: [...readOptions, "prefix", "keys-only"],
  details: `Prints what is in the topic now, ordered by key. Elsewhere than on a terminal, and with --json, one object per
line with key, value and format.`,
  run: (context) =>
    withSession(context, async (session) => {
      const { values, stdout, stderr, isJson } = context;
      const format = readFormat(values);
      const table = await session.load();
      const prefix = values.prefix ?? "";
      const keys = [...table.keys()].filter((key) => key.startsWith(prefix)).sort();
      const isKeysOnly = values["keys-only"] === true;
      if (isJson) await stdout.jsonLines(objects(table, keys, isKeysOnly, format));
      else await stdout.lines(rows(table, keys, isKeysOnly, format, stdout));
      if (!isJson && stderr.isTty) {
        const { catchUpMs, replayedAtCatchUp } = table.stats;
        const effort = `${plural(replayedAtCatchUp ?? 0, "record")} read in ${formatDuration(catchUpMs ?? 0)}`;
        stderr.line(stderr.paint("dim", `${plural(keys.length, "key")}, ${effort}`));
      }
      return ExitCode.ok;
    }),
};

function* objects(
  table: KafkaTable<Uint8Array>,
  keys: readonly string[],
  isKeysOnly: boolean,
  format: ReadFormat,
): Generator<string> {
  for (const key of keys) {
    const bytes = table.get(key);
    if (isKeysOnly || bytes === undefined) yield `{"key":${JSON.stringify(key)}}`;
    else yield `{"key":${JSON.stringify(key)},${valueMembers(showValue(bytes, format))}}`;
  }
}

function* rows(
  table: KafkaTable<Uint8Array>,
  keys: readonly string[],
  isKeysOnly: boolean,
  format: ReadFormat,
  terminal: Terminal,
): Generator<string> {
  let widest = 0;
  for (const key of keys) widest = Math.max(widest, visible(key).length);
  const keyWidth = Math.min(widest, widestKeyColumn);
  for (const key of keys) {
    const bytes = table.get(key);
    const shownKey = visible(key);
    if (isKeysOnly || bytes === undefined) {
      yield shownKey;
      continue;
    }
    const padded = shownKey.padEnd(keyWidth);
    const room = Math.max(20, terminal.width - padded.length - 2);
    yield `${terminal.paint("bold", padded)}  ${truncate(valueLine(showValue(bytes, format)), room)}`;
  }
}
