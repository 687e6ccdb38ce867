import type { ExitCode } from "./exit-code.ts";
import type { OptionName, Values } from "./options.ts";
import type { Reporter } from "./reporter.ts";
import type { Terminal } from "./terminal.ts";

/** What a command works with. */
export interface CommandContext {
  /** As many as the command declares. */
  readonly positionals: readonly string[];
  readonly values: Values;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly reporter: Reporter;
  /** Whether the output is for programs: one JSON object per line. */
  readonly isJson: boolean;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Names of the arguments, all of them required. */
  readonly positionals: readonly string[];
  readonly options: readonly OptionName[];
  /** What the help says beyond the options. */
  readonly details: string;
  run(context: CommandContext): Promise<ExitCode>;
}
