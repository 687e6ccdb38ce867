import { KafkaError, type Logger } from "@ktables/client";
import { toError } from "@ktables/client/internal";
import type { Terminal } from "./terminal.ts";
import { visible, visibleLines } from "./text.ts";

/** Says on stderr what goes wrong: one line each, as an object with `--json`. */
export class Reporter {
  readonly #terminal: Terminal;
  readonly #isJson: boolean;
  readonly #isDebug: boolean;

  constructor(terminal: Terminal, options: { readonly isJson: boolean; readonly isDebug: boolean }) {
    this.#terminal = terminal;
    this.#isJson = options.isJson;
    this.#isDebug = options.isDebug;
  }

  error(thrown: unknown): void {
    const error = toError(thrown);
    const code = error instanceof KafkaError ? error.code : "INTERNAL";
    // Whoever reports a defect needs to say where it was; whoever mistyped an option does not.
    const stack = this.#isDebug ? describeStack(error) : undefined;
    if (this.#isJson) {
      this.#terminal.message(visible(JSON.stringify({ type: "error", code, message: error.message, stack })));
      return;
    }
    const message = code === "INTERNAL" ? `unexpected ${error.name}: ${error.message}` : error.message;
    this.#terminal.message(`${this.#terminal.paint("red", "ktables:")} ${visible(message)}`);
    if (stack !== undefined) this.#terminal.message(visibleLines(stack));
  }

  warning(message: string): void {
    if (this.#isJson) this.#terminal.message(visible(JSON.stringify({ type: "warning", message })));
    else this.#terminal.message(`${this.#terminal.paint("yellow", "ktables: warning:")} ${visible(message)}`);
  }

  /**
   * Where the library reports to. Its errors come to the commands as well, in a way that ends them or not, so they are
   * only announced here.
   */
  logger(onError: () => void): Logger {
    const debug = (message: string): void => {
      if (!this.#isDebug) return;
      if (this.#isJson) this.#terminal.message(visible(JSON.stringify({ type: "debug", message })));
      else this.#terminal.message(this.#terminal.paint("dim", `ktables: ${visible(message)}`));
    };
    return { debug, info: debug, warn: (message) => this.warning(message), error: onError };
  }
}

function describeStack(error: Error): string {
  const stack = error.stack ?? String(error);
  return error.cause instanceof Error ? `${stack}\ncaused by ${describeStack(error.cause)}` : stack;
}
