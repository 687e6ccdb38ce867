import { apiNames, serverApis } from "./apis.ts";
import { capturedVersions } from "./captured-versions.ts";
import type { VersionRange } from "./request-context.ts";

/**
 * What Azure Event Hubs answers to ApiVersions, as far as its users have published it: 0 to 13 as of 2024, 32 to 42 as of
 * 2022, the rest as of 2019. It may offer more by now; a client that gets along with this gets along with more.
 */
const eventHubs = `
    0:0-7 1:4-6 2:0-8 3:0-5 8:0-8 9:0-8 10:0-4 11:0-9 12:0-4 13:0-5 17:0-1 18:0-1 19:0-2 20:0-2 32:0-2 36:0-1
    37:0-1 42:0-0`;

/** A release line of Apache Kafka, or a service that speaks its protocol, whose versions are known. */
export type KnownLine = keyof typeof capturedVersions | "event-hubs";

/** What the embedded broker can stand for: not 0.10, which has no record batches. */
export type BrokerLine = Exclude<KnownLine, "0.10">;

const tables: Readonly<Record<KnownLine, string>> = { ...capturedVersions, "event-hubs": eventHubs };

export const knownLines: readonly KnownLine[] = Object.keys(tables) as KnownLine[];

export const brokerLines: readonly BrokerLine[] = knownLines.filter((line) => line !== "0.10");

/** The last lines with ZooKeeper alone: there the controller does not let others pass requests on to it. */
const zooKeeperLines: ReadonlySet<BrokerLine> = /* @__PURE__ */ new Set<BrokerLine>([
  "0.11",
  "1.0",
  "1.1",
  "2.0",
  "2.1",
  "2.4",
  "2.8",
]);

export function usesZooKeeper(line: BrokerLine | undefined): boolean {
  return line !== undefined && zooKeeperLines.has(line);
}

/** The versions of every API that a line advertises, by API key. */
export function advertisedVersions(line: KnownLine): ReadonlyMap<number, VersionRange> {
  const words = tables[line].trim().split(/\s+/);
  return new Map(
    words.map((word): [number, VersionRange] => {
      const [apiKey = 0, min = 0, max = 0] = word.split(/[:-]/).map(Number);
      return [apiKey, { min, max }];
    }),
  );
}

/** The versions that a line and the embedded broker both speak, by API key. */
export function commonVersions(line: BrokerLine | undefined): Map<number, VersionRange> {
  const advertised = line === undefined ? undefined : advertisedVersions(line);
  const common = new Map<number, VersionRange>();
  for (const name of apiNames) {
    const { key, minVersion, maxVersion } = serverApis[name];
    const range = advertised === undefined ? { min: minVersion, max: maxVersion } : advertised.get(key);
    if (range === undefined) continue;
    const min = Math.max(range.min, minVersion);
    const max = Math.min(range.max, maxVersion);
    if (min <= max) common.set(key, { min, max });
  }
  return common;
}
