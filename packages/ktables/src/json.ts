import { InvalidOptionError } from "@ktables/client";
import { describe } from "@ktables/client/internal";
import { type Codec, textCodec } from "./codec.ts";
import { AsyncSchemaError, CodecError } from "./errors.ts";
import { describeIssues, isStandardSchema, type StandardSchema } from "./standard-schema.ts";

// A byte order mark is dropped: other languages' JSON writers add it, and JSON.parse refuses it.
const utf8 = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true });

/**
 * JSON as UTF-8. With a schema (any Standard Schema v1, synchronous), values are checked when they are read, and before
 * they are written: what `set()` accepts, a table with the same codec can read. The values are of the schema's output
 * type; what a schema makes of its input it must accept as its input too, in JSON, to be of use for writing.
 *
 * @throws InvalidOptionError for something that is no schema; AsyncSchemaError for a schema that answers later, here if it
 * does so for `undefined`, else when it first does.
 */
export function json<T>(schema?: StandardSchema<T>): Codec<T> {
  if (schema !== undefined && !isStandardSchema(schema)) {
    throw new InvalidOptionError(
      "schema",
      `json(): the schema must implement Standard Schema v1, got ${describe(schema)}`,
    );
  }
  if (schema !== undefined) refuseAsync(schema);
  return textCodec(
    (value) => {
      const text = stringify(value);
      // The schema describes what is read. Checking the text as a reader will see it also fits schemas that transform.
      if (schema !== undefined) validate(schema, JSON.parse(text), "ENCODE_FAILED");
      return text;
    },
    (bytes) => {
      const value = parse(bytes);
      return schema === undefined ? (value as T) : validate(schema, value, "DECODE_FAILED");
    },
  );
}

/** Well-formed: lone surrogates are escaped. */
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
  const result = schema["~standard"].validate(value);
  if (isPromise(result)) throw asyncSchema(result);
  if (result.issues !== undefined) {
    throw new CodecError(code, `the value does not fit the schema: ${describeIssues(result.issues)}`);
  }
  return result.value;
}

/** Many schemas tell by any value that they are asynchronous; the others, when they first meet one that fits so far. */
function refuseAsync(schema: StandardSchema): void {
  let result: unknown;
  try {
    result = schema["~standard"].validate(undefined);
  } catch {
    return;
  }
  if (isPromise(result)) throw asyncSchema(result);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}

function asyncSchema(answer: PromiseLike<unknown>): AsyncSchemaError {
  // Its rejection is nobody's business any more.
  answer.then(undefined, () => undefined);
  return new AsyncSchemaError();
}
