import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildOnce, cacheDirectory } from "./cache.ts";
import { installDebianPackages } from "./debian-packages.ts";
import { LinePeer } from "./line-peer.ts";
import { runCommand, tryCommand } from "./run-command.ts";
import { TrackedProcess } from "./tracked-process.ts";

interface OnTopic {
  bootstrapServers: string;
  topic: string;
}

/** A table or writer that stays open. */
interface Named {
  name: string;
}

export interface PythonOperation {
  /** `[key]`, or `[group, member]`. */
  key: readonly string[];
  /** Absent for a tombstone. */
  value?: unknown;
}

/** `[key, value]`, or `[group, member, value]`. */
export type PythonEntry = readonly [...string[], unknown];

/** Command by command: its arguments and its result. See test/python-peer/main.py. */
export interface PythonPeerCommands {
  openTable: [Named & OnTopic & { grouped: boolean }, object];
  /** What is in the table after a barrier. */
  readTable: [
    Named & { timeoutMs: number },
    {
      isFresh: boolean;
      status: string;
      entries: PythonEntry[];
      foreignKeyCount: number;
      recordsApplied: number;
      tombstonesApplied: number;
    },
  ];
  closeTable: [Named, object];
  openWriter: [Named & OnTopic & { grouped: boolean }, object];
  /** One after the other, each awaited. */
  write: [Named & { operations: readonly PythonOperation[] }, object];
  closeWriter: [Named, object];
  /** Bytes in base64, in the order of partitions and offsets. */
  records: [OnTopic, { records: { partition: number; offset: number; key: string | null; value: string | null }[] }];
  encodeKeys: [{ separator: string; pairs: readonly (readonly [string, string])[] }, { keys: string[] }];
  decodeKeys: [{ separator: string; keys: readonly string[] }, { pairs: ([string, string] | null)[] }];
  versions: [{ packages: readonly string[] }, Record<string, string>];
}

/** The Python package `ktables`, as a long-lived process. */
export type PythonPeer = LinePeer<PythonPeerCommands>;

const source = fileURLToPath(new URL("../python-peer", import.meta.url));
const python = "python3";
/** Fails where Debian's `python3-venv` is missing, which is what makes environments work. */
const probe =
  "import ensurepip, sys, venv; assert sys.version_info >= (3, 10), 'too old'; print(sys.executable, sys.version)";

/**
 * Undefined when {@link startPythonPeer} can work, otherwise the reason why not. With `KTABLES_REQUIRE_KAFKA=1`, as CI
 * has it, Debian's Python is installed where that is possible (as root).
 */
export async function pythonPeerUnavailable(): Promise<string | undefined> {
  if ((await tryCommand(python, ["-c", probe])).exitCode !== 0) {
    const missing = "there is no Python (3.10 or later with venv, as `python3`)";
    if (process.env["KTABLES_REQUIRE_KAFKA"] !== "1") return missing;
    const reason = await installDebianPackages("python3", "python3-venv");
    if (reason !== undefined) return `${missing}, and ${reason}`;
  }
  try {
    await environment();
    return undefined;
  } catch (error) {
    return `the Python package cannot be installed: ${error instanceof Error ? error.message.slice(-800) : String(error)}`;
  }
}

/** Installs the package when it is not there in this version yet, and starts the peer. */
export async function startPythonPeer(): Promise<PythonPeer> {
  // -B: nothing is compiled into the work tree. -I: no other package of this machine gets in.
  const args = ["-I", "-B", join(source, "main.py")];
  return new LinePeer(
    "the Python peer",
    new TrackedProcess(await pythonInterpreter(), args, { stdio: "conversation" }),
  );
}

/** The path of a Python that finds the package, which is installed when it is not there in this version yet. */
export async function pythonInterpreter(): Promise<string> {
  return join(await environment(), "bin", "python");
}

/** A virtual environment with the packages of `requirements.txt`; where pip gets them from is its configuration's business. */
async function environment(): Promise<string> {
  const requirements = join(source, "requirements.txt");
  const hash = createHash("sha256").update(await runCommand(python, ["-c", probe]));
  hash.update(await readFile(requirements));
  return buildOnce(join(cacheDirectory(), `python-peer-${hash.digest("hex").slice(0, 16)}`), async (path) => {
    await runCommand(python, ["-m", "venv", path]);
    // Its scripts would know the path before it is renamed; the interpreter finds its packages wherever it is.
    const pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-deps", "-r", requirements];
    await runCommand(join(path, "bin", "python"), pip, { timeoutMs: 600_000 });
  });
}
