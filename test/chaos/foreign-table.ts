import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { track } from "../harness/watchdog.ts";

export interface ForeignContents {
  readonly isComplete: boolean;
  readonly status: string;
  readonly entries: readonly (readonly [string, number])[];
}

/** A table in another process; see `table-process.ts`. */
export class ForeignTable {
  readonly #child: ChildProcess;
  readonly #release: () => void;
  #output = "";

  private constructor(bootstrapServers: string, topic: string) {
    const program = fileURLToPath(new URL("./table-process.ts", import.meta.url));
    const args = ["--conditions=@ktables/source", program, bootstrapServers, topic];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#release = track("process", this.#child.pid);
    this.#child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#output += chunk;
    });
  }

  /** Resolves when the table has caught up. */
  static async start(bootstrapServers: string, topic: string): Promise<ForeignTable> {
    const table = new ForeignTable(bootstrapServers, topic);
    while (!table.#output.startsWith("ready\n")) {
      if (table.#child.exitCode !== null) throw new Error(`the other process ended with ${table.#child.exitCode}`);
      if (table.#child.stdout !== null)
        await Promise.race([once(table.#child.stdout, "data"), once(table.#child, "close")]);
    }
    return table;
  }

  /** Ends the process, which first waits for everything that is acknowledged by now. */
  async finish(): Promise<ForeignContents> {
    this.#child.stdin?.end();
    await once(this.#child, "close");
    this.#release();
    // The program is the other half of this contract.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return JSON.parse(this.#output.slice("ready\n".length)) as ForeignContents;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
    this.#release();
  }
}
