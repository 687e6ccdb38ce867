import type { TrackedProcess } from "./tracked-process.ts";

export interface CallOptions {
  /** Milliseconds until the call rejects. Default 60 000. */
  readonly timeoutMs?: number;
}

/** What a peer says of a command that failed; the Java peer adds the exception's class. */
export interface PeerFailure {
  readonly class?: string;
  readonly message: string | null;
}

interface PendingCall {
  readonly command: string;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: PeerFailure;
}

/**
 * A long-lived process that takes commands as lines of JSON, by id, and answers each with a result or an error.
 * `Commands` has the arguments and the result of each.
 */
export class LinePeer<Commands extends Readonly<Record<keyof Commands, readonly [object, unknown]>>>
  implements AsyncDisposable
{
  readonly #name: string;
  readonly #process: TrackedProcess;
  readonly #pending = new Map<number, PendingCall>();
  #lastId = 0;

  constructor(name: string, process: TrackedProcess) {
    this.#name = name;
    this.#process = process;
    const { stdin, stdout } = process.child;
    if (stdin === null || stdout === null) throw new Error(`${name} has no pipes`);
    // A write to a dead peer: its end rejects the calls.
    stdin.on("error", () => undefined);
    // Not readline, which also ends a line at U+2028 and U+2029: JSON may hold those as they are.
    let rest = "";
    stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = chunk.split("\n");
      lines[0] = rest + lines[0];
      rest = lines.pop() ?? "";
      for (const line of lines) this.#settle(line);
    });
    void process.exited.then(() => this.#failAll());
  }

  /** Calls may overlap: codec commands run in order, commands that talk to brokers run side by side. */
  call<Name extends keyof Commands & string>(
    command: Name,
    args: Commands[Name][0],
    options: CallOptions = {},
  ): Promise<Commands[Name][1]> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#process.hasExited) return reject(new Error(`${command}: ${this.#name} has ended`));
      const timeoutMs = options.timeoutMs ?? 60_000;
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`${command}: no answer from ${this.#name} within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(id, {
        command,
        resolve: (result) => {
          clearTimeout(timer);
          resolve(result);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#process.child.stdin?.write(`${JSON.stringify({ id, command, arguments: args })}\n`);
    });
  }

  /** What it wrote to its standard error, for a failure's message. */
  get output(): string {
    return this.#process.output;
  }

  async stop(): Promise<void> {
    await this.#process.end("SIGKILL");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #settle(line: string): void {
    // The peer's program and these types are two halves of one contract; each test checks what it uses.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const answer = JSON.parse(line) as Answer;
    const call = this.#pending.get(answer.id);
    // A call that has timed out.
    if (call === undefined) return;
    this.#pending.delete(answer.id);
    if (answer.error === undefined) call.resolve(answer.result);
    else call.reject(this.toError(call.command, answer.error));
  }

  /** The error that a failed command is rejected with. */
  protected toError(command: string, { message }: PeerFailure): Error {
    return new Error(`${command}: ${message}`);
  }

  #failAll(): void {
    for (const call of this.#pending.values()) {
      call.reject(new Error(`${call.command}: ${this.#name} ended\n${this.output.slice(-4000)}`));
    }
    this.#pending.clear();
  }
}
