import { bytes } from "../codec.ts";
import { LengthPrefixedKeyCodec } from "../grouped/composite-key.ts";
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
  options: [...connectionOptions, "separator", "isolation", "json"],
  details: `Prints each group with the number of its members, in the order of the groups' UTF-8 bytes. Keys must be as grouped
tables write them, such as 5:usersada for the member ada of the group users; others are left out, with a warning.
--separator is that of the tables' LengthPrefixedKeyCodec, where that is not ":".
Elsewhere than on a terminal, and with --json, one object per line with group and members.`,
  run: (context) =>
    withSession(context, async (session) => {
      const { values, stdout, stderr, reporter, isJson } = context;
      const keyCodec = new LengthPrefixedKeyCodec(values.separator);
      const table = await session.load({ value: bytes() });
      const members = new Map<string, number>();
      let strangers = 0;
      for (const key of table.keys()) {
        const pair = keyCodec.decode(key);
        if (pair === undefined) strangers++;
        else members.set(pair[0], (members.get(pair[0]) ?? 0) + 1);
      }
      if (strangers > 0) {
        reporter.warning(`Left out of topic "${session.topic}": ${plural(strangers, "key")} without group and member`);
      }
      const widest = Math.max(0, ...[...members.values()].map((count) => formatCount(count).length));
      const groups = inByteOrder([...members.keys()]).map((group) => [group, members.get(group) ?? 0] as const);
      if (isJson) {
        await stdout.jsonLines(groups.map(([group, count]) => JSON.stringify({ group, members: count })));
      } else {
        const row = (group: string, count: number): string =>
          `${formatCount(count).padStart(widest)}  ${stdout.paint("bold", visible(group))}`;
        await stdout.lines(groups.map(([group, count]) => row(group, count)));
      }
      if (!isJson && stderr.isTty) {
        const total = plural(table.size - strangers, "member");
        stderr.line(stderr.paint("dim", `${plural(members.size, "group")}, ${total}`));
      }
      return ExitCode.ok;
    }),
};
