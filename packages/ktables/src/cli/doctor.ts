import { describeTopicConfigs, KafkaError } from "@ktables/client";
import { describeReplicas } from "@ktables/client/internal";
import type { Command, CommandContext } from "./command.ts";
import { checkContents, checkSettings, type Finding, type Settings } from "./doctor-checks.ts";
import { scanTopic, type TopicScan } from "./doctor-scan.ts";
import { ExitCode } from "./exit-code.ts";
import { connectionOptions } from "./options.ts";
import { progressText, showStatus } from "./progress.ts";
import { readFormat, type Session, withSession } from "./session.ts";
import type { Colour } from "./terminal.ts";
import { visible } from "./text.ts";
import type { ReadFormat } from "./values.ts";

const colours: Readonly<Record<Finding["verdict"], Colour>> = { ok: "green", warning: "yellow", problem: "red" };

const widestVerdict = "problem".length;

export const doctorCommand: Command = {
  name: "doctor",
  summary: "look for what is wrong with a topic and its settings",
  positionals: [],
  options: [...connectionOptions, "value-format", "json"],
  details: `Reads the topic's settings and all of its records, changes nothing, and prints a verdict for each check: ok, warning
or problem, with what was found and what to do. Exit code 0 without problems, warnings or not; 1 with. Name the format of
the topic's values with --value-format, for those to be found that are not of it.

Elsewhere than on a terminal, and with --json, one object per check: check, verdict, message and, unless it is ok, advice.`,
  run: (context) => {
    const format = readFormat(context.values);
    return withSession(context, async (session) => {
      await session.requireTopic();
      const findings: Finding[] = [];
      const report = (found: readonly Finding[]): void => {
        for (const finding of found) print(context, finding);
        findings.push(...found);
      };
      const { settings, trouble } = await readSettings(session);
      const replication = await describeReplicas(session.client, session.topic, { timeoutMs: session.remainingMs });
      report([...trouble, ...checkSettings(settings, replication)]);
      report(checkContents(await scan(context, session, format), settings, format));
      return findings.some(({ verdict }) => verdict === "problem") ? ExitCode.problems : ExitCode.ok;
    });
  },
};

async function readSettings(
  session: Session,
): Promise<{ readonly settings: Settings; readonly trouble: readonly Finding[] }> {
  try {
    const entries = await describeTopicConfigs(session.client, session.topic, { timeoutMs: session.remainingMs });
    const told = entries.filter((entry): entry is typeof entry & { value: string } => entry.value !== null);
    return { settings: new Map(told.map(({ name, value }) => [name, value])), trouble: [] };
  } catch (error) {
    // Who may read a topic may not be allowed to see its settings.
    if (!(error instanceof KafkaError) || error.retriable) throw error;
    const advice = "allow DESCRIBE_CONFIGS on the topic; the checks of settings cannot be made";
    return {
      settings: new Map(),
      trouble: [{ check: "settings", verdict: "warning", message: error.message, advice }],
    };
  }
}

async function scan(context: CommandContext, session: Session, format: ReadFormat): Promise<TopicScan> {
  const startedAt = performance.now();
  let status = { end: (): void => undefined };
  try {
    return await scanTopic(session, format, (progress) => {
      status = showStatus(context.stderr, () => {
        const { done, total } = progress();
        const offsetsPerSecond = (done / Math.max(1, performance.now() - startedAt)) * 1000;
        const etaMs = offsetsPerSecond > 0 ? ((total - done) / offsetsPerSecond) * 1000 : undefined;
        return progressText(undefined, { done, total, offsetsPerSecond, etaMs });
      });
    });
  } finally {
    status.end();
  }
}

function print({ stdout, isJson }: CommandContext, { check, verdict, message, advice }: Finding): void {
  if (isJson) {
    stdout.json(JSON.stringify({ check, verdict, message, advice }));
    return;
  }
  const text = advice === undefined ? message : `${message}: ${advice}`;
  stdout.line(
    `${stdout.paint(colours[verdict], verdict.padEnd(widestVerdict))}  ${stdout.paint("bold", check)}: ${visible(text)}`,
  );
}
