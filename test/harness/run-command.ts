import { spawn } from "node:child_process";
import { track } from "./watchdog.ts";

export interface CommandResult {
  readonly exitCode: number | null;
  readonly output: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string | undefined>;
  /** Written to the command's standard input, which is then closed. */
  readonly input?: string;
  /** Milliseconds after which the command is killed. Default 300 000. */
  readonly timeoutMs?: number;
}

const OUTPUT_LIMIT = 4 * 1024 * 1024;

/** Runs a command to its end and collects both output streams; a missing program counts as exit code `null`. */
export function tryCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const release = track("process", child.pid);
    const timer = setTimeout(() => {
      output += `\n(killed after ${options.timeoutMs ?? 300_000} ms)`;
      child.kill("SIGKILL");
    }, options.timeoutMs ?? 300_000);
    const collect = (chunk: string): void => {
      output = (output + chunk).slice(-OUTPUT_LIMIT);
    };
    // By encoding, since a chunk may end within a character.
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    // A command that does not read its input is no failure.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input);
    child.once("error", (error) => {
      clearTimeout(timer);
      release();
      resolve({ exitCode: null, output: `${output}${error.message}` });
    });
    child.once("close", (exitCode) => {
      clearTimeout(timer);
      release();
      resolve({ exitCode, output });
    });
  });
}

/** As {@link tryCommand}, but a failure becomes an error that carries the end of the output. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await tryCommand(command, args, options);
  if (result.exitCode !== 0) {
    const what = `${command} ${args.join(" ")}`.slice(0, 300);
    throw new Error(`exit code ${result.exitCode} from: ${what}\n${result.output.slice(-4000)}`);
  }
  return result.output;
}
