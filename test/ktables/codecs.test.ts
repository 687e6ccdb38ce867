import * as fc from "fast-check";
import { bytes, json, type StandardSchema, string } from "ktables";
import { describe, expect, test } from "vitest";
import { utf8 } from "../suites/support.ts";

const encodeFailed = expect.objectContaining({ name: "CodecError", code: "ENCODE_FAILED" });
const decodeFailed = expect.objectContaining({ name: "CodecError", code: "DECODE_FAILED" });

describe("string()", () => {
  test("any well-formed string survives the round trip, byte order marks included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(string().decode(string().encode(text))).toBe(text);
      }),
    );
    expect(string().decode(string().encode("\uFEFFa"))).toBe("\uFEFFa");
  });

  test("what UTF-8 cannot represent is refused, both ways", () => {
    for (const text of ["\uD800", "a\uDC00b", 1, null, undefined]) {
      expect(() => string().encode(text as string)).toThrow(encodeFailed);
    }
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      expect(() => string().decode(Uint8Array.from(bad))).toThrow(decodeFailed);
    }
  });
});

describe("bytes()", () => {
  test("copies, so that neither a receive buffer nor the caller's array is shared", () => {
    const buffer = Buffer.from("a buffer, whose slice() is a view");
    const decoded = bytes().decode(buffer.subarray(2, 8));
    buffer.fill(0);
    expect(decoded).toEqual(utf8("buffer"));
    expect(decoded.buffer.byteLength).toBe(6);
    const mine = utf8("mine");
    const encoded = bytes().encode(mine);
    mine.fill(0);
    expect(encoded).toEqual(utf8("mine"));
  });

  test("refuses what is no Uint8Array", () => {
    for (const value of ["text", [1], new ArrayBuffer(1), null]) {
      expect(() => bytes().encode(value as unknown as Uint8Array)).toThrow(encodeFailed);
    }
  });
});

describe("json()", () => {
  test("any JSON value survives the round trip", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const expected: unknown = JSON.parse(JSON.stringify(value));
        expect(json().decode(json().encode(value))).toEqual(expected);
      }),
    );
  });

  test("accepts a byte order mark, as other languages write it", () => {
    expect(json().decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toBe(1);
  });

  test("refuses what is not JSON, without quoting it", () => {
    for (const bad of ["", "{", "{secret", "1 2"]) {
      expect(() => json().decode(utf8(bad))).toThrow(decodeFailed);
      expect(() => json().decode(utf8(bad))).not.toThrow("secret");
    }
    expect(() => json().decode(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(decodeFailed);
    for (const value of [undefined, () => 1, Symbol("s")]) expect(() => json().encode(value)).toThrow(encodeFailed);
    const circular: unknown[] = [];
    circular.push(circular);
    expect(() => json().encode(circular)).toThrow(TypeError);
  });
});

describe("json() with a schema", () => {
  /** Reads { at: ISO string } as { at: Date }: what is written and what is read differ in type. */
  const event: StandardSchema<{ at: Date }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => {
        const text = (value as { at?: unknown } | null)?.at;
        const at = new Date(typeof text === "string" ? text : "");
        return Number.isNaN(at.getTime())
          ? {
              issues: [
                { message: "not a date", path: ["at"] },
                { message: "second", path: [{ key: 0 }, "x"] },
              ],
            }
          : { value: { at } };
      },
    },
  };

  test("gives what the schema makes of a value, and accepts for writing what can be read", () => {
    const codec = json(event);
    const value = { at: new Date(1_700_000_000_000) };
    expect(codec.decode(codec.encode(value))).toEqual(value);
  });

  test("refuses what does not fit, both ways, and says where", () => {
    expect(() => json(event).decode(utf8('{"at":"never"}'))).toThrow(decodeFailed);
    expect(() => json(event).decode(utf8("{}"))).toThrow("at: not a date; 0.x: second");
    expect(() => json(event).encode({ at: "never" } as never)).toThrow(encodeFailed);
  });

  test("refuses a schema that answers later, at once or when it first does, and lets no rejection escape", async () => {
    const asyncSchema = expect.objectContaining({ name: "AsyncSchemaError", code: "ASYNC_SCHEMA", retriable: false });
    const later = (): Promise<never> => Promise.reject(new Error("nobody hears this"));
    const schema = (validate: StandardSchema<number>["~standard"]["validate"]): StandardSchema<number> => {
      return { "~standard": { version: 1, vendor: "test", validate } };
    };
    expect(() => json(schema(later))).toThrow(asyncSchema);
    const refused = { issues: [{ message: "no number" }] };
    const codec = json(schema((value) => (typeof value === "number" ? later() : refused)));
    expect(() => codec.decode(utf8("1"))).toThrow(asyncSchema);
    expect(() => codec.encode(1)).toThrow(asyncSchema);
    expect(() => codec.decode(utf8('""'))).toThrow(decodeFailed);
    await new Promise((resolve) => setImmediate(resolve));
  });

  test("is made with a schema that throws at the first look, too", () => {
    const codec = json<number>({
      "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: (value as number).valueOf() }) },
    });
    expect(codec.decode(utf8("1"))).toBe(1);
  });

  test("accepts schemas that are functions, and refuses what is no schema", () => {
    const callable = Object.assign(() => undefined, event);
    expect(json(callable as StandardSchema).decode(utf8('{"at":"2026-01-01"}'))).toEqual({
      at: new Date("2026-01-01"),
    });
    for (const schema of [{}, null, "x", { "~standard": { version: 2, validate: () => 1 } }, () => undefined]) {
      expect(() => json(schema as never)).toThrow(expect.objectContaining({ option: "schema" }));
    }
  });
});
