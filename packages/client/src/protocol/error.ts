import { KafkaError } from "@ktables/record-batch";

/**
 * What went wrong with a message:
 * - `MESSAGE_TRUNCATED`: a field reaches beyond the end of the bytes.
 * - `MESSAGE_CORRUPT`: a length, count, varint, string or tag that no correct peer writes.
 * - `MESSAGE_TOO_LARGE`: more array elements than the reader's budget allows.
 * - `UNSAFE_INTEGER`: a 64-bit number beyond ±(2^53 - 1), which a JavaScript number cannot hold exactly.
 * - `INVALID_VALUE`: a value to be encoded does not fit its wire type.
 * - `FIELD_NOT_IN_VERSION`: a value to be encoded sets a field that the chosen version cannot carry.
 * - `VERSION_NOT_IMPLEMENTED`: the codec does not know this version of the API.
 */
export type ProtocolErrorCode =
  | "MESSAGE_TRUNCATED"
  | "MESSAGE_CORRUPT"
  | "MESSAGE_TOO_LARGE"
  | "UNSAFE_INTEGER"
  | "INVALID_VALUE"
  | "FIELD_NOT_IN_VERSION"
  | "VERSION_NOT_IMPLEMENTED";

/** A request or response could not be encoded or decoded. Never retriable: the same bytes fail again. */
export class ProtocolError extends KafkaError {
  /** Where decoding stopped, counted from the start of the reader's bytes; undefined when encoding failed. */
  readonly byteOffset: number | undefined;

  constructor(code: ProtocolErrorCode, message: string, byteOffset?: number, cause?: unknown) {
    super(byteOffset === undefined ? message : `${message} at byte ${byteOffset}`, { code, cause });
    this.byteOffset = byteOffset;
  }
}

/** Used by generated codecs: refuses a version whose layout they do not know. */
export function requireVersion(message: string, version: number, minimum: number, maximum: number): void {
  if (!Number.isInteger(version) || version < minimum || version > maximum) {
    throw new ProtocolError(
      "VERSION_NOT_IMPLEMENTED",
      `${message} is implemented in versions ${minimum} to ${maximum}, not ${version}`,
    );
  }
}

/** Used by generated codecs: the error for a value that would be lost silently in this version. */
export function fieldNotInVersion(field: string, version: number): ProtocolError {
  return new ProtocolError("FIELD_NOT_IN_VERSION", `${field} must have its default value in version ${version}`);
}

/** Used by generated codecs: passes a value on whose field is nullable in other versions only. */
export function requireNonNull<T>(value: T | null, field: string, version: number): T {
  if (value === null) {
    throw new ProtocolError("FIELD_NOT_IN_VERSION", `${field} must not be null in version ${version}`);
  }
  return value;
}
