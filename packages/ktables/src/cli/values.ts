import { type Codec, string } from "../codec.ts";
import { CodecError } from "../errors.ts";
import { usageError } from "./exit-code.ts";
import { compactJson, indentJson } from "./json-text.ts";
import { visible, visibleLines } from "./text.ts";

/** `auto` shows each value as what it is: JSON, else a string, else base64. */
export const readFormats = ["auto", "json", "string", "base64"] as const;
export type ReadFormat = (typeof readFormats)[number];

export const writeFormats = ["json", "string", "base64"] as const;
export type WriteFormat = (typeof writeFormats)[number];

/** A value as it can be printed. */
export interface ShownValue {
  readonly format: WriteFormat;
  /** The JSON text, the string, or base64. */
  readonly text: string;
}

const stringCodec = string();
// As the library's JSON codec does: other languages' JSON writers put a byte order mark first.
const jsonText = new TextDecoder("utf-8", { fatal: true });

/**
 * Keeps bytes, which are formatted when they are printed. A value that is not of the demanded format is refused here
 * already: as in every table, it is skipped with a warning and the key keeps its previous value.
 */
export function readCodec(format: ReadFormat): Codec<Uint8Array> {
  return {
    encode: (bytes) => bytes,
    decode: (bytes) => {
      if (format === "json" && parseJson(bytes) === undefined) {
        throw new CodecError("DECODE_FAILED", "the value is not valid JSON in UTF-8");
      }
      if (format === "string") stringCodec.decode(bytes);
      return bytes.slice();
    },
    decodesEverything: format === "auto" || format === "base64",
  };
}

export function showValue(bytes: Uint8Array, format: ReadFormat): ShownValue {
  if (format === "json" || format === "auto") {
    const text = parseJson(bytes);
    if (text !== undefined) return { format: "json", text };
  }
  if (format === "string" || format === "auto") {
    try {
      return { format: "string", text: stringCodec.decode(bytes) };
    } catch (error) {
      if (format === "string") throw error;
    }
  }
  return { format: "base64", text: toBase64(bytes) };
}

/** The members `value` and `format` of an output line. */
export function valueMembers(shown: ShownValue, names: readonly [string, string] = ["value", "format"]): string {
  return `"${names[0]}":${valueJson(shown)},"${names[1]}":${JSON.stringify(shown.format)}`;
}

/** As JSON on one line: what is no JSON becomes a string. */
export function valueJson({ format, text }: ShownValue): string {
  return format === "json" ? compactJson(text) : JSON.stringify(text);
}

/** One line for a terminal. */
export function valueLine({ format, text }: ShownValue): string {
  return visible(format === "json" ? compactJson(text) : text);
}

/** As many lines as make it readable on a terminal. */
export function valueBlock({ format, text }: ShownValue): string {
  return visibleLines(format === "json" ? indentJson(text) : text);
}

/** The bytes to write. JSON is checked and then written as it was given, but for the white space around it. */
export function bytesToWrite(given: Uint8Array, format: WriteFormat): Uint8Array {
  if (format === "string") return given;
  if (format === "base64") return fromBase64(new TextDecoder().decode(given).trim());
  const text = parseJson(given)?.trim();
  if (text === undefined) throw usageError("The value is not valid JSON; --raw writes it as it is");
  return new TextEncoder().encode(text);
}

/** Whether a reader sees the same: the same bytes, or the same JSON but for white space. */
export function isSameValue(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length === b.length && a.every((byte, index) => byte === b[index])) return true;
  const [left, right] = [parseJson(a), parseJson(b)];
  return left !== undefined && right !== undefined && compactJson(left) === compactJson(right);
}

/** The text, if it is JSON. */
function parseJson(bytes: Uint8Array): string | undefined {
  try {
    const text = jsonText.decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    return undefined;
  }
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** @throws CommandError with exit code 2. */
export function fromBase64(text: string): Uint8Array {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(text)) {
    throw usageError("The value is not valid base64");
  }
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
