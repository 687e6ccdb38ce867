import { readFile } from "node:fs/promises";
import process from "node:process";
import { arrayBuffer } from "node:stream/consumers";
import { toError } from "@ktables/client/internal";
import { string } from "../codec.ts";
import { CodecError } from "../errors.ts";
import { oneOf } from "./arguments.ts";
import { byteKeys } from "./entries.ts";
import { CommandError, usageError } from "./exit-code.ts";
import { objectMembers } from "./json-text.ts";
import type { Values } from "./options.ts";
import { bytesToWrite, fromBase64, type WriteFormat, writeFormats } from "./values.ts";

const utf8 = string();
// As where values are read: other programs' JSON may begin with a byte order mark.
const jsonText = new TextDecoder("utf-8", { fatal: true });

/** Values by keys of `byteKeys`. */
export type Entries = ReadonlyMap<string, Uint8Array>;

/**
 * What `dump` has written, or somebody by hand: JSON lines, or with `--object` one JSON object. `-` is stdin.
 *
 * @throws CommandError with exit code 2, which says where.
 */
export async function readEntries(file: string, values: Values): Promise<Entries> {
  const format = oneOf("value-format", values["value-format"], writeFormats, "json");
  const text = decodeText(await readInput(file));
  return values.object === true ? parseObject(text, format) : parseLines(text, format);
}

async function readInput(file: string): Promise<Uint8Array> {
  if (file === "-") return new Uint8Array(await arrayBuffer(process.stdin));
  try {
    return await readFile(file);
  } catch (cause) {
    throw usageError(`Cannot read the input: ${toError(cause).message}`, cause);
  }
}

function decodeText(input: Uint8Array): string {
  try {
    return jsonText.decode(input);
  } catch (cause) {
    throw usageError("The input is not UTF-8", cause);
  }
}

function parseObject(text: string, format: WriteFormat): Entries {
  const entries = new Map<string, Uint8Array>();
  requireObject(text, "The input");
  for (const [name, value] of objectMembers(text)) {
    const where = `The key ${JSON.stringify(name)}`;
    const key = at(where, () => byteKeys.decode(utf8.encode(name)));
    if (entries.has(key)) throw usageError(`${where} is there twice`);
    entries.set(
      key,
      at(where, () => valueBytes(value, format)),
    );
  }
  return entries;
}

function parseLines(text: string, format: WriteFormat): Entries {
  const entries = new Map<string, Uint8Array>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const where = `Line ${index + 1}`;
    requireObject(line, where, "; --object reads one object of all keys");
    const { key, value } = at(where, () => parseLine(line, format));
    if (entries.has(key)) throw usageError(`${where}: the key was there before`);
    entries.set(key, value);
  }
  return entries;
}

function parseLine(line: string, fallback: WriteFormat): { readonly key: string; readonly value: Uint8Array } {
  const members = new Map<string, string>();
  for (const [name, value] of objectMembers(line)) {
    if (!["key", "keyFormat", "value", "format"].includes(name)) throw usageError(`unknown member "${name}"`);
    if (members.has(name)) throw usageError(`the member "${name}" is there twice`);
    members.set(name, value);
  }
  const value = members.get("value");
  if (value === undefined) throw usageError('the member "value" is missing');
  const keyFormat = textMember(members, "keyFormat");
  if (keyFormat !== undefined && keyFormat !== "base64") throw usageError('"keyFormat" must be "base64", or absent');
  const format = textMember(members, "format");
  const known = writeFormats.find((name) => name === (format ?? fallback));
  if (known === undefined) throw usageError(`"format" must be one of ${writeFormats.join(", ")}, not "${format}"`);
  const key = textMember(members, "key");
  if (key === undefined) throw usageError('the member "key" is missing');
  const keyBytes = keyFormat === undefined ? utf8.encode(key) : fromBase64(key);
  return { key: byteKeys.decode(keyBytes), value: valueBytes(value, known) };
}

function textMember(members: ReadonlyMap<string, string>, name: string): string | undefined {
  const json = members.get(name);
  if (json === undefined) return undefined;
  const value: unknown = JSON.parse(json);
  if (typeof value !== "string") throw usageError(`"${name}" must be a string`);
  return value;
}

/** JSON is written digit for digit as it is in the input, without white space. */
function valueBytes(json: string, format: WriteFormat): Uint8Array {
  if (format === "json") return bytesToWrite(new TextEncoder().encode(json), format);
  const text: unknown = JSON.parse(json);
  if (typeof text !== "string") throw usageError(`a value of format ${format} must be a JSON string`);
  return bytesToWrite(utf8.encode(text), format);
}

function requireObject(text: string, where: string, hint = ""): void {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw usageError(`${where} is not valid JSON${hint}`, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw usageError(`${where} is no JSON object${hint}`);
  }
}

function at<T>(where: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CommandError || error instanceof CodecError) {
      throw usageError(`${where}: ${error.message}`, error);
    }
    throw error;
  }
}
