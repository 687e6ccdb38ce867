import { KafkaError } from "../errors.ts";

/*
 * What a codec throws. It knows nothing about batches: the decoder adds which batch it was.
 */

export function corruptData(codec: string, why: string, cause?: unknown): KafkaError {
  return new KafkaError(`its ${codec} data is corrupt: ${why}`, { code: "BATCH_CORRUPT", cause });
}

export function beyondLimit(codec: string, limit: number, cause?: unknown): KafkaError {
  const message = `its ${codec} data decompresses to more than the limit of ${limit} bytes`;
  return new KafkaError(message, { code: "BATCH_TOO_LARGE", cause });
}
