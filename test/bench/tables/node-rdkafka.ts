import { readFile, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { root } from "../../command.ts";
import { buildOnce, cacheDirectory } from "../../harness/cache.ts";
import { runCommand } from "../../harness/run-command.ts";

export const nodeRdkafkaVersion = "3.6.1";

/**
 * The `node_modules` with node-rdkafka, compiled for our Node the first time, with librdkafka: two minutes and more, for
 * which it is no dependency of the workspace. Needs make and a C++ compiler.
 */
export async function nodeRdkafkaModules(): Promise<string> {
  const bin = join(root, "node_modules/.bin");
  const { version } = JSON.parse(await readFile(join(root, "node_modules/node/package.json"), "utf8")) as {
    version: string;
  };
  const name = `node-rdkafka-${nodeRdkafkaVersion}-node-${version}-${process.platform}-${process.arch}`;
  const directory = await buildOnce(join(cacheDirectory(), name), async (path) => {
    // The package of the runtime itself, which has the headers.
    const runtime = `node-${process.platform}-${process.arch}`;
    const env = {
      PATH: `${bin}${delimiter}${process.env["PATH"]}`,
      npm_config_nodedir: join(path, "node_modules", runtime),
    };
    const packages = [`node-rdkafka@${nodeRdkafkaVersion}`, `${runtime}@${version}`];
    const place = ["--prefix", path, "--no-audit", "--no-fund"];
    await runCommand("npm", ["install", ...place, "--ignore-scripts", ...packages], { env, cwd: dirname(path) });
    const rebuild = ["rebuild", ...place, "--foreground-scripts", "node-rdkafka"];
    await runCommand("npm", rebuild, { env, cwd: dirname(path), timeoutMs: 1_200_000 });
    // Sources and headers, which are most of it.
    for (const name of ["node-rdkafka/deps", runtime]) await rm(join(path, "node_modules", name), { recursive: true });
  });
  return join(directory, "node_modules");
}
