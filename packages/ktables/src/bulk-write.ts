import type { AbortSignalLike } from "@ktables/client";
import { throwIfAborted, toError } from "@ktables/client/internal";
import { type BulkFailure, BulkWriteError } from "./errors.ts";
import type { WriteToken } from "./write-token.ts";

/** What a bulk of writes has come to. */
export interface BulkWrite {
  /** How many values are acknowledged. */
  readonly written: number;
  /** The last write of each partition: a table that has waited for them has all. */
  readonly tokens: readonly WriteToken[];
}

export type Entries<V> = Iterable<readonly [string, V]> | AsyncIterable<readonly [string, V]>;

/** So many writes may be on their way: more would wait in memory without making anything faster. */
const maxOnTheWay = 10_000;

/**
 * Hands entries to `write`, in order, as many at a time as is good.
 *
 * @throws BulkWriteError when some have failed; what the entries throw, and the signal's reason, after those that were on
 * their way have been acknowledged or given up
 */
export async function writeAll<V>(
  entries: Entries<V>,
  write: (key: string, value: V) => Promise<WriteToken>,
  signal: AbortSignalLike | undefined,
): Promise<BulkWrite> {
  const latest = new Map<number, WriteToken>();
  const failures: BulkFailure[] = [];
  let written = 0;
  let onTheWay = 0;
  let waiting: { readonly limit: number; readonly resolve: () => void } | undefined;

  const settled = (): void => {
    onTheWay--;
    if (waiting === undefined || onTheWay > waiting.limit) return;
    waiting.resolve();
    waiting = undefined;
  };
  const acknowledged = (token: WriteToken): void => {
    written++;
    const before = latest.get(token.partition);
    if (before === undefined || token.offset >= before.offset) latest.set(token.partition, token);
    settled();
  };
  const send = (key: string, value: V): void => {
    onTheWay++;
    write(key, value).then(acknowledged, (error: unknown) => {
      failures.push({ key, error: toError(error) });
      settled();
    });
  };
  /** Resolves when no more than so many are on their way. */
  const atMost = (limit: number): Promise<void> =>
    onTheWay <= limit
      ? Promise.resolve()
      : new Promise((resolve) => {
          waiting = { limit, resolve };
        });

  try {
    if (Symbol.asyncIterator in entries) {
      for await (const [key, value] of entries) {
        throwIfAborted(signal);
        send(key, value);
        if (onTheWay >= maxOnTheWay) await atMost(maxOnTheWay / 2);
      }
    } else {
      for (const [key, value] of entries) {
        throwIfAborted(signal);
        send(key, value);
        if (onTheWay >= maxOnTheWay) await atMost(maxOnTheWay / 2);
      }
    }
  } finally {
    await atMost(0);
  }
  throwIfAborted(signal);
  const tokens = Object.freeze([...latest.values()]);
  if (failures.length > 0) throw new BulkWriteError({ written, tokens }, failures);
  return Object.freeze({ written, tokens });
}
