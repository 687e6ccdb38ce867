import type { AbortSignalLike } from "@ktables/client";
import { abortReason, onAbort, ProcessHold } from "@ktables/client/internal";

/**
 * Offsets to be reached, by partition. Compared with positions, never counted in records: compaction leaves holes, and
 * transaction markers take offsets too.
 */
export class OffsetTargets {
  readonly #missing: Map<number, number>;
  #holds = 0;

  constructor(targets: ReadonlyMap<number, number> = new Map()) {
    this.#missing = new Map(targets);
  }

  /** Every target has been reached, and none is still to be named. */
  get isDone(): boolean {
    return this.#missing.size === 0 && this.#holds === 0;
  }

  has(partition: number): boolean {
    return this.#missing.has(partition);
  }

  /** Those that are still to be reached. */
  partitions(): number[] {
    return [...this.#missing.keys()];
  }

  add(partition: number, target: number): void {
    this.#missing.set(partition, target);
  }

  /** Not done before {@link release}: more targets are about to be named. */
  hold(): void {
    this.#holds++;
  }

  release(): void {
    this.#holds--;
  }

  /** `position` is the next offset to apply, so that a target equal to it has been reached. */
  advance(partition: number, position: number | undefined): void {
    const target = this.#missing.get(partition);
    if (target !== undefined && position !== undefined && position >= target) this.#missing.delete(partition);
  }
}

interface Waiter {
  readonly targets: OffsetTargets;
  readonly resolve: () => void;
  isLost: boolean;
}

/** Calls that wait until positions reach their targets; fed by the reader, in the turn in which it applied them. */
export class OffsetWaiters {
  readonly #waiters = new Set<Waiter>();
  /** Held while somebody waits. */
  readonly #process = new ProcessHold();

  get size(): number {
    return this.#waiters.size;
  }

  /** Resolves when the targets are done; rejects with the signal's reason. Leaves nothing behind either way. */
  async done(targets: OffsetTargets, signal: AbortSignalLike): Promise<void> {
    if (targets.isDone) return;
    if (signal.aborted) throw abortReason(signal);
    return new Promise<void>((resolve, reject) => {
      const unsubscribe = onAbort(signal, () => {
        this.#leave(waiter);
        reject(abortReason(signal));
      });
      const waiter: Waiter = {
        targets,
        isLost: false,
        resolve: (): void => {
          unsubscribe();
          resolve();
        },
      };
      this.#waiters.add(waiter);
      this.#process.hold();
    });
  }

  advance(partition: number, position: number | undefined): void {
    if (this.#waiters.size === 0) return;
    for (const { targets } of this.#waiters) targets.advance(partition, position);
    this.settle();
  }

  /** The log that the targets of those who wait now are offsets of is gone: {@link settleLost} is to serve them. */
  markLost(): void {
    for (const waiter of this.#waiters) waiter.isLost = true;
  }

  /** A log was read to its end that is what became of the one that was lost. */
  settleLost(): void {
    this.settle(({ isLost }) => isLost);
  }

  /** Resolves the calls whose targets are done. */
  settle(isServed: (waiter: { readonly isLost: boolean }) => boolean = () => false): void {
    for (const waiter of this.#waiters) {
      if (!waiter.targets.isDone && !isServed(waiter)) continue;
      this.#leave(waiter);
      waiter.resolve();
    }
  }

  #leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size === 0) this.#process.release();
  }
}
