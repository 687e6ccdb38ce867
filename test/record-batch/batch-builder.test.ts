import { BatchBuilder, type CompressionName, encodeBatch, type RecordInput } from "@ktables/record-batch";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "./support.ts";

const shortAscii = fc.string({ unit: "binary-ascii", maxLength: 80 });
/** Around the length from which on text takes another way into a batch. */
const longAscii = fc.tuple(shortAscii, fc.nat(80)).map(([text, less]) => text.padEnd(4136 - less, "0123456789"));
const ascii = fc.oneof({ weight: 9, arbitrary: shortAscii }, { weight: 1, arbitrary: longAscii });
/** As it is given to a builder. */
const field = fc.oneof(fc.constant(null), ascii, fc.uint8Array({ maxLength: 80 }));
const record = fc.record({
  key: field,
  value: field,
  timestamp: fc.nat(2 ** 42),
  headers: fc.option(fc.array(fc.record({ key: fc.string(), value: fc.constant(null) }), { maxLength: 2 }), {
    nil: undefined,
  }),
});
type Given = (typeof record extends fc.Arbitrary<infer T> ? T : never) & object;

const inBytes = (given: string | Uint8Array | null): Uint8Array | null =>
  typeof given === "string" ? utf8(given) : given;

function inputs(records: readonly Given[]): RecordInput[] {
  return records.map(({ key, value, timestamp, headers }) => {
    const input = { key: inBytes(key), value: inBytes(value), timestamp };
    return headers === undefined ? input : { ...input, headers };
  });
}

const append = (builder: BatchBuilder, { key, value, timestamp, headers }: Given): boolean =>
  builder.append(key, value, timestamp, headers);

describe("a batch that grows record by record", () => {
  test("is that of all its records, at each finish", () => {
    const compressions = fc.constantFrom<CompressionName>("none", "gzip", "snappy", "lz4", "zstd");
    const stage = fc.record({ records: fc.array(record, { maxLength: 8 }), compression: compressions, id: fc.nat(9) });
    fc.assert(
      fc.property(
        fc.array(stage, { maxLength: 4 }),
        fc.option(fc.nat(3000), { nil: undefined }),
        (stages, capacity) => {
          const builder = new BatchBuilder(capacity);
          const all: Given[] = [];
          for (const { records, compression, id } of stages) {
            for (const one of records) expect(append(builder, one)).toBe(true);
            all.push(...records);
            const fields = { compression, producerId: id, producerEpoch: 1, baseSequence: 10 * id };
            const expected = encodeBatch({ ...fields, records: inputs(all) });
            expect(builder.finish(fields)).toEqual(expected);
            expect(builder.recordCount).toBe(all.length);
            if (compression === "none") expect(builder.sizeInBytes).toBe(expected.length);
          }
        },
      ),
    );
  });

  test("takes no text beyond ASCII, as key or as value, long or short, and is as before then", () => {
    const beyond = fc
      .tuple(ascii, fc.constantFrom("\u0080", "é", "€", "😀", "\ud800"), ascii)
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 5 }),
        fc.nat(5),
        beyond,
        fc.boolean(),
        (records, position, text, isKey) => {
          const builder = new BatchBuilder();
          const refused = {
            key: isKey ? text : "k",
            value: isKey ? null : text,
            timestamp: 2 ** 43,
            headers: undefined,
          };
          records.forEach((one, index) => {
            if (index === position) expect(append(builder, refused)).toBe(false);
            append(builder, one);
          });
          expect(append(builder, refused)).toBe(false);
          expect(builder.finish({})).toEqual(encodeBatch({ records: inputs(records) }));
        },
      ),
    );
  });

  test("is as before when it is given what no batch can hold", () => {
    const builder = new BatchBuilder();
    builder.append("a", "1", 5);
    const invalid = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    expect(() => builder.append("b", "2", 1.5)).toThrow(invalid);
    expect(() => builder.append("b", "2", -Number.MAX_SAFE_INTEGER)).toThrow(invalid);
    expect(() => builder.append("b", "2", 5, undefined, 2 ** 31)).toThrow(invalid);
    builder.append("c", null, 6);
    const records = inputs([
      { key: "a", value: "1", timestamp: 5, headers: undefined },
      { key: "c", value: null, timestamp: 6, headers: undefined },
    ]);
    expect(builder.finish({})).toEqual(encodeBatch({ records }));
  });
});
