import { covers } from "./versions.ts";

/** Versions from `min` to `max`, both included. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

const primitives = ["bool", "int8", "int16", "int32", "int64", "uuid", "string", "bytes", "records"] as const;

/** What the protocol calls "no id". */
export const zeroUuid = "AAAAAAAAAAAAAAAAAAAAAA";

export type Primitive = (typeof primitives)[number];

export type ElementType =
  | { readonly kind: "primitive"; readonly name: Primitive }
  | { readonly kind: "struct"; readonly struct: Struct };

export type FieldType = ElementType | { readonly kind: "array"; readonly element: ElementType };

/** The value of a field that a message does not carry. An array is empty, a structure has only defaults. */
export type FieldDefault =
  | number
  | boolean
  | string
  | null
  | typeof emptyBytes
  | typeof emptyArray
  | typeof defaultStruct;

export const emptyBytes = Symbol("empty bytes");
export const emptyArray = Symbol("empty array");
export const defaultStruct = Symbol("structure of defaults");

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** Already limited to the versions of the structure that holds the field. */
  readonly versions: VersionRange;
  /** Where the field may be null; undefined if nowhere. */
  readonly nullable: VersionRange | undefined;
  readonly tag: number | undefined;
  readonly default: FieldDefault;
  /** Whether a value may be left out silently in versions that lack the field. */
  readonly ignorable: boolean;
  /** Whether decoding mends a value that it would otherwise refuse. */
  readonly lenient: boolean;
  readonly doc: string;
}

export interface Struct {
  readonly name: string;
  readonly versions: VersionRange;
  readonly fields: readonly Field[];
  readonly doc: string;
}

/** Above every version: on the wire a version is a 16-bit number with a sign. */
export const noVersion = 32_768;

export interface ApiSpec {
  readonly name: string;
  readonly key: number;
  readonly versions: VersionRange;
  readonly clientVersions: readonly number[];
  /** {@link noVersion} for an API without flexible versions. */
  readonly flexibleFrom: number;
  readonly request: Struct;
  readonly response: Struct;
}

export class SpecError extends Error {
  constructor(file: string, line: number, message: string) {
    super(`${file}:${line}: ${message}`);
  }
}

interface Line {
  readonly number: number;
  readonly depth: number;
  readonly text: string;
  readonly doc: string;
}

/** Parses one file; README.md in this folder describes the format. @throws SpecError */
export function parseSpec(file: string, source: string): ApiSpec {
  return new SpecParser(file, readLines(file, source)).parse();
}

/** Drops blank lines; a comment directly above a line becomes its `doc`, any other comment is only for the reader. */
function readLines(file: string, source: string): Line[] {
  const lines: Line[] = [];
  let doc: string[] = [];
  for (const [index, raw] of source.split("\n").entries()) {
    const text = raw.trim();
    if (text.startsWith("#")) {
      doc.push(text.slice(1).trim());
    } else if (text === "") {
      doc = [];
    } else {
      const indent = raw.length - raw.trimStart().length;
      if (indent % 2 !== 0 || raw.includes("\t"))
        throw new SpecError(file, index + 1, "indent with two spaces a level");
      lines.push({ number: index + 1, depth: indent / 2, text, doc: doc.join(" ") });
      doc = [];
    }
  }
  return lines;
}

class SpecParser {
  readonly #file: string;
  readonly #lines: readonly Line[];
  readonly #structNames = new Set<string>();
  #next = 0;
  #api = "";
  #versions: VersionRange = { min: 0, max: 0 };
  #flexibleFrom = 0;

  constructor(file: string, lines: readonly Line[]) {
    this.#file = file;
    this.#lines = lines;
  }

  parse(): ApiSpec {
    this.#api = this.#property("api", /^[A-Z][A-Za-z0-9]*$/);
    const key = Number(this.#property("key", /^\d+$/));
    this.#versions = this.#range(this.#property("versions", /^\d+\.\.\d+$/), { min: 0, max: Number.MAX_SAFE_INTEGER });
    const clientVersions = this.#property("client", /^\d+( \d+)*$/)
      .split(" ")
      .map(Number);
    for (const [index, version] of clientVersions.entries()) {
      const ascends = index === 0 || version > (clientVersions[index - 1] ?? 0);
      if (!ascends || version < this.#versions.min || version > this.#versions.max) {
        this.#fail(`client versions must ascend within ${this.#versions.min}..${this.#versions.max}`);
      }
    }
    const flexible = this.#property("flexible", /^(\d+\+|none)$/);
    this.#flexibleFrom = flexible === "none" ? noVersion : Number(flexible.slice(0, -1));
    const request = this.#message("request", "Request");
    const response = this.#message("response", "Response");
    if (this.#next < this.#lines.length) this.#fail("nothing may follow the response", this.#lines[this.#next]);
    return {
      name: this.#api,
      key,
      versions: this.#versions,
      clientVersions,
      flexibleFrom: this.#flexibleFrom,
      request,
      response,
    };
  }

  #property(name: string, pattern: RegExp): string {
    const line = this.#take(`"${name} …"`);
    const value = line.text.slice(name.length).trim();
    if (line.depth !== 0 || !line.text.startsWith(`${name} `) || !pattern.test(value)) {
      this.#fail(`expected "${name}" and a value like ${pattern.source}`, line);
    }
    return value;
  }

  #message(keyword: string, suffix: string): Struct {
    const line = this.#take(`"${keyword}"`);
    if (line.depth !== 0 || line.text !== keyword) this.#fail(`expected "${keyword}"`, line);
    return this.#struct(`${this.#api}${suffix}`, 1, this.#versions, line);
  }

  #struct(name: string, depth: number, versions: VersionRange, owner: Line): Struct {
    if (!name.startsWith(this.#api)) this.#fail(`structure ${name} must be named ${this.#api}…`, owner);
    if (this.#structNames.has(name)) this.#fail(`structure ${name} exists already`, owner);
    this.#structNames.add(name);
    const fields: Field[] = [];
    for (
      let line = this.#lines[this.#next];
      line !== undefined && line.depth >= depth;
      line = this.#lines[this.#next]
    ) {
      if (line.depth > depth) this.#fail("indented deeper than any structure here", line);
      this.#next++;
      const field = this.#field(line, versions);
      if (fields.some((other) => other.name === field.name)) this.#fail(`field ${field.name} exists already`, line);
      fields.push(field);
    }
    const tags = fields.flatMap((field) => (field.tag === undefined ? [] : [field.tag])).sort((a, b) => a - b);
    if (tags.some((tag, index) => tag !== index)) this.#fail(`tags of ${name} must count up from 0`, owner);
    if (fields.length === 0) this.#fail(`structure ${name} needs fields`, owner);
    return { name, versions, fields, doc: owner.doc };
  }

  #field(line: Line, parent: VersionRange): Field {
    const match =
      /^(?<name>[a-z][A-Za-z0-9]*): (?<array>\[)?(?<type>[A-Za-z0-9]+)\]?(?<nullable>\?\S*)?(?<rest>( \S+)*)$/.exec(
        line.text,
      );
    const { name = "", array, type = "", nullable, rest = "" } = match?.groups ?? {};
    if (match === null || line.text.includes("]") !== (array !== undefined)) this.#fail("not a field", line);

    const words = rest.split(" ").slice(1);
    const rangeWord = words[0] !== undefined && /^(\d+\+|\d*\.\.\d+)$/.test(words[0]) ? words.shift() : undefined;
    const versions = rangeWord === undefined ? parent : this.#range(rangeWord, parent, line);
    const tag = words[0] === "tag" ? Number(words.splice(0, 2)[1]) : undefined;
    const defaultWord = words[0] === "=" ? words.splice(0, 2)[1] : undefined;
    const ignorable = words[0] === "ignorable" && words.shift() !== undefined;
    const lenient = words[0] === "lenient" && words.shift() !== undefined;
    if (words.length > 0) this.#fail(`"${words.join(" ")}" is not understood here`, line);

    const element = this.#elementType(type, line, versions);
    const fieldType: FieldType = array === undefined ? element : { kind: "array", element };
    if (lenient && (array !== undefined || (type !== "string" && type !== "int64"))) {
      this.#fail("only a string or an int64 can be lenient", line);
    }
    if (tag !== undefined && !Number.isInteger(tag)) this.#fail("a tag is a number", line);
    if (tag !== undefined && versions.min < this.#flexibleFrom) {
      this.#fail(`tagged fields exist from version ${this.#flexibleFrom} on`, line);
    }
    if (fieldType.kind === "struct" && (tag === undefined || nullable !== undefined)) {
      this.#fail("a structure that is not in an array must be tagged and not nullable", line);
    }
    const nullableRange =
      nullable === undefined ? undefined : nullable === "?" ? versions : this.#range(nullable.slice(1), versions, line);
    if (
      fieldType.kind === "array" &&
      nullableRange !== undefined &&
      (tag !== undefined || !covers(nullableRange, versions))
    ) {
      this.#fail("an array is nullable in all of its versions or in none, a tagged one never", line);
    }
    return {
      name,
      type: fieldType,
      versions,
      nullable: nullableRange,
      tag,
      default: this.#default(fieldType, defaultWord, nullableRange, line),
      ignorable,
      lenient,
      doc: line.doc,
    };
  }

  #elementType(type: string, line: Line, versions: VersionRange): ElementType {
    const primitive = primitives.find((name) => name === type);
    if (primitive !== undefined) return { kind: "primitive", name: primitive };
    if (!/^[A-Z]/.test(type)) this.#fail(`unknown type ${type}`, line);
    return { kind: "struct", struct: this.#struct(type, line.depth + 1, versions, line) };
  }

  #default(type: FieldType, word: string | undefined, nullable: VersionRange | undefined, line: Line): FieldDefault {
    if (word === "null") {
      if (nullable === undefined) this.#fail("null is the default of a field that is not nullable", line);
      return null;
    }
    if (type.kind !== "primitive") {
      if (word !== undefined) this.#fail("an array or structure can only have the default null", line);
      return type.kind === "array" ? emptyArray : defaultStruct;
    }
    switch (type.name) {
      case "bool":
        if (word !== undefined && word !== "true") this.#fail("a bool's default is false, or true", line);
        return word === "true";
      case "int8":
      case "int16":
      case "int32":
      case "int64":
        if (word !== undefined && !Number.isSafeInteger(Number(word))) this.#fail("the default is not a number", line);
        return Number(word ?? "0");
      case "uuid":
        if (word !== undefined) this.#fail("an id's default is the zero id", line);
        return zeroUuid;
      case "string":
        if (word !== undefined) this.#fail("a string's default is empty, or null", line);
        return "";
      case "bytes":
        if (word !== undefined) this.#fail("the default of bytes is empty, or null", line);
        return emptyBytes;
      case "records":
        if (word !== undefined || nullable === undefined) this.#fail("records are nullable and null by default", line);
    }
    return null;
  }

  #range(text: string, parent: VersionRange, line?: Line): VersionRange {
    const match = /^(?:(\d+)\+|(\d*)\.\.(\d+))$/.exec(text);
    if (match === null) this.#fail(`"${text}" is not a range of versions`, line);
    const min = Number(match[1] ?? (match[2] === "" ? parent.min : match[2]));
    const max = match[3] === undefined ? parent.max : Number(match[3]);
    if (min < parent.min || max > parent.max || min > max) {
      this.#fail(`range ${text} does not lie within ${parent.min}..${parent.max}`, line);
    }
    return { min, max };
  }

  #take(expected: string): Line {
    const line = this.#lines[this.#next];
    if (line === undefined) this.#fail(`file ends where ${expected} should be`);
    this.#next++;
    return line;
  }

  #fail(message: string, line: Line | undefined = this.#lines[this.#next - 1]): never {
    throw new SpecError(this.#file, line?.number ?? 1, message);
  }
}
