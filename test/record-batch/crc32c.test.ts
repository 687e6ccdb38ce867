import { crc32c } from "@ktables/record-batch";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "./support.ts";

/** Bit by bit, straight from the definition. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

test("CRC-32C of the known vectors", () => {
  expect(crc32c(utf8("123456789"))).toBe(3808858755);
  expect(crc32c(new Uint8Array(0))).toBe(0);
  // RFC 3720, B.4
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe(0x46dd794e);
});

test("CRC-32C of any range of any bytes, aligned or not", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(20), fc.nat(20), (bytes, skip, cut) => {
      const start = Math.min(skip, bytes.length);
      const end = Math.max(start, bytes.length - cut);
      const shifted = new Uint8Array(bytes.length + 3).subarray(3);
      shifted.set(bytes);
      expect(crc32c(shifted, start, end)).toBe(slowCrc32c(bytes.subarray(start, end)));
    }),
    { numRuns: 500 },
  );
});
