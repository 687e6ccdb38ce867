import { type AbortSignalLike, AbortSource, CallScope, sleep, untilAborted } from "./abort.ts";
import { TimeoutError, toError } from "./errors.ts";
import { maximumTimerMs, startTimer } from "./process-hold.ts";

/** What a session does with its connection. */
export interface SessionOwner {
  /** Keeps requests from being sent until the returned function is called. */
  hold(): () => void;
  /** Resolves when no answer is under way. */
  whenIdle(): Promise<void>;
  /** Authenticates the connection; resolves with the lifetime of the session in milliseconds. */
  authenticate(signal: AbortSignalLike): Promise<number>;
  /** The session could not be renewed. */
  fail(error: Error): void;
}

/** A broker refuses to be authenticated to twice within a second (KIP-368). */
const shortestSessionMs = 1000;

/**
 * Authenticates a connection again before its session ends, because a broker cuts connections whose session has ended
 * (KIP-368). Requests wait meanwhile, and it waits until everything before has been answered: answers of both kinds at
 * once would be more than a broker can keep apart.
 */
export class SaslSession {
  readonly #owner: SessionOwner;
  readonly #timeoutMs: number;
  readonly #ended = new AbortSource();
  #stopTimer: (() => void) | undefined;
  #beganAt = 0;

  constructor(owner: SessionOwner, timeoutMs: number) {
    this.#owner = owner;
    this.#timeoutMs = timeoutMs;
  }

  /** The connection has been authenticated, for so long; 0 is for ever. */
  begin(lifetimeMs: number): void {
    this.#stopTimer?.();
    if (lifetimeMs === 0 || this.#ended.signal.aborted) return;
    this.#beganAt = performance.now();
    // Connections that were opened together should not come back together.
    const renewAfterMs = lifetimeMs * (0.85 + Math.random() * 0.1);
    this.#stopTimer = startTimer(() => void this.#renew(), Math.min(renewAfterMs, maximumTimerMs));
  }

  end(): void {
    this.#stopTimer?.();
    this.#ended.abort();
  }

  async #renew(): Promise<void> {
    const release = this.#owner.hold();
    const { signal } = this.#ended;
    try {
      await untilAborted(this.#owner.whenIdle(), signal);
      const tooEarlyMs = this.#beganAt + shortestSessionMs - performance.now();
      if (tooEarlyMs > 0) await sleep(Math.ceil(tooEarlyMs), signal);
      this.begin(await this.#authenticate());
      release();
    } catch (error) {
      if (!signal.aborted) this.#owner.fail(toError(error));
    }
  }

  async #authenticate(): Promise<number> {
    const timeoutMs = this.#timeoutMs;
    const timedOut = (): Error => new TimeoutError(`Authentication took longer than ${timeoutMs} ms`, timeoutMs);
    const scope = new CallScope([this.#ended.signal], timeoutMs, timedOut);
    try {
      return await untilAborted(this.#owner.authenticate(scope.signal), scope.signal);
    } finally {
      scope.end();
    }
  }
}
