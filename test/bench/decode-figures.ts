/** The figures of one runtime, which runs this file: one line of JSON for each. */
import { type CompressionName, crc32c, encodeBatch } from "@ktables/record-batch";
import { codecs } from "../../packages/record-batch/src/compression/index.ts";
import { OutputBuffer } from "../../packages/record-batch/src/compression/output-buffer.ts";
import { allowZlib } from "../../packages/record-batch/src/compression/zlib.ts";
import { allowWebAssembly } from "../../packages/record-batch/src/wasm/lazy-module.ts";
import { decodeOurs, decodeOursToViews, peers } from "./decoders.ts";
import { measure } from "./measure.ts";
import { sampleBatches, sampleRecords, sampleSection } from "./samples.ts";

const [runtime = "unknown", roundsText = "15"] = process.argv.slice(2);
const rounds = Number(roundsText);
const recordCount = 100_000;
/** How much one pass of the codecs and checksums reads or writes. */
const passSize = 16_000_000;
const compressions: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

const others = await peers();

async function decodeCase(name: string, compression: CompressionName, valueSize: number): Promise<void> {
  const bytes = sampleBatches(sampleRecords(recordCount, valueSize), compression);
  const subjects = others
    .filter(({ reads }) => reads(compression))
    .map((peer) => ({ name: peer.name, run: () => peer.decode(bytes) }));
  const ours = { name: "ktables", run: () => decodeOurs(bytes) };
  const amount = recordCount / 1e6;
  const unit = "M records/s";
  await measure(runtime, rounds, { bench: "decode", name, unit, amount, subjects: [ours, ...subjects] });
}

async function oursOnly(bench: string, name: string, unit: string, amount: number, run: () => string): Promise<void> {
  await measure(runtime, rounds, { bench, name, unit, amount, subjects: [{ name: "ktables", run }] });
}

/** On the path that every runtime has. */
async function inJavaScript(run: () => Promise<void>): Promise<void> {
  allowWebAssembly(false);
  allowZlib(false);
  await run();
  allowWebAssembly(true);
  allowZlib(true);
}

for (const compression of compressions) await decodeCase(`${compression}, 100 B`, compression, 100);
await decodeCase("none, 256 B", "none", 256);

const uncompressed = sampleBatches(sampleRecords(recordCount, 100), "none");
const millions = recordCount / 1e6;
await oursOnly("decode", "none, 100 B, views of key and value", "M records/s", millions, () =>
  decodeOursToViews(uncompressed),
);
await inJavaScript(() =>
  oursOnly("decode", "none, 100 B, plain JavaScript", "M records/s", millions, () => decodeOurs(uncompressed)),
);

for (const valueSize of [100, 256]) {
  const records = sampleRecords(1000, valueSize);
  await oursOnly("encode", `none, ${valueSize} B`, "M records/s", 0.05, () => {
    let size = 0;
    for (let pass = 0; pass < 50; pass++) size += encodeBatch({ records }).length;
    return String(size);
  });
}

async function checksumCases(suffix: string): Promise<void> {
  for (const size of [256, 1024, 4096, 16_384, 65_536, 1_048_576]) {
    const bytes = sampleSection(size);
    const passes = Math.ceil(passSize / size);
    await oursOnly("crc32c", `${size} B${suffix}`, "GB/s", (passes * size) / 1e9, () => {
      let mixed = 0;
      for (let pass = 0; pass < passes; pass++) mixed ^= crc32c(bytes) + pass;
      return String(mixed);
    });
  }
}

await checksumCases("");
await inJavaScript(() => checksumCases(", plain JavaScript"));

type Codec = Exclude<CompressionName, "none">;

async function decompressionCase(codec: Codec, name: string, section: Uint8Array): Promise<void> {
  const compressed = codecs[codec].compress(section);
  const output = new OutputBuffer(true);
  const passes = Math.ceil(passSize / section.length);
  await oursOnly("decompress", `${codec}, ${name}`, "GB/s", (passes * section.length) / 1e9, () => {
    let total = 0;
    for (let pass = 0; pass < passes; pass++) {
      total += codecs[codec].decompress(compressed, section.length, output).length;
    }
    return String(total);
  });
}

async function decompressionCases(names: readonly Codec[], suffix: string): Promise<void> {
  for (const codec of names) {
    for (const size of [1000, 16_000, 100_000, 1_000_000]) {
      await decompressionCase(codec, `${size / 1000} KB${suffix}`, sampleSection(size));
    }
    await decompressionCase(codec, `100 KB, repetitive${suffix}`, sampleSection(100_000, true));
  }
}

await decompressionCases(["lz4", "snappy", "gzip", "zstd"], "");
await inJavaScript(() => decompressionCases(["lz4", "snappy", "gzip", "zstd"], ", plain JavaScript"));
