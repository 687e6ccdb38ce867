/** What is measured, and the figures that come of it. */
import type { CompressionName } from "@ktables/record-batch";
import type { Task } from "../programs/client.ts";
import type { Shape } from "./records.ts";

/** A topic and what is in it. */
export interface TopicPlan extends Shape {
  readonly compression: CompressionName;
  readonly partitions: number;
}

export interface Case {
  /** For `--cases`. */
  readonly id: string;
  readonly title: string;
  /** Only when it is asked for by its id, and for the docs. */
  readonly isLarge: boolean;
  readonly bench: Task["bench"];
  readonly json: boolean;
  readonly lazyJson: boolean;
  readonly count: number;
  /** What is in the topic, or, for writes, what is to be written. */
  readonly plan: TopicPlan;
  /** How many writes in a second somebody else makes meanwhile. */
  readonly publishedPerSecond: number;
  /**
   * For how long, before anything is measured. What takes so long is measured as often as there are rounds in one process, and
   * else once in a process.
   */
  readonly warmUpMs: number;
}

/** A figure of one run of one program. */
export interface Reading {
  readonly bench: string;
  readonly case: string;
  readonly unit: string;
  readonly value: number;
}

/** @param records of the main cases; the others grow and shrink with it. */
export function allCases(records: number): Case[] {
  const basic: TopicPlan = { records, keys: records, valueSize: 100, compression: "none", partitions: 1 };
  const small: TopicPlan = {
    ...basic,
    records: within(records / 100, 100, 10_000),
    keys: within(records / 100, 100, 10_000),
  };
  const many = inWords(records);
  const few = Math.max(1, Math.round(records / 50));
  const seconds = within(records / 200_000, 1, 5);
  // So many that what compiles while it runs is done with that.
  const calls = within(records / 200, 20, 5000);
  return [
    catchUp("100b", `${many} x 100 B`, basic),
    catchUp("256b", `${many} x 256 B, as bytes`, { ...basic, valueSize: 256 }),
    catchUp("256b-json", `${many} x 256 B, parsed`, { ...basic, valueSize: 256 }, { json: true }),
    catchUp("256b-json-lazy", `${many} x 256 B, parsed when read`, { ...basic, valueSize: 256 }, { lazyJson: true }),
    catchUp("lz4", `${many} x 100 B, lz4`, { ...basic, compression: "lz4" }),
    catchUp("zstd", `${many} x 100 B, zstd`, { ...basic, compression: "zstd" }),
    catchUp("few-keys", `${many} x 100 B, ${few} keys`, { ...basic, keys: few }),
    catchUp("3-partitions", `${many} x 100 B, 3 partitions`, { ...basic, partitions: 3 }),
    catchUp(
      "10-fold",
      `${inWords(10 * records)} x 100 B`,
      { ...basic, records: 10 * records, keys: 10 * records },
      { isLarge: true },
    ),
    other("writes", "writes", "10 000 on their way", {
      ...basic,
      records: Math.ceil(records / 5),
      keys: Math.ceil(records / 5),
    }),
    other("sequential-writes", "sequential-writes", "", { ...basic, records: calls, keys: calls }),
    other("barrier", "barrier", "idle", small, { count: calls }),
    other("busy-barrier", "barrier", "5000 writes/s", small, { count: calls, publishedPerSecond: 5000 }),
    other("wait-for", "wait-for", "", { ...small, records: 0, keys: 0 }, { count: calls }),
    ...[200, 5000].map((rate) =>
      other(
        `propagation-${rate}`,
        "propagation",
        `${rate} writes/s`,
        { ...small, records: 0, keys: 0 },
        {
          count: Math.round(rate * seconds),
          publishedPerSecond: rate,
          warmUpMs: within(records / 17, 1000, 60_000),
        },
      ),
    ),
    other("idle", "idle", "one broker", small, { count: within(records / 100, 1000, 10_000) }),
  ];
}

type Further = Partial<Pick<Case, "json" | "lazyJson" | "isLarge" | "count" | "publishedPerSecond" | "warmUpMs">>;

function catchUp(id: string, title: string, plan: TopicPlan, further: Further = {}): Case {
  return other(id, "catch-up", title, plan, further);
}

function other(id: string, bench: Task["bench"], title: string, plan: TopicPlan, further: Further = {}): Case {
  const usual = { json: false, lazyJson: false, isLarge: false, count: 0, publishedPerSecond: 0, warmUpMs: 0 };
  return { id, bench, title, plan, ...usual, ...further };
}

function within(value: number, lowest: number, highest: number): number {
  return Math.round(Math.min(highest, Math.max(lowest, value)));
}

function inWords(count: number): string {
  return count >= 1e6 ? `${count / 1e6} M` : String(count);
}

/** What a program reported, as figures. What it could not tell is left out. */
export function readings({ bench, title, plan }: Case, figures: Readonly<Record<string, number | null>>): Reading[] {
  const reading = (name: string, unit: string, value: number, suffix = ""): Reading => ({
    bench: name,
    case: [title, suffix].filter((text) => text !== "").join(", "),
    unit,
    value,
  });
  const reported = (name: string): number => figures[name] ?? NaN;
  const rate = (): Reading => reading(bench, "M records/s", plan.records / reported("seconds") / 1e6);
  const latencies = (): Reading[] => ["p50", "p99"].map((name) => reading(bench, "ms", reported(name), name));
  const byBench: Record<Task["bench"], () => Reading[]> = {
    "catch-up": () => [
      rate(),
      reading("peak-memory", "MB", reported("peak") / 1e6),
      reading("memory-at-rest", "B/key", reported("rest") / plan.keys),
      reading("longest-stall", "ms", reported("longestStall")),
    ],
    writes: () => [rate()],
    "sequential-writes": latencies,
    barrier: latencies,
    "wait-for": latencies,
    propagation: latencies,
    idle: () => [reading("idle-cpu", "% of a core", reported("percent"))],
  };
  return byBench[bench]().filter(({ value }) => Number.isFinite(value));
}

/** Whether more is better. */
export function isRate(unit: string): boolean {
  return unit.endsWith("/s");
}
