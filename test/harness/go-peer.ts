import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildOnce, cacheDirectory } from "./cache.ts";
import { LinePeer } from "./line-peer.ts";
import type { PeerCompression, ReadRecord } from "./peer-commands.ts";
import { runCommand, tryCommand } from "./run-command.ts";
import { TrackedProcess } from "./tracked-process.ts";

interface OnTopic {
  bootstrapServers: string;
  topic: string;
}

type RecordToWrite = Omit<ReadRecord, "partition" | "offset">;

interface OnCluster {
  bootstrapServers: string;
}

/** Command by command: its arguments and its result. See test/go-peer/main.go. */
export interface GoPeerCommands {
  /** In the order of the arguments. */
  produce: [OnTopic & { compression?: PeerCompression; records: RecordToWrite[] }, ReadRecord[]];
  transaction: [OnTopic & { records: RecordToWrite[]; outcome: "commit" | "abort" }, ReadRecord[]];
  consume: [OnTopic & { isolation?: "read_committed" | "read_uncommitted" }, { records: ReadRecord[] }];
  createTopic: [OnTopic & { partitions: number }, object];
  startCluster: [{ brokers: number; randomProducerIds?: boolean }, { bootstrapServers: string }];
  moveLeader: [OnCluster & { topic: string; partition: number; node: number }, object];
  fail: [OnCluster & { apiKeys: number[]; topic: string; errorCode: number; count: number }, object];
  stopCluster: [OnCluster, object];
}

/** franz-go, a Kafka client in Go, and kfake, its cluster in memory, as a long-lived process. */
export type GoPeer = LinePeer<GoPeerCommands>;

const source = fileURLToPath(new URL("../go-peer", import.meta.url));

/** Undefined when {@link startGoPeer} can work, otherwise the reason why not. */
export async function goPeerUnavailable(): Promise<string | undefined> {
  if ((await tryCommand("go", ["version"])).exitCode !== 0) return "there is no Go (1.26 or later, as `go`)";
  const download = await tryCommand("go", ["mod", "download"], { cwd: source });
  return download.exitCode === 0 ? undefined : `Go's modules cannot be downloaded: ${download.output.slice(-500)}`;
}

/** Compiles the peer when its source has changed since the last time, and starts it. */
export async function startGoPeer(): Promise<GoPeer> {
  return new LinePeer("the Go peer", new TrackedProcess(await goPeerProgram(), [], { stdio: "conversation" }));
}

/** The path of the compiled program. */
export async function goPeerProgram(): Promise<string> {
  const hash = createHash("sha256").update((await tryCommand("go", ["version"])).output);
  for (const name of (await readdir(source)).toSorted()) hash.update(await readFile(join(source, name)));
  return buildOnce(join(cacheDirectory(), `go-peer-${hash.digest("hex").slice(0, 16)}`), async (path) => {
    await runCommand("go", ["build", "-mod=readonly", "-o", path, "."], { cwd: source, timeoutMs: 600_000 });
  });
}
