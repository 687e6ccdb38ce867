import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Where jars, compiled classes and class-data archives are kept between runs: outside the repository. */
export function cacheDirectory(): string {
  return process.env["KTABLES_KAFKA_CACHE"] || join(homedir(), ".cache", "ktables-kafka");
}

const underWay = new Map<string, Promise<string>>();

/**
 * Returns `path`, first having `build` make it when it is absent. `build` gets a temporary path beside it, which is
 * renamed into place: a run that is killed leaves no half-built entry, and of two processes that build the same entry
 * the second one's work is dropped.
 */
export function buildOnce(path: string, build: (temporaryPath: string) => Promise<void>): Promise<string> {
  const running = underWay.get(path);
  if (running !== undefined) return running;
  const result = buildEntry(path, build).finally(() => underWay.delete(path));
  underWay.set(path, result);
  return result;
}

async function buildEntry(path: string, build: (temporaryPath: string) => Promise<void>): Promise<string> {
  if (existsSync(path)) return path;
  await mkdir(dirname(path), { recursive: true });
  const temporaryPath = `${path}.${process.pid}-${randomUUID().slice(0, 8)}.partial`;
  try {
    await build(temporaryPath);
    await rename(temporaryPath, path).catch((error: unknown) => {
      if (!existsSync(path)) throw error;
    });
  } finally {
    await rm(temporaryPath, { recursive: true, force: true });
  }
  return path;
}
