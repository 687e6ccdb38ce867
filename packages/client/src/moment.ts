/** A moment on two clocks: the steady one stands still while the machine sleeps, the wall clock can be set. */
export interface Moment {
  readonly steady: number;
  readonly wall: number;
}

export function momentNow(): Moment {
  return { steady: performance.now(), wall: Date.now() };
}

/** Milliseconds from one moment to another, by the clock that says more. */
export function elapsedMs(since: Moment, until: Moment): number {
  return Math.max(until.steady - since.steady, until.wall - since.wall);
}
