import { type AbortSignalLike, KafkaError, PositionLostError } from "@ktables/client";
import { backoffMs, isRetriable, sleep, throwIfAborted, toError, untilAborted } from "@ktables/client/internal";
import type { TopicReplica } from "./topic-replica.ts";

const firstPauseMs = 100;
const longestPauseMs = 5000;

/** Builds a new replica in the shadow of one that has lost its position and goes on serving meanwhile. */
export class Rebuild<V> {
  readonly #newReplica: () => TopicReplica<V>;
  readonly #onTrouble: (error: Error) => void;
  #replica: TopicReplica<V> | undefined;
  #caughtUp: (() => void) | undefined;
  #failed: ((failure: Error) => void) | undefined;

  constructor(newReplica: () => TopicReplica<V>, onTrouble: (error: Error) => void) {
    this.#newReplica = newReplica;
    this.#onTrouble = onTrouble;
  }

  /** The one under construction; undefined in the pauses between attempts. */
  get replica(): TopicReplica<V> | undefined {
    return this.#replica;
  }

  /** To be called by the replica's host. */
  onCaughtUp(): void {
    this.#caughtUp?.();
  }

  /** To be called by the replica's host. */
  onFailure(failure: Error): void {
    this.#failed?.(failure);
  }

  /**
   * Resolves with a replica that has caught up. Starts over, with growing pauses, when that one loses its position too,
   * or when something fails that may succeed later.
   *
   * @throws the signal's reason; what is not to be retried
   */
  async run(signal: AbortSignalLike): Promise<TopicReplica<V>> {
    for (let attempt = 0; ; attempt++) {
      throwIfAborted(signal);
      const replica = this.#newReplica();
      this.#replica = replica;
      const caughtUp = new Promise<void>((resolve, reject) => {
        this.#caughtUp = resolve;
        this.#failed = reject;
      });
      // It may fail while the begin is still awaited, which fails with the same then.
      caughtUp.catch(() => undefined);
      try {
        await replica.begin(() => ({ signal }));
        await untilAborted(caughtUp, signal);
        return replica;
      } catch (error) {
        this.#replica = undefined;
        await replica.close();
        throwIfAborted(signal);
        if (!isRetriable(error) && !(error instanceof PositionLostError)) throw error;
        this.#onTrouble(error instanceof KafkaError ? error : toError(error));
      }
      await sleep(backoffMs(attempt, firstPauseMs, longestPauseMs), signal);
    }
  }

  /** Ends what is under construction. The signal of {@link run} must have ended. */
  async close(): Promise<void> {
    await this.#replica?.close();
  }
}
