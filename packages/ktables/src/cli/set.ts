import process from "node:process";
import { arrayBuffer } from "node:stream/consumers";
import { oneOf } from "./arguments.ts";
import type { Command } from "./command.ts";
import { ExitCode, usageError } from "./exit-code.ts";
import { type Values, writeOptions } from "./options.ts";
import { withSession } from "./session.ts";
import { bytesToWrite, type WriteFormat, writeFormats } from "./values.ts";

export const setCommand: Command = {
  name: "set",
  summary: "write a value, from the command line or stdin (-)",
  positionals: ["key", "value"],
  options: [...writeOptions, "value-format", "raw"],
  details: `Writes the value once it is known to be JSON, waits until all in-sync replicas have it, and prints where it is
in the topic: topic, topicId, partition and offset, as JSON. With - for the value, it is read from stdin.`,
  run: async (context) => {
    const [key = "", given = ""] = context.positionals;
    // A value that cannot be written is found before anything is connected, or created.
    const value = bytesToWrite(
      given === "-" ? await readStdin() : new TextEncoder().encode(given),
      writeFormat(context.values),
    );
    return withSession(context, async (session) => {
      const writer = await session.writer();
      try {
        context.stdout.json(JSON.stringify(await writer.set(key, value)));
      } finally {
        await writer.stop();
      }
      return ExitCode.ok;
    });
  },
};

function writeFormat(values: Values): WriteFormat {
  const format = values["value-format"];
  if (values.raw !== true) return oneOf("value-format", format, writeFormats, "json");
  if (format !== undefined && format !== "string") throw usageError("--raw and --value-format contradict each other");
  return "string";
}

async function readStdin(): Promise<Uint8Array> {
  return new Uint8Array(await arrayBuffer(process.stdin));
}
