/**
 * The decoders that are compared. Peers offer theirs as part of a consumer only, so that they are taken from the files
 * of their packages: what is measured is what such a consumer does with the bytes of a partition in a fetch response.
 */
import { createRequire } from "node:module";
import { type CompressionName, readBatches } from "@ktables/record-batch";

export interface Decoder {
  readonly name: string;
  readonly reads: (compression: CompressionName) => boolean;
  /** Decodes everything and returns the number of records and the bytes of their keys and values. */
  readonly decode: (bytes: Uint8Array) => Promise<string> | string;
}

type Sized = { readonly length: number } | null;

interface PeerRecord {
  readonly key: Sized;
  readonly value: Sized;
}

interface PeerBatch {
  readonly records: readonly PeerRecord[];
}

const require = createRequire(import.meta.url);

function counted(batches: readonly PeerBatch[]): string {
  let records = 0;
  let bytes = 0;
  for (const batch of batches) {
    for (const { key, value } of batch.records) {
      records++;
      bytes += (key?.length ?? 0) + (value?.length ?? 0);
    }
  }
  return `${records} records, ${bytes} bytes`;
}

/** Checks the CRC-32C, which no peer does. */
export function decodeOurs(input: Uint8Array): string {
  let records = 0;
  let bytes = 0;
  for (const batch of readBatches(input)) {
    batch.visit(({ keyLength, valueLength }) => {
      records++;
      bytes += Math.max(keyLength, 0) + Math.max(valueLength, 0);
    });
  }
  return `${records} records, ${bytes} bytes`;
}

/** The same, and asks for a view of every key and value, which is what the peers hand out at the least. */
export function decodeOursToViews(input: Uint8Array): string {
  let records = 0;
  let bytes = 0;
  for (const batch of readBatches(input)) {
    batch.visit((record) => {
      records++;
      bytes += (record.key()?.length ?? 0) + (record.value()?.length ?? 0);
    });
  }
  return `${records} records, ${bytes} bytes`;
}

/** `dist/api/fetch/common.js`; keys and values become strings. */
function kafkaTs(): Decoder {
  interface KafkaTsDecoder {
    readonly buffer: Uint8Array;
  }
  const { decodeRecordBatch } = require("kafka-ts/dist/api/fetch/common.js") as {
    decodeRecordBatch: (decoder: KafkaTsDecoder, size: number, decompressions: Promise<void>[]) => PeerBatch[];
  };
  const { Decoder: KafkaTsDecoder } = require("kafka-ts/dist/utils/decoder.js") as {
    Decoder: new (bytes: Uint8Array) => KafkaTsDecoder;
  };
  return {
    name: "kafka-ts",
    reads: () => true,
    async decode(bytes) {
      const decompressions: Promise<void>[] = [];
      const batches = decodeRecordBatch(new KafkaTsDecoder(bytes), bytes.length, decompressions);
      await Promise.all(decompressions);
      return counted(batches);
    },
  };
}

/** `dist/protocol/records.js`; keys and values are Buffers on the input. */
async function platformatic(): Promise<Decoder> {
  // The package exports its main file only; the others are reached from where that is.
  const main = new URL(import.meta.resolve("@platformatic/kafka"));
  const { readRecordsBatches } = (await import(new URL("protocol/records.js", main).href)) as {
    readRecordsBatches: (reader: object) => PeerBatch[];
  };
  const { Reader } = (await import(new URL("protocol/reader.js", main).href)) as {
    Reader: { from: (bytes: Uint8Array) => object };
  };
  return {
    name: "@platformatic/kafka",
    reads: () => true,
    decode: (bytes) => counted(readRecordsBatches(Reader.from(bytes))),
  };
}

/** `src/protocol/recordBatch/v0/decoder.js`; keys and values are Buffers on the input. */
function kafkajs(): Decoder {
  interface KafkajsDecoder {
    readonly offset: number;
  }
  const decodeBatch = require("kafkajs/src/protocol/recordBatch/v0/decoder.js") as (
    decoder: KafkajsDecoder,
  ) => Promise<PeerBatch>;
  const KafkajsDecoder = require("kafkajs/src/protocol/decoder.js") as new (bytes: Uint8Array) => KafkajsDecoder;
  return {
    name: "kafkajs",
    // The other codecs are left to packages of other authors.
    reads: (compression) => compression === "none" || compression === "gzip",
    async decode(bytes) {
      const decoder = new KafkajsDecoder(bytes);
      const batches: PeerBatch[] = [];
      while (decoder.offset < bytes.length) batches.push(await decodeBatch(decoder));
      return counted(batches);
    },
  };
}

export async function peers(): Promise<Decoder[]> {
  return [kafkaTs(), await platformatic(), kafkajs()];
}
