import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { root } from "../command.ts";
import { capturedLogs } from "../record-batch/captured.ts";
import type { Log } from "./checks.ts";

const options: BuildOptions & { write: false } = {
  bundle: true,
  write: false,
  minify: true,
  platform: "browser",
  // An import that only Node resolves is an error here.
  conditions: ["@ktables/source"],
  logLevel: "silent",
};

/** What a web application gets that uses all of the record batch package. */
export async function bundlePackage(): Promise<string> {
  const entry = join(root, "packages/record-batch/src/index.ts");
  return textOf(await build({ ...options, format: "esm", entryPoints: [entry] }));
}

/** The checks, the package and the captured logs in one script: a module, or one that makes `checks` a global. */
export async function bundleChecks(format: "esm" | "iife"): Promise<string> {
  const logs = capturedLogs().map(
    ({ name, bytes, java }): Log => ({
      name,
      base64: Buffer.from(bytes).toString("base64"),
      batches: java.batches,
    }),
  );
  const contents = `
    import { runChecks } from "./checks.ts";
    const logs = ${JSON.stringify(logs)};
    export const run = (expectsWebAssembly) => runChecks(logs, expectsWebAssembly);
  `;
  const stdin = { contents, resolveDir: import.meta.dirname };
  return textOf(await build({ ...options, format, globalName: "checks", stdin }));
}

function textOf({ outputFiles }: { outputFiles: readonly { text: string }[] }): string {
  const [file] = outputFiles;
  if (file === undefined) throw new Error("esbuild has made no file");
  return file.text;
}
