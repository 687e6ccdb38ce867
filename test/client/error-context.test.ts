import { BrokerError, ConnectionError, KafkaClient, listOffsets, Producer, TimeoutError } from "@ktables/client";
import { describe, expect, test } from "vitest";
import { atEnd, bytes, clientFor, editable, failureOf, startBroker } from "./embedded.ts";

/** Errors say what they are about, so that a log line of one is enough to know where to look. */
describe("an error tells", () => {
  test("api, version, broker, topic and attempts of a broker's refusal", async () => {
    const broker = await startBroker();
    const error = await failureOf(clientFor(broker).topicMetadata("missing", { timeoutMs: 400 }));
    expect(error).toBeInstanceOf(BrokerError);
    expect(error).toMatchObject({
      api: "Metadata",
      version: 13,
      broker: broker.bootstrapServers,
      topic: "missing",
      attempt: expect.any(Number),
    });
    expect(error["attempt"]).toBeGreaterThan(1);
  });

  test("the partition too, and the version that was used with an older broker", async () => {
    const broker = await startBroker({ maxVersions: { ListOffsets: 4 } });
    broker.intercept("ListOffsets", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.topics[0]?.partitions[0];
      if (answer === undefined || partition === undefined) return "close";
      partition.errorCode = 29;
      return answer;
    });
    const error = await failureOf(listOffsets(clientFor(broker), "t", "latest"));
    expect(error).toMatchObject({
      code: "TOPIC_AUTHORIZATION_FAILED",
      api: "ListOffsets",
      version: 4,
      broker: broker.bootstrapServers,
      topic: "t",
      partition: 0,
      attempt: 1,
    });
  });

  test("which request an ended connection has cost", async () => {
    const broker = await startBroker();
    broker.intercept("ListOffsets", () => "close");
    const error = await failureOf(listOffsets(clientFor(broker), "t", "latest", { timeoutMs: 400 }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({
      code: "CONNECTION_CLOSED",
      api: "ListOffsets",
      version: 6,
      broker: broker.bootstrapServers,
      maybeSent: true,
      retriable: true,
    });
  });

  test("which request was not answered in time", async () => {
    const broker = await startBroker();
    broker.intercept("ListOffsets", () => "ignore");
    const client = clientFor(broker, { requestTimeoutMs: 40 });
    const error = await failureOf(listOffsets(client, "t", "latest", { timeoutMs: 400 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ api: "ListOffsets", version: 6, broker: broker.bootstrapServers, maybeSent: true });
  });

  test("how often a record was sent, and what the last answer was about", async () => {
    const broker = await startBroker();
    let requests = 0;
    broker.intercept("Produce", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitionResponses[0];
      if (answer === undefined || partition === undefined) return "close";
      partition.errorCode = ++requests < 3 ? 19 : 29;
      return answer;
    });
    const producer = new Producer(clientFor(broker));
    atEnd(() => producer.close());
    const error = await failureOf(producer.send({ topic: "t", key: bytes("k"), value: null }));
    expect(error).toMatchObject({
      code: "TOPIC_AUTHORIZATION_FAILED",
      topic: "t",
      partition: 0,
      attempt: 3,
      cause: { api: "Produce", version: 13, broker: broker.bootstrapServers, topic: "t", partition: 0 },
    });
  });

  test("no request where none was made, but how often it tried to connect", async () => {
    const error = await failureOf(
      new KafkaClient({ bootstrapServers: "127.0.0.1:1", retryBackoffMs: 1 }).topicMetadata("t", { timeoutMs: 400 }),
    );
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", broker: "127.0.0.1:1", api: undefined });
    expect(error["attempt"]).toBeGreaterThan(1);
  });
});
