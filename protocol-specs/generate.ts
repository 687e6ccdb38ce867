/**
 * Writes the codecs of all specs: `node protocol-specs/generate.ts`.
 * With `--check`, writes nothing and exits with 1 if a file differs from what the specs say.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { emitClientModule, emitServerModule, moduleName } from "./emit.ts";
import { type ApiSpec, parseSpec } from "./parse.ts";

const specFolder = dirname(fileURLToPath(import.meta.url));
const clientFolder = join(specFolder, "../packages/client/src/protocol/generated");
const serverFolder = join(specFolder, "../packages/client/src/testing/generated");

/** All specs, sorted by file name. */
export function readSpecs(): ApiSpec[] {
  const files = readdirSync(specFolder).filter((file) => file.endsWith(".spec"));
  return files.sort().map((file) => {
    const spec = parseSpec(file, readFileSync(join(specFolder, file), "utf8"));
    if (basename(file, ".spec") !== moduleName(spec)) throw new Error(`${file} should be ${moduleName(spec)}.spec`);
    return spec;
  });
}

/** What should be in the generated folders: absolute path to content. */
export function generate(specs: readonly ApiSpec[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const spec of specs) {
    files.set(join(clientFolder, `${moduleName(spec)}.ts`), emitClientModule(spec));
    files.set(join(serverFolder, `${moduleName(spec)}.ts`), emitServerModule(spec));
  }
  return files;
}

/** The files that are missing, differ or should not be there. */
export function staleFiles(files: ReadonlyMap<string, string>): string[] {
  const present = [clientFolder, serverFolder].flatMap((folder) =>
    readdirSync(folder).map((file) => join(folder, file)),
  );
  const superfluous = present.filter((path) => !files.has(path));
  const different = [...files].filter(
    ([path, content]) => !present.includes(path) || readFileSync(path, "utf8") !== content,
  );
  return [...superfluous, ...different.map(([path]) => path)];
}

function main(args: readonly string[]): void {
  mkdirSync(clientFolder, { recursive: true });
  mkdirSync(serverFolder, { recursive: true });
  const files = generate(readSpecs());
  const stale = staleFiles(files);
  if (args.includes("--check")) {
    if (stale.length === 0) return;
    console.error(`These files differ from the specs:\n${stale.map((path) => `  ${path}`).join("\n")}`);
    console.error("Run: node protocol-specs/generate.ts");
    process.exitCode = 1;
    return;
  }
  for (const path of stale) {
    const content = files.get(path);
    if (content === undefined) rmSync(path);
    else writeFileSync(path, content);
  }
  console.log(`${files.size} files up to date, ${stale.length} of them changed`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
