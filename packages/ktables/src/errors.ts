import { KafkaError } from "@ktables/client";
import { isRetriable, toError } from "@ktables/client/internal";
import type { WriteToken } from "./write-token.ts";

/** A table was read, or a writer used, before `start()`. Code `NOT_STARTED`. */
export class NotStartedError extends KafkaError {
  constructor(what: string) {
    super(`${what} is not started; call start() first, or use open()`, { code: "NOT_STARTED" });
  }
}

/** `start()` was called twice. A table serves one start only; a writer may be started again after `stop()`. Code `ALREADY_STARTED`. */
export class AlreadyStartedError extends KafkaError {
  constructor(what: string, hint = "") {
    super(`${what} is already started${hint}`, { code: "ALREADY_STARTED" });
  }
}

/** The table or writer was stopped before, or while, the call was made. Code `STOPPED`. */
export class StoppedError extends KafkaError {
  constructor(what: string) {
    super(`${what} is stopped`, { code: "STOPPED" });
  }
}

/** The table's reader has died; `cause` is why. Code `TABLE_FAILED`. */
export class TableFailedError extends KafkaError {
  readonly topic: string;

  constructor(topic: string, cause: Error, wasCaughtUp: boolean) {
    const when = wasCaughtUp ? "" : " during catch-up";
    super(`The table of topic "${topic}" died${when}: ${cause.message}`, { code: "TABLE_FAILED", cause });
    this.topic = topic;
  }
}

/** A value of a bulk that was not written, or of which that is not known. */
export interface BulkFailure {
  readonly key: string;
  /** As a single `set` would have thrown it. */
  readonly error: Error;
}

/** Some of the values that `setAll` was given were not acknowledged; the others were. Code `BULK_WRITE_FAILED`. */
export class BulkWriteError extends KafkaError {
  /** How many values are acknowledged. */
  readonly written: number;
  /** Of those that are, the last of each partition. */
  readonly tokens: readonly WriteToken[];
  /** The others, in the order in which they failed. */
  readonly failures: readonly BulkFailure[];

  constructor(
    done: { readonly written: number; readonly tokens: readonly WriteToken[] },
    failures: readonly BulkFailure[],
  ) {
    const [first] = failures;
    super(
      `${failures.length} of ${failures.length + done.written} values were not acknowledged; the first is that of ` +
        `${JSON.stringify(first?.key)}: ${first?.error.message}`,
      { code: "BULK_WRITE_FAILED", retriable: failures.every(({ error }) => isRetriable(error)), cause: first?.error },
    );
    this.written = done.written;
    this.tokens = done.tokens;
    this.failures = failures;
  }
}

/** A consumer of `changes()` was so far behind that its buffer was full. Ask for a new feed. Code `CHANGES_OVERFLOW`. */
export class ChangesOverflowError extends KafkaError {
  constructor(maxBuffered: number) {
    super(
      `More than ${maxBuffered} keys have changes that were not taken: the feed has ended, because it could no longer be ` +
        `complete; begin again with changes({ initial: "snapshot" })`,
      { code: "CHANGES_OVERFLOW" },
    );
  }
}

/** More keys than the runtime's `Map` can hold (2^24 in Node and Deno), or a byte store. Code `TABLE_FULL`. */
export class TableFullError extends KafkaError {
  /** Keys in the table. */
  readonly size: number;

  constructor(size: number, cause: unknown, why = `this runtime's Map does not take more than ${size} keys`) {
    super(`The table is full: ${why}`, { code: "TABLE_FULL", cause });
    this.size = size;
  }
}

/** A key or value could not be encoded (`ENCODE_FAILED`) or decoded (`DECODE_FAILED`). */
export class CodecError extends KafkaError {
  declare readonly code: "ENCODE_FAILED" | "DECODE_FAILED";

  constructor(code: "ENCODE_FAILED" | "DECODE_FAILED", message: string, cause?: unknown) {
    super(message, { code, cause });
  }
}

/**
 * The schema of a codec answers later, with a promise: codecs are synchronous. Not a bad record, so that it ends a table
 * instead of being passed over. Code `ASYNC_SCHEMA`.
 */
export class AsyncSchemaError extends KafkaError {
  constructor() {
    super("the schema validates asynchronously; json() needs a schema that answers synchronously", {
      code: "ASYNC_SCHEMA",
    });
  }
}

/** A value could not be decoded, and the table is to fail then (`onPoison`); `cause` is why. Code `POISONED_RECORD`. */
export class PoisonedRecordError extends KafkaError {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;

  constructor(details: { topic: string; partition: number; offset: number; key: string; cause: unknown }) {
    const { topic, partition, offset, key, cause } = details;
    super(
      `Topic "${topic}" partition ${partition} offset ${offset}: the value of key ${JSON.stringify(key)} could not be ` +
        `decoded: ${toError(cause).message}`,
      { code: "POISONED_RECORD", cause },
    );
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.key = key;
  }
}

/** The topic exists with another `cleanup.policy` than declared. Code `TOPIC_CONFIG_MISMATCH`. */
export class TopicConfigMismatchError extends KafkaError {
  readonly topic: string;
  /** The declared policy. */
  readonly expected: string;
  /** The topic's policy. */
  readonly actual: string;

  constructor(topic: string, expected: string, actual: string) {
    super(
      `Topic "${topic}" has cleanup.policy "${actual}", but "${expected}" is required: without compaction ` +
        `old keys disappear from the topic`,
      { code: "TOPIC_CONFIG_MISMATCH" },
    );
    this.topic = topic;
    this.expected = expected;
    this.actual = actual;
  }
}

/** The broker answered, but did not tell the topic's `cleanup.policy`. Code `TOPIC_CONFIG_UNREADABLE`. */
export class TopicConfigUnreadableError extends KafkaError {
  readonly topic: string;

  constructor(topic: string) {
    super(`Could not read cleanup.policy of topic "${topic}": the broker's answer does not contain it`, {
      code: "TOPIC_CONFIG_UNREADABLE",
    });
    this.topic = topic;
  }
}
