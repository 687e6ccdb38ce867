import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const packages = join(import.meta.dirname, "../../packages");

/** What the source files of each package may import besides files of their own package. */
const allowedImports: Record<string, RegExp> = {
  "record-batch": /^$/,
  client: /^@ktables\/record-batch$/,
  ktables: /^@ktables\/(record-batch|client|client\/internal|client\/testing)$/,
};

/** The files that may open sockets. */
const networkFiles = new Set(["client/src/transport.ts", "client/src/testing/listener.ts"]);
/** The command-line program may read its terminal, arguments and files; the library may not. */
const programFiles = /^ktables\/src\/(bin\.ts|cli\/)/;

interface Import {
  readonly file: string;
  readonly specifier: string;
}

function importsOf(name: string): Import[] {
  const directory = join(packages, name, "src");
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      const file = `${name}/src/${path}`;
      const text = readFileSync(join(packages, file), "utf8");
      const found = text.matchAll(
        /^(?:(?:import|export|\}).*\sfrom|import)\s+"([^"]+)"|\bimport\(\s*"([^"]+)"|getBuiltinModule\??\.?\(\s*"([^"]+)"/gm,
      );
      return [...found].map((match) => ({ file, specifier: match[1] ?? match[2] ?? match[3] ?? "" }));
    });
}

const imports = Object.keys(allowedImports).flatMap((name) => importsOf(name).map((found) => ({ name, ...found })));

test("imports point from ktables to client to record-batch only", () => {
  expect(imports.length).toBeGreaterThan(50);
  const wrong = imports.filter(
    ({ name, specifier }) =>
      !specifier.startsWith(".") && !specifier.startsWith("node:") && !allowedImports[name]?.test(specifier),
  );
  expect(wrong).toEqual([]);
});

test("no file imports across the source folders of packages", () => {
  expect(imports.filter(({ specifier }) => /\.\.\/(src|packages)\/|\.\.\/\.\.\/\.\.\//.test(specifier))).toEqual([]);
});

test("sockets are opened by the transport and the embedded broker's listener only", () => {
  const network = imports.filter(({ specifier }) => /^(node:)?(net|tls|dgram|http|https|http2)$/.test(specifier));
  expect(new Set(network.map(({ file }) => file))).toEqual(networkFiles);
});

test("the library reads no file, environment or host name", () => {
  const builtins = imports.filter(
    ({ file, specifier }) =>
      specifier.startsWith("node:") &&
      !networkFiles.has(file) &&
      !programFiles.test(file) &&
      specifier !== "node:zlib" &&
      specifier !== "node:diagnostics_channel",
  );
  expect(builtins).toEqual([]);
  const files = new Set(imports.map(({ file }) => file));
  for (const file of files) {
    if (programFiles.test(file)) continue;
    expect(readFileSync(join(packages, file), "utf8"), file).not.toMatch(
      /process\.env|Deno\.env|Bun\.env|hostname\(\)/,
    );
  }
});

test("the embedded broker stays out of the client's own code", () => {
  const wrong = imports.filter(
    ({ file, specifier }) =>
      file.startsWith("client/src/") && !file.startsWith("client/src/testing/") && specifier.includes("testing"),
  );
  expect(wrong).toEqual([]);
});
