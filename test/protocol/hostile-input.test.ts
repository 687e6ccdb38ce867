import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../packages/client/src/protocol/error.ts";
import { messageArbitrary } from "./arbitraries.ts";
import { loadCodecs, versionsOf } from "./codecs.ts";

const codecs = (await loadCodecs()).flatMap((api) => api.codecs);

describe.each(codecs.map((codec) => ({ name: codec.struct.name, codec })))("$name", ({ codec }) => {
  const { spec, struct, encode, decode } = codec;
  const version = fc.constantFrom(...versionsOf(spec));
  const encoded = version.chain((version) =>
    messageArbitrary(struct, version).map((value) => ({ version, bytes: encode(value, version) })),
  );

  /** Decodes or fails as promised; a success holds no more elements than there were bytes to hold them. */
  function decodeOrFail(bytes: Uint8Array, version: number): void {
    try {
      const { value } = decode(bytes, version);
      expect(countElements(value)).toBeLessThanOrEqual(bytes.length);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      expect(error.byteOffset).toBeGreaterThanOrEqual(0);
      expect(error.byteOffset).toBeLessThanOrEqual(bytes.length);
    }
  }

  test("a message cut off anywhere is refused", () => {
    fc.assert(
      fc.property(encoded, ({ version, bytes }) => {
        for (let length = 0; length < bytes.length; length++) {
          expect(() => decode(bytes.slice(0, length), version), `cut at ${length}`).toThrow(ProtocolError);
        }
      }),
      { numRuns: 15 },
    );
  });

  test("bytes after the message are left alone", () => {
    fc.assert(
      fc.property(encoded, fc.uint8Array({ maxLength: 9 }), ({ version, bytes }, more) => {
        const { value, remaining } = decode(Uint8Array.from([...bytes, ...more]), version);
        expect(value).toEqual(decode(bytes, version).value);
        expect(remaining).toBe(more.length);
      }),
      { numRuns: 15 },
    );
  });

  test("a message with huge counts and lengths anywhere is decoded or refused", () => {
    const claims = [
      [0x7f, 0xff, 0xff, 0xff],
      [0x80, 0, 0, 0],
      [0xff, 0xff, 0xff, 0xfe],
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      [0x80, 0x80, 0x80, 0x80, 0x08],
    ];
    fc.assert(
      fc.property(encoded, fc.constantFrom(...claims), ({ version, bytes }, claim) => {
        for (let position = 0; position < bytes.length; position++) {
          const mutated = Uint8Array.from([...bytes.slice(0, position), ...claim, ...bytes.slice(position + 1)]);
          decodeOrFail(mutated, version);
        }
      }),
      { numRuns: 15 },
    );
  });

  test("flipped bits and random bytes are decoded or refused", () => {
    const flipped = fc.tuple(encoded, fc.nat(), fc.nat(7)).map(([{ version, bytes }, position, bit]) => {
      const copy = Uint8Array.from(bytes);
      const index = position % Math.max(1, copy.length);
      if (copy.length > 0) copy[index] = (copy[index] ?? 0) ^ (1 << bit);
      return { version, bytes: copy };
    });
    const random = fc.record({ version, bytes: fc.uint8Array({ maxLength: 300 }) });
    fc.assert(
      fc.property(fc.oneof(flipped, random), ({ version, bytes }) => decodeOrFail(bytes, version)),
      { numRuns: 300 },
    );
  });
});

test("the elements of all arrays together are limited", () => {
  const response = codecs.find(({ struct }) => struct.name === "ApiVersionsResponse");
  const keys = Array.from({ length: 10 }, (_, apiKey) => ({ apiKey, minVersion: 0, maxVersion: 1 }));
  const bytes = response?.encode({ errorCode: 0, apiKeys: keys, throttleTimeMs: 0 }, 0) ?? new Uint8Array();
  expect(response?.decode(bytes, 0, { maxElements: 10 }).value["apiKeys"]).toHaveLength(10);
  expect(() => response?.decode(bytes, 0, { maxElements: 9 })).toThrow(
    expect.objectContaining({ code: "MESSAGE_TOO_LARGE", byteOffset: 2 }),
  );
});

function countElements(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + 1 + countElements(item), 0);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + countElements(item), 0);
}
