import { toError } from "../errors.ts";
import { FrameAssembler } from "../frames.ts";
import type { Outcome } from "./dispatch.ts";
import type { ServerStream, ServerStreamEvents } from "./listener.ts";

const maxRequestBytes = 100 * 1024 * 1024;
/** Reading stops above this many waiting requests. */
const maxWaitingRequests = 100;

/**
 * One connection of a client. As with a real broker the next request is not looked at before the answer to the one
 * before has been written; what arrives meanwhile waits.
 */
export class BrokerConnection implements ServerStreamEvents {
  readonly #stream: ServerStream;
  readonly #serve: (frame: Uint8Array, signal: AbortSignal) => Promise<Outcome>;
  readonly #onFailure: (error: Error) => void;
  readonly #frames: FrameAssembler;
  readonly #waiting: Uint8Array[] = [];
  readonly #closing = new AbortController();
  #work: Promise<void> | undefined;
  #paused = false;
  /** Resolves when the stream is closed and no request is being carried out any more. */
  readonly ended: Promise<void>;
  #resolveEnded: (work: Promise<void> | void) => void = () => undefined;

  /** `onFailure` hears why this side has cut the connection. */
  constructor(
    stream: ServerStream,
    serve: (frame: Uint8Array, signal: AbortSignal) => Promise<Outcome>,
    onFailure: (error: Error) => void,
  ) {
    this.#stream = stream;
    this.#serve = serve;
    this.#onFailure = onFailure;
    this.#frames = new FrameAssembler(maxRequestBytes, (frame) => this.#waiting.push(frame));
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  onData(chunk: Uint8Array): void {
    if (this.#closing.signal.aborted) return;
    try {
      this.#frames.push(chunk);
    } catch (error) {
      this.#cut(toError(error));
      return;
    }
    if (this.#waiting.length > maxWaitingRequests && !this.#paused) {
      this.#paused = true;
      this.#stream.pause();
    }
    // Not for half a frame: with nothing to serve the work would be over before it is noted here.
    if (this.#waiting.length > 0) this.#work ??= this.#serveWaiting();
  }

  onClose(): void {
    this.#closing.abort();
    this.#resolveEnded(this.#work);
  }

  async #serveWaiting(): Promise<void> {
    const { signal } = this.#closing;
    try {
      for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
        const outcome = await this.#serve(frame, signal);
        if (signal.aborted) return;
        if (outcome === "hang") return;
        if (outcome === "close") {
          this.#stream.destroy();
          return;
        }
        if (outcome !== "no answer") await this.#stream.write(outcome);
        if (signal.aborted) return;
        if (this.#paused && this.#waiting.length <= maxWaitingRequests) {
          this.#paused = false;
          this.#stream.resume();
        }
      }
      this.#work = undefined;
    } catch (error) {
      if (!signal.aborted) this.#cut(toError(error));
    }
  }

  #cut(error: Error): void {
    this.#onFailure(error);
    this.#stream.destroy();
  }
}
