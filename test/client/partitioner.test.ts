import { murmur2, partitionForKey } from "@ktables/client";
import { describe, expect, test } from "vitest";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("the hash of a key", () => {
  // From the tests of Kafka's own Utils.murmur2.
  test.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
    ["", 275646681],
  ])("%j is Java's", (text, expected) => {
    expect(murmur2(bytes(text))).toBe(expected);
  });

  test("gives a partition with the sign bit cleared, not with the absolute value", () => {
    expect(partitionForKey(bytes("21"), 12)).toBe((-973932308 & 0x7fff_ffff) % 12);
    expect(partitionForKey(bytes(""), 7)).toBe(275646681 % 7);
    for (let count = 1; count < 50; count++) {
      const partition = partitionForKey(bytes("foobar"), count);
      expect(partition).toBeGreaterThanOrEqual(0);
      expect(partition).toBeLessThan(count);
    }
  });
});
