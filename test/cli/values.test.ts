import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  bytesToWrite,
  readCodec,
  showValue,
  valueBlock,
  valueLine,
  valueMembers,
} from "../../packages/ktables/src/cli/values.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin1 = Uint8Array.of(0x7b, 0xe4, 0xff);

test("by itself a value is shown as what it is", () => {
  expect(showValue(encode('{"a": 1}'), "auto")).toEqual({ format: "json", text: '{"a": 1}' });
  expect(showValue(encode("{a: 1}"), "auto")).toEqual({ format: "string", text: "{a: 1}" });
  expect(showValue(latin1, "auto")).toEqual({ format: "base64", text: "e+T/" });
  expect(showValue(encode(""), "auto")).toEqual({ format: "string", text: "" });
  expect(showValue(encode("\ufeff7"), "auto")).toEqual({ format: "json", text: "7" });
});

test("a demanded format shows every value so", () => {
  expect(showValue(encode("7"), "string")).toEqual({ format: "string", text: "7" });
  expect(showValue(encode("7"), "base64")).toEqual({ format: "base64", text: "Nw==" });
  expect(showValue(encode("7"), "json")).toEqual({ format: "json", text: "7" });
});

test("values that are not of the demanded format are refused by the codec, so that the table skips them", () => {
  expect(() => readCodec("json").decode(encode("no"))).toThrow("not valid JSON");
  expect(() => readCodec("string").decode(latin1)).toThrow("not valid UTF-8");
  for (const format of ["auto", "base64"] as const) expect(readCodec(format).decode(latin1)).toEqual(latin1);
});

test("the codec keeps a copy, because the bytes belong to the reader", () => {
  const bytes = encode("7");
  const kept = readCodec("json").decode(bytes);
  bytes[0] = 0;
  expect(kept).toEqual(encode("7"));
});

test("an output line holds the value exactly, on one line", () => {
  const value = showValue(encode('{\n "id": 12345678901234567890\n}'), "auto");
  expect(valueMembers(value)).toBe('"value":{"id":12345678901234567890},"format":"json"');
  expect(valueMembers(showValue(encode('a"\n'), "auto"))).toBe('"value":"a\\"\\n","format":"string"');
  expect(valueLine(value)).toBe('{"id":12345678901234567890}');
  expect(valueBlock(value)).toBe('{\n  "id": 12345678901234567890\n}');
  expect(valueBlock(showValue(encode("a\n\u001b[0m"), "auto"))).toBe("a\n\\u001b[0m");
});

test("JSON is checked and written as it was given", () => {
  expect(bytesToWrite(encode(' {"a": 1}\n'), "json")).toEqual(encode('{"a": 1}'));
  expect(() => bytesToWrite(encode("{a: 1}"), "json")).toThrow("not valid JSON");
  expect(() => bytesToWrite(encode(""), "json")).toThrow("not valid JSON");
  expect(bytesToWrite(latin1, "string")).toBe(latin1);
});

test("base64 brings back every value, with and without padding", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const { text } = showValue(bytes, "base64");
      expect(bytesToWrite(encode(`${text}\n`), "base64")).toEqual(bytes);
      expect(bytesToWrite(encode(text.replaceAll("=", "")), "base64")).toEqual(bytes);
    }),
  );
  for (const bad of ["a", "ab=", "a+*=", "ab==cd=="]) {
    expect(() => bytesToWrite(encode(bad), "base64"), bad).toThrow("not valid base64");
  }
});
