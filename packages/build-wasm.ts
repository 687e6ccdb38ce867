/**
 * Compiles the WebAssembly of record-batch from AssemblyScript into TypeScript files that hold it as text, so that it
 * loads without a file or a network. With `--check` it writes nothing and fails when a file is not what it would write.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const recordBatch = join(import.meta.dirname, "record-batch");
/** Memory in pages of 64 KiB. The maximum is what decompression ever holds on to: see src/wasm/decompress.ts. */
const modules = [
  { name: "crc32c", initialMemory: 3, maximumMemory: 3 },
  { name: "decompress", initialMemory: 4, maximumMemory: 160 },
] as const;

const checking = process.argv.includes("--check");
for (const { name, initialMemory, maximumMemory } of modules) {
  const target = join(recordBatch, `src/wasm/generated/${name}.ts`);
  const binary = await compile(`${name}.ts`, initialMemory, maximumMemory);
  const text = `// Generated from wasm/${name}.ts by packages/build-wasm.ts; ${binary.length} bytes.
export const ${name}Module: string =
  "${Buffer.from(binary).toString("base64")}";
`;
  if (!checking) {
    await writeFile(target, text);
    console.log(`${name}: ${binary.length} bytes`);
  } else if ((await readFile(target, "utf8").catch(() => "")) !== text) {
    console.error(`${target} is stale: run node packages/build-wasm.ts`);
    process.exitCode = 1;
  }
}

async function compile(entry: string, initialMemory: number, maximumMemory: number): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  let problems = "";
  const { error } = await asc.main(
    [
      entry,
      "--outFile=module.wasm",
      "--runtime=stub",
      "-O3",
      "--noAssert",
      "--converge",
      "--enable=simd",
      `--initialMemory=${initialMemory}`,
      `--maximumMemory=${maximumMemory}`,
    ],
    {
      readFile: (name, baseDirectory) =>
        readFile(join(recordBatch, "wasm", baseDirectory, name), "utf8").catch(() => null),
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
    throw new Error(`${entry} does not compile cleanly\n${problems}`, { cause: error });
  }
  return binary;
}
