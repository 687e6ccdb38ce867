import { KafkaError } from "../errors.ts";

type CodecErrorCode = "BATCH_CORRUPT" | "BATCH_TOO_LARGE";

/** What a codec throws. It knows nothing about batches: the decoder adds which batch it was. */
export class CodecError extends KafkaError {
  declare readonly code: CodecErrorCode;

  constructor(code: CodecErrorCode, message: string, cause?: unknown) {
    super(message, { code, cause });
  }
}

export function corruptData(codec: string, why: string, cause?: unknown): CodecError {
  return new CodecError("BATCH_CORRUPT", `its ${codec} data is corrupt: ${why}`, cause);
}

export function beyondLimit(codec: string, limit: number, cause?: unknown): CodecError {
  const message = `its ${codec} data decompresses to more than the limit of ${limit} bytes`;
  return new CodecError("BATCH_TOO_LARGE", message, cause);
}

/*
 * What the block decompressors return in place of where the output ends. They are numbers because WebAssembly has no
 * exceptions to throw; wasm/decompress.ts repeats them.
 */
export const outputFull = -1;
export const literalsBeyondInput = -2;
export const endsWithinElement = -3;
export const matchBeyondWindow = -4;
export const noLastLiterals = -5;
