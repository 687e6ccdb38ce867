import { describe, expect, test } from "vitest";
import { defaultStruct, emptyArray, parseSpec, SpecError, zeroUuid } from "../../protocol-specs/parse.ts";

const valid = `
# What this API is about.

api Weather
key 7
versions 2..6
client 2 4 6
flexible 4+

request
  # Where to look.
  # Null means everywhere.
  places: [WeatherPlace]?
    name: string?..3 ..4 ignorable
    id: uuid 5+
    days: [int32]
  limit: int64 4+ tag 0 = -1

response
  ok: bool = true
  station: WeatherStation 5+ tag 0 ignorable
    height: int16 = 2
`;

function parse(source: string): ReturnType<typeof parseSpec> {
  return parseSpec("weather.spec", source);
}

describe("a valid spec", () => {
  const spec = parse(valid);

  test("facts of the API", () => {
    expect(spec).toMatchObject({ name: "Weather", key: 7, versions: { min: 2, max: 6 }, flexibleFrom: 4 });
    expect(spec.clientVersions).toEqual([2, 4, 6]);
    expect([spec.request.name, spec.response.name]).toEqual(["WeatherRequest", "WeatherResponse"]);
  });

  test("a comment belongs to the field directly below it", () => {
    expect(spec.request.fields[0]?.doc).toBe("Where to look. Null means everywhere.");
    expect(spec.request.doc).toBe("");
  });

  test("arrays, structures, nullability and version ranges", () => {
    const [places, limit] = spec.request.fields;
    expect(places).toMatchObject({
      name: "places",
      versions: { min: 2, max: 6 },
      nullable: { min: 2, max: 6 },
      tag: undefined,
      default: emptyArray,
      ignorable: false,
      lenient: false,
    });
    expect(limit).toMatchObject({ versions: { min: 4, max: 6 }, tag: 0, default: -1, nullable: undefined });
    const element = places?.type.kind === "array" ? places.type.element : undefined;
    const fields = element?.kind === "struct" ? element.struct.fields : [];
    expect(fields).toMatchObject([
      { name: "name", versions: { min: 2, max: 4 }, nullable: { min: 2, max: 3 }, default: "", ignorable: true },
      { name: "id", versions: { min: 5, max: 6 }, default: zeroUuid },
      { name: "days", type: { kind: "array", element: { kind: "primitive", name: "int32" } } },
    ]);
  });

  test("a structure limits its fields to its own versions", () => {
    const station = spec.response.fields[1];
    expect(station).toMatchObject({ default: defaultStruct, versions: { min: 5, max: 6 }, ignorable: true });
    const fields = station?.type.kind === "struct" ? station.type.struct.fields : [];
    expect(fields).toMatchObject([{ name: "height", versions: { min: 5, max: 6 }, default: 2 }]);
  });
});

describe("mistakes are refused with their line", () => {
  test.each([
    ["client versions outside the range", "client 2 4 6", "client 2 7", /:7: client versions must ascend within 2..6/],
    ["client versions that do not ascend", "client 2 4 6", "client 4 2", /:7: client versions must ascend/],
    ["an unknown type", "days: [int32]", "days: [int31]", /:16: unknown type int31/],
    ["a word that means nothing", "ignorable\n    id", "optional\n    id", /:14: "optional" is not understood here/],
    ["parts in the wrong order", "4+ tag 0 = -1", "tag 0 4+", /"4\+" is not understood/],
    [
      "a range outside its structure's",
      "    height: int16",
      "    height: int16 4+",
      /:22: range 4\+ does not lie within 5..6/,
    ],
    ["a range that is upside down", "id: uuid 5+", "id: uuid 6..5", /range 6..5/],
    ["a field twice", "id: uuid 5+", "name: uuid 5+", /:15: field name exists already/],
    ["a structure twice", "WeatherStation", "WeatherPlace", /structure WeatherPlace exists already/],
    ["a structure of another API", "WeatherStation", "Station", /structure Station must be named Weather…/],
    ["a structure without fields", "    height: int16 = 2\n", "", /structure WeatherStation needs fields/],
    ["a gap in the tags", "tag 0 = -1", "tag 1 = -1", /tags of WeatherRequest must count up from 0/],
    ["a tag before flexible versions", "limit: int64 4+", "limit: int64 3+", /tagged fields exist from version 4 on/],
    ["a lenient number of another size", "days: [int32]", "days: int32 lenient", /only a string or an int64 can be/],
    ["a lenient array", "days: [int32]", "days: [string] lenient", /only a string or an int64 can be lenient/],
    ["an untagged structure", "5+ tag 0 ignorable", "5+ ignorable", /must be tagged and not nullable/],
    [
      "null by default where null is not allowed",
      "= -1",
      "= null",
      /null is the default of a field that is not nullable/,
    ],
    ["a default of the wrong type", "= -1", "= many", /the default is not a number/],
    ["a bool that is neither", "= true", "= 1", /a bool's default is false, or true/],
    ["odd indentation", "    days", "   days", /:16: indent with two spaces a level/],
    ["indentation without a structure", "  ok: bool", "    ok: bool", /indented deeper than any structure here/],
    ["an array that is null sometimes", "[int32]", "[int32]?5+", /:16: an array is nullable in all of its versions/],
    ["a tagged array that may be null", "limit: int64 4+ tag 0 = -1", "limit: [int64]? 4+ tag 0", /a tagged one never/],
    ["an unclosed bracket", "days: [int32]", "days: [int32", /not a field/],
    [
      "something after the response",
      "height: int16 = 2\n",
      "height: int16 = 2\nevent\n",
      /nothing may follow the response/,
    ],
    ["a missing response", valid.slice(valid.indexOf("response")), "", /file ends where "response" should be/],
    ["a missing key", "key 7\n", "", /expected "key"/],
  ])("%s", (_, part, replacement, message) => {
    expect(valid).toContain(part);
    const broken = valid.replace(part, replacement);
    expect(() => parse(broken)).toThrow(SpecError);
    expect(() => parse(broken)).toThrow(message);
  });
});
