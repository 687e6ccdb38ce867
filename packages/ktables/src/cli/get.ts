import type { Command } from "./command.ts";
import { ExitCode } from "./exit-code.ts";
import { readOptions } from "./options.ts";
import { readFormat, withSession } from "./session.ts";
import { visible } from "./text.ts";
import { showValue, valueBlock, valueMembers } from "./values.ts";

export const getCommand: Command = {
  name: "get",
  summary: "print the value of a key",
  positionals: ["key"],
  options: readOptions,
  details: `Prints the value alone, as it is in the topic; a JSON value is indented on a terminal. With --json: one object
with key, value and format. Exit code 1, and nothing printed, when there is no such key.`,
  run: (context) =>
    withSession(context, async (session) => {
      const { values, stdout, stderr } = context;
      const key = context.positionals[0] ?? "";
      const format = readFormat(values);
      const table = await session.load();
      const bytes = table.get(key);
      if (bytes === undefined) {
        if (stderr.isTty) stderr.line(`ktables: no key "${visible(key)}" in topic "${visible(session.topic)}"`);
        return ExitCode.absent;
      }
      const value = showValue(bytes, format);
      if (values.json === true) stdout.json(`{"key":${JSON.stringify(key)},${valueMembers(value)}}`);
      else stdout.line(stdout.isTty ? valueBlock(value) : value.text);
      return ExitCode.ok;
    }),
};
