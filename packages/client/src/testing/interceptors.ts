import { type AbortSignalLike, sleep } from "../abort.ts";
import { invalidArgument } from "./refusal.ts";

/** What an interceptor knows about the request besides its body. */
export interface InterceptContext<Response> {
  /** Id of the node that was asked. */
  readonly node: number;
  readonly api: string;
  readonly version: number;
  readonly clientId: string | null;
  /** Aborts when the connection ends, by either side. */
  readonly signal: AbortSignalLike;
  /**
   * Carries the request out as without the interceptor and gives the answer that would have been sent; undefined if
   * there would have been none. To lose an answer: `await context.handle(); return "close"`.
   */
  handle(): Promise<Response | undefined>;
}

/**
 * What an interceptor does with a request:
 * - a response object is sent as the answer;
 * - `"pass"` leaves the request to the next interceptor, at last to the broker;
 * - `"close"` cuts the connection without an answer;
 * - `"ignore"` never answers, and as a hanging broker never looks at a further request of this connection;
 * - bytes are written to the connection as they are, which is the place for broken frames; they must bring their own
 *   length prefix and headers;
 * - `delayMs` waits, then does what its `answer` says (default `"pass"`).
 */
export type InterceptAnswer<Response> = Replacement<Response> | "pass" | "close" | "ignore";

type Replacement<Response> =
  | Response
  | Uint8Array
  | { readonly delayMs: number; readonly answer?: InterceptAnswer<Response> };

/**
 * May return a promise: its connection waits, others go on. A promise may be one of any string, because TypeScript
 * takes the "close" of an async function for that here; other words than those of `InterceptAnswer` are an error.
 */
export type InterceptHandler<Request, Response> = (
  request: Request,
  context: InterceptContext<Response>,
) => InterceptAnswer<Response> | Promise<Replacement<Response> | string>;

export interface InterceptOptions {
  /** How many requests it answers before it is removed; those that it passes do not count. Default: no limit. */
  readonly times?: number;
}

interface Entry {
  readonly apiKey: number;
  readonly handler: InterceptHandler<unknown, unknown>;
  timesLeft: number;
}

const words: ReadonlySet<string> = new Set(["pass", "close", "ignore"]);

/** The interceptors of one broker, asked in the order in which they were added. */
export class Interceptors {
  readonly #entries = new Set<Entry>();

  /** Returns the function that removes it. */
  add(apiKey: number, handler: InterceptHandler<unknown, unknown>, options: InterceptOptions): () => void {
    const entry: Entry = { apiKey, handler, timesLeft: options.times ?? Number.POSITIVE_INFINITY };
    this.#entries.add(entry);
    return () => void this.#entries.delete(entry);
  }

  /** What the first interceptor that does not pass wants, its delays over. */
  async answer(apiKey: number, request: unknown, context: InterceptContext<unknown>): Promise<unknown> {
    for (const entry of this.#entries) {
      if (entry.apiKey !== apiKey || entry.timesLeft <= 0) continue;
      // Counted before it is asked, so that two connections cannot both have the last turn.
      entry.timesLeft -= 1;
      let answer = await entry.handler(request, context);
      while (isDelay(answer)) {
        await sleep(answer.delayMs, context.signal);
        answer = answer.answer ?? "pass";
      }
      if (typeof answer === "string" && !words.has(answer)) {
        throw invalidArgument(`an interceptor of ${context.api} answered ${JSON.stringify(answer)}`);
      }
      if (answer !== "pass") return answer;
      entry.timesLeft += 1;
    }
    return "pass";
  }
}

function isDelay(answer: unknown): answer is { delayMs: number; answer?: unknown } {
  return typeof answer === "object" && answer !== null && "delayMs" in answer;
}
