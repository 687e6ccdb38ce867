import * as fc from "fast-check";
import {
  defaultStruct,
  type ElementType,
  emptyArray,
  emptyBytes,
  type Field,
  type Primitive,
  type Struct,
  type VersionRange,
} from "../../protocol-specs/parse.ts";
import { asMessage, asMessages, type Message } from "./codecs.ts";

/** Any value that `version` can carry. Fields that it lacks have their default; tagged ones may be absent. */
export function messageArbitrary(struct: Struct, version: number): fc.Arbitrary<Message> {
  const fields = struct.fields.map((field): [string, fc.Arbitrary<unknown>] => [
    field.name,
    has(field.versions, version) ? fieldArbitrary(field, version) : fc.constant(absentValue(field)),
  ]);
  return fc.record(Object.fromEntries(fields));
}

/** What decoding gives for a value that was encoded: a tagged field that holds its default is not on the wire. */
export function decodedForm(struct: Struct, version: number, value: Message): Message {
  const fields = struct.fields.flatMap((field): [string, unknown][] => {
    const content = value[field.name];
    if (!has(field.versions, version)) return field.tag === undefined ? [[field.name, defaultValue(field)]] : [];
    if (field.tag !== undefined && (content === undefined || isDefault(field, content))) return [];
    return [[field.name, decodedContent(field, version, content)]];
  });
  return Object.fromEntries(fields);
}

function decodedContent(field: Field, version: number, content: unknown): unknown {
  const { type } = field;
  if (content === null || type.kind === "primitive") return content;
  if (type.kind === "struct") return decodedForm(type.struct, version, asMessage(content));
  const { element } = type;
  if (element.kind === "primitive") return content;
  return asMessages(content).map((item) => decodedForm(element.struct, version, item));
}

export function has(range: VersionRange | undefined, version: number): boolean {
  return range !== undefined && version >= range.min && version <= range.max;
}

export function isDefault(field: Field, content: unknown): boolean {
  if (field.type.kind === "struct") {
    return field.type.struct.fields.every((inner) => isDefault(inner, asMessage(content)[inner.name]));
  }
  if (typeof field.default === "symbol") return content !== null && asMessage(content)["length"] === 0;
  return content === field.default;
}

export function defaultValue(field: Field): unknown {
  if (field.default === emptyArray) return [];
  if (field.default === emptyBytes) return new Uint8Array(0);
  if (field.default !== defaultStruct) return field.default;
  if (field.type.kind !== "struct") throw new Error("only a structure has the defaults of a structure");
  return Object.fromEntries(field.type.struct.fields.map((inner) => [inner.name, defaultValue(inner)]));
}

function absentValue(field: Field): unknown {
  return field.tag === undefined ? defaultValue(field) : undefined;
}

function fieldArbitrary(field: Field, version: number): fc.Arbitrary<unknown> {
  const content =
    field.type.kind === "array"
      ? fc.array(elementArbitrary(field.type.element, version), { maxLength: 3 })
      : elementArbitrary(field.type, version);
  const choices: fc.WeightedArbitrary<unknown>[] = [{ weight: 6, arbitrary: content }];
  choices.push({ weight: 1, arbitrary: fc.constant(has(field.nullable, version) ? null : defaultValue(field)) });
  if (field.tag !== undefined) {
    choices.push({ weight: 1, arbitrary: fc.constant(undefined) });
    choices.push({ weight: 1, arbitrary: fc.constant(defaultValue(field)) });
  }
  return fc.oneof(...choices);
}

function elementArbitrary(type: ElementType, version: number): fc.Arbitrary<unknown> {
  return type.kind === "struct" ? messageArbitrary(type.struct, version) : primitives[type.name];
}

function integer(bits: number): fc.Arbitrary<number> {
  const limit = 2 ** (bits - 1);
  return fc.oneof(fc.integer({ min: -limit, max: limit - 1 }), fc.constantFrom(-limit, -1, 0, 1, limit - 1));
}

const primitives: Record<Primitive, fc.Arbitrary<unknown>> = {
  bool: fc.boolean(),
  int8: integer(8),
  int16: integer(16),
  int32: integer(32),
  int64: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-(2 ** 53 - 1), -(2 ** 32), -1, 0, 2 ** 32, 2 ** 53 - 1)),
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("base64url")),
  // "binary" is every code point but the surrogates. The long ones need two bytes for their compact length.
  string: fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.integer({ min: 120, max: 140 }).map((length) => "x".repeat(length)),
  ),
  bytes: fc.uint8Array({ maxLength: 200 }),
  records: fc.uint8Array({ maxLength: 200 }),
};
