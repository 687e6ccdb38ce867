import { bytes } from "../codec.ts";
import { DEFAULT_KEY_CODEC } from "../grouped/composite-key.ts";
import type { Command } from "./command.ts";
import { inByteOrder } from "./entries.ts";
import { ExitCode } from "./exit-code.ts";
import { connectionOptions } from "./options.ts";
import { withSession } from "./session.ts";
import { formatCount, plural, visible } from "./text.ts";

export const groupsCommand: Command = {
  name: "groups",
  summary: "count the members of each group of a grouped topic",
  positionals: [],
  options: [...connectionOptions, "isolation", "json"],
  details: `Prints each group with the number of its members, in the order of the groups' UTF-8 bytes. Keys must be as grouped
tables write them, such as 5:usersada for the member ada of the group users; others are left out, with a warning.
Elsewhere than on a terminal, and with --json, one object per line with group and members.`,
  run: (context) =>
    withSession(context, async (session) => {
      const { stdout, stderr, reporter, isJson } = context;
      const table = await session.load({ value: bytes() });
      const members = new Map<string, number>();
      let strangers = 0;
      for (const key of table.keys()) {
        const pair = DEFAULT_KEY_CODEC.decode(key);
        if (pair === undefined) strangers++;
        else members.set(pair[0], (members.get(pair[0]) ?? 0) + 1);
      }
      if (strangers > 0) {
        reporter.warning(`Left out of topic "${session.topic}": ${plural(strangers, "key")} without group and member`);
      }
      const widest = Math.max(0, ...[...members.values()].map((count) => formatCount(count).length));
      const line = (group: string): string => {
        const count = members.get(group) ?? 0;
        if (isJson) return JSON.stringify({ group, members: count });
        return `${formatCount(count).padStart(widest)}  ${stdout.paint("bold", visible(group))}`;
      };
      await stdout.lines(inByteOrder([...members.keys()]).map(line));
      if (!isJson && stderr.isTty) {
        const total = plural(table.size - strangers, "member");
        stderr.line(stderr.paint("dim", `${plural(members.size, "group")}, ${total}`));
      }
      return ExitCode.ok;
    }),
};
