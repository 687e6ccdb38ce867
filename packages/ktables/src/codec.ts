import { InvalidOptionError } from "@ktables/client";
import { describe } from "@ktables/client/internal";
import { CodecError } from "./errors.ts";

/**
 * How keys or values become bytes and come back; one codec serves table and writer. Both functions are synchronous:
 * the order of records, and with it everything that `barrier()` promises, depends on that.
 */
export interface Codec<T> {
  /** A throw reaches the caller of `set()`, and nothing is sent. */
  encode(value: T): Uint8Array;
  /**
   * `bytes` are a view that is valid during the call only: copy what you keep. A throw is a bad record, of which the
   * table's `onPoison` decides; by default the key keeps its previous value.
   */
  decode(bytes: Uint8Array): T;
  /**
   * True says that `decode` never throws, whatever the bytes are, so that nothing is learned by calling it before the
   * value is wanted: a table that keeps values as bytes then leaves it until somebody reads the value or listens to
   * changes, also with `validate: "eager"`. True of {@link bytes}, false of text and JSON. If `decode` throws all the
   * same, such a table drops the key when its value is read, whatever `onPoison` says. Default false.
   */
  readonly decodesEverything?: boolean | undefined;
}

// Not fatal would map different bad bytes to one key; without ignoreBOM, "\uFEFFa" and "a" would be one key.
const strictUtf8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8Encoder = /* @__PURE__ */ new TextEncoder();

/** Up to here a loop is faster than a call of the runtime. */
const shortText = 64;

export function encodeUtf8(text: string): Uint8Array {
  const { length } = text;
  if (length > shortText) return utf8Encoder.encode(text);
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return utf8Encoder.encode(text);
    bytes[index] = code;
  }
  return bytes;
}

/** The codecs of text, by their way to encode: what is text need not become bytes before it is in its batch. */
const texts = /* @__PURE__ */ new WeakMap<object, unknown>();

/** A codec whose bytes are those of a text, which is well-formed, in UTF-8. */
export function textCodec<T>(text: (value: T) => string, decode: (bytes: Uint8Array) => T): Codec<T> {
  const encode = (value: T): Uint8Array => encodeUtf8(text(value));
  texts.set(encode, text);
  return { encode, decode };
}

/** Strict UTF-8 strings: malformed bytes and lone surrogates are refused, a byte order mark is kept. */
export function string(): Codec<string> {
  return textCodec(
    (value) => {
      if (typeof value !== "string") throw new CodecError("ENCODE_FAILED", `expected a string, got ${describe(value)}`);
      if (!value.isWellFormed()) {
        throw new CodecError("ENCODE_FAILED", "the string has a lone surrogate, which UTF-8 cannot represent");
      }
      return value;
    },
    (bytes) => {
      try {
        return strictUtf8.decode(bytes);
      } catch (cause) {
        throw new CodecError("DECODE_FAILED", "the bytes are not valid UTF-8", cause);
      }
    },
  );
}

/** Raw bytes, copied both ways. */
export function bytes(): Codec<Uint8Array> {
  return {
    encode: (value) => {
      if (!(value instanceof Uint8Array)) {
        throw new CodecError("ENCODE_FAILED", `expected a Uint8Array, got ${describe(value)}`);
      }
      // The caller may change its array while the record still waits for its batch.
      return new Uint8Array(value);
    },
    // A view would keep the whole receive buffer alive for as long as the value lives.
    decode: (view) => new Uint8Array(view),
    decodesEverything: true,
  };
}

/** As {@link encodeWith}, for whoever takes text for its bytes. */
export function textOrBytesWith<T>(codec: Codec<T>, what: "key" | "value"): (value: T) => string | Uint8Array {
  const { encode } = codec as { readonly encode: object };
  const text = texts.get(encode) as ((value: T) => string) | undefined;
  return text ?? ((value) => encodeWith(codec, what, value));
}

/** The bytes of a key or value, checked: an encoder that returns nothing must not become a tombstone. */
export function encodeWith<T>(codec: Codec<T>, what: "key" | "value", value: T): Uint8Array {
  const encoded: unknown = codec.encode(value);
  if (encoded instanceof Uint8Array) return encoded;
  throw new CodecError(
    "ENCODE_FAILED",
    `the ${what} codec's encode() must return a Uint8Array, got ${describe(encoded)}` +
      (what === "value" && (encoded === null || encoded === undefined) ? "; to remove a key, call delete()" : ""),
  );
}

/** Throws {@link InvalidOptionError} unless the option is a usable codec. */
export function checkCodec(owner: string, option: string, codec: unknown): void {
  for (const name of ["encode", "decode"]) {
    const value = typeof codec === "object" && codec !== null ? (codec as Record<string, unknown>)[name] : undefined;
    if (typeof value !== "function") {
      throw new InvalidOptionError(
        option,
        `${owner}: option "${option}" must be a codec: an object whose encode and decode are callable ` +
          `(json(), string() and bytes() are built in)`,
      );
    }
    if (Object.prototype.toString.call(value) === "[object AsyncFunction]") {
      throw new InvalidOptionError(
        option,
        `${owner}: ${name} of the codec "${option}" is async; codecs are synchronous`,
      );
    }
  }
  const { decodesEverything } = codec as Partial<Codec<unknown>>;
  if (decodesEverything !== undefined && typeof decodesEverything !== "boolean") {
    throw new InvalidOptionError(
      option,
      `${owner}: decodesEverything of the codec "${option}" must be true or false, got ${describe(decodesEverything)}`,
    );
  }
}
