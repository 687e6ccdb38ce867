import type { AbortSignalLike } from "@ktables/client";
import { sleep, toError } from "@ktables/client/internal";
import type { CatchUpProgress } from "./health.ts";
import { OffsetTargets } from "./offset-targets.ts";

/** Pause between attempts to learn the end of partitions that were added while the table loads. */
const joinRetryMs = 1000;

/** What catching up needs of its table. */
export interface CatchUpHost {
  /** The next offset to apply. */
  position(partition: number): number | undefined;
  endOffsets(partitions: readonly number[], signal: AbortSignalLike): Promise<ReadonlyMap<number, number>>;
  onTrouble(error: Error): void;
  /** Called once, in the turn in which the last target was reached. */
  onCaughtUp(): void;
}

/**
 * The way from the positions of the start to the end offsets that the topic had then. Done once and for ever when every
 * partition has reached its own; partitions that appear before that must be caught up with as well.
 */
export class CatchUp {
  readonly targets: OffsetTargets = new OffsetTargets();
  readonly #host: CatchUpHost;
  readonly #joining = new Set<Promise<void>>();
  readonly #ways = new Map<number, { readonly start: number; readonly end: number }>();
  #since = performance.now();
  #durationMs: number | undefined;

  constructor(host: CatchUpHost) {
    this.#host = host;
    // Not done before the first targets are named.
    this.targets.hold();
  }

  get isDone(): boolean {
    return this.#durationMs !== undefined;
  }

  /** Milliseconds from the begin; undefined before it is done. */
  get durationMs(): number | undefined {
    return this.#durationMs;
  }

  /** Reading begins. `ends` may lack partitions that appeared since; they are asked for. */
  begin(ends: ReadonlyMap<number, number>, partitions: readonly number[], signal: AbortSignalLike): void {
    this.#since = performance.now();
    this.#add(ends);
    const appeared = partitions.filter((partition) => !ends.has(partition));
    if (appeared.length > 0) this.join(appeared, signal);
    this.targets.release();
    this.#finish();
  }

  /** Partitions have appeared. */
  join(partitions: readonly number[], signal: AbortSignalLike): void {
    if (this.isDone) return;
    this.targets.hold();
    const joining = this.#askAndAdd(partitions, signal).finally(() => this.#joining.delete(joining));
    this.#joining.add(joining);
  }

  /** A position has moved. */
  advance(partition: number): void {
    if (this.isDone) return;
    this.targets.advance(partition, this.#host.position(partition));
    this.#finish();
  }

  /** Resolves when nothing runs any more; the signals given before must have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#joining);
  }

  progress(): CatchUpProgress {
    let done = 0;
    let total = 0;
    for (const [partition, { start, end }] of this.#ways) {
      total += end - start;
      done += Math.min(end, this.#host.position(partition) ?? start) - start;
    }
    const seconds = (performance.now() - this.#since) / 1000;
    const offsetsPerSecond = seconds > 0 ? done / seconds : 0;
    const etaMs = offsetsPerSecond > 0 ? ((total - done) / offsetsPerSecond) * 1000 : undefined;
    return { done, total, offsetsPerSecond, etaMs };
  }

  #add(ends: ReadonlyMap<number, number>): void {
    for (const [partition, end] of ends) {
      const start = this.#host.position(partition) ?? end;
      this.#ways.set(partition, { start, end: Math.max(start, end) });
      this.targets.add(partition, end);
      this.targets.advance(partition, start);
    }
  }

  async #askAndAdd(partitions: readonly number[], signal: AbortSignalLike): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#add(await this.#host.endOffsets(partitions, signal));
        this.targets.release();
        this.#finish();
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#host.onTrouble(toError(error));
        await sleep(joinRetryMs, signal).catch(() => undefined);
      }
    }
  }

  #finish(): void {
    if (this.isDone || !this.targets.isDone) return;
    this.#durationMs = performance.now() - this.#since;
    this.#host.onCaughtUp();
  }
}
