/** What a program in JavaScript tells of a client, so that all clients are measured by the same code. */

/** What to do: programs in all languages get it as JSON in their last argument. */
export interface Task {
  readonly bench: "catch-up" | "writes" | "sequential-writes" | "barrier" | "wait-for" | "propagation" | "idle";
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly partitions: number;
  /** Whether values are parsed as JSON when they arrive, or kept as the bytes they are. */
  readonly json: boolean;
  /** Whether bytes are kept to be parsed as JSON by whoever reads a value, which a table of ours does by itself. */
  readonly lazyJson: boolean;
  /** How many barriers or observations there shall be, or for how many milliseconds there shall be nothing. */
  readonly count: number;
  /** For how many milliseconds records come before they count. */
  readonly warmUpMs: number;
  /** How many times `count` records are measured, one after the other: as many lines are printed. */
  readonly windows: number;
  /** Starts `token-writer.ts`, less its task. */
  readonly tokenWriter: readonly string[];
  /** The file with what is to be written: a line for each key, and one for each value. */
  readonly entries: string;
}

export interface Table {
  readonly keys: () => readonly string[];
  /** What is kept of a value: bytes or text, or what was parsed. */
  readonly get: (key: string) => unknown;
  /** Resolves when everything is there that was in the topic at the call. Undefined for a client that cannot tell. */
  readonly barrier?: () => Promise<unknown>;
  /** Resolves when the write with this token is there. Undefined for a client without tokens. */
  readonly waitFor?: (token: unknown) => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

/** Called when a value is there to be read. */
export type OnSet = (value: unknown) => void;

export interface Writer {
  /** How many records an application gives to a client that does not gather them by itself. */
  readonly recordsPerSend: number;
  /** Resolves when all of them are acknowledged. */
  readonly send: (entries: readonly (readonly [key: string, value: string])[]) => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

export interface Client {
  /** Connects and resolves when everything is there that was in the topic at the call. */
  readonly openTable: (task: Task, onSet: OnSet | undefined) => Promise<Table>;
  /** Where the subject takes part in the benches of writing. */
  readonly openWriter: (task: Task) => Promise<Writer>;
}

/** Positions of the partitions of a topic, and who waits for them: what a table by hand needs of each client alike. */
export class Positions {
  readonly #positions = new Map<number, bigint>();
  readonly #waiting = new Set<() => void>();

  /** Everything below `position` has been applied. */
  moved(partition: number, position: bigint): void {
    this.#positions.set(partition, position);
    for (const check of this.#waiting) check();
  }

  reached(ends: ReadonlyMap<number, bigint>): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        for (const [partition, end] of ends) if ((this.#positions.get(partition) ?? 0n) < end) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}
