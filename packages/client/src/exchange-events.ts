import { brokerErrorFacts, ErrorCode } from "./broker-errors.ts";
import { type FetchEvent, type ProduceEvent, publish } from "./diagnostics.ts";
import { type FetchRequest, type FetchResponse, fetchApi } from "./protocol/generated/fetch.ts";
import { type ProduceRequest, type ProduceResponse, produceApi } from "./protocol/generated/produce.ts";

/** What is known of an exchange besides its messages. */
export interface ExchangeFacts {
  readonly clientId: string;
  readonly broker: string;
  readonly version: number;
  readonly durationMs: number;
}

/** Publishes what an answer to Fetch or Produce says. The messages are those of the API with this key. */
export function publishExchange(apiKey: number, facts: () => ExchangeFacts, request: unknown, response: unknown): void {
  if (apiKey === fetchApi.key) {
    publish("fetch", () => fetchEvent(facts(), request as FetchRequest, response as FetchResponse));
  } else if (apiKey === produceApi.key) {
    publish("produce", () => produceEvent(facts(), request as ProduceRequest, response as ProduceResponse));
  }
}

function fetchEvent(facts: ExchangeFacts, request: FetchRequest, response: FetchResponse): FetchEvent {
  const partitions = response.responses.flatMap((topic) => {
    // Newer versions name topics by id only.
    const name = topic.topic || request.topics.find(({ topicId }) => topicId === topic.topicId)?.topic;
    return topic.partitions.map((answer) => ({
      topic: name,
      partition: answer.partitionIndex,
      bytes: answer.records?.length ?? 0,
      highWatermark: answer.highWatermark,
      error: errorName(answer.errorCode),
    }));
  });
  const bytes = partitions.reduce((sum, partition) => sum + partition.bytes, 0);
  return { ...facts, bytes, partitions, error: errorName(response.errorCode) };
}

function produceEvent(facts: ExchangeFacts, request: ProduceRequest, response: ProduceResponse): ProduceEvent {
  const partitions = response.responses.flatMap((topic) => {
    const asked = request.topicData.find(({ name, topicId }) =>
      topic.name === "" ? topicId === topic.topicId : name === topic.name,
    );
    return topic.partitionResponses.map((answer) => ({
      topic: asked?.name ?? topic.name,
      partition: answer.index,
      bytes: asked?.partitionData.find(({ index }) => index === answer.index)?.records?.length ?? 0,
      baseOffset: answer.baseOffset,
      error: errorName(answer.errorCode),
    }));
  });
  const bytes = partitions.reduce((sum, partition) => sum + partition.bytes, 0);
  return { ...facts, bytes, partitions };
}

function errorName(code: number): string | undefined {
  return code === ErrorCode.NONE ? undefined : brokerErrorFacts(code).name;
}
