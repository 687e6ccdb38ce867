import { typeName } from "./emit-interfaces.ts";
import { type ApiSpec, type ElementType, emptyBytes, type Field, type Struct, type VersionRange } from "./parse.ts";
import { flexibleArgument, flexibleDeclaration, inside } from "./versions.ts";
import { minimumWireSize } from "./wire-size.ts";

/** Names that the emitted functions use themselves. */
const reserved = new Set(["reader", "version", "flexible", "tag", "end", "left", "rest", "elements"]);

/** Functions that read `struct` and what it holds, innermost first: `read<Name>(reader, version)`. */
export function emitDecoder(spec: ApiSpec, struct: Struct): string {
  return new DecoderEmitter(spec).message(struct);
}

class DecoderEmitter {
  readonly #spec: ApiSpec;
  readonly #functions: string[] = [];
  readonly #withoutVersion = new Set<string>();

  constructor(spec: ApiSpec) {
    this.#spec = spec;
  }

  message(struct: Struct): string {
    const { min, max } = this.#spec.versions;
    this.#struct(struct, `  requireVersion("${struct.name}", version, ${min}, ${max});\n`);
    return this.#functions.join("\n");
  }

  #struct(struct: Struct, prologue = ""): void {
    const plain = struct.fields.filter((field) => field.tag === undefined);
    const tagged = struct.fields.filter((field) => field.tag !== undefined);
    const statements = plain.map((field) => this.#field(field, struct)).join("");
    const body = statements + this.#tags(tagged, struct);
    const code = prologue + flexibleDeclaration(this.#spec, body) + body;
    const takesVersion = /\bversion\b/.test(code);
    if (!takesVersion) this.#withoutVersion.add(struct.name);
    const parameters = `reader: ProtocolReader${takesVersion ? ", version: number" : ""}`;
    const names = struct.fields.map((field) => `    ${field.name},\n`).join("");
    this.#functions.push(
      `function read${struct.name}(${parameters}): ${struct.name} {\n${code}  return {\n${names}  };\n}\n`,
    );
  }

  #field(field: Field, struct: Struct): string {
    refuseReservedName(field, struct);
    const { name, type } = field;
    const when = inside(field.versions, struct.versions);
    if (type.kind !== "array") {
      const read = this.#readValue(type, field, field.versions);
      return `  const ${name} = ${when === undefined ? read : `${when} ? ${read} : ${literal(field)}`};\n`;
    }
    const length = this.#readArrayLength(field, type.element);
    const lengthOrDefault = when === undefined ? length : `${when} ? ${length} : ${field.default === null ? -1 : 0}`;
    const element = this.#readValue(type.element, undefined, field.versions);
    const loop = (target: string): string =>
      `  for (let left = ${name}Length; left > 0; left--) {\n    ${target}.push(${element});\n  }\n`;
    const declaration = `  const ${name}Length = ${lengthOrDefault};\n`;
    if (field.nullable === undefined) {
      return `${declaration}  const ${name}: ${typeName(type, true)} = [];\n${loop(name)}`;
    }
    return (
      `${declaration}  const ${name}: ${typeName(type, true)} | null = ${name}Length < 0 ? null : [];\n` +
      loop(`${name}?`)
    );
  }

  #tags(fields: readonly Field[], struct: Struct): string {
    const flexible = flexibleArgument(this.#spec, struct.versions);
    if (flexible === "false") return "";
    if (fields.length === 0) return `  ${flexible === "true" ? "" : "if (flexible) "}reader.skipTaggedFields();\n`;
    const declarations = fields.map((field) => {
      refuseReservedName(field, struct);
      return `  let ${field.name}: ${struct.name}["${field.name}"];\n`;
    });
    const known = { min: Math.max(struct.versions.min, this.#spec.flexibleFrom), max: struct.versions.max };
    const branches = fields.map((field) => {
      const when = inside(field.versions, known);
      const test = `tag === ${field.tag}${when === undefined ? "" : ` && ${when}`}`;
      return `if (${test}) {\n${this.#taggedValue(field)}    } else `;
    });
    const loop = [
      "  for (let left = reader.taggedFieldCount(); left > 0; left--) {\n",
      "    const tag = reader.unsignedVarint();\n",
      "    const end = reader.taggedFieldEnd();\n",
      `    ${branches.join("")}{\n      reader.skipTaggedField(end);\n    }\n`,
      "    reader.finishTaggedField(end);\n",
      "  }\n",
    ].join("");
    const code = flexible === "true" ? loop : `  if (flexible) {\n${loop.replaceAll(/^/gm, "  ").trimEnd()}\n  }\n`;
    return declarations.join("") + code;
  }

  #taggedValue(field: Field): string {
    const { name, type } = field;
    if (type.kind !== "array") return `      ${name} = ${this.#readValue(type, field, field.versions)};\n`;
    const element = this.#readValue(type.element, undefined, field.versions);
    return (
      `      const elements: ${typeName(type, true)} = [];\n` +
      `      for (let rest = ${this.#readArrayLength(field, type.element)}; rest > 0; rest--) {\n` +
      `        elements.push(${element});\n      }\n` +
      `      ${name} = elements;\n`
    );
  }

  #readArrayLength(field: Field, element: ElementType): string {
    const args = `(${flexibleArgument(this.#spec, field.versions)}, ${minimumWireSize(this.#spec, element, field.versions)})`;
    return `reader.${field.nullable === undefined ? "arrayLength" : "nullableArrayLength"}${args}`;
  }

  /** @param field undefined for an element of an array, which is never null. */
  #readValue(type: ElementType, field: Field | undefined, known: VersionRange): string {
    if (type.kind === "struct") {
      this.#struct(type.struct);
      return `read${type.struct.name}(reader${this.#withoutVersion.has(type.struct.name) ? "" : ", version"})`;
    }
    const flexible = flexibleArgument(this.#spec, known);
    const { name } = type;
    const isLenient = field?.lenient === true;
    if (name === "string") {
      const args = `(${flexible}${isLenient ? ", true" : ""})`;
      return readNullable(`reader.string${args}`, `reader.nullableString${args}`, field?.nullable, known);
    }
    if (name === "int64" && isLenient) return "reader.clampedInt64()";
    if (name === "bytes" || name === "records") {
      return readNullable(`reader.bytes(${flexible})`, `reader.nullableBytes(${flexible})`, field?.nullable, known);
    }
    return `reader.${name === "bool" ? "boolean" : name}()`;
  }
}

function refuseReservedName(field: Field, struct: Struct): void {
  if (reserved.has(field.name)) throw new Error(`${struct.name}.${field.name}: emitted code uses this name itself`);
}

function readNullable(plain: string, nullable: string, range: VersionRange | undefined, known: VersionRange): string {
  if (range === undefined) return plain;
  const when = inside(range, known);
  return when === undefined ? nullable : `(${when} ? ${nullable} : ${plain})`;
}

/** The default of a field that is not an array or a structure, as source text. */
function literal(field: Field): string {
  if (field.default === emptyBytes) return "new Uint8Array(0)";
  if (typeof field.default === "symbol") throw new Error(`${field.name}: no literal`);
  return JSON.stringify(field.default);
}
