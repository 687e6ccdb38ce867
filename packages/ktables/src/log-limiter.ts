import type { Logger } from "@ktables/client";

/**
 * Keeps a topic full of bad records from flooding the log: of each kind of event the first is logged, then one line per
 * interval that also counts the events since. There is no timer; what is left is reported by {@link flush}.
 */
export class LogLimiter {
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #kinds = new Map<string, { loggedAt: number; suppressed: number }>();

  constructor(logger: Logger, intervalMs = 60_000) {
    this.#logger = logger;
    this.#intervalMs = intervalMs;
  }

  /** `message` is called only if a line is written. */
  warn(kind: string, message: () => string, context: Readonly<Record<string, unknown>>): void {
    const now = performance.now();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now - known.loggedAt < this.#intervalMs) {
      known.suppressed++;
      return;
    }
    this.#kinds.set(kind, { loggedAt: now, suppressed: 0 });
    const suppressed = known?.suppressed ?? 0;
    this.#logger.warn(message() + (suppressed > 0 ? ` (${suppressed} more of this kind before)` : ""), {
      ...context,
      suppressed,
    });
  }

  /** Reports what has been counted and not logged. */
  flush(): void {
    for (const [kind, { suppressed }] of this.#kinds) {
      if (suppressed > 0) this.#logger.warn(`${suppressed} more of this kind: ${kind}`, { suppressed });
    }
    this.#kinds.clear();
  }
}
