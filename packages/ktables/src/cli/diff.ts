import type { Command, CommandContext } from "./command.ts";
import { differencesOf, printDifferences } from "./differences.ts";
import { anyBytes } from "./entries.ts";
import { type Entries, readEntries } from "./entry-file.ts";
import { ExitCode } from "./exit-code.ts";
import { connectionOptions } from "./options.ts";
import { type Session, withSession } from "./session.ts";
import { plural } from "./text.ts";

const topicPrefix = "topic:";

export const diffCommand: Command = {
  name: "diff",
  summary: "compare a topic with a file, stdin (-), or another topic (topic:<name>)",
  positionals: ["other"],
  options: [...connectionOptions, "object", "value-format", "isolation", "json"],
  details: `Prints what would have to change in the topic for it to be equal to the other: keys that are added, changed and
removed, in the order of their UTF-8 bytes. The other is what dump has written, - for stdin, or topic:<name> for a topic
of the same cluster. White space of JSON does not count.

Exit code 0 when they are equal, 1 when they differ. Elsewhere than on a terminal, and with --json, one object per
difference: type is "added" (with key, value, format), "removed" (with key, oldValue, oldFormat) or "changed" (with all).`,
  run: async (context) => {
    const other = context.positionals[0] ?? "";
    // What cannot be read is found before anything is connected.
    const file = other.startsWith(topicPrefix) ? undefined : await readEntries(other, context.values);
    return withSession(context, async (session) => {
      const from = await session.load(anyBytes);
      const to = file ?? (await loadOther(session, other.slice(topicPrefix.length)));
      return print(context, from, to);
    });
  },
};

async function loadOther(session: Session, topic: string): Promise<Entries> {
  return session.load({ ...anyBytes, topic });
}

async function print(context: CommandContext, from: Entries, to: Entries): Promise<ExitCode> {
  const { stdout, stderr, isJson } = context;
  const differences = differencesOf(from, to);
  await printDifferences(differences, stdout, isJson);
  if (!isJson && stderr.isTty) {
    const count = differences.length === 0 ? "equal" : plural(differences.length, "difference");
    stderr.line(stderr.paint("dim", `${count}, ${plural(from.size, "key")} in the topic, ${to.size} in the other`));
  }
  return differences.length === 0 ? ExitCode.ok : ExitCode.different;
}
