import { toError } from "@ktables/client/internal";
import type { LogLimiter } from "./log-limiter.ts";
import type { SkipReason, StoreObserver } from "./store/store.ts";
import type { ResolvedTableOptions } from "./table-options.ts";

const skipTexts: Readonly<Record<SkipReason, string>> = {
  keyless: "skipped a record without a key",
  key_undecodable: "skipped a record whose key could not be decoded",
  value_undecodable: "kept the previous value of a key, because the new one could not be decoded",
};

/** Stands between the store and the user's hooks: whatever they do, the reader goes on. */
export class TableObserver<V> implements StoreObserver<V> {
  readonly onSet: ((key: string, value: V) => void) | undefined;
  readonly onDelete: ((key: string) => void) | undefined;
  readonly #topic: string;
  readonly #log: LogLimiter;
  #callbackErrors = 0;

  constructor(options: ResolvedTableOptions<V>, log: LogLimiter) {
    this.#topic = options.topic;
    this.#log = log;
    const { onSet, onDelete } = options;
    this.onSet = onSet && ((key, value) => this.#call("onSet", () => onSet(key, value)));
    this.onDelete = onDelete && ((key) => this.#call("onDelete", () => onDelete(key)));
  }

  get callbackErrors(): number {
    return this.#callbackErrors;
  }

  onSkip(reason: SkipReason, partition: number, offset: number, error: unknown): void {
    this.#log.warn(
      reason,
      () => {
        const place = `Table of topic "${this.#topic}": partition ${partition} offset ${offset}`;
        return `${place}: ${skipTexts[reason]}${error === undefined ? "" : `: ${toError(error).message}`}`;
      },
      { topic: this.#topic, partition, offset, error },
    );
  }

  #call(name: "onSet" | "onDelete", hook: () => unknown): void {
    try {
      const result = hook();
      // An async function fits the hook's type; its rejection must not end the process.
      if (result instanceof Promise) result.catch((error: unknown) => this.#onHookError(name, error));
    } catch (error) {
      this.#onHookError(name, error);
    }
  }

  #onHookError(name: string, error: unknown): void {
    this.#callbackErrors++;
    const message = (): string => `Table of topic "${this.#topic}": ${name} threw: ${toError(error).message}`;
    this.#log.warn(`${name} threw`, message, { topic: this.#topic, error });
  }
}
