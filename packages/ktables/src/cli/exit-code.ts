import {
  AuthenticationError,
  BrokerError,
  ConnectionError,
  InvalidOptionError,
  KafkaError,
  ProduceError,
  TimeoutError,
  UnsupportedApiError,
} from "@ktables/client";
import { CodecError, TableFailedError, TopicConfigMismatchError, TopicConfigUnreadableError } from "../errors.ts";

/** What scripts may rely on; described in `docs/cli.md`. */
export const ExitCode = {
  ok: 0,
  absent: 1,
  /** `diff`: the two are not equal. */
  different: 1,
  /** `doctor`: something is wrong with the topic. */
  problems: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  tableNotReady: 5,
  /** A defect of ktables itself (`EX_SOFTWARE` of BSD's sysexits). */
  internal: 70,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A command ends with this message and exit code. */
export class CommandError extends KafkaError {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, code: string, message: string, cause?: unknown) {
    super(message, { code, cause });
    this.exitCode = exitCode;
  }
}

/** The command line is wrong; nothing was done. */
export function usageError(message: string, cause?: unknown): CommandError {
  return new CommandError(ExitCode.usage, "USAGE", message, cause);
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode;
  if (error instanceof InvalidOptionError) return ExitCode.usage;
  if (error instanceof CodecError) return ExitCode.usage;
  if (error instanceof ConnectionError || error instanceof TimeoutError) return ExitCode.unreachable;
  if (
    error instanceof AuthenticationError ||
    error instanceof BrokerError ||
    error instanceof UnsupportedApiError ||
    error instanceof TopicConfigMismatchError ||
    error instanceof TopicConfigUnreadableError
  ) {
    return ExitCode.refused;
  }
  if (
    error instanceof TableFailedError &&
    error.cause instanceof BrokerError &&
    error.cause.code === "CORRUPT_MESSAGE"
  ) {
    // The broker has refused nothing: what it delivered is damaged.
    return ExitCode.tableNotReady;
  }
  // These two say what failed; why it failed is what a script has to tell apart.
  if ((error instanceof ProduceError || error instanceof TableFailedError) && error.cause instanceof KafkaError) {
    return exitCodeOf(error.cause);
  }
  return error instanceof KafkaError || error instanceof TableFailedError ? ExitCode.tableNotReady : ExitCode.internal;
}
