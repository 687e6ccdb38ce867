import { describe, expect, test } from "vitest";
import {
  checkContents,
  checkSettings,
  type Finding,
  type Replication,
} from "../../packages/ktables/src/cli/doctor-checks.ts";
import type { TopicScan } from "../../packages/ktables/src/cli/doctor-scan.ts";
import { formatBytes, formatSpan } from "../../packages/ktables/src/cli/text.ts";

const healthySettings = {
  "cleanup.policy": "compact",
  "delete.retention.ms": "86400000",
  "min.compaction.lag.ms": "0",
  "max.compaction.lag.ms": "9223372036854775807",
  "min.cleanable.dirty.ratio": "0.5",
  "segment.ms": "604800000",
  "min.insync.replicas": "2",
  "unclean.leader.election.enable": "false",
  "max.message.bytes": "1048588",
  "retention.ms": "604800000",
  "retention.bytes": "-1",
};

function replication(replicas: number, inSync = replicas, leader = 0, brokers = 3): Replication {
  const ids = Array.from({ length: replicas }, (_, id) => id);
  const partition = { partition: 0, leader, replicas: ids, inSyncReplicas: ids.slice(0, inSync) };
  return { brokers, partitions: [partition] };
}

const healthyScan: TopicScan = {
  partitions: 3,
  records: 120,
  bytes: 5000,
  keyless: 0,
  liveKeys: 100,
  valueBytes: 4000,
  binaryKeys: [],
  formats: { json: 100, string: 0, base64: 0 },
  undecodable: [],
  inSeveralPartitions: [],
  misplaced: [],
  largest: [{ key: "a", bytes: 40 }],
  heldByTransactions: 0,
};

function setting(
  check: string,
  settings: Readonly<Record<string, string>>,
  held = replication(3),
): Finding | undefined {
  const given = new Map(Object.entries({ ...healthySettings, ...settings }).filter(([, value]) => value !== ""));
  return checkSettings(given, held).find((finding) => finding.check === check);
}

function content(
  check: string,
  scan: Partial<TopicScan>,
  settings = {},
  format: "auto" | "json" = "auto",
): Finding | undefined {
  const given = new Map(Object.entries({ ...healthySettings, ...settings }));
  return checkContents({ ...healthyScan, ...scan }, given, format).find((finding) => finding.check === check);
}

test("a healthy topic gives no advice", () => {
  const settings = new Map(Object.entries(healthySettings));
  const findings = [...checkSettings(settings, replication(3)), ...checkContents(healthyScan, settings, "json")];
  expect(findings.map(({ check, verdict }) => `${check}: ${verdict}`)).toEqual([
    "cleanup.policy: ok",
    "delete.retention.ms: ok",
    "compaction settings: ok",
    "replication: ok",
    "min.insync.replicas: ok",
    "unclean.leader.election.enable: ok",
    "open transactions: ok",
    "dead records: ok",
    "records without key: ok",
    "keys: ok",
    "values: ok",
    "partitions of keys: ok",
    "largest values: ok",
  ]);
  expect(findings.every(({ advice }) => advice === undefined)).toBe(true);
});

describe("settings", () => {
  test.each([
    ["delete", "problem", "delete: keys disappear after 7 d, and old values never"],
    ["compact,delete", "warning", "compact,delete: keys that are not written again disappear (retention.ms 7 d)"],
    ["delete, compact", "warning", "delete, compact: keys that are not written again disappear (retention.ms 7 d)"],
    ["compact", "ok", "compact"],
    ["", "warning", "the broker does not tell cleanup.policy"],
  ] as const)("cleanup.policy %j is a %s", (policy, verdict, message) => {
    expect(setting("cleanup.policy", { "cleanup.policy": policy })).toMatchObject({ verdict, message });
  });

  test("retention without a limit takes nothing away from compact,delete", () => {
    const settings = { "cleanup.policy": "compact,delete", "retention.ms": "-1", "retention.bytes": "-1" };
    expect(setting("cleanup.policy", settings)?.verdict).toBe("ok");
    expect(setting("cleanup.policy", { ...settings, "retention.bytes": "1073741824" })?.message).toContain(
      "retention.bytes 1 GiB",
    );
    expect(setting("cleanup.policy", { ...settings, "cleanup.policy": "delete" })?.message).toBe(
      "delete: keys disappear, and old values never",
    );
  });

  test.each([
    ["0", "problem"],
    ["59999", "problem"],
    ["60000", "warning"],
    ["3600000", "ok"],
    ["", "warning"],
  ] as const)("delete.retention.ms %j is a %s", (retention, verdict) => {
    expect(setting("delete.retention.ms", { "delete.retention.ms": retention })?.verdict).toBe(verdict);
  });

  test("what concerns compaction only is not looked at without it", () => {
    for (const check of ["delete.retention.ms", "compaction settings"]) {
      expect(setting(check, { "cleanup.policy": "delete" }), check).toBeUndefined();
    }
  });

  test.each([
    [{ "min.compaction.lag.ms": "86400001" }, "warning"],
    [{ "min.compaction.lag.ms": "86400000" }, "ok"],
    [{ "min.cleanable.dirty.ratio": "0.9" }, "warning"],
    [{ "segment.ms": "604800001" }, "warning"],
    [{ "segment.ms": "9999999999", "min.cleanable.dirty.ratio": "1", "max.compaction.lag.ms": "3600000" }, "ok"],
    [{ "segment.ms": "" }, "warning"],
  ] as const)("compaction with %j is %s", (settings, verdict) => {
    expect(setting("compaction settings", settings)?.verdict).toBe(verdict);
  });

  test.each([
    [replication(3), "ok", "factor 3, 3 brokers, 1 partition"],
    [replication(1), "warning", "the topic is gone with one disk"],
    [replication(3, 2), "warning", "replicas are missing or behind in 0"],
    [replication(3, 1, -1), "problem", "without leader: 0"],
  ] as const)("replication", (held, verdict, message) => {
    const finding = setting("replication", {}, held);
    expect(finding).toMatchObject({ verdict, message: expect.stringContaining(message) as string });
  });

  test.each([
    ["2", replication(3), "ok"],
    ["1", replication(1), "ok"],
    ["1", replication(3), "warning"],
    ["3", replication(3), "warning"],
    ["2", replication(3, 1), "problem"],
    ["2", replication(1), "problem"],
    ["", replication(3), "warning"],
  ] as const)("min.insync.replicas %j", (minimum, held, verdict) => {
    expect(setting("min.insync.replicas", { "min.insync.replicas": minimum }, held)?.verdict).toBe(verdict);
  });

  test("unclean elections", () => {
    expect(setting("unclean.leader.election.enable", { "unclean.leader.election.enable": "true" })?.verdict).toBe(
      "warning",
    );
  });

  test("that could not be read leave the replicas to be looked at", () => {
    expect(checkSettings(new Map(), replication(3)).map(({ check }) => check)).toEqual(["replication"]);
  });
});

describe("contents", () => {
  test.each([
    [9999, 1, "ok"],
    [30_000, 10_000, "ok"],
    [30_001, 10_000, "warning"],
    [200_001, 10_000, "problem"],
    [10_000, 0, "problem"],
  ] as const)("%i records for %i live keys", (records, liveKeys, verdict) => {
    expect(content("dead records", { records, liveKeys })?.verdict).toBe(verdict);
  });

  test("what helps against dead records depends on the policy", () => {
    const scan = { records: 100_000, liveKeys: 10 };
    expect(content("dead records", scan)?.advice).toContain("segment.ms");
    expect(content("dead records", scan, { "cleanup.policy": "delete" })?.advice).toBe("set cleanup.policy to compact");
    expect(content("dead records", scan)?.message).toBe("100 000 records for 10 live keys, 10000.0 per key, 4.9 KiB");
  });

  test.each([
    ["open transactions", { heldByTransactions: 3 }, "warning", "3 offsets cannot be read"],
    ["records without key", { keyless: 2 }, "warning", "2: no table has them"],
    ["keys", { binaryKeys: ["\u00ff"] }, "problem", '1 key of 100 not UTF-8, which tables skip: "/w=="'],
    ["values", { undecodable: ["a", "b", "c", "d"] }, "problem", '4 of 100 not of format auto: "a", "b", "c", …'],
    ["values", { formats: { json: 98, string: 1, base64: 1 } }, "warning", "98 json, 1 string, 1 binary"],
    [
      "partitions of keys",
      { inSeveralPartitions: ["a"], misplaced: ["a"] },
      "problem",
      '1 key in several partitions: "a"',
    ],
    ["partitions of keys", { misplaced: ["a"] }, "warning", "1 key of 100 elsewhere"],
    ["largest values", { largest: [{ key: "a", bytes: 524_295 }] }, "warning", "a 512 KiB"],
  ] as const)("%s: %j", (check, scan, verdict, message) => {
    const finding = content(check, scan);
    expect(finding).toMatchObject({ verdict, message: expect.stringContaining(message) as string });
    expect(finding?.advice).not.toBe("");
  });

  test("one kind of values is fine, and so is what was asked for", () => {
    expect(content("values", { formats: { json: 0, string: 0, base64: 7 } })).toMatchObject({
      verdict: "ok",
      message: "7 binary",
    });
    expect(content("values", { formats: { json: 100, string: 0, base64: 0 } }, {}, "json")?.verdict).toBe("ok");
    expect(content("values", { formats: { json: 0, string: 0, base64: 0 } })?.message).toBe("none");
  });
});

test("times and sizes in units that fit", () => {
  expect([0, 100, 1000, 90_000, 5_400_000, 86_400_000, 604_800_000].map(formatSpan)).toEqual([
    "0 ms",
    "100 ms",
    "1 s",
    "90 s",
    "90 min",
    "1 d",
    "7 d",
  ]);
  expect([0, 1, 1023, 1024, 1536, 20_971_520, 2 ** 50].map(formatBytes)).toEqual([
    "0 bytes",
    "1 byte",
    "1023 bytes",
    "1 KiB",
    "1.5 KiB",
    "20 MiB",
    "1024 TiB",
  ]);
});
