import { type CompressionName, encodeBatch, type RecordInput } from "@ktables/record-batch";

const utf8 = new TextEncoder();
const words = [
  "open",
  "closed",
  "waiting",
  "shipped",
  "returned",
  "paid",
  "north",
  "south",
  "east",
  "west",
  "priority",
];

/** ASCII only, so that characters and bytes are the same number; some numbers repeat and some do not. */
function json(index: number, size: number): string {
  const scrambled = (index * 7919) % 1_000_003;
  let text = `{"id":${scrambled},"amount":${(scrambled % 99_991) / 100},"state":"${words[index % 11]}"`;
  for (let field = 0; text.length < size - 30; field++) {
    text += `,"f${field}":"${words[(scrambled + field * 5) % 11]}-${(scrambled * (field + 3)) % 9973}"`;
  }
  return `${text},"p":"${"x".repeat(size - text.length - 8)}"}`;
}

/** Most of each value is in the one before. */
function repetitiveJson(index: number, size: number): string {
  const text = `{"id":${index},"name":"user ${(index * 31) % 977}","active":${index % 3 === 0},"tags":["a","b${index % 17}"]`;
  return `${text},"p":"${"x".repeat(size - text.length - 8)}"}`;
}

/** Keys of 14 to 19 bytes and JSON values of exactly `valueSize` bytes, one millisecond apart. */
export function sampleRecords(count: number, valueSize: number, value: typeof json = json): RecordInput[] {
  return Array.from({ length: count }, (_, index) => ({
    key: utf8.encode(`customer-key-${(index * 7919) % 1_000_003}`),
    value: utf8.encode(value(index, valueSize)),
    timestamp: 1_760_000_000_000 + index,
  }));
}

/** What a fetch response would hold: batches of about 100 KB before compression, one after the other. */
export function sampleBatches(records: readonly RecordInput[], compression: CompressionName): Uint8Array {
  const size = (record: RecordInput) => (record.key?.length ?? 0) + (record.value?.length ?? 0) + 11;
  const perBatch = Math.max(1, Math.floor(100_000 / (records[0] === undefined ? 1 : size(records[0]))));
  const batches: Uint8Array[] = [];
  for (let at = 0; at < records.length; at += perBatch) {
    batches.push(encodeBatch({ records: records.slice(at, at + perBatch), compression, baseOffset: at }));
  }
  return Buffer.concat(batches);
}

/** `size` bytes of the uncompressed records of one batch. */
export function sampleSection(size: number, isRepetitive = false): Uint8Array {
  const records = sampleRecords(Math.ceil(size / 120), 100, isRepetitive ? repetitiveJson : json);
  return encodeBatch({ records }).slice(61, 61 + size);
}
