import type { EmbeddedBroker, InterceptAnswer, InterceptContext, RequestOf, ResponseOf } from "@ktables/client/testing";

interface TopicName {
  readonly name: string;
  /** Of the incarnation that is meant. */
  readonly topicId: string;
}

/**
 * Stands between a broker and those who read and write one topic: holds back what the topic delivers, or answers in the
 * broker's place with an error. Requests that the broker has parked already are held and answered too.
 */
export class DeliveryGate {
  readonly #topic: () => TopicName;
  readonly #removers: readonly (() => void)[];
  #isPaused = false;
  #errorCode: number | undefined;
  #changed: Promise<void> = Promise.resolve();
  #announce: () => void = () => undefined;

  constructor(broker: EmbeddedBroker, topic: () => TopicName) {
    this.#topic = topic;
    this.#change();
    this.#removers = [
      broker.intercept("Fetch", (request, context) => this.#fetch(request, context)),
      broker.intercept("Produce", (request) => this.#produce(request)),
      broker.intercept("ListOffsets", (request) => this.#listOffsets(request)),
    ];
  }

  set isPaused(isPaused: boolean) {
    this.#isPaused = isPaused;
    this.#change();
  }

  /** Undefined: no error. */
  set errorCode(errorCode: number | undefined) {
    this.#errorCode = errorCode;
    this.#change();
  }

  remove(): void {
    for (const remove of this.#removers) remove();
    this.#isPaused = false;
    this.#errorCode = undefined;
    this.#change();
  }

  #change(): void {
    this.#announce();
    this.#changed = new Promise((resolve) => {
      this.#announce = resolve;
    });
  }

  async #fetch(
    request: RequestOf<"Fetch">,
    context: InterceptContext<ResponseOf<"Fetch">>,
  ): Promise<ResponseOf<"Fetch"> | "pass" | "close"> {
    if (!request.topics.some(({ topic, topicId }) => this.#isMeant(topic, topicId))) return "pass";
    let answer: Promise<{ readonly response: ResponseOf<"Fetch"> | undefined }> | undefined;
    for (;;) {
      const changed = this.#changed.then(() => undefined);
      if (this.#isPaused) {
        await changed;
        continue;
      }
      if (this.#errorCode !== undefined) return refusedFetch(request, this.#errorCode);
      answer ??= context.handle().then((response) => ({ response }));
      // What is published after a change cannot be in an answer that comes before it: the change wins.
      const answered = await Promise.race([changed, answer]);
      if (answered !== undefined) return answered.response ?? "close";
    }
  }

  #produce(request: RequestOf<"Produce">): InterceptAnswer<ResponseOf<"Produce">> {
    const errorCode = this.#errorCode;
    if (errorCode === undefined || !request.topicData.some(({ name, topicId }) => this.#isMeant(name, topicId))) {
      return "pass";
    }
    // Without acknowledgements there is no answer: a broker cuts the connection instead.
    if (request.acks === 0) return "close";
    const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        index,
        errorCode,
        baseOffset: -1,
        logAppendTimeMs: -1,
        logStartOffset: -1,
        recordErrors: [],
        errorMessage: null,
      })),
    }));
    return { throttleTimeMs: 0, responses };
  }

  #listOffsets(request: RequestOf<"ListOffsets">): InterceptAnswer<ResponseOf<"ListOffsets">> {
    const errorCode = this.#errorCode;
    if (errorCode === undefined || !request.topics.some(({ name }) => this.#isMeant(name, ""))) return "pass";
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode,
        timestamp: -1,
        offset: -1,
        leaderEpoch: -1,
      })),
    }));
    return { throttleTimeMs: 0, topics };
  }

  /** Requests name a topic by its name up to some version, and by its id from there on. */
  #isMeant(name: string, topicId: string): boolean {
    const topic = this.#topic();
    return name === topic.name || topicId === topic.topicId;
  }
}

function refusedFetch(request: RequestOf<"Fetch">, errorCode: number): ResponseOf<"Fetch"> {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    sessionId: 0,
    responses: request.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) => ({
        partitionIndex: partition,
        errorCode,
        highWatermark: -1,
        lastStableOffset: -1,
        logStartOffset: -1,
        abortedTransactions: null,
        preferredReadReplica: -1,
        records: null,
      })),
    })),
  };
}
