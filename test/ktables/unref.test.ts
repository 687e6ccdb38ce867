import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { EmbeddedBroker } from "@ktables/client/testing";
import { encodeBatch } from "@ktables/record-batch";
import { describe, expect, test } from "vitest";
import { until } from "../suites/support.ts";
import { record } from "./support.ts";

const program = join(import.meta.dirname, "unref-scenarios.ts");
const commands = join(import.meta.dirname, "../../node_modules/.bin");
const condition = "--conditions=@ktables/source";
const runtimes = {
  node: [condition],
  deno: ["run", "--allow-all", "--no-check", condition],
  bun: [condition],
} as const;

describe.each(["node", "deno", "bun"] as const)("in %s", (runtime) => {
  let output = "";

  function run(broker: EmbeddedBroker, scenario: string): ChildProcess {
    output = "";
    const args = [...runtimes[runtime], program, scenario, broker.bootstrapServers];
    const child = spawn(join(commands, runtime), args, { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    return child;
  }

  test.each([
    ["what was asked for is there", "1 true\n"],
    ["somebody waits for a record in vain", expect.stringContaining("within 200 ms")],
    ["somebody iterates over changes", "caught-up\ndone\n"],
    ["the table was stopped", "stopped\n"],
  ])("with unref, a process that closes nothing ends when %s", { timeout: 60_000 }, async (scenario, expected) => {
    await using broker = await EmbeddedBroker.start({ topics: [{ name: "t" }] });
    // Polls that would keep it for the hour that they are parked.
    const [status] = (await once(run(broker, scenario), "close")) as [number | null];
    expect(output).toEqual(expected);
    expect(status).toBe(0);
  });

  test("without unref, a table keeps its process alive though no broker can be reached", {
    timeout: 60_000,
  }, async () => {
    await using broker = await EmbeddedBroker.start({ topics: [{ name: "t" }] });
    const child = run(broker, "no broker can be reached, and nobody asked for unref");
    const closed = once(child, "close");
    await until(() => output === "ready\n");
    await broker.stopNode(0);
    // A few attempts to connect, each with a pause before in which there is neither socket nor request.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(child.exitCode).toBeNull();
    await broker.startNode(0);
    broker.append("t", 0, encodeBatch({ records: [record("k", "1")] }));
    const [status] = (await closed) as [number | null];
    expect(output).toBe("ready\nk 1\n");
    expect(status).toBe(0);
  });
});
