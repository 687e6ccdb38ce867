/**
 * What `tsc --build` leaves to do: one bundle of everything for `ktables`, which installs with no dependencies, and
 * declaration files that consumers can resolve.
 */
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, posix, relative, sep } from "node:path";
import { build } from "esbuild";
import { minify } from "terser";

const packages = import.meta.dirname;
const ktablesDist = join(packages, "ktables/dist");

await bundleKtables();
await copyLowerTypes();
for (const name of ["record-batch", "client", "ktables"]) await finishDeclarations(join(packages, name, "dist"));

/** Shared chunks keep one identity of each class, whichever entry point it is imported from. */
async function bundleKtables(): Promise<void> {
  for (const path of await bundledFiles()) await rm(path);
  const source = join(packages, "ktables/src");
  await build({
    entryPoints: ["index", "client", "record-batch", "testing", "bin"].map((name) => join(source, `${name}.ts`)),
    outdir: ktablesDist,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "es2023",
    conditions: ["@ktables/source"],
    chunkNames: "chunk-[hash]",
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "warning",
  });
  for (const path of await bundledFiles()) {
    await writeFile(path, await shortened(withNamesOfClasses(await readFile(path, "utf8"))));
  }
}

/**
 * Most of what an import costs is parsing, by the character. The names of functions, classes and public methods stay, for stack
 * traces, which esbuild cannot do; and lines, so that positions in them tell something. Private names do not.
 */
async function shortened(code: string): Promise<string> {
  const { code: short } = await minify(code, {
    ecma: 2020,
    compress: false,
    mangle: { keep_fnames: true, keep_classnames: true },
    format: { max_line_len: 120, preserve_annotations: true },
  });
  if (short === undefined) throw new Error("terser gave nothing");
  return short;
}

async function bundledFiles(): Promise<string[]> {
  return (await readdir(ktablesDist)).filter((name) => name.endsWith(".js")).map((name) => join(ktablesDist, name));
}

/**
 * A class that mentions itself becomes `var Name = class _Name`, and errors have the names of their classes. With esbuild's
 * `keepNames` an import would take a seventh longer, for a call for each function and class.
 */
function withNamesOfClasses(code: string): string {
  let text = code;
  for (const [, name = "", inner = ""] of code.matchAll(/\b(\w+)=class (_\1)\b/g)) {
    text = text.replace(new RegExp(`\\b${inner}\\b`, "g"), name);
  }
  return text;
}

async function copyLowerTypes(): Promise<void> {
  for (const name of ["record-batch", "client"]) {
    await cp(join(packages, name, "dist"), join(ktablesDist, "types", name), {
      recursive: true,
      filter: (path) => !/\.(js|tsbuildinfo)$/.test(path),
    });
  }
}

/**
 * tsc keeps `.ts` in the specifiers of declaration files (TypeScript issue 61037), which not every consumer resolves;
 * inside `ktables` the lower packages are reached by path, since they are not installed.
 */
async function finishDeclarations(dist: string): Promise<void> {
  for (const path of await declarationFiles(dist)) {
    const original = await readFile(path, "utf8");
    let text = original.replace(/(from\s+"|import\(")(\.[^"]*)\.ts"/g, '$1$2.js"');
    if (dist === ktablesDist) {
      text = text.replace(/"@ktables\/(record-batch|client)((?:\/[\w-]+)?)"/g, (_, name: string, subpath: string) => {
        const entry = subpath === "/testing" ? "testing/index" : subpath === "" ? "index" : subpath.slice(1);
        const target = relative(dirname(path), join(dist, "types", name, `${entry}.js`))
          .split(sep)
          .join(posix.sep);
        return `"${target.startsWith(".") ? target : `./${target}`}"`;
      });
    }
    // Lets consumers compile whose `lib` does not know Symbol.asyncDispose.
    const reference = '/// <reference lib="esnext.disposable" />\n';
    if (text.includes("Symbol.asyncDispose") && !text.startsWith(reference)) text = reference + text;
    if (text !== original) await writeFile(path, text);
  }
}

async function declarationFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".d.ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}
