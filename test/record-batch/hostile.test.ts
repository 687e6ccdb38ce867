import { type CompressionName, encodeBatch, RecordBatchError, readBatches } from "@ktables/record-batch";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fixCrc, recordsOf, utf8 } from "./support.ts";

const codecs: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];
const codes = [
  "BATCH_CORRUPT",
  "BATCH_CRC_MISMATCH",
  "BATCH_TRUNCATED",
  "BATCH_UNSUPPORTED_MAGIC",
  "BATCH_UNSUPPORTED_COMPRESSION",
  "BATCH_TOO_LARGE",
  "UNSAFE_INTEGER",
];

/** Decodes everything there is; anything thrown but the decoder's own error fails the test. */
function decodeOrRefuse(bytes: Uint8Array, checkCrc: boolean): "decoded" | "refused" {
  try {
    for (const batch of readBatches(bytes, { checkCrc, maxDecompressedBytes: 1 << 20 })) {
      let nextOffset = batch.baseOffset;
      for (const { offset, key, value } of recordsOf(batch)) {
        expect(offset).toBeGreaterThanOrEqual(nextOffset);
        nextOffset = offset + 1;
        expect((key?.length ?? 0) + (value?.length ?? 0)).toBeLessThanOrEqual(1 << 20);
      }
      expect(nextOffset).toBeLessThanOrEqual(batch.nextOffset);
      if (batch.isControl) batch.controlType();
    }
    return "decoded";
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
    expect(codes).toContain(error.code);
    expect(Number.isInteger(error.byteOffset)).toBe(true);
    expect(error.byteOffset).toBeLessThanOrEqual(bytes.length);
    return "refused";
  }
}

const records = Array.from({ length: 12 }, (_, index) => ({
  key: utf8(`key ${index}`),
  value: index % 5 === 0 ? null : utf8(`{"value":"${"abc".repeat(index)}"}`),
  timestamp: 1_700_000_000_000 + index * 1_000_000_000,
  headers: index % 3 === 0 ? [{ key: "trace", value: utf8("1234") }] : [],
}));

describe("damaged batches are decoded or refused, whatever is damaged", () => {
  for (const compression of codecs) {
    const intact = encodeBatch({ records, compression, baseOffset: 1000, lastOffset: 1050 });

    test(`${compression}: every bit of the batch flipped, with a CRC that fits`, () => {
      const outcomes = { decoded: 0, refused: 0 };
      for (let at = 0; at < intact.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const flipped = Uint8Array.from(intact);
          flipped[at] = flipped[at]! ^ (1 << bit);
          outcomes[decodeOrRefuse(fixCrc(flipped), true)]++;
        }
      }
      expect(outcomes.decoded).toBeGreaterThan(0);
      expect(outcomes.refused).toBeGreaterThan(0);
    });

    test(`${compression}: bytes changed, removed, inserted, cut and repeated`, () => {
      const edit = fc.record({
        at: fc.nat(intact.length - 1),
        remove: fc.nat(6),
        insert: fc.uint8Array({ maxLength: 6 }),
        keepLength: fc.boolean(),
      });
      fc.assert(
        fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(intact.length), (edits, cut) => {
          let bytes = Uint8Array.from(intact);
          for (const { at, remove, insert, keepLength } of edits) {
            bytes = Uint8Array.from(concat(bytes.subarray(0, at), insert, bytes.subarray(at + remove)));
            if (!keepLength && bytes.length > 61) new DataView(bytes.buffer).setInt32(8, bytes.length - 12);
          }
          decodeOrRefuse(bytes, false);
          if (bytes.length > 61) decodeOrRefuse(fixCrc(bytes), true);
          decodeOrRefuse(concat(intact, bytes, intact), false);
          expect(decodeOrRefuse(concat(intact, bytes.subarray(0, Math.min(cut, 11))), true)).toBe("decoded");
        }),
        { numRuns: 300 },
      );
    });
  }

  test("any bytes at all", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decodeOrRefuse(bytes, false);
      }),
      { numRuns: 1000 },
    );
  });

  test("any bytes in the place of the records, for every codec number", () => {
    const intact = encodeBatch({ records: records.slice(0, 2), lastOffset: 50 });
    const frameStarts = [
      [],
      [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
      [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1],
      [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82],
      [0x28, 0xb5, 0x2f, 0xfd],
    ];
    fc.assert(
      fc.property(
        fc.nat(7),
        fc.constantFrom(...frameStarts),
        fc.uint8Array({ maxLength: 60 }),
        (codec, start, rest) => {
          const bytes = Uint8Array.from(concat(intact.subarray(0, 61), start, rest));
          const view = new DataView(bytes.buffer);
          view.setInt32(8, bytes.length - 12);
          view.setInt16(21, codec);
          decodeOrRefuse(fixCrc(bytes), true);
        },
      ),
      { numRuns: 1500 },
    );
  });
});

test("claims of great sizes cost neither memory nor time in proportion", () => {
  // One record that claims 2^31 - 1 of everything, a thousand times over in one response.
  const bytes = Uint8Array.from(encodeBatch({ records: records.slice(0, 1), lastOffset: 2 ** 31 - 1 }));
  new DataView(bytes.buffer).setInt32(57, 2 ** 31 - 1);
  const many = concat(...Array.from({ length: 1000 }, () => fixCrc(bytes)));
  let refused = 0;
  for (const batch of readBatches(many)) {
    try {
      batch.visit(() => {});
    } catch (error) {
      expect(error).toMatchObject({ code: "BATCH_CORRUPT" });
      refused++;
    }
  }
  expect(refused).toBe(1000);
});
