import { readFile } from "node:fs/promises";
import process from "node:process";
import { parseArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { deleteCommand } from "./delete.ts";
import { demoCommand } from "./demo.ts";
import { diffCommand } from "./diff.ts";
import { doctorCommand } from "./doctor.ts";
import { dumpCommand } from "./dump.ts";
import { ExitCode, exitCodeOf, usageError } from "./exit-code.ts";
import { getCommand } from "./get.ts";
import { groupsCommand } from "./groups.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { listCommand } from "./list.ts";
import { loadCommand } from "./load.ts";
import { Reporter } from "./reporter.ts";
import { setCommand } from "./set.ts";
import { Terminal } from "./terminal.ts";
import { watchCommand } from "./watch.ts";

const commands: readonly Command[] = [
  getCommand,
  listCommand,
  groupsCommand,
  watchCommand,
  setCommand,
  deleteCommand,
  dumpCommand,
  loadCommand,
  diffCommand,
  doctorCommand,
  demoCommand,
];

/**
 * Runs the command line of this process and sets its exit code. The process then ends by itself: a command that leaves
 * a connection open would hang, and that is meant to be seen.
 */
export async function main(packageFile: URL): Promise<void> {
  const args = process.argv.slice(2);
  const stdout = new Terminal(process.stdout, process.env);
  const stderr = new Terminal(process.stderr, process.env);
  // Needed before the arguments are understood, to say what is wrong with them.
  const reporter = new Reporter(stderr, { isJson: args.includes("--json"), isDebug: args.includes("--debug") });
  // The runtime would exit with 1, which says that a key is absent.
  process.once("uncaughtException", (error) => {
    reporter.error(error);
    process.exit(ExitCode.internal);
  });
  try {
    process.exitCode = await run(args, packageFile, stdout, stderr, reporter);
  } catch (error) {
    reporter.error(error);
    process.exitCode = exitCodeOf(error);
  }
}

async function run(
  args: readonly string[],
  packageFile: URL,
  stdout: Terminal,
  stderr: Terminal,
  reporter: Reporter,
): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined) {
    stderr.write(generalHelp(commands));
    return ExitCode.usage;
  }
  const [helpTopic] = rest;
  if (name === "--help" || name === "-h" || (name === "help" && helpTopic === undefined)) {
    stdout.write(generalHelp(commands));
    return ExitCode.ok;
  }
  if (name === "--version") {
    stdout.line(await readVersion(packageFile));
    return ExitCode.ok;
  }
  if (name === "help") {
    stdout.write(commandHelp(commandNamed(helpTopic ?? "")));
    return ExitCode.ok;
  }
  const command = commandNamed(name);
  const { values, positionals } = parseArguments(command, rest);
  if (values.help === true) {
    stdout.write(commandHelp(command));
    return ExitCode.ok;
  }
  const isJson = values.json === true || !stdout.isTty;
  return command.run({ positionals, values, stdout, stderr, reporter, isJson });
}

function commandNamed(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const known = commands.map((candidate) => candidate.name).join(", ");
  const hint = name.startsWith("-") ? "; the command comes first" : "";
  throw usageError(`Unknown command "${name}"${hint}; known are ${known} (see ktables --help)`);
}

async function readVersion(packageFile: URL): Promise<string> {
  const { version } = JSON.parse(await readFile(packageFile, "utf8")) as { version: string };
  return version;
}
