import type { PartitionReplicas } from "@ktables/client/internal";
import type { TopicScan } from "./doctor-scan.ts";
import { showKey } from "./entries.ts";
import { formatBytes, formatCount, formatSpan, plural } from "./text.ts";
import type { ReadFormat } from "./values.ts";

export type Verdict = "ok" | "warning" | "problem";

/** What one check has found. */
export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** A topic's settings by name. */
export type Settings = ReadonlyMap<string, string>;

export interface Replication {
  /** Of the cluster. */
  readonly brokers: number;
  readonly partitions: readonly PartitionReplicas[];
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** Below it, a log is read in no time, however much of it is dead. */
const fewRecords = 10_000;
const manyRecordsPerKey = 3;
const tooManyRecordsPerKey = 20;
/** Of `max.message.bytes`. */
const largeShare = 0.5;
const defaultMaxMessageBytes = 1_048_588;

/** @param settings Empty where they could not be read. */
export function checkSettings(settings: Settings, replication: Replication): Finding[] {
  if (settings.size === 0) return [replicas(replication)];
  return [
    cleanupPolicy(settings),
    deleteRetention(settings),
    compactionSettings(settings),
    replicas(replication),
    minInSyncReplicas(settings, replication),
    uncleanElections(settings),
  ].filter((finding) => finding !== undefined);
}

export function checkContents(scan: TopicScan, settings: Settings, format: ReadFormat): Finding[] {
  return [
    transactions(scan),
    deadRecords(scan, settings),
    keyless(scan),
    keys(scan),
    values(scan, format),
    partitionsOfKeys(scan),
    largestValues(scan, settings),
  ];
}

function ok(check: string, message: string): Finding {
  return { check, verdict: "ok", message };
}

function found(check: string, verdict: "warning" | "problem", message: string, advice: string): Finding {
  return { check, verdict, message, advice };
}

function isCompacted(settings: Settings): boolean | undefined {
  return settings
    .get("cleanup.policy")
    ?.split(",")
    .some((policy) => policy.trim() === "compact");
}

function cleanupPolicy(settings: Settings): Finding {
  const check = "cleanup.policy";
  const policy = settings.get(check);
  if (policy === undefined) return notTold(check);
  if (isCompacted(settings) !== true) {
    const retention = number(settings, "retention.ms");
    const after = retention === undefined || retention < 0 ? "" : ` after ${formatSpan(retention)}`;
    return found(check, "problem", `${policy}: keys disappear${after}, and old values never`, "set it to compact");
  }
  const limits = [
    limitText(settings, "retention.ms", formatSpan),
    limitText(settings, "retention.bytes", formatBytes),
  ].filter((text) => text !== undefined);
  if (!policy.includes("delete") || limits.length === 0) return ok(check, policy);
  const message = `${policy}: keys that are not written again disappear (${limits.join(", ")})`;
  return found(check, "warning", message, "set it to compact, unless keys are meant to expire");
}

function limitText(settings: Settings, name: string, format: (value: number) => string): string | undefined {
  const value = number(settings, name);
  return value === undefined || value < 0 ? undefined : `${name} ${format(value)}`;
}

function deleteRetention(settings: Settings): Finding | undefined {
  const check = "delete.retention.ms";
  if (isCompacted(settings) === false) return undefined;
  const retention = number(settings, check);
  if (retention === undefined) return notTold(check);
  const message = `${formatSpan(retention)}: who reads for longer, or is away for longer, may miss that keys were deleted`;
  const advice = `set it to ${day} (24 h, the default) or more`;
  if (retention < minute) return found(check, "problem", message, advice);
  if (retention < hour) return found(check, "warning", message, advice);
  return ok(check, formatSpan(retention));
}

function compactionSettings(settings: Settings): Finding | undefined {
  const check = "compaction settings";
  if (isCompacted(settings) === false) return undefined;
  const lag = number(settings, "min.compaction.lag.ms") ?? 0;
  const maxLag = number(settings, "max.compaction.lag.ms") ?? Number.POSITIVE_INFINITY;
  const ratio = number(settings, "min.cleanable.dirty.ratio") ?? 0;
  const segmentMs = number(settings, "segment.ms");
  if (segmentMs === undefined) return notTold(check, "segment.ms");
  const message = `segment.ms ${formatSpan(segmentMs)}, min.cleanable.dirty.ratio ${ratio}, min.compaction.lag.ms ${formatSpan(lag)}`;
  const advice: string[] = [];
  if (lag > day) advice.push("lower min.compaction.lag.ms: younger records are not compacted");
  // A finite lag bounds both (KIP-354).
  if (maxLag > 7 * day) {
    if (ratio > 0.8)
      advice.push("lower min.cleanable.dirty.ratio: the cleaner waits for this share of the log to be dirty");
    if (segmentMs > 7 * day) advice.push("lower segment.ms: the segment that is written to is never compacted");
  }
  if (advice.length === 0) return ok(check, message);
  return found(check, "warning", message, advice.join("; "));
}

function replicas({ brokers, partitions }: Replication): Finding {
  const check = "replication";
  const factor = Math.min(...partitions.map(({ replicas }) => replicas.length));
  const leaderless = partitions.filter(({ leader }) => leader < 0).map(({ partition }) => partition);
  const behind = partitions
    .filter(({ replicas, inSyncReplicas }) => inSyncReplicas.length < replicas.length)
    .map(({ partition }) => partition);
  const message = `factor ${factor}, ${plural(brokers, "broker")}, ${plural(partitions.length, "partition")}`;
  if (leaderless.length > 0) {
    const text = `${message}; without leader: ${leaderless.join(", ")}`;
    return found(check, "problem", text, "bring a broker back that has them");
  }
  if (behind.length > 0) {
    const text = `${message}; replicas are missing or behind in ${behind.join(", ")}`;
    return found(check, "warning", text, "bring the missing brokers back");
  }
  if (factor > 1) return ok(check, message);
  const advice =
    brokers > 1 ? "add replicas: kafka-reassign-partitions" : "use a cluster of three brokers in production";
  return found(check, "warning", `${message}: the topic is gone with one disk`, advice);
}

function minInSyncReplicas(settings: Settings, { partitions }: Replication): Finding {
  const check = "min.insync.replicas";
  const minimum = number(settings, check);
  if (minimum === undefined) return notTold(check);
  const factor = Math.min(...partitions.map(({ replicas }) => replicas.length));
  const inSync = Math.min(...partitions.map(({ inSyncReplicas }) => inSyncReplicas.length));
  if (inSync < minimum) {
    const text = `${minimum}, but ${inSync} in sync: writes are refused`;
    const advice =
      factor < minimum ? `set it to ${Math.max(1, factor - 1)}, or add replicas` : "bring the missing brokers back";
    return found(check, "problem", text, advice);
  }
  if (factor > 1 && minimum >= factor) {
    const text = `${minimum} of ${factor}: writes are refused while one broker is away`;
    return found(check, "warning", text, `set it to ${factor - 1}`);
  }
  if (factor > 1 && minimum < 2) {
    return found(check, "warning", `${minimum} of ${factor}: one disk may be all that has a write`, "set it to 2");
  }
  return ok(check, `${minimum} of ${factor}`);
}

function uncleanElections(settings: Settings): Finding {
  const check = "unclean.leader.election.enable";
  const value = settings.get(check);
  if (value === undefined) return notTold(check);
  if (value !== "true") return ok(check, value);
  return found(check, "warning", "true: acknowledged writes may be lost with a broker", "set it to false");
}

function transactions({ heldByTransactions }: TopicScan): Finding {
  const check = "open transactions";
  if (heldByTransactions === 0) return ok(check, "none");
  const message = `${plural(heldByTransactions, "offset")} cannot be read before a transaction ends`;
  return found(check, "warning", message, "if this lasts, find and end it: kafka-transactions");
}

function deadRecords({ records, liveKeys, bytes }: TopicScan, settings: Settings): Finding {
  const check = "dead records";
  const perKey = records / Math.max(1, liveKeys);
  const message =
    `${plural(records, "record")} for ${plural(liveKeys, "live key")}` +
    `${liveKeys === 0 ? "" : `, ${perKey.toFixed(1)} per key`}, ${formatBytes(bytes)}`;
  if (records < fewRecords || perKey <= manyRecordsPerKey) return ok(check, message);
  const verdict = perKey > tooManyRecordsPerKey ? "problem" : "warning";
  if (isCompacted(settings) === false) return found(check, verdict, message, "set cleanup.policy to compact");
  const advice =
    "let compaction run more often: lower segment.ms and min.cleanable.dirty.ratio; see that the cleaner is alive";
  return found(check, verdict, message, advice);
}

function keyless({ keyless: count }: TopicScan): Finding {
  const check = "records without key";
  if (count === 0) return ok(check, "none");
  const message = `${formatCount(count)}: no table has them, and compaction removes them`;
  return found(check, "warning", message, "find out who writes them");
}

function keys({ binaryKeys, liveKeys }: TopicScan): Finding {
  const check = "keys";
  if (binaryKeys.length === 0) return ok(check, `${plural(liveKeys, "key")}, all UTF-8`);
  const message = `${plural(binaryKeys.length, "key")} of ${formatCount(liveKeys)} not UTF-8, which tables skip: ${examples(binaryKeys)}`;
  return found(check, "problem", message, "find out who writes them, or open the table with a key codec for them");
}

function values({ formats, undecodable, liveKeys }: TopicScan, format: ReadFormat): Finding {
  const check = "values";
  const kinds = Object.entries(formats)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${formatCount(count)} ${name === "base64" ? "binary" : name}`);
  if (undecodable.length > 0) {
    const message = `${formatCount(undecodable.length)} of ${formatCount(liveKeys)} not of format ${format}: ${examples(undecodable)}`;
    return found(check, "problem", message, "write these keys again: tables keep what they had before, or nothing");
  }
  if (format === "auto" && kinds.length > 1) {
    const message = `${kinds.join(", ")}: a table of one kind skips the others`;
    return found(check, "warning", message, "--value-format says what they should be, and names those that are not");
  }
  return ok(check, kinds.length === 0 ? "none" : kinds.join(", "));
}

function partitionsOfKeys({ partitions, inSeveralPartitions, misplaced, liveKeys }: TopicScan): Finding {
  const check = "partitions of keys";
  if (inSeveralPartitions.length > 0) {
    const message = `${plural(inSeveralPartitions.length, "key")} in several partitions: ${examples(inSeveralPartitions)}`;
    const advice =
      "tables take the newest by timestamp, and deleting that one brings an older one to light: write tombstones to the " +
      "partitions where the key does not belong, and use one partitioner";
    return found(check, "problem", message, advice);
  }
  if (misplaced.length > 0) {
    const message =
      `${plural(misplaced.length, "key")} of ${formatCount(liveKeys)} elsewhere than where Java's partitioner, ` +
      `and a KafkaTableWriter, would write them: ${examples(misplaced)}`;
    const advice = "use one partitioner in all writers (librdkafka: partitioner=murmur2_random)";
    return found(check, "warning", message, advice);
  }
  return ok(check, `each key in one of ${plural(partitions, "partition")}, by Java's partitioner`);
}

function largestValues({ largest, valueBytes }: TopicScan, settings: Settings): Finding {
  const check = "largest values";
  const limit = number(settings, "max.message.bytes") ?? defaultMaxMessageBytes;
  const list = largest.map(({ key, bytes }) => `${showKey(key).text} ${formatBytes(bytes)}`);
  const message = list.length === 0 ? "none" : `${list.join(", ")}; ${formatBytes(valueBytes)} in all`;
  if ((largest[0]?.bytes ?? 0) <= limit * largeShare) return ok(check, message);
  const advice = `near max.message.bytes (${formatBytes(limit)}): make them smaller, or raise it before they are refused`;
  return found(check, "warning", message, advice);
}

function notTold(check: string, setting: string = check): Finding {
  return found(check, "warning", `the broker does not tell ${setting}`, "look it up with the service's own tools");
}

function number(settings: Settings, name: string): number | undefined {
  const value = settings.get(name);
  return value === undefined || value === "" || Number.isNaN(Number(value)) ? undefined : Number(value);
}

const shownExamples = 3;

function examples(keys: readonly string[]): string {
  const shown = keys.slice(0, shownExamples).map((key) => JSON.stringify(showKey(key).text));
  return `${shown.join(", ")}${keys.length > shownExamples ? ", …" : ""}`;
}
