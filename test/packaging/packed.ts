import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root, run } from "../command.ts";

export interface Packed {
  /** Tarballs by folder name under packages/. */
  readonly tarballs: Readonly<Record<string, string>>;
  /** A directory in which `ktables` was installed from its tarball, outside the workspace. */
  readonly consumer: string;
}

/** Packs all packages as they would be published and installs `ktables` alone as a user would. */
export async function packAndInstall(directory: string): Promise<Packed> {
  const tarballs: Record<string, string> = {};
  for (const name of ["record-batch", "client", "ktables"]) {
    const target = join(directory, name);
    await mkdir(target, { recursive: true });
    await run("pnpm", ["pack", "--pack-destination", target], { cwd: join(root, "packages", name) });
    const [file] = await readdir(target);
    if (file === undefined) throw new Error(`pnpm pack made no tarball of ${name}`);
    tarballs[name] = join(target, file);
  }
  const consumer = join(directory, "consumer");
  await cp(join(root, "test/packaging/consumer"), consumer, { recursive: true });
  await cp(join(root, "test/runtimes"), consumer, { recursive: true });
  await writeFile(join(consumer, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  await run("npm", ["install", "--no-audit", "--no-fund", "--silent", String(tarballs["ktables"])], { cwd: consumer });
  return { tarballs, consumer };
}

/** Names of what is installed besides npm's own bookkeeping. */
export async function installedPackages(consumer: string): Promise<string[]> {
  return (await readdir(join(consumer, "node_modules"))).filter((name) => !name.startsWith("."));
}

export async function installedManifest(consumer: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(consumer, "node_modules/ktables/package.json"), "utf8"));
}
