/**
 * The pause before attempt `attempt + 1` (the first retry has attempt 0): doubled each time up to the maximum, with
 * ±20 % jitter so that clients that failed together do not come back together (KIP-580).
 */
export function backoffMs(attempt: number, firstMs: number, maximumMs: number): number {
  const exponential = Math.min(firstMs * 2 ** Math.min(attempt, 30), maximumMs);
  return exponential * (0.8 + Math.random() * 0.4);
}
