import { setTimeout as sleep } from "node:timers/promises";

/**
 * Calls `attempt` until it returns something other than undefined. A rejection counts as "not yet"; the last one is
 * part of the error that is thrown after `timeoutMs`.
 */
export async function waitUntil<T>(
  what: string,
  attempt: () => Promise<T | undefined>,
  options: { readonly timeoutMs?: number; readonly intervalMs?: number } = {},
): Promise<T> {
  const { timeoutMs = 60_000, intervalMs = 50 } = options;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const result = await attempt();
      if (result !== undefined) return result;
      lastError = undefined;
    } catch (error) {
      if (error instanceof GivenUp) throw error;
      lastError = error;
    }
    if (performance.now() >= deadline) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: lastError });
    await sleep(intervalMs);
  }
}

/** Thrown by an attempt to end the waiting at once. */
export class GivenUp extends Error {}
