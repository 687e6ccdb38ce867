import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compactJson, indentJson, objectMembers } from "../../packages/ktables/src/cli/json-text.ts";
import { progressText } from "../../packages/ktables/src/cli/progress.ts";
import {
  clockTime,
  formatCount,
  formatDuration,
  plural,
  truncate,
  visible,
  visibleLines,
} from "../../packages/ktables/src/cli/text.ts";

test("characters that steer a terminal are shown, not sent", () => {
  expect(visible("\u001b[2Jred\u009b31m")).toBe("\\u001b[2Jred\\u009b31m");
  expect(visible("a\nb\tc\rd\u0000\u007f")).toBe("a\\nb\\tc\\rd\\u0000\\u007f");
  expect(visible("safe\u202eexe.txt\u2066")).toBe("safe\\u202eexe.txt\\u2066");
  expect(visible("Grüße 漢字 😀")).toBe("Grüße 漢字 😀");
  expect(visibleLines("a\r\n\u001bb\nc")).toBe("a\n\\u001bb\nc");
});

test("numbers are readable", () => {
  expect([0, 999, 1000, 1_234_567].map(formatCount)).toEqual(["0", "999", "1 000", "1 234 567"]);
  expect([0.4242, 1.5, 12.34, 123.4, 1234].map(formatDuration)).toEqual([
    "0.42 ms",
    "1.50 ms",
    "12.3 ms",
    "123 ms",
    "1.23 s",
  ]);
  expect([plural(1, "key"), plural(0, "key"), plural(2000, "key")]).toEqual(["1 key", "0 keys", "2 000 keys"]);
  expect(clockTime(new Date(2026, 0, 2, 3, 4, 5, 6))).toBe("03:04:05.006");
});

test("what does not fit ends in an ellipsis, and no character is torn", () => {
  expect(truncate("abcdef", 6)).toBe("abcdef");
  expect(truncate("abcdef", 5)).toBe("abcd…");
  expect(truncate("a😀bc", 3)).toBe("a…");
  expect(truncate("abc", 0)).toBe("");
});

test("progress tells records, and the share of the offsets", () => {
  expect(progressText(0, undefined)).toBe("catching up: 0 records");
  expect(progressText(0, { done: 0, total: 0, offsetsPerSecond: 0, etaMs: undefined })).toBe("catching up: 0 records");
  expect(progressText(61_000, { done: 61_999, total: 100_000, offsetsPerSecond: 122_000, etaMs: 312 })).toBe(
    "catching up: 61 000 records, 61 %, 122 000 offsets/s, 312 ms left",
  );
  expect(progressText(0, { done: 0, total: 9, offsetsPerSecond: 0, etaMs: undefined })).toBe(
    "catching up: 0 records, 0 %, 0 offsets/s",
  );
});

test("JSON is laid out without being read", () => {
  const text = ' { "a" : 12345678901234567890 ,\n"a":1.0, "b": ["{\\"x\\": [1, 2]}", {}, [ ], true],"c":{"d":null}} ';
  expect(compactJson(text)).toBe(
    '{"a":12345678901234567890,"a":1.0,"b":["{\\"x\\": [1, 2]}",{},[],true],"c":{"d":null}}',
  );
  expect(indentJson('{"a":[1,{"b":{}},[]],"c":"x, {y}: \\" z"}')).toBe(
    '{\n  "a": [\n    1,\n    {\n      "b": {}\n    },\n    []\n  ],\n  "c": "x, {y}: \\" z"\n}',
  );
});

test("JSON that was laid out is the same JSON, as JSON.stringify lays it out", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const given = JSON.stringify(value);
      expect(indentJson(given)).toBe(JSON.stringify(value, null, 2));
      expect(compactJson(JSON.stringify(value, null, 3))).toBe(given);
    }),
  );
});

test("the members of an object keep their text", () => {
  expect(
    objectMembers(' { "a" : 1.50 , "\\u0061" : { "a" : [ "}" , 12345678901234567890 ] } , "" : "x:,{" } '),
  ).toEqual([
    ["a", "1.50"],
    ["a", '{"a":["}",12345678901234567890]}'],
    ["", '"x:,{"'],
  ]);
  expect(objectMembers("{}")).toEqual([]);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const text = JSON.stringify(object, null, 1);
      expect(objectMembers(text)).toEqual(Object.entries(object).map(([name, value]) => [name, JSON.stringify(value)]));
    }),
  );
});
