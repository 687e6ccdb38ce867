import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { temporaryDirectory } from "./broker-jvm.ts";
import { tryCommand } from "./run-command.ts";
import { GivenUp, waitUntil } from "./wait-until.ts";
import { track } from "./watchdog.ts";

const DEFAULT_SOCKET = "/var/run/docker.sock";

export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
}

/** One call of the engine's HTTP interface, at `DOCKER_HOST` or the usual socket. Rejects when nobody answers. */
export function callEngine(method: "GET" | "POST", path: string, body?: Readable): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({ ...engineAddress(), method, path, timeout: 60_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text = (text + chunk).slice(-65_536);
      });
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    call.once("timeout", () => call.destroy(new Error("the container engine does not answer")));
    call.once("error", reject);
    if (body === undefined) {
      call.end();
    } else {
      call.setHeader("content-type", "application/x-tar");
      body.once("error", reject);
      body.pipe(call);
    }
  });
}

function engineAddress(): { socketPath: string } | { host: string; port: string } {
  const address = process.env["DOCKER_HOST"];
  if (!address) return { socketPath: DEFAULT_SOCKET };
  const url = new URL(address);
  return url.protocol === "unix:" ? { socketPath: url.pathname } : { host: url.hostname, port: url.port };
}

export async function engineAnswers(): Promise<boolean> {
  const answer = await callEngine("GET", "/_ping").catch(() => undefined);
  return answer?.status === 200;
}

export async function imageExists(image: string): Promise<boolean> {
  const answer = await callEngine("GET", `/images/${image}/json`);
  return answer.status === 200;
}

export interface ContainerEngine {
  readonly available: boolean;
  /** Where the engine comes from, or why there is none. */
  readonly why: string;
  /** Ends the engine if it was started here and removes its data. */
  stop(): Promise<void>;
}

/**
 * Finds a running container engine or starts one, first installing Debian's package where that is possible (as root).
 * An engine that was started here listens on a socket of its own, named by `DOCKER_HOST` in this process from then on.
 */
export async function ensureContainerEngine(): Promise<ContainerEngine> {
  if (await engineAnswers()) return engine(true, "a container engine was already running");
  if (process.env["DOCKER_HOST"])
    return engine(false, `no engine answers at DOCKER_HOST=${process.env["DOCKER_HOST"]}`);
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return engine(false, "no container engine answers, and only root on Linux can start one here");
  }
  const missing = await installEngine();
  if (missing !== undefined) return engine(false, missing);
  // Some installations start the service by themselves.
  if (await engineAnswers())
    return engine(true, "the container engine's package was installed and started its service");
  return startEngine();
}

function engine(available: boolean, why: string, stop: () => Promise<void> = () => Promise.resolve()): ContainerEngine {
  return { available, why, stop };
}

/** Returns why there is no engine that could be started. */
async function installEngine(): Promise<string | undefined> {
  if ((await tryCommand("dockerd", ["--version"])).exitCode === 0) return undefined;
  if ((await tryCommand("apt-get", ["--version"])).exitCode !== 0) {
    return "no container engine is installed, and there is no apt-get to install one";
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "-q", "--no-install-recommends", "docker.io"];
  let result = await tryCommand("apt-get", install, { env });
  if (result.exitCode !== 0) {
    await tryCommand("apt-get", ["update", "-q"], { env });
    result = await tryCommand("apt-get", install, { env });
  }
  return result.exitCode === 0 ? undefined : `apt-get could not install docker.io: ${result.output.slice(-500)}`;
}

async function startEngine(): Promise<ContainerEngine> {
  const directory = await temporaryDirectory("ktables-engine-");
  const socket = join(directory.path, "docker.sock");
  const child = spawn(
    "dockerd",
    [
      // Published ports go through the engine's own proxy: no right to change packet filters is needed.
      "--iptables=false",
      "--ip6tables=false",
      `--host=unix://${socket}`,
      `--data-root=${join(directory.path, "data")}`,
      `--exec-root=${join(directory.path, "exec")}`,
      `--pidfile=${join(directory.path, "docker.pid")}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  const release = track("daemon", child.pid);
  let output = "";
  let hasExited = false;
  child.stderr.on("data", (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-8000);
  });
  const exited = new Promise<void>((resolve) => {
    const end = (): void => {
      hasExited = true;
      resolve();
    };
    child.once("exit", end);
    child.once("error", end);
  });
  const stop = async (): Promise<void> => {
    // SIGTERM: the engine ends its containers and its helpers first.
    if (!hasExited) child.kill("SIGTERM");
    await exited;
    release();
    delete process.env["DOCKER_HOST"];
    await directory.remove();
  };
  process.env["DOCKER_HOST"] = `unix://${socket}`;
  try {
    await waitUntil(
      "the container engine answers",
      async () => {
        if (hasExited) throw new GivenUp("dockerd ended early");
        return existsSync(socket) && (await engineAnswers()) ? true : undefined;
      },
      { timeoutMs: 30_000 },
    );
  } catch (error) {
    await stop();
    return engine(false, `dockerd could not be started: ${String(error)}\n${output.slice(-2000)}`);
  }
  return engine(true, "dockerd was started for this run", stop);
}
