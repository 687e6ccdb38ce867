import type { ApiSpec, Field, FieldType, Primitive, Struct } from "./parse.ts";
import { covers } from "./versions.ts";

const maxLineLength = 116;

const primitiveTypes: Record<Primitive, string> = {
  bool: "boolean",
  int8: "number",
  int16: "number",
  int32: "number",
  int64: "number",
  uuid: "string",
  string: "string",
  bytes: "Uint8Array",
  records: "Uint8Array",
};

/** The TypeScript type of a field's values, without null and undefined. */
export function typeName(type: FieldType, mutable = false): string {
  if (type.kind === "array") return `${mutable ? "" : "readonly "}${typeName(type.element)}[]`;
  if (type.kind === "struct") return type.struct.name;
  return primitiveTypes[type.name];
}

export function emitInterfaces(spec: ApiSpec, struct: Struct): string {
  const nested = struct.fields.flatMap((field) => {
    const element = field.type.kind === "array" ? field.type.element : field.type;
    return element.kind === "struct" ? [emitInterfaces(spec, element.struct)] : [];
  });
  const fields = struct.fields.map((field) => {
    const nullable = field.nullable === undefined ? "" : " | null";
    const type = `${typeName(field.type)}${nullable}`;
    const declaration = field.tag === undefined ? `${field.name}: ${type}` : `${field.name}?: ${type} | undefined`;
    return `${docComment([field.doc, versionNote(field, struct)], "  ")}  readonly ${declaration};\n`;
  });
  const isMessage = struct === spec.request || struct === spec.response;
  const doc = isMessage ? docComment([struct.doc], "") : "";
  return `${doc}export interface ${struct.name} {\n${fields.join("")}}\n${nested.map((text) => `\n${text}`).join("")}`;
}

function versionNote(field: Field, struct: Struct): string {
  const notes: string[] = [];
  if (!covers(field.versions, struct.versions)) {
    const { min, max } = field.versions;
    if (max === struct.versions.max) notes.push(`from version ${min} on`);
    else if (min === struct.versions.min) notes.push(`up to version ${max}`);
    else notes.push(`in versions ${min} to ${max}`);
    if (field.tag === undefined) notes.push(`otherwise ${describeDefault(field)}`);
  }
  if (field.tag !== undefined) notes.push(`absent means ${describeDefault(field)}`);
  if (field.nullable !== undefined && !covers(field.nullable, field.versions)) {
    notes.push(`nullable from version ${field.nullable.min} on`);
  }
  const text = notes.join(", ");
  return text === "" ? "" : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function describeDefault(field: Field): string {
  if (typeof field.default === "symbol") return field.type.kind === "struct" ? "all defaults" : "empty";
  if (field.type.kind === "primitive" && field.type.name === "uuid") return "the zero id";
  return JSON.stringify(field.default);
}

function docComment(sentences: readonly string[], indent: string): string {
  const text = sentences.filter((sentence) => sentence !== "").join(" ");
  if (text === "") return "";
  const single = `${indent}/** ${text} */\n`;
  if (single.length <= maxLineLength) return single;
  const lines: string[] = [];
  let line = `${indent} *`;
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > maxLineLength) {
      lines.push(line);
      line = `${indent} *`;
    }
    line += ` ${word}`;
  }
  return `${indent}/**\n${[...lines, line].join("\n")}\n${indent} */\n`;
}
