import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { tryCommand } from "./run-command.ts";
import { track } from "./watchdog.ts";

const OUTPUT_LIMIT = 256 * 1024;

export function javaTool(name: "java" | "javac"): string {
  const home = process.env["JAVA_HOME"];
  return home ? join(home, "bin", name) : name;
}

let identity: Promise<string | undefined> | undefined;

/** A short name of the Java installation, for caches whose content only it understands; undefined without Java. */
export function javaIdentity(): Promise<string | undefined> {
  identity ??= tryCommand(javaTool("java"), ["-version"]).then((result) =>
    result.exitCode === 0 ? createHash("sha256").update(result.output).digest("hex").slice(0, 12) : undefined,
  );
  return identity;
}

/** A JVM that dies with this process, and the end of what it printed. */
export class JavaProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  #output = "";
  #hasExited = false;

  constructor(args: readonly string[], options: { readonly stdio: "output" | "conversation" }) {
    const stdin = options.stdio === "conversation" ? "pipe" : "ignore";
    this.child = spawn(javaTool("java"), args, { stdio: [stdin, "pipe", "pipe"] });
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
