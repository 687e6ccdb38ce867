import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What the watchdog can undo: kill a process, have a daemon end itself, remove a container or a directory. */
export type TrackedKind = "process" | "daemon" | "container" | "directory";

let watchdog: ChildProcess | undefined;

/**
 * Has `value` cleaned up when this process ends for whatever reason, SIGKILL included, before the returned function was
 * called. The work is done by a small shell process that notices the end of its standard input; signal and exit
 * handlers alone would miss a test runner that kills its worker.
 */
export function track(kind: TrackedKind, value: number | string | undefined): () => void {
  // A process that could not be started has no id.
  if (value === undefined) return () => undefined;
  tell(`+ ${kind} ${value}\n`);
  return () => tell(`- ${kind} ${value}\n`);
}

function tell(line: string): void {
  if (watchdog === undefined) {
    watchdog = spawn("sh", [fileURLToPath(new URL("./watchdog.sh", import.meta.url))], {
      stdio: ["pipe", "ignore", "ignore"],
      // Its own group, so that Ctrl-C reaches only the processes it has to clean up after.
      detached: true,
    });
    watchdog.unref();
    watchdog.stdin?.on("error", () => undefined);
    if (watchdog.stdin !== null && "unref" in watchdog.stdin && typeof watchdog.stdin.unref === "function") {
      watchdog.stdin.unref();
    }
  }
  watchdog.stdin?.write(line);
}
