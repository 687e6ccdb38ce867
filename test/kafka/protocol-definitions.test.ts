import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSpecs } from "../../protocol-specs/generate.ts";
import { type Field, type FieldType, noVersion, type Struct } from "../../protocol-specs/parse.ts";
import { type JavaPeer, startJavaPeer } from "../harness/java-peer.ts";
import type { OfClient } from "../harness/peer-commands.ts";
import { has } from "../protocol/arbitraries.ts";
import { versionsOf } from "../protocol/codecs.ts";
import { clientFor } from "./removed-versions.ts";

/** One of the files that Kafka generates its own classes from, as far as this test looks at it. */
interface Definition {
  readonly apiKey: number;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly latestVersionUnstable?: boolean;
  readonly fields: readonly DefinedField[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly DefinedField[] }[];
}

interface DefinedField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number | undefined;
  readonly default?: string | number | boolean;
  readonly ignorable?: boolean;
  readonly flexibleVersions?: string;
  readonly fields?: readonly DefinedField[];
}

let peer: JavaPeer;
beforeAll(async () => {
  peer = await startJavaPeer();
});
afterAll(() => peer?.stop());

const specs = readSpecs();

describe.each(specs.map((spec) => ({ name: spec.name, spec })))("$name is what Apache Kafka defines", ({ spec }) => {
  test("API key, versions and headers", async () => {
    for (const version of versionsOf(spec)) {
      const api = await peer.call("describeApi", { name: spec.name, ...(await clientFor(peer, spec, version)) });
      expect(spec.key).toBe(api.apiKey);
      const flexible = version >= spec.flexibleFrom;
      expect(api.requestHeaderVersions[version], `request header of version ${version}`).toBe(flexible ? 2 : 1);
      const taggedHeader = flexible && spec.name !== "ApiVersions";
      expect(api.responseHeaderVersions[version], `response header of version ${version}`).toBe(taggedHeader ? 1 : 0);
    }
  });

  test.each([
    { struct: spec.request, direction: "request" },
    { struct: spec.response, direction: "response" },
  ])("$direction: every field of every version", async ({ struct }) => {
    const definition = await readDefinition(struct.name, {});
    expect(definition.apiKey).toBe(spec.key);
    const { flexibleVersions } = definition;
    expect(flexibleVersions === "none" ? noVersion : parseRange(flexibleVersions).min).toBe(spec.flexibleFrom);

    const valid = parseRange(definition.validVersions);
    const lastStable = definition.latestVersionUnstable === true ? valid.max - 1 : valid.max;
    expect(spec.versions.max).toBeLessThanOrEqual(lastStable);

    for (const version of versionsOf(spec)) {
      const older = await clientFor(peer, spec, version);
      const ofVersion = older.clientJar === undefined ? definition : await readDefinition(struct.name, older);
      expect(version).toBeGreaterThanOrEqual(parseRange(ofVersion.validVersions).min);
      const theirs = flattenDefinition(ofVersion, version);
      expect(flattenSpec(struct, version), `${struct.name} version ${version}`).toEqual(theirs);
    }
    expect(flattenDefinition(definition, spec.versions.max), "the definition has fields").not.toEqual([]);
  });
});

async function readDefinition(name: string, client: OfClient): Promise<Definition> {
  const { text } = await peer.call("messageDefinition", { name, ...client });
  const definition: Definition = JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, ""));
  return definition;
}

/**
 * One line per field, nested ones with their path: plain fields in wire order, then tagged ones by tag. Both sides are
 * brought into this form by code of their own.
 */
function describeField(facts: {
  path: string;
  type: string;
  nullable: boolean;
  tag: number | undefined;
  default: string;
  ignorable: boolean;
}): string {
  const parts = [`${facts.path}: ${facts.type}`, `default ${facts.default}`];
  if (facts.nullable) parts.push("nullable");
  if (facts.tag !== undefined) parts.push(`tag ${facts.tag}`);
  if (facts.ignorable) parts.push("ignorable");
  return parts.join(", ");
}

function flattenSpec(struct: Struct, version: number, path = ""): string[] {
  const present = struct.fields.filter((field) => has(field.versions, version));
  return inWireOrder(present).flatMap((field) => {
    const element = field.type.kind === "array" ? field.type.element : field.type;
    const fieldPath = `${path}${field.name}`;
    const line = describeField({
      path: fieldPath,
      type: specType(field.type),
      nullable: has(field.nullable, version),
      tag: field.tag,
      default: specDefault(field),
      ignorable: field.ignorable,
    });
    return element.kind === "struct" ? [line, ...flattenSpec(element.struct, version, `${fieldPath}.`)] : [line];
  });
}

function specType(type: FieldType): string {
  if (type.kind === "array") return `[]${specType(type.element)}`;
  return type.kind === "struct" ? "struct" : type.name;
}

function specDefault(field: Field): string {
  if (typeof field.default !== "symbol") return String(field.default);
  return field.type.kind === "struct" ? "defaults" : "empty";
}

function flattenDefinition(definition: Definition, version: number): string[] {
  const flatten = (fields: readonly DefinedField[], path: string): string[] => {
    const present = fields
      .filter((field) => has(parseRange(field.versions), version))
      .map((field) => ({ ...field, tag: isTagged(field, version) ? field.tag : undefined }));
    return inWireOrder(present).flatMap((field) => {
      // Only a request header has such a field, and headers are not generated.
      expect(field.flexibleVersions, `${path}${field.name}`).toBeUndefined();
      const elementType = field.type.replace("[]", "");
      const nested = field.fields ?? definition.commonStructs?.find(({ name }) => name === elementType)?.fields;
      const fieldPath = `${path}${field.name.charAt(0).toLowerCase()}${field.name.slice(1)}`;
      const line = describeField({
        path: fieldPath,
        type: nested === undefined ? field.type : field.type.replace(elementType, "struct"),
        nullable: has(parseRange(field.nullableVersions ?? "none"), version),
        tag: field.tag,
        default: definedDefault(field, nested !== undefined),
        ignorable: field.ignorable ?? false,
      });
      return nested === undefined ? [line] : [line, ...flatten(nested, `${fieldPath}.`)];
    });
  };
  return flatten(definition.fields, "");
}

function isTagged(field: DefinedField, version: number): boolean {
  return has(parseRange(field.taggedVersions ?? "none"), version);
}

function inWireOrder<T extends { readonly tag?: number | undefined }>(fields: readonly T[]): T[] {
  const plain = fields.filter((field) => field.tag === undefined);
  const tagged = fields.filter((field) => field.tag !== undefined).sort((a, b) => (a.tag ?? 0) - (b.tag ?? 0));
  return [...plain, ...tagged];
}

function definedDefault(field: DefinedField, isStruct: boolean): string {
  if (field.default !== undefined) {
    const isNumber = field.type.startsWith("int") && field.default !== "null";
    return isNumber ? String(Number(field.default)) : String(field.default);
  }
  if (field.type.startsWith("[]")) return "empty";
  if (isStruct) return "defaults";
  if (field.type === "records") return "null";
  if (field.type === "bytes") return "empty";
  if (field.type === "string") return "";
  if (field.type === "uuid") return "AAAAAAAAAAAAAAAAAAAAAA";
  return field.type === "bool" ? "false" : "0";
}

/** Kafka's notation: `3+`, `0-2`, `4` or `none`. */
function parseRange(text: string): { min: number; max: number } {
  if (text === "none") return { min: 1, max: 0 };
  const match = /^(\d+)(\+|-(\d+))?$/.exec(text);
  if (match === null) throw new Error(`cannot read the version range ${JSON.stringify(text)}`);
  const min = Number(match[1]);
  return { min, max: match[2] === undefined ? min : match[2] === "+" ? Number.POSITIVE_INFINITY : Number(match[3]) };
}
