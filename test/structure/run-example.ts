import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");

/** Runs the code of a document as a program of its own, and returns what it prints. */
export async function runExample(code: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ktables-example-"));
  try {
    await writeFile(join(directory, "example.ts"), code);
    await writeFile(join(directory, "package.json"), '{ "type": "module" }');
    await symlink(join(root, "node_modules"), join(directory, "node_modules"));
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@ktables/source", "example.ts"], {
      cwd: directory,
      env: { ...process.env, NO_COLOR: "1" },
    });
    return stdout;
  } finally {
    await rm(directory, { recursive: true });
  }
}
