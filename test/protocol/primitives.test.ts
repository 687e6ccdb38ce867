import { KafkaError } from "@ktables/record-batch";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../packages/client/src/protocol/error.ts";
import { ProtocolReader } from "../../packages/client/src/protocol/reader.ts";
import { zeroUuid } from "../../packages/client/src/protocol/uuid.ts";
import { ProtocolWriter } from "../../packages/client/src/protocol/writer.ts";

function hex(write: (writer: ProtocolWriter) => void): string {
  const writer = new ProtocolWriter(new Uint8Array(1));
  write(writer);
  return Buffer.from(writer.finish()).toString("hex");
}

function reader(text: string): ProtocolReader {
  return new ProtocolReader(Buffer.from(text, "hex"));
}

function failure(code: string, byteOffset?: number): unknown {
  return expect.objectContaining(byteOffset === undefined ? { code } : { code, byteOffset });
}

describe("bytes on the wire", () => {
  test.each([
    ["boolean", hex((w) => w.boolean(true)), "01"],
    ["int8", hex((w) => w.int8(-2)), "fe"],
    ["int16", hex((w) => w.int16(-2)), "fffe"],
    ["int32", hex((w) => w.int32(0x01020304)), "01020304"],
    ["int64", hex((w) => w.int64(-(2 ** 53 - 1))), "ffe0000000000001"],
    ["int64 around 2^32", hex((w) => w.int64(2 ** 32 + 1)), "0000000100000001"],
    ["varint of one byte", hex((w) => w.unsignedVarint(127)), "7f"],
    ["varint of two bytes", hex((w) => w.unsignedVarint(300)), "ac02"],
    ["varint of five bytes", hex((w) => w.unsignedVarint(0xffffffff)), "ffffffff0f"],
    ["string", hex((w) => w.string("é", false)), "0002c3a9"],
    ["compact string", hex((w) => w.string("é", true)), "03c3a9"],
    ["null string", hex((w) => w.nullableString(null, false)), "ffff"],
    ["compact null string", hex((w) => w.nullableString(null, true)), "00"],
    ["bytes", hex((w) => w.bytes(Uint8Array.of(9), false)), "0000000109"],
    ["compact bytes", hex((w) => w.bytes(Uint8Array.of(9), true)), "0209"],
    ["null bytes", hex((w) => w.nullableBytes(null, false)), "ffffffff"],
    ["compact null bytes", hex((w) => w.nullableBytes(null, true)), "00"],
    ["array length", hex((w) => w.arrayLength(2, false)), "00000002"],
    ["compact array length", hex((w) => w.arrayLength(2, true)), "03"],
    ["uuid", hex((w) => w.uuid("AAECAwQFBgcICQoLDA0ODw")), "000102030405060708090a0b0c0d0e0f"],
    ["zero uuid", hex((w) => w.uuid(zeroUuid)), "00".repeat(16)],
  ])("%s", (_, actual, expected) => {
    expect(actual).toBe(expected);
  });

  test("a tagged field's size precedes its value, however long", () => {
    for (const size of [0, 1, 127, 128, 300, 20_000]) {
      const text = hex((writer) => {
        const start = writer.beginTaggedField(5);
        for (let index = 0; index < size; index++) writer.int8(index & 0x7f);
        writer.endTaggedField(start);
        writer.int8(-1);
      });
      const read = reader(text);
      expect(read.unsignedVarint()).toBe(5);
      const end = read.taggedFieldEnd();
      expect(end - read.offset).toBe(size);
      for (let index = 0; index < size; index++) expect(read.int8()).toBe(index & 0x7f);
      read.finishTaggedField(end);
      expect(read.int8()).toBe(-1);
    }
  });

  test("a length written later lands where it belongs", () => {
    const writer = new ProtocolWriter();
    writer.int32(0);
    writer.int8(7);
    writer.setInt32(0, writer.length - 4);
    expect(Buffer.from(writer.finish()).toString("hex")).toBe("0000000107");
    expect(() => writer.setInt32(2, 1)).toThrow(failure("INVALID_VALUE"));
  });
});

describe("what one writes, the other reads", () => {
  test("64-bit numbers", () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (value) => reader(hex((w) => w.int64(value))).int64() === value));
  });

  test("varints", () => {
    const uint32 = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(fc.property(uint32, (value) => reader(hex((w) => w.unsignedVarint(value))).unsignedVarint() === value));
  });

  test("ids, in the form that base64 gives", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64url");
        expect(reader(Buffer.from(bytes).toString("hex")).uuid()).toBe(text);
        expect(hex((w) => w.uuid(text))).toBe(Buffer.from(bytes).toString("hex"));
      }),
    );
  });

  test("a byte order mark is part of a string", () => {
    expect(reader(hex((w) => w.string("\ufeffx", true))).string(true)).toBe("\ufeffx");
  });
});

describe("values that do not fit are refused", () => {
  test.each([
    ["int8", (w: ProtocolWriter): void => w.int8(128)],
    ["int16", (w: ProtocolWriter): void => w.int16(-32769)],
    ["int32", (w: ProtocolWriter): void => w.int32(2 ** 31)],
    ["a fraction", (w: ProtocolWriter): void => w.int32(0.5)],
    ["not a number", (w: ProtocolWriter): void => w.int16(Number.NaN)],
    ["int64", (w: ProtocolWriter): void => w.int64(2 ** 53)],
    ["a negative varint", (w: ProtocolWriter): void => w.unsignedVarint(-1)],
    ["a long string", (w: ProtocolWriter): void => w.string("é".repeat(16_384), true)],
    ["half a surrogate pair", (w: ProtocolWriter): void => w.string("a\ud800b", true)],
    ["a short id", (w: ProtocolWriter): void => w.uuid("AAAA")],
    ["an id with spare bits", (w: ProtocolWriter): void => w.uuid("AAAAAAAAAAAAAAAAAAAAAB")],
    ["an id in the other alphabet", (w: ProtocolWriter): void => w.uuid("+/AAAAAAAAAAAAAAAAAAAA")],
  ])("%s", (_, write) => {
    expect(() => hex(write)).toThrow(failure("INVALID_VALUE"));
  });

  test.each([
    ["7fffffffffffffff", 2 ** 53 - 1],
    ["0020000000000000", 2 ** 53 - 1],
    ["001fffffffffffff", 2 ** 53 - 1],
    ["8000000000000000", -(2 ** 53 - 1)],
    ["ffffffffffffffff", -1],
    ["0000000100000000", 2 ** 32],
  ])("a lenient 64-bit number %s is clamped to %d", (hex, expected) => {
    expect(new ProtocolReader(Buffer.from(hex, "hex")).clampedInt64()).toBe(expected);
  });

  test("a lenient string that is not UTF-8 is mended, its length and a byte order mark are not", () => {
    const mended = (hex: string): string => new ProtocolReader(Buffer.from(hex, "hex")).string(false, true);
    expect(mended("0003c32841")).toBe("\ufffd(A");
    expect(mended("0003efbbbf")).toBe("\ufeff");
    expect(() => mended("0003c328")).toThrow(expect.objectContaining({ code: "MESSAGE_TRUNCATED" }));
  });

  test("a string is its UTF-8, however short and whatever is in it", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary-ascii", maxLength: 40 }),
      fc.string({ unit: "grapheme", maxLength: 40 }),
    );
    fc.assert(
      fc.property(text, (value) => {
        const utf8 = Buffer.from(value);
        const length = Buffer.alloc(2);
        length.writeInt16BE(utf8.length);
        expect(hex((w) => w.string(value, false))).toBe(Buffer.concat([length, utf8]).toString("hex"));
      }),
    );
  });

  test("the longest string is not refused", () => {
    expect(reader(hex((w) => w.string("x".repeat(32_767), true))).string(true)).toHaveLength(32_767);
  });
});

describe("bytes that lie are refused", () => {
  test.each([
    ["an integer beyond the end", "000000", (r: ProtocolReader): unknown => r.int32(), "MESSAGE_TRUNCATED"],
    ["a 64-bit number of 2^53", "0020000000000000", (r: ProtocolReader): unknown => r.int64(), "UNSAFE_INTEGER"],
    ["a 64-bit number of -2^53", "ffe0000000000000", (r: ProtocolReader): unknown => r.int64(), "UNSAFE_INTEGER"],
    ["a varint of six bytes", "808080808001", (r: ProtocolReader): unknown => r.unsignedVarint(), "MESSAGE_CORRUPT"],
    ["a varint of 33 bits", "ffffffff1f", (r: ProtocolReader): unknown => r.unsignedVarint(), "MESSAGE_CORRUPT"],
    ["a varint without end", "ffff", (r: ProtocolReader): unknown => r.unsignedVarint(), "MESSAGE_TRUNCATED"],
    ["a string of length -2", "fffe", (r: ProtocolReader): unknown => r.string(false), "MESSAGE_CORRUPT"],
    ["a string beyond the end", "000261", (r: ProtocolReader): unknown => r.string(false), "MESSAGE_TRUNCATED"],
    ["a string that is null", "00", (r: ProtocolReader): unknown => r.string(true), "MESSAGE_CORRUPT"],
    ["a string that is not UTF-8", "0002c328", (r: ProtocolReader): unknown => r.string(false), "MESSAGE_CORRUPT"],
    [
      "a string of 32 KiB",
      `818002${"61".repeat(32_768)}`,
      (r: ProtocolReader): unknown => r.string(true),
      "MESSAGE_CORRUPT",
    ],
    ["bytes of length -2", "fffffffe", (r: ProtocolReader): unknown => r.bytes(false), "MESSAGE_CORRUPT"],
    ["bytes that are null", "ffffffff", (r: ProtocolReader): unknown => r.bytes(false), "MESSAGE_CORRUPT"],
    ["bytes beyond the end", "7fffffff00", (r: ProtocolReader): unknown => r.bytes(false), "MESSAGE_TRUNCATED"],
    ["an array that is null", "00", (r: ProtocolReader): unknown => r.arrayLength(true, 1), "MESSAGE_CORRUPT"],
    [
      "an array of length -2",
      "fffffffe",
      (r: ProtocolReader): unknown => r.nullableArrayLength(false, 1),
      "MESSAGE_CORRUPT",
    ],
    [
      "an array larger than the rest",
      "000000020000",
      (r: ProtocolReader): unknown => r.arrayLength(false, 2),
      "MESSAGE_TRUNCATED",
    ],
    ["2^32 - 1 tagged fields", "ffffffff0f", (r: ProtocolReader): unknown => r.skipTaggedFields(), "MESSAGE_TRUNCATED"],
    [
      "a tagged field beyond the end",
      "010503aabb",
      (r: ProtocolReader): unknown => r.taggedFieldCount() + r.unsignedVarint() + r.taggedFieldEnd(),
      "MESSAGE_TRUNCATED",
    ],
  ])("%s", (_, text, read, code) => {
    const error = caught(() => read(reader(text)));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toBeInstanceOf(KafkaError);
    expect(error).toMatchObject({ code, retriable: false, byteOffset: expect.any(Number) });
  });

  test("the error says where", () => {
    const read = reader("0001ffff");
    read.int16();
    expect(() => read.string(false)).toThrow(failure("MESSAGE_CORRUPT", 2));
    expect(() => reader("0001ffff").int64()).toThrow("8 bytes needed, 4 are left at byte 0");
  });

  test("a count of tagged fields is judged before the fields are read", () => {
    expect(() => reader("0300000100").skipTaggedFields()).toThrow(failure("MESSAGE_TRUNCATED", 0));
  });

  test("a known tagged field that ends elsewhere than it claims", () => {
    const read = reader("0102030405");
    read.int16();
    expect(() => read.finishTaggedField(3)).toThrow(failure("MESSAGE_CORRUPT", 2));
  });
});

test("unknown tagged fields are left out", () => {
  const read = reader("020002aabb0700ff");
  read.skipTaggedFields();
  expect(read.remaining).toBe(1);
});

test("byte fields are views, and plain ones even if the message is a Buffer", () => {
  const message = Buffer.from("0000000201020000", "hex");
  const bytes = new ProtocolReader(message).bytes(false);
  expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  message[4] = 9;
  expect(bytes).toEqual(Uint8Array.of(9, 2));
});

test("a message in the middle of a larger buffer", () => {
  const buffer = Uint8Array.of(255, 0, 0, 0, 7, 255);
  const read = new ProtocolReader(buffer.subarray(1, 5));
  expect([read.remaining, read.int32(), read.remaining]).toEqual([4, 7, 0]);
  expect(() => read.int8()).toThrow(failure("MESSAGE_TRUNCATED", 4));
});

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
