import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { emitClientModule, emitServerModule, moduleName } from "../../protocol-specs/emit.ts";
import { generate, readSpecs, staleFiles } from "../../protocol-specs/generate.ts";
import { parseSpec } from "../../protocol-specs/parse.ts";
import { minimumWireSize } from "../../protocol-specs/wire-size.ts";

const script = fileURLToPath(new URL("../../protocol-specs/generate.ts", import.meta.url));

describe("committed code", () => {
  test("is what the specs say", () => {
    expect(staleFiles(generate(readSpecs()))).toEqual([]);
  });

  test("the command line agrees", () => {
    expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8" })).toBe("");
  });

  test("a changed, a missing and a superfluous file are found", () => {
    const files = generate(readSpecs());
    const [changed = "", superfluous = ""] = files.keys();
    files.set(changed, `${files.get(changed)}\n`);
    files.delete(superfluous);
    files.set(`${changed}.new`, "");
    expect(staleFiles(files)).toEqual([superfluous, changed, `${changed}.new`]);
  });
});

const spec = parseSpec(
  "sample-call.spec",
  `
api SampleCall
key 3
versions 1..3
client 1 3
flexible 2+

request
  old: int32 ..1
  dropped: int32 ..1 ignorable
  items: [SampleCallItem] 2+
    id: int64
    name: string?3+

response
  ok: bool
  note: string? 3+ tag 0 = null
  reason: string lenient
  lifetime: int64 lenient
`,
);

describe("emitted code", () => {
  const client = emitClientModule(spec);
  const server = emitServerModule(spec);

  test("module and constants are named after the API", () => {
    expect(moduleName(spec)).toBe("sample-call");
    expect(client).toContain("export const sampleCallApi: Api<SampleCallRequest, SampleCallResponse> = {");
    expect(server).toContain("export const sampleCallServer: ServerApi<SampleCallRequest, SampleCallResponse> = {");
    expect(server).toContain('} from "../../protocol/generated/sample-call.ts";');
  });

  test("the client writes requests and reads responses; the server does the opposite", () => {
    expect(client).toMatch(/function writeSampleCallRequest\([^]*function readSampleCallResponse\(/);
    expect(server).toMatch(/function readSampleCallRequest\([^]*function writeSampleCallResponse\(/);
    expect(client).not.toContain("function readSampleCallRequest");
    expect(server).not.toContain("function writeSampleCallRequest");
  });

  test("what is lenient is mended on reading", () => {
    expect(client).toContain("const reason = reader.string(flexible, true);");
    expect(client).toContain("const lifetime = reader.clampedInt64();");
  });

  test("only what a version has is written, and only what is not ignorable is missed", () => {
    expect(client).toContain("} else if (value.old !== 0) {\n    throw fieldNotInVersion(");
    expect(client).not.toContain("value.dropped !==");
    expect(client).toContain('requireNonNull(value.name, "SampleCallItem.name", version)');
  });

  test("tagged fields are optional", () => {
    expect(client).toContain("readonly note?: string | null | undefined;");
  });

  test("an array's claim is checked against the smallest size of an element", () => {
    const items = spec.request.fields[2];
    const element = items?.type.kind === "array" ? items.type.element : undefined;
    if (items === undefined || element === undefined) throw new Error("the sample has an array");
    // Eight bytes of id, one byte of compact string length, one byte for no tagged fields.
    expect(minimumWireSize(spec, element, items.versions)).toBe(10);
    expect(server).toContain("reader.arrayLength(true, 10)");
  });

  test("a field named like the emitted code's own variables is refused", () => {
    const source =
      "api Bad\nkey 1\nversions 0..1\nclient 0\nflexible 1+\nrequest\n  version: int8\nresponse\n  ok: bool\n";
    expect(() => emitServerModule(parseSpec("bad.spec", source))).toThrow("BadRequest.version");
  });
});
