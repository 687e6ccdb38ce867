import type { Command } from "./command.ts";
import { ExitCode } from "./exit-code.ts";
import { writeOptions } from "./options.ts";
import { withSession } from "./session.ts";

export const deleteCommand: Command = {
  name: "delete",
  summary: "remove a key",
  positionals: ["key"],
  options: writeOptions,
  details: `Writes a tombstone, waits until all in-sync replicas have it, and prints where it is in the topic: topic,
topicId, partition and offset, as JSON. Whether the key was there is not looked at.`,
  run: (context) =>
    withSession(context, async (session) => {
      const writer = await session.writer();
      try {
        context.stdout.json(JSON.stringify(await writer.delete(context.positionals[0] ?? "")));
      } finally {
        await writer.stop();
      }
      return ExitCode.ok;
    }),
};
