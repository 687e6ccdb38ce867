import { bytes, type Codec, string } from "../codec.ts";
import { CodecError } from "../errors.ts";
import { toBase64 } from "./values.ts";

/**
 * Keys as they are in the topic, one character per byte: whatever bytes they are, and in the order of their bytes, which
 * for UTF-8 is the order of code points.
 */
export const byteKeys: Codec<string> = {
  encode: (key) => Uint8Array.from(key, (character) => character.charCodeAt(0)),
  decode: (view) => {
    let key = "";
    for (const byte of view) key += String.fromCharCode(byte);
    return key;
  },
};

/** What a table of every key and value is loaded with, whatever they are. */
export const anyBytes: { readonly key: Codec<string>; readonly value: Codec<Uint8Array> } = {
  key: byteKeys,
  value: bytes(),
};

const utf8 = string();

/** Texts in the order of their UTF-8 bytes, in which surrogates come last. */
export function inByteOrder(texts: readonly string[]): string[] {
  const keyed = texts.map((text) => ({ text, bytes: byteKeys.decode(utf8.encode(text)) }));
  return keyed.sort((a, b) => (a.bytes < b.bytes ? -1 : a.bytes > b.bytes ? 1 : 0)).map(({ text }) => text);
}

/** A key of {@link byteKeys} as it can be printed. */
export interface ShownKey {
  readonly isText: boolean;
  /** The text, or base64 of what is not UTF-8. */
  readonly text: string;
}

export function showKey(key: string): ShownKey {
  const encoded = byteKeys.encode(key);
  try {
    return { isText: true, text: utf8.decode(encoded) };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { isText: false, text: toBase64(encoded) };
  }
}

/** The member `key` of an output line, and `keyFormat` where it is no text. */
export function keyMembers(key: string): string {
  const { isText, text } = showKey(key);
  return `"key":${JSON.stringify(text)}${isText ? "" : ',"keyFormat":"base64"'}`;
}
