import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../..");

/** Runs the code of a document as a program of its own, and returns what it prints. */
export async function runExample(code: string): Promise<string> {
  return inPackage(async (directory) => {
    await writeFile(join(directory, "example.ts"), code);
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@ktables/source", "example.ts"], {
      cwd: directory,
      env: { ...process.env, NO_COLOR: "1" },
    });
    return stdout;
  });
}

/** Checks the types of programs, as strictly as our own; returns what the compiler complains about. */
export async function compileExamples(programs: readonly string[]): Promise<string> {
  return inPackage(async (directory) => {
    await Promise.all(programs.map((code, index) => writeFile(join(directory, `example-${index + 1}.ts`), code)));
    const config = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: {
        noEmit: true,
        composite: false,
        incremental: false,
        isolatedDeclarations: false,
        declaration: false,
        declarationMap: false,
        lib: ["ESNext", "DOM"],
        types: ["node"],
        customConditions: ["@ktables/source"],
      },
      include: ["*.ts"],
    };
    await writeFile(join(directory, "tsconfig.json"), JSON.stringify(config));
    try {
      await promisify(execFile)(join(root, "node_modules/.bin/tsc"), ["-p", directory], { cwd: directory });
      return "";
    } catch (error) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return (error as { stdout: string }).stdout;
    }
  });
}

/** A package beside ours, which finds what ours finds. */
async function inPackage<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "ktables-example-"));
  try {
    await writeFile(join(directory, "package.json"), '{ "type": "module" }');
    await symlink(join(root, "node_modules"), join(directory, "node_modules"));
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
