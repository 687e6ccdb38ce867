import { type AbortSignalLike, throwIfAborted } from "./abort.ts";
import type { KafkaClient } from "./client.ts";
import { toError } from "./errors.ts";
import type { TopicMetadata } from "./metadata.ts";

/** Takes the topic, or why there is none. Called exactly once. */
type Arrival = (topic: TopicMetadata | undefined, failure: Error | undefined) => void;

interface Lookup {
  readonly arrivals: Arrival[];
  /** Resolves when all of them were called. Never rejects. */
  readonly done: Promise<void>;
}

/** Metadata of the topics that a producer writes to: looked up once, then refreshed in the background. */
export class TopicLookups {
  readonly #client: KafkaClient;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignalLike;
  readonly #lookups = new Map<string, Lookup>();
  /** When this producer last asked for a topic, as of `performance.now()`. */
  readonly #askedAt = new Map<string, number>();

  constructor(client: KafkaClient, timeoutMs: number, signal: AbortSignalLike) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  /** The topic if it is known and nobody waits for it: a record must not overtake those that do. */
  known(name: string): TopicMetadata | undefined {
    if (this.#lookups.has(name)) return undefined;
    const topic = this.#client.knownTopic(name);
    const age = performance.now() - (this.#askedAt.get(name) ?? Number.NEGATIVE_INFINITY);
    if (topic !== undefined && age > this.#client.config.metadataMaxAgeMs) this.refresh(name);
    return topic;
  }

  /** Calls back when the topic is known, in the order in which this was called. */
  whenKnown(name: string, arrival: Arrival): void {
    let lookup = this.#lookups.get(name);
    if (lookup === undefined) {
      const arrivals: Arrival[] = [];
      lookup = { arrivals, done: this.#lookUp(name, arrivals) };
      this.#lookups.set(name, lookup);
    }
    lookup.arrivals.push(arrival);
  }

  /** Resolves when nobody waits any more who waits now. */
  async settled(): Promise<void> {
    await Promise.all([...this.#lookups.values()].map(({ done }) => done));
  }

  /** Asks for fresh metadata in the background. */
  refresh(name: string): void {
    this.#askedAt.set(name, performance.now());
    this.#client.refreshTopic(name, this.#signal).catch((error) => {
      this.#client.config.logger.debug(`Metadata of "${name}": ${toError(error).message}`);
    });
  }

  async #lookUp(name: string, arrivals: readonly Arrival[]): Promise<void> {
    this.#askedAt.set(name, performance.now());
    let topic: TopicMetadata | undefined;
    let failure: Error | undefined;
    try {
      topic = await this.#client.topicMetadata(name, { signal: this.#signal, timeoutMs: this.#timeoutMs });
      throwIfAborted(this.#signal);
    } catch (error) {
      topic = undefined;
      failure = toError(error);
    }
    // Those that join meanwhile, because another one has made room, come behind those that have waited.
    for (const arrival of arrivals) arrival(topic, failure);
    this.#lookups.delete(name);
  }
}
