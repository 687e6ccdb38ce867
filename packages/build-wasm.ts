/**
 * Compiles the WebAssembly of the packages from AssemblyScript into TypeScript files that hold it as text, so that it
 * loads without a file or a network. With `--check` it writes nothing and fails when a file is not what it would write.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import asc from "assemblyscript/asc";

interface Source {
  /** Where the folder `wasm` of the package is. */
  readonly package: string;
  readonly name: string;
  readonly target: string;
  /** Memory in pages of 64 KiB; undefined for a module that is given its memory. */
  readonly memory?: { readonly initial: number; readonly maximum: number };
}

/** The maximum of `decompress` is what decompression ever holds on to: see src/wasm/decompress.ts. */
const sources: readonly Source[] = [
  { package: "record-batch", name: "crc32c", target: "src/wasm/generated", memory: { initial: 3, maximum: 3 } },
  { package: "record-batch", name: "decompress", target: "src/wasm/generated", memory: { initial: 4, maximum: 160 } },
  { package: "ktables", name: "record-kernel", target: "src/store/bytes/generated" },
];

const checking = process.argv.includes("--check");
for (const source of sources) {
  const { name } = source;
  const target = join(import.meta.dirname, source.package, source.target, `${name}.ts`);
  const binary = await compile(source);
  const text = `// Generated from wasm/${name}.ts by packages/build-wasm.ts; ${binary.length} bytes.
export const ${name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())}Module: string =
  "${Buffer.from(binary).toString("base64")}";
`;
  if (!checking) {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
    console.log(`${name}: ${binary.length} bytes`);
  } else if ((await readFile(target, "utf8").catch(() => "")) !== text) {
    console.error(`${target} is stale: run node packages/build-wasm.ts`);
    process.exitCode = 1;
  }
}

async function compile({ package: owner, name, memory }: Source): Promise<Uint8Array> {
  const folder = join(import.meta.dirname, owner, "wasm");
  let binary: Uint8Array | undefined;
  let problems = "";
  const { error } = await asc.main(
    [
      `${name}.ts`,
      "--outFile=module.wasm",
      "--runtime=stub",
      "-O3",
      "--noAssert",
      "--converge",
      "--enable=simd",
      ...(memory === undefined
        ? ["--importMemory", "--initialMemory=1", "--maximumMemory=65536"]
        : [`--initialMemory=${memory.initial}`, `--maximumMemory=${memory.maximum}`]),
    ],
    {
      readFile: (file, baseDirectory) => readFile(join(folder, baseDirectory, file), "utf8").catch(() => null),
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
      stderr: {
        write: (text) => {
          problems += String(text);
        },
      },
    },
  );
  if (error !== null || problems !== "" || binary === undefined) {
    throw new Error(`${name} does not compile cleanly\n${problems}`, { cause: error });
  }
  return binary;
}
