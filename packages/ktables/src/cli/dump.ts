import { CodecError } from "../errors.ts";
import type { Command } from "./command.ts";
import { anyBytes, keyMembers, showKey } from "./entries.ts";
import { CommandError, ExitCode, usageError } from "./exit-code.ts";
import { connectionOptions } from "./options.ts";
import { readFormat, withSession } from "./session.ts";
import { visible } from "./text.ts";
import { type ReadFormat, type ShownValue, showValue, valueJson, valueMembers } from "./values.ts";

export const dumpCommand: Command = {
  name: "dump",
  summary: "print everything, for load and diff",
  positionals: [],
  options: [...connectionOptions, "object", "value-format", "isolation", "json"],
  details: `Prints every key and value of the topic, in the order of the keys' UTF-8 bytes: one JSON object per line with key,
value and format, also on a terminal. Keys that are not UTF-8 are base64, and "keyFormat" says so. --value-format base64
keeps every byte; the others leave out the white space of JSON. With --object: one object of all keys, for values that
are JSON, or of the format that --value-format names.

A value that is not of the format, and with --object a key that is not UTF-8, is a failure (exit code 2), and nothing is
printed.`,
  run: (context) => {
    const { values, stdout } = context;
    const isObject = values.object === true;
    const format = isObject && values["value-format"] === undefined ? "json" : readFormat(values);
    if (isObject && format === "auto") {
      throw usageError("--object cannot say of what format a value is: --value-format auto is for lines");
    }
    return withSession(context, async (session) => {
      const table = await session.load(anyBytes);
      const keys = [...table.keys()].sort();
      const valueOf = (key: string): ShownValue => showAs(key, table.get(key) ?? new Uint8Array(), format);
      // Half a dump would be taken for a whole one.
      for (const key of keys) {
        valueOf(key);
        if (isObject && !showKey(key).isText)
          throw notOfFormat(key, "the key is not UTF-8, which --object cannot hold");
      }
      const text = isObject ? objectText(keys, valueOf) : lines(keys, valueOf);
      await stdout.jsonLines(text);
      return ExitCode.ok;
    });
  },
};

function* lines(keys: readonly string[], valueOf: (key: string) => ShownValue): Generator<string> {
  for (const key of keys) yield `{${keyMembers(key)},${valueMembers(valueOf(key))}}`;
}

function* objectText(keys: readonly string[], valueOf: (key: string) => ShownValue): Generator<string> {
  if (keys.length === 0) {
    yield "{}";
    return;
  }
  for (const [index, key] of keys.entries()) {
    const name = JSON.stringify(showKey(key).text);
    const end = index === keys.length - 1 ? "\n}" : ",";
    yield `${index === 0 ? "{\n" : ""}  ${name}: ${valueJson(valueOf(key))}${end}`;
  }
}

function showAs(key: string, bytes: Uint8Array, format: ReadFormat): ShownValue {
  let shown: ShownValue | undefined;
  try {
    shown = showValue(bytes, format);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
  }
  if (shown !== undefined && (format === "auto" || shown.format === format)) return shown;
  throw notOfFormat(key, `the value is not of format ${format}`);
}

function notOfFormat(key: string, message: string): CommandError {
  return new CommandError(ExitCode.usage, "NOT_OF_FORMAT", `Key "${visible(showKey(key).text)}": ${message}`);
}
