import { InvalidOptionError } from "@ktables/client";
import { describe } from "@ktables/client/internal";
import { type Codec, encodeUtf8 } from "./codec.ts";
import { CodecError } from "./errors.ts";
import { describeIssues, isStandardSchema, type SchemaResult, type StandardSchema } from "./standard-schema.ts";

// A byte order mark is dropped: other languages' JSON writers add it, and JSON.parse refuses it.
const utf8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true });

/**
 * JSON as UTF-8. With a schema (any Standard Schema v1, synchronous), values are checked when they are read, and before
 * they are written: what `set()` accepts, a table with the same codec can read.
 */
export function json<T>(schema?: StandardSchema<T>): Codec<T> {
  if (schema !== undefined && !isStandardSchema(schema)) {
    throw new InvalidOptionError(
      "schema",
      `json(): the schema must implement Standard Schema v1, got ${describe(schema)}`,
    );
  }
  return {
    encode: (value) => {
      const text = stringify(value);
      // The schema describes what is read. Checking the text as a reader will see it also fits schemas that transform.
      if (schema !== undefined) validate(schema, JSON.parse(text), "ENCODE_FAILED");
      return encodeUtf8(text);
    },
    decode: (bytes) => {
      const value = parse(bytes);
      return schema === undefined ? (value as T) : validate(schema, value, "DECODE_FAILED");
    },
  };
}

function stringify(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new CodecError("ENCODE_FAILED", `${describe(value)} has no JSON representation`);
  return text;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    // The cause quotes the data; the message, which gets logged, does not.
    throw new CodecError("DECODE_FAILED", "the value is not valid JSON in UTF-8", cause);
  }
}

function validate<T>(schema: StandardSchema<T>, value: unknown, code: "ENCODE_FAILED" | "DECODE_FAILED"): T {
  const result: SchemaResult<T> | Promise<SchemaResult<T>> = schema["~standard"].validate(value);
  if (result instanceof Promise) {
    // Its rejection is nobody's business any more.
    result.catch(() => undefined);
    throw new CodecError(code, "the schema validates asynchronously; json() needs a schema that answers synchronously");
  }
  if (result.issues !== undefined) {
    throw new CodecError(code, `the value does not fit the schema: ${describeIssues(result.issues)}`);
  }
  return result.value;
}
