/** One request that a node of the embedded broker has received. */
export interface LoggedRequest {
  /** Id of the node. */
  readonly node: number;
  readonly api: string;
  readonly version: number;
  readonly clientId: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const keep = 10_000;

/** The last requests, oldest first. */
export class RequestLog {
  #requests: LoggedRequest[] = [];

  add(request: LoggedRequest): void {
    this.#requests.push(request);
    if (this.#requests.length >= 2 * keep) this.#requests = this.#requests.slice(-keep);
  }

  /** At most 10 000. */
  list(): LoggedRequest[] {
    return this.#requests.slice(-keep);
  }
}
