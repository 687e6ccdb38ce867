import { type CompressionName, encodeBatch } from "@ktables/record-batch";
import { expect, test } from "vitest";
import { onlyBatch, text, utf8 } from "./support.ts";

const codecs: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

function batchOf(prefix: string, compression: CompressionName): Uint8Array {
  const records = Array.from({ length: 50 }, (_, index) => ({
    key: utf8(`${prefix} key ${index}`),
    value: utf8(`${prefix} value ${index} `.repeat(8)),
    timestamp: index,
  }));
  return encodeBatch({ records, compression });
}

for (const outerCompression of codecs) {
  for (const innerCompression of codecs) {
    test(`a visitor of ${outerCompression} may visit a batch of ${innerCompression}, and fail there`, () => {
      const outer = onlyBatch(batchOf("outer", outerCompression));
      const inner = onlyBatch(batchOf("inner", innerCompression));
      const failing = () =>
        inner.visit(() => {
          throw new Error("enough");
        });
      for (let visit = 0; visit < 2; visit++) {
        let outerIndex = 0;
        outer.visit((outerRecord) => {
          let innerIndex = 0;
          inner.visit((innerRecord) => {
            expect(text(innerRecord.key())).toBe(`inner key ${innerIndex++}`);
            expect(text(outerRecord.key())).toBe(`outer key ${outerIndex}`);
          });
          expect(failing).toThrow("enough");
          expect(text(outerRecord.value())).toBe(`outer value ${outerIndex} `.repeat(8));
          outerIndex++;
        });
        expect(outerIndex).toBe(50);
      }
    });
  }
}
