import { type AbortSignalLike, throwIfAborted } from "./abort.ts";
import type { KafkaClient } from "./client.ts";
import { toError } from "./errors.ts";
import type { TopicMetadata } from "./metadata.ts";
import { describeTopicConfigs } from "./topic-configs.ts";

const policyName = "cleanup.policy";

/** Takes the topic, or why there is none. Called exactly once. */
type Arrival = (topic: TopicMetadata | undefined, failure: Error | undefined) => void;

interface Lookup {
  readonly arrivals: Arrival[];
  /** Whether somebody waits who has a record without a key. */
  isForKeyless: boolean;
  /** Resolves when all of them were called. Never rejects. */
  done: Promise<void>;
}

/** The time after which the broker is left to judge a record without a key, instead of asking for the topic's policy. */
const policyTimeoutMs = 5000;

/**
 * What a producer has to know of the topics that it writes to: metadata, looked up once and then refreshed in the
 * background, and for records without a key, whether the topic is compacted and so takes none.
 */
export class TopicLookups {
  readonly #client: KafkaClient;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignalLike;
  readonly #lookups = new Map<string, Lookup>();
  /** When this producer last asked for a topic, as of `performance.now()`. */
  readonly #askedAt = new Map<string, number>();
  readonly #policies = new Map<string, { readonly isCompacted: boolean; readonly askedAt: number }>();

  constructor(client: KafkaClient, timeoutMs: number, signal: AbortSignalLike) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  /** The topic if it is known and nobody waits for it: a record must not overtake those that do. */
  known(name: string, isForKeyless: boolean): TopicMetadata | undefined {
    if (this.#lookups.has(name) || (isForKeyless && this.#policy(name) === undefined)) return undefined;
    return this.#client.knownTopic(name);
  }

  /** Asks for fresh metadata of a topic that is known for too long, in the background. */
  keepFresh(name: string): void {
    const age = performance.now() - (this.#askedAt.get(name) ?? Number.NEGATIVE_INFINITY);
    if (age > this.#client.config.metadataMaxAgeMs) this.refresh(name);
  }

  /** Whether the topic takes no records without a key, as far as is known. */
  isCompacted(name: string): boolean {
    return this.#policy(name)?.isCompacted ?? false;
  }

  /** Calls back when the topic is known, in the order in which this was called. */
  whenKnown(name: string, isForKeyless: boolean, arrival: Arrival): void {
    let lookup = this.#lookups.get(name);
    if (lookup === undefined) {
      lookup = { arrivals: [], isForKeyless, done: Promise.resolve() };
      this.#lookups.set(name, lookup);
      lookup.done = this.#lookUp(name, lookup);
    }
    lookup.isForKeyless ||= isForKeyless;
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

  async #lookUp(name: string, lookup: Lookup): Promise<void> {
    let topic: TopicMetadata | undefined;
    let failure: Error | undefined;
    try {
      topic = this.#client.knownTopic(name);
      if (topic === undefined) {
        this.#askedAt.set(name, performance.now());
        topic = await this.#client.topicMetadata(name, { signal: this.#signal, timeoutMs: this.#timeoutMs });
      }
      throwIfAborted(this.#signal);
      // In a turn of its own, so that whoever has begun the look-up is among those who wait.
      await Promise.resolve();
      if (lookup.isForKeyless && this.#policy(name) === undefined) await this.#askForPolicy(name);
      throwIfAborted(this.#signal);
    } catch (error) {
      topic = undefined;
      failure = toError(error);
    }
    // Those that join meanwhile, because another one has made room, come behind those that have waited.
    for (const arrival of lookup.arrivals) arrival(topic, failure);
    this.#lookups.delete(name);
  }

  /** Undefined where it is not known, or was known too long ago: it can be changed at any time. */
  #policy(name: string): { readonly isCompacted: boolean } | undefined {
    const policy = this.#policies.get(name);
    const isOld = policy !== undefined && performance.now() - policy.askedAt > this.#client.config.metadataMaxAgeMs;
    return isOld ? undefined : policy;
  }

  async #askForPolicy(name: string): Promise<void> {
    const askedAt = performance.now();
    let isCompacted = false;
    try {
      const timeoutMs = Math.min(this.#timeoutMs, policyTimeoutMs);
      const options = { names: [policyName], signal: this.#signal, timeoutMs };
      const [entry] = await describeTopicConfigs(this.#client, name, options);
      isCompacted = entry?.value?.includes("compact") ?? false;
    } catch (error) {
      // The right to write does not bring the right to read the configuration. The broker judges by itself.
      this.#client.config.logger.debug(`${policyName} of "${name}" could not be read: ${toError(error).message}`);
    }
    this.#policies.set(name, { isCompacted, askedAt });
  }
}
