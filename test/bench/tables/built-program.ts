import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../../command.ts";

/**
 * Builds the program that measures the client in `programs/<name>.ts`, as applications are built: one file of JavaScript,
 * for every runtime the same. Started as TypeScript it would measure the runtime's compiler as well, in time and memory.
 *
 * Packages stay outside and are found in node_modules, ktables as it was built. Returns the path of the file.
 */
export async function builtProgram(name: string): Promise<string> {
  // Not within node_modules, where Deno takes it for a package's.
  const outfile = join(root, "test/bench/dist", `${name}.js`);
  await build({
    stdin: {
      contents: `import * as client from "./${name}.ts"; import { measure } from "./main.ts"; await measure(client);`,
      resolveDir: join(root, "test/bench/programs"),
    },
    outfile,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "es2023",
    logLevel: "warning",
  });
  return outfile;
}
