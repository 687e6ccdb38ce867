import { type ChildProcess, spawn } from "node:child_process";
import { track } from "./watchdog.ts";

const OUTPUT_LIMIT = 256 * 1024;

/** A process that dies with this one, and the end of what it printed. */
export class TrackedProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  #output = "";
  #hasExited = false;

  constructor(command: string, args: readonly string[], options: { readonly stdio: "output" | "conversation" }) {
    const stdin = options.stdio === "conversation" ? "pipe" : "ignore";
    this.child = spawn(command, args, { stdio: [stdin, "pipe", "pipe"] });
    const release = track("process", this.child.pid);
    const collect = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_LIMIT);
    };
    if (options.stdio === "output") this.child.stdout?.on("data", collect);
    this.child.stderr?.on("data", collect);
    this.exited = new Promise((resolve) => {
      const end = (): void => {
        this.#hasExited = true;
        release();
        resolve();
      };
      this.child.once("exit", end);
      this.child.once("error", (error) => {
        this.#output += `${error.message}\n`;
        end();
      });
    });
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  get output(): string {
    return this.#output;
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (!this.#hasExited) this.child.kill(signal);
    await this.exited;
  }
}
