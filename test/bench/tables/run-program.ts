import { runCommand } from "../../harness/run-command.ts";
import type { Task } from "../programs/client.ts";
import type { Contents } from "./records.ts";
import type { Program } from "./subjects.ts";

/** What a program prints. */
export interface ProgramReport {
  /** Null for what it could not find out. */
  readonly figures: Readonly<Record<string, number | null>>;
  /** Where a table was read. */
  readonly contents?: Contents | null;
}

const timeoutMs = 900_000;

/** In a process of its own, from the start to the end, which reports at least once. `directory` is for what it may want to leave on disk. */
export async function runProgram(
  program: Program,
  task: Task & { readonly directory: string },
): Promise<ProgramReport[]> {
  const output = await runCommand(program.command, [...program.args, JSON.stringify(task)], {
    env: { NODE_ENV: "production", ...program.env },
    timeoutMs,
  });
  const lines = output.split("\n").filter((text) => text.startsWith("{") && text.includes('"figures":'));
  if (lines.length === 0) throw new Error(`${program.command} reported nothing:\n${output.slice(-4000)}`);
  return lines.map((line) => JSON.parse(line) as ProgramReport);
}
