import { temporaryDirectory } from "../harness/broker-jvm.ts";
import { tryCommand } from "../harness/run-command.ts";

const commands = ["chromium", "chromium-browser", "google-chrome"];

export interface Chromium {
  /** Undefined where there is none. */
  readonly command: string | undefined;
  /** Where it comes from, or why there is none. */
  readonly why: string;
}

/** Finds Chromium, or installs Debian's package where that is possible: as root. */
export async function ensureChromium(): Promise<Chromium> {
  const installed = await firstThatRuns();
  if (installed !== undefined) return { command: installed, why: "it was installed already" };
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    return { command: undefined, why: "Chromium is not installed, and only root on Linux can install it here" };
  }
  if ((await tryCommand("apt-get", ["--version"])).exitCode !== 0) {
    return { command: undefined, why: "Chromium is not installed, and there is no apt-get to install it" };
  }
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "-q", "--no-install-recommends", "chromium"];
  let result = await tryCommand("apt-get", install, { env });
  if (result.exitCode !== 0) {
    await tryCommand("apt-get", ["update", "-q"], { env });
    result = await tryCommand("apt-get", install, { env });
  }
  const command = await firstThatRuns();
  if (command !== undefined) return { command, why: "it was installed for this run" };
  return { command, why: `apt-get could not install chromium: ${result.output.slice(-500)}` };
}

async function firstThatRuns(): Promise<string | undefined> {
  for (const command of commands) {
    if ((await tryCommand(command, ["--version"])).exitCode === 0) return command;
  }
  return undefined;
}

/** The DOM of a page after it has loaded, as text. */
export async function dumpDom(command: string, url: string): Promise<string> {
  const profile = await temporaryDirectory("ktables-chromium-");
  try {
    const args = [
      "--headless",
      // Its sandbox does not work as root, and the page is our own.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      // Nothing but the page is to be fetched.
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--user-data-dir=${profile.path}`,
      "--dump-dom",
      url,
    ];
    const { exitCode, output } = await tryCommand(command, args, { timeoutMs: 120_000 });
    if (exitCode !== 0) throw new Error(`Chromium ended with ${exitCode}: ${output.slice(-2000)}`);
    return output;
  } finally {
    await profile.remove();
  }
}
