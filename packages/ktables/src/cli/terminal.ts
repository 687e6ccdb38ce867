import { ExitCode } from "./exit-code.ts";
import { visibleLines } from "./text.ts";

export type Colour = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

const codes: Readonly<Record<Colour, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** Lines are sent in pieces of about this many characters: one write per line would be slow for a large topic. */
const chunkLength = 64 * 1024;

const eraseLine = "\r\u001b[K";

/** Of `process.stdout` and `process.stderr`, what is used here; the last two are absent where the stream is a pipe. */
export interface OutputStream {
  write(text: string): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
  once(event: "drain", listener: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** One of the process's two output streams. */
export class Terminal {
  readonly #stream: OutputStream;
  readonly #hasColours: boolean;

  constructor(stream: OutputStream, environment: Readonly<Record<string, string | undefined>>) {
    this.#stream = stream;
    // https://no-color.org: any value that is not empty.
    const isPlain = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
    this.#hasColours = this.isTty && !isPlain;
    // Whoever reads has seen enough (`| head`): no failure, and nothing is left to do.
    stream.on("error", (error: Error & { code?: unknown }) => {
      if (error.code === "EPIPE") process.exit(ExitCode.ok);
      throw error;
    });
  }

  get isTty(): boolean {
    return this.#stream.isTTY ?? false;
  }

  get width(): number {
    // 0 is what a terminal says that does not know.
    return this.isTty ? this.#stream.columns || 80 : Number.POSITIVE_INFINITY;
  }

  paint(colour: Colour, text: string): string {
    if (!this.#hasColours) return text;
    const [on, off] = codes[colour];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  }

  write(text: string): void {
    this.#stream.write(text);
  }

  line(text = ""): void {
    this.write(`${text}\n`);
  }

  /** A line of JSON. What could steer a terminal is escaped there: it stands in strings, where JSON knows the same escapes. */
  json(text: string): void {
    this.line(this.#escaped(text));
  }

  /** A line that takes the place of what {@link status} has left. */
  message(text: string): void {
    this.status("");
    this.line(text);
  }

  /** Shows one line that the next status or message replaces; nothing where the stream is no terminal. */
  status(text: string): void {
    if (this.isTty) this.write(`${eraseLine}${text}`);
  }

  /** Writes no faster than the reader reads. */
  async lines(lines: Iterable<string>): Promise<void> {
    await this.#print(lines, (line) => line);
  }

  /** The same for JSON, see {@link json}. */
  async jsonLines(lines: Iterable<string>): Promise<void> {
    await this.#print(lines, (line) => this.#escaped(line));
  }

  async #print(lines: Iterable<string>, shown: (line: string) => string): Promise<void> {
    let chunk = "";
    for (const line of lines) {
      chunk += `${shown(line)}\n`;
      if (chunk.length < chunkLength) continue;
      await this.#drained(chunk);
      chunk = "";
    }
    if (chunk !== "") await this.#drained(chunk);
  }

  #escaped(json: string): string {
    return this.isTty ? visibleLines(json) : json;
  }

  async #drained(chunk: string): Promise<void> {
    if (this.#stream.write(chunk)) return;
    await new Promise<void>((resolve) => void this.#stream.once("drain", resolve));
  }
}
