import type { ApiSpec, ElementType, Field, Struct, VersionRange } from "./parse.ts";
import { flexibleArgument, flexibleDeclaration, inside, outside } from "./versions.ts";

/** Functions that write `struct` and what it holds, innermost first: `write<Name>(writer, value, version)`. */
export function emitEncoder(spec: ApiSpec, struct: Struct): string {
  return new EncoderEmitter(spec).message(struct);
}

class EncoderEmitter {
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
    const parameters = `writer: ProtocolWriter, value: ${struct.name}${takesVersion ? ", version: number" : ""}`;
    this.#functions.push(`function write${struct.name}(${parameters}): void {\n${code}}\n`);
  }

  #field(field: Field, struct: Struct): string {
    const when = inside(field.versions, struct.versions);
    if (when === undefined) return this.#write(field, struct, "  ");
    const written = `  if (${when}) {\n${this.#write(field, struct, "    ")}  }`;
    if (field.ignorable) return `${written}\n`;
    return `${written} else if (${this.#differsFromDefault(field)}) {\n    ${refuse(field, struct)}\n  }\n`;
  }

  #write(field: Field, struct: Struct, indent: string): string {
    const value = `value.${field.name}`;
    const { type, versions, nullable } = field;
    if (type.kind !== "array") {
      if (nullable === undefined) return `${indent}${this.#writeValue(type, value, versions)};\n`;
      const whenNullable = inside(nullable, versions);
      const writeNullable = `${this.#writeValue(type, value, versions, true)};`;
      if (whenNullable === undefined) return `${indent}${writeNullable}\n`;
      const required = `requireNonNull(${value}, "${struct.name}.${field.name}", version)`;
      return (
        `${indent}if (${whenNullable}) ${writeNullable}\n` +
        `${indent}else ${this.#writeValue(type, required, versions)};\n`
      );
    }
    const flexible = flexibleArgument(this.#spec, versions);
    const writeArray = (inner: string): string =>
      `${inner}writer.arrayLength(${value}.length, ${flexible});\n` +
      `${inner}for (const element of ${value}) {\n` +
      `${inner}  ${this.#writeValue(type.element, "element", versions)};\n${inner}}\n`;
    if (nullable === undefined) return writeArray(indent);
    return (
      `${indent}if (${value} === null) {\n${indent}  writer.nullArray(${flexible});\n` +
      `${indent}} else {\n${writeArray(`${indent}  `)}${indent}}\n`
    );
  }

  #tags(fields: readonly Field[], struct: Struct): string {
    const flexible = flexibleArgument(this.#spec, struct.versions);
    const refusals = fields.flatMap((field) => {
      const missing = outside(field.versions, struct.versions);
      if (field.ignorable || missing === undefined) return [];
      return [`  if (${missing} && ${this.#differsFromDefault(field)}) {\n    ${refuse(field, struct)}\n  }\n`];
    });
    if (flexible === "false") return refusals.join("");
    const guard = flexible === "true" ? "" : "if (flexible) ";
    if (fields.length === 0) return `  ${guard}writer.unsignedVarint(0);\n`;

    const indent = flexible === "true" ? "  " : "    ";
    const known = { min: Math.max(struct.versions.min, this.#spec.flexibleFrom), max: struct.versions.max };
    const tests = fields.map((field) => {
      const when = inside(field.versions, known);
      const test = `${when === undefined ? "" : `${when} && `}${this.#differsFromDefault(field)}`;
      return `${indent}const ${presence(field)} = ${test};\n`;
    });
    const count = fields.map((field) => `Number(${presence(field)})`).join(" + ");
    const values = [...fields]
      .sort((a, b) => (a.tag ?? 0) - (b.tag ?? 0))
      .map(
        (field) =>
          `${indent}if (${presence(field)}) {\n` +
          `${indent}  const start = writer.beginTaggedField(${field.tag});\n` +
          this.#write(field, struct, `${indent}  `) +
          `${indent}  writer.endTaggedField(start);\n${indent}}\n`,
      );
    const code = `${tests.join("")}${indent}writer.unsignedVarint(${count});\n${values.join("")}`;
    return refusals.join("") + (flexible === "true" ? code : `  if (flexible) {\n${code}  }\n`);
  }

  #writeValue(type: ElementType, value: string, known: VersionRange, nullable = false): string {
    if (type.kind === "struct") {
      this.#struct(type.struct);
      return `write${type.struct.name}(writer, ${value}${this.#withoutVersion.has(type.struct.name) ? "" : ", version"})`;
    }
    const flexible = flexibleArgument(this.#spec, known);
    const { name } = type;
    if (name === "string") return `writer.${nullable ? "nullableString" : "string"}(${value}, ${flexible})`;
    if (name === "bytes" || name === "records") {
      return `writer.${nullable ? "nullableBytes" : "bytes"}(${value}, ${flexible})`;
    }
    return `writer.${name === "bool" ? "boolean" : name}(${value})`;
  }

  /** The test whether a field holds anything but its default. */
  #differsFromDefault(field: Field): string {
    const value = `value.${field.name}`;
    const isPresent = field.tag === undefined ? "" : `${value} !== undefined && `;
    if (field.type.kind === "struct") {
      const defaults = field.type.struct.fields.map((inner) => {
        if (inner.type.kind !== "primitive") throw new Error(`${inner.name}: too deep for a test of defaults`);
        return `${value}.${inner.name} !== ${JSON.stringify(inner.default)}`;
      });
      return `${isPresent}(${defaults.join(" || ")})`;
    }
    if (typeof field.default !== "symbol") return `${isPresent}${value} !== ${JSON.stringify(field.default)}`;
    return field.nullable === undefined
      ? `${isPresent}${value}.length > 0`
      : `${isPresent}(${value} === null || ${value}.length > 0)`;
  }
}

function presence(field: Field): string {
  return `has${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}`;
}

function refuse(field: Field, struct: Struct): string {
  return `throw fieldNotInVersion("${struct.name}.${field.name}", version);`;
}
