import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type ApiRange, probeVersions } from "./api-versions-probe.ts";
import { startKafka } from "./kafka.ts";

/**
 * Command: `node test/harness/capture-versions.ts` starts a broker of every release below and writes what each of them
 * answers to ApiVersions into the embedded broker's table. ZooKeeper mode up to 2.8, KRaft from 3.3 on.
 */
const releases = [
  "0.10.2.2",
  "0.11.0.3",
  "1.0.2",
  "1.1.1",
  "2.0.1",
  "2.1.1",
  "2.4.1",
  "2.8.2",
  "3.3.2",
  "3.9.2",
  "4.0.2",
  "4.4.0",
];
const target = fileURLToPath(new URL("../../packages/client/src/testing/captured-versions.ts", import.meta.url));
const lineWidth = 110;

const rows: string[] = [];
for (const version of releases) {
  const cluster = await startKafka({ version, launcher: "java" });
  try {
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error("the cluster has no node");
    const line = version.split(".").slice(0, 2).join(".");
    rows.push(`  "${line}": \`\n${wrapped(await probeVersions(node.host, node.port))}\`,`);
    console.log(`captured ${version}`);
  } finally {
    await cluster.stop();
  }
}
await writeFile(
  target,
  `/**
 * What brokers of Apache Kafka answer to ApiVersions, as \`key:lowest-highest\`. Captured by
 * \`node test/harness/capture-versions.ts\` from releases
 * ${releases.join(", ")}; do not edit.
 */
export const capturedVersions = {
${rows.join("\n")}
} as const;
`,
);

function wrapped(ranges: readonly ApiRange[]): string {
  let lines = "";
  let line = "   ";
  for (const { apiKey, min, max } of ranges.toSorted((a, b) => a.apiKey - b.apiKey)) {
    const word = ` ${apiKey}:${min}-${max}`;
    if (line.length + word.length > lineWidth) {
      lines += `${line}\n`;
      line = "   ";
    }
    line += word;
  }
  return `${lines}${line}`;
}
