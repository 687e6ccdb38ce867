import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newTopic, type SuiteBroker } from "./support.ts";

const root = join(import.meta.dirname, "../..");
const runtimesOfTests = join(root, "node_modules/.bin");

/** One example as a process, as a user runs it: with the built package. */
export class Program {
  readonly #process: ChildProcessWithoutNullStreams;
  output = "";
  errors = "";
  readonly ended: Promise<number | null>;
  #look: () => void = () => undefined;

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    if (!existsSync(join(root, "packages/ktables/dist/index.js"))) throw new Error("build the packages first");
    const { KAFKA_BOOTSTRAP_SERVERS: _, ...inherited } = process.env;
    const path = `${runtimesOfTests}${delimiter}${process.env["PATH"] ?? ""}`;
    this.#process = spawn(process.execPath, [join(root, "examples", file), ...args], {
      env: { ...inherited, PATH: path, ...env },
    });
    this.#process.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
      this.#look();
    });
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    this.ended = new Promise((resolve) => void this.#process.once("close", resolve));
    running.add(this);
    void this.ended.then(() => running.delete(this));
  }

  /** The first match in what is printed. */
  async printed(pattern: RegExp): Promise<string> {
    const found = new Promise<string>((resolve) => {
      this.#look = () => {
        const match = pattern.exec(this.output);
        if (match !== null) resolve(match[1] ?? match[0]);
      };
      this.#look();
    });
    const early = this.ended.then((code) => {
      const match = pattern.exec(this.output);
      if (match !== null) return match[1] ?? match[0];
      throw new Error(`ended with ${code} before it printed ${pattern}: ${this.output}${this.errors}`);
    });
    return Promise.race([found, early]);
  }

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#process.kill(signal);
  }
}

const running = new Set<Program>();

/** Reads server-sent events. */
class Events {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  private constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  static async open(url: string): Promise<Events> {
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    if (response.body === null) throw new Error("no body");
    return new Events(response.body.getReader());
  }

  async next(): Promise<{ readonly event: string; readonly data: unknown }> {
    for (;;) {
      const match = /^event: (.*)\ndata: (.*)\n\n/.exec(this.#text);
      if (match !== null) {
        this.#text = this.#text.slice(match[0].length);
        return { event: match[1] ?? "", data: JSON.parse(match[2] ?? "") as unknown };
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`the events have ended after ${this.#text}`);
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }
}

/** The examples against a broker of the test's; each is told where that is in another way. */
export function examplesSuite(name: string, startBroker: () => Promise<SuiteBroker>): void {
  describe(`examples on ${name}`, { timeout: 120_000 }, () => {
    let broker: SuiteBroker;

    beforeAll(async () => {
      broker = await startBroker();
    });

    afterAll(() => broker.stop());

    // A process outlives its test only when the test has failed.
    afterEach(async () => {
      for (const program of running) program.kill("SIGKILL");
      await Promise.all([...running].map(({ ended }) => ended));
    });

    test("feature flags are changed at one instance and seen at another", async () => {
      const env = { TOPIC: newTopic("flags"), KAFKA_BOOTSTRAP_SERVERS: broker.bootstrapServers };
      const programs = [1, 2].map(() => new Program("feature-flags/server.ts", [], env));
      const [one = "", two = ""] = await Promise.all(programs.map((program) => program.printed(/flags at (\S+)\n/)));
      const put = (flag: string, body: string) => fetch(`${one}/${flag}`, { method: "PUT", body });
      const events = await Events.open(two.replace(/flags$/, "events"));
      expect(await events.next()).toEqual({ event: "ready", data: { flags: 0 } });

      const written = await put("new-checkout", '{"on":true}');
      expect(written.status).toBe(200);
      expect(await written.json()).toMatchObject({ topic: env.TOPIC, partition: 0 });
      // Its own write, without waiting.
      expect(await (await fetch(`${one}/new-checkout`)).json()).toEqual({ on: true, percent: 100 });
      const flag = { name: "new-checkout", flag: { on: true, percent: 100 } };
      expect(await events.next()).toEqual({ event: "set", data: flag });
      expect(await (await fetch(two)).json()).toEqual({ "new-checkout": { on: true, percent: 100 } });

      for (const body of ["no json", '{"on":1}', '{"on":true,"percent":101}', "null"]) {
        const refused = await put("bad", body);
        expect({ body, status: refused.status }).toEqual({ body, status: 400 });
      }
      expect((await fetch(`${one}/bad`)).status).toBe(404);
      expect((await fetch(`${one}/bad`, { method: "POST" })).status).toBe(404);
      const health = await fetch(two.replace(/flags$/, "health"));
      expect([health.status, await health.json()]).toMatchObject([200, { status: "caught_up", lag: 0 }]);

      const late = await Events.open(one.replace(/flags$/, "events"));
      expect(await late.next()).toEqual({ event: "set", data: flag });
      expect(await late.next()).toEqual({ event: "ready", data: { flags: 1 } });
      await fetch(`${one}/new-checkout`, { method: "DELETE" });
      expect(await events.next()).toEqual({ event: "delete", data: { name: "new-checkout" } });
      expect((await fetch(`${one}/new-checkout`)).status).toBe(404);

      for (const program of programs) program.kill("SIGTERM");
      expect(await Promise.all(programs.map(({ ended }) => ended))).toEqual([0, 0]);
      expect(programs.map(({ errors }) => errors)).toEqual(["", ""]);
    });

    test("a service registry loses whom it does not hear from, and lets go who leaves", async () => {
      const env = { TOPIC: newTopic("services"), TTL_MS: "2000" };
      const program = new Program("service-registry/main.ts", [broker.bootstrapServers], env);
      expect({ code: await program.ended, errors: program.errors }).toEqual({ code: 0, errors: "" });
      const lines = program.output.trimEnd().split("\n");
      const counts = lines.filter((line) => line.startsWith("find"));
      expect(counts).toEqual(["find billing: 2", "find billing: 1", "find billing: 0"]);
      const crash = lines.indexOf("billing/2 crashes");
      expect(lines.slice(0, crash)).toContain("up: billing/1 at http://127.0.0.1:80/billing/1");
      expect(lines.slice(0, crash)).toContain("up: billing/2 at http://127.0.0.1:80/billing/2");
      expect(lines.slice(crash)).toContain("down: billing/2");
      expect(lines.slice(crash)).toContain("expired: billing/2");
      expect(lines.slice(lines.indexOf("billing/1 is shut down"))).toContain("down: billing/1");
    });

    test("an instance finds itself, and is one of those that are there", async () => {
      const env = { TOPIC: newTopic("services"), TTL_MS: "600000" };
      const first = new Program("service-registry/instance.ts", ["mail", "a", broker.bootstrapServers], env);
      await first.printed(/^mail\/a is announced, one of 1\n/);
      const second = new Program("service-registry/instance.ts", ["mail", "b", broker.bootstrapServers], env);
      await second.printed(/^mail\/b is announced, one of 2\n/);
      first.kill("SIGTERM");
      expect(await first.ended).toBe(0);
      const third = new Program("service-registry/instance.ts", ["mail", "c", broker.bootstrapServers], env);
      await third.printed(/^mail\/c is announced, one of 2\n/);
    });

    test("Node, Deno and Bun read one configuration at once", async () => {
      const env = { TOPIC: newTopic("config"), RUNTIMES: "node,deno,bun" };
      const program = new Program("config-map/main.ts", [broker.bootstrapServers], env);
      expect({ code: await program.ended, output: program.output }).toEqual({
        code: 0,
        output: `${[
          'log-level = "info"',
          'limits = {"requests":100,"burst":20}',
          'log-level = "debug"',
          "limits is unset",
        ]
          .flatMap((line) => ["node", "deno", "bun"].map((runtime) => `${runtime}: ${line}`))
          .join("\n")}\nnode and deno and bun have printed the same\n`,
      });
    });
  });
}
