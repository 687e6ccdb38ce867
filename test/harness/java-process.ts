import { createHash } from "node:crypto";
import { join } from "node:path";
import { tryCommand } from "./run-command.ts";
import { TrackedProcess } from "./tracked-process.ts";

export function javaTool(name: "java" | "javac"): string {
  const home = process.env["JAVA_HOME"];
  return home ? join(home, "bin", name) : name;
}

let identity: Promise<string | undefined> | undefined;

/** A short name of the Java installation, for caches whose content only it understands; undefined without Java. */
export function javaIdentity(): Promise<string | undefined> {
  identity ??= tryCommand(javaTool("java"), ["-version"]).then((result) =>
    result.exitCode === 0 ? createHash("sha256").update(result.output).digest("hex").slice(0, 12) : undefined,
  );
  return identity;
}

/** A JVM that dies with this process, and the end of what it printed. */
export class JavaProcess extends TrackedProcess {
  constructor(args: readonly string[], options: { readonly stdio: "output" | "conversation" }) {
    super(javaTool("java"), args, options);
  }
}
