/** The longest time that a timer can wait for; it fires at once when asked for more. */
export const maximumTimerMs = 2_147_483_647;

let holders = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/**
 * Keeps the process alive as long as it is held. What is under way in the background has timers that do not, so that a
 * client with `unref` lets its process end; whoever waits for something holds the process meanwhile.
 */
export class ProcessHold {
  #isHeld = false;

  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    if (holders++ === 0) timer = setInterval(() => undefined, maximumTimerMs);
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (--holders === 0) clearInterval(timer);
  }
}

/** A timer that does not keep the process alive. Returns how to stop it. */
export function startTimer(callback: () => void, ms: number): () => void {
  const started = setTimeout(callback, ms);
  const { Deno: deno } = globalThis as { Deno?: { unrefTimer(id: unknown): void } };
  // Node and Bun give an object. Deno gives a number, or an object that its function takes too.
  if (isUnrefable(started)) started.unref();
  else deno?.unrefTimer(started);
  return () => clearTimeout(started);
}

function isUnrefable(value: unknown): value is { unref(): void } {
  return typeof value === "object" && value !== null && "unref" in value && typeof value.unref === "function";
}
