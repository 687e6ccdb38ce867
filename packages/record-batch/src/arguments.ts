import { KafkaError } from "./errors.ts";

export const maxInt16 = 0x7fff;
export const maxInt32 = 0x7fff_ffff;

/** Returns `value` if it is an integer within the limits, which are those of a safe integer by default. */
export function integerArgument(
  name: string,
  value: number,
  minimum: number = Number.MIN_SAFE_INTEGER,
  maximum: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return value;
  throw invalidArgument(`${name} must be an integer from ${minimum} to ${maximum}, not ${value}`);
}

export function invalidArgument(message: string): KafkaError {
  return new KafkaError(message, { code: "INVALID_ARGUMENT" });
}
