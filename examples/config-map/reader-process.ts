import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const commands: Readonly<Record<string, readonly [string, ...string[]]>> = {
  node: [process.execPath],
  deno: ["deno", "run", "-A"],
  bun: ["bun", "run"],
};

/** `reader.ts` as a process of its own, in one of the runtimes. */
export class ReaderProcess {
  readonly runtime: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(runtime: string, bootstrapServers: string, topic: string) {
    const [command, ...args] = commands[runtime] ?? [runtime];
    const program = fileURLToPath(new URL("reader.ts", import.meta.url));
    this.runtime = runtime;
    this.#process = spawn(command, [...args, program, bootstrapServers], {
      env: { ...process.env, TOPIC: topic, END_WITH_INPUT: "1" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (this.#process.stdout === null) throw new Error("no output");
    // The pipe to a process that has ended may end with an error.
    this.#process.stdin?.on("error", () => undefined);
    this.#lines = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
    this.#process.once("error", (error) => {
      console.error(`${runtime} cannot be started: ${error.message}; RUNTIMES names others`);
      process.exit(1);
    });
  }

  async nextLine(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`${this.runtime} has ended`);
    return value;
  }

  async stop(): Promise<void> {
    this.#process.stdin?.end();
    if (this.#process.exitCode === null) await once(this.#process, "exit");
  }
}
