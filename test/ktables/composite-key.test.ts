import * as fc from "fast-check";
import { CodecError, DEFAULT_KEY_CODEC, InvalidOptionError, LengthPrefixedKeyCodec } from "ktables";
import { describe, expect, test } from "vitest";

const codec = new LengthPrefixedKeyCodec();

/** Text of all lengths of UTF-8, with the separator, digits and pairs of surrogates often enough. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom(":", "0", "1", "12", "😀", "👩‍👩‍👧", "é", "\u0000", "\uFEFF", "٣", "a") }),
);
/** Any string of JavaScript, lone surrogates included. */
const anyString = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });

describe("the length-prefixed key codec", () => {
  test("writes the length of the group, the separator, group and member", () => {
    expect(codec.encode("users", "ada")).toBe("5:usersada");
    expect(codec.encode("", "")).toBe("0:");
    expect(new LengthPrefixedKeyCodec("--").encode("g", "m")).toBe("1--gm");
    expect(DEFAULT_KEY_CODEC.encode("g", "m")).toBe("1:gm");
  });

  test("counts code points, not units of UTF-16", () => {
    expect(codec.encode("😀", "m")).toBe("1:😀m");
    expect(codec.encode("👩‍👩‍👧", "m")).toBe("5:👩‍👩‍👧m");
    expect(codec.decode("1:😀😀")).toEqual(["😀", "😀"]);
    expect(codec.decode("2:😀😀")).toEqual(["😀😀", ""]);
    expect(codec.decode("3:😀😀")).toBeUndefined();
    expect(codec.decode("2:a😀b")).toEqual(["a😀", "b"]);
  });

  test("every pair of strings comes back", () => {
    const same = fc.property(text, text, (group, member) => {
      expect(codec.decode(codec.encode(group, member))).toEqual([group, member]);
    });
    fc.assert(same, {
      examples: [
        ["", ""],
        ["1", "2:x"],
        ["12", ":x"],
        [":", ":"],
        ["x".repeat(1000), "😀".repeat(1000)],
      ],
    });
  });

  test("two pairs never have one key", () => {
    const distinct = fc.property(fc.uniqueArray(fc.tuple(text, text), { selector: String, minLength: 2 }), (pairs) => {
      const unique = new Set(pairs.map((pair) => JSON.stringify(pair)));
      expect(new Set(pairs.map(([group, member]) => codec.encode(group, member))).size).toBe(unique.size);
    });
    fc.assert(distinct);
  });

  test("decodes what it could have encoded, and nothing else", () => {
    const keys = fc.oneof(
      anyString,
      fc
        .tuple(fc.constantFrom("", "0", "1", "2", "9", "01", "+1", "10"), fc.constantFrom(":", ""), anyString)
        .map((parts) => parts.join("")),
    );
    const canonical = fc.property(keys, (key) => {
      const decoded = codec.decode(key);
      if (decoded === undefined) return;
      expect(codec.encode(...decoded)).toBe(key);
    });
    fc.assert(canonical, { numRuns: 1000 });
  });

  test.each([
    ["no separator", "5users"],
    ["nothing", ""],
    ["no length", ":x"],
    ["letters for a length", "abc:x"],
    ["digits of another script", "٣:xyz"],
    ["a sign", "+1:xy"],
    ["a minus", "-1:xy"],
    ["an underscore", "1_0:0123456789"],
    ["a leading space", " 1:xy"],
    ["a trailing line end", "1\n:xy"],
    ["a fraction", "1.0:xy"],
    ["an exponent", "1e0:xy"],
    ["leading zeros", "01:xy"],
    ["zeros for zero", "00:xy"],
    ["a length beyond the end", "99:short"],
    ["a length beyond the end, in code points", "4:😀😀"],
    ["a lone surrogate", "1:\ud83d"],
  ])("refuses a key with %s", (_, key) => {
    expect(codec.decode(key)).toBeUndefined();
  });

  test("refuses a length of a million digits without reading it as a number", () => {
    const digits = "9".repeat(1_000_000);
    expect(codec.decode(`${digits}:x`)).toBeUndefined();
    expect(codec.decode(`${digits}:${digits}`)).toBeUndefined();
    expect(codec.decode(`9007199254740993:${"x".repeat(20)}`)).toBeUndefined();
  });

  test("refuses lone surrogates and what is no string, of group and of member", () => {
    const refused = (group: unknown, member: unknown): unknown => {
      try {
        return codec.encode(group as string, member as string);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
        return (error as CodecError).code;
      }
    };
    expect(refused("\ud83d", "m")).toBe("ENCODE_FAILED");
    expect(refused("g", "\ude00")).toBe("ENCODE_FAILED");
    // Side by side they would make one character, and the key of another pair.
    expect(refused("\ud83d", "\ude00")).toBe("ENCODE_FAILED");
    for (const wrong of [undefined, null, 1, ["g"], new Uint8Array(1)]) {
      expect(refused(wrong, "m")).toBe("ENCODE_FAILED");
      expect(refused("g", wrong)).toBe("ENCODE_FAILED");
    }
    const either = fc.property(anyString, anyString, (group, member) => {
      const isText = group.isWellFormed() && member.isWellFormed();
      expect(refused(group, member) === "ENCODE_FAILED").toBe(!isText);
    });
    fc.assert(either, { numRuns: 1000 });
  });

  test("refuses separators with which two pairs could have one key", () => {
    for (const separator of ["", "0", "7", "1:", "9x", "\ud83d", null, 1]) {
      expect(() => new LengthPrefixedKeyCodec(separator as string)).toThrow(InvalidOptionError);
    }
    for (const separator of [":", "::", "/", " ", "😀", "-1", "٣", "\u0000"]) {
      const other = new LengthPrefixedKeyCodec(separator);
      fc.assert(
        fc.property(text, text, (group, member) => {
          expect(other.decode(other.encode(group, member))).toEqual([group, member]);
          const between = group + separator;
          expect(other.decode(other.encode(between, separator + member))).toEqual([between, separator + member]);
        }),
        { numRuns: 50 },
      );
    }
  });

  test("cannot be changed after it was made", () => {
    expect(Object.isFrozen(codec)).toBe(true);
    expect(Object.isFrozen(DEFAULT_KEY_CODEC)).toBe(true);
  });
});
