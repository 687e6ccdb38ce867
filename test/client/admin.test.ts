import { createPartitions, createTopic, deleteRecords, deleteTopic, setTopicConfigs } from "@ktables/client";
import { type BrokerLine, EmbeddedBroker } from "@ktables/client/testing";
import { describe, expect, test } from "vitest";
import { silenceAfter } from "../../packages/client/src/throttle.ts";
import { adminSuite } from "../suites/admin-suite.ts";
import { clientFor, editable, failureOf, requestsOf, startBroker } from "./embedded.ts";

adminSuite("the embedded broker", async () => {
  const broker = await EmbeddedBroker.start();
  return { bootstrapServers: broker.bootstrapServers, stop: () => broker.close() };
});

const lines: readonly BrokerLine[] = ["0.11", "1.0", "2.1", "2.8", "3.3", "4.0", "event-hubs"];
for (const line of lines) {
  adminSuite(`the embedded broker as ${line}`, async () => {
    const broker = await EmbeddedBroker.start({ asVersion: line });
    return { bootstrapServers: broker.bootstrapServers, version: line, stop: () => broker.close() };
  });
}

describe("what cannot be meant is refused before the network is touched", () => {
  const client = clientFor({ bootstrapServers: "127.0.0.1:1" });
  const wrong = (value: unknown): never => value as never;
  test.each([
    ["topic", () => createTopic(client, "")],
    ["topic", () => deleteTopic(client, wrong(null))],
    ["partitions", () => createTopic(client, "t", { partitions: 0 })],
    ["replicationFactor", () => createTopic(client, "t", { replicationFactor: 1.5 })],
    ["configs", () => createTopic(client, "t", { configs: { "retention.ms": wrong(5) } })],
    ["replicas", () => createTopic(client, "t", wrong({ replicas: 3 }))],
    ["count", () => createPartitions(client, "t", 0)],
    ["before", () => deleteRecords(client, "t", new Map([[0, -1]]))],
    ["before", () => deleteRecords(client, "t", wrong({ 0: 5 }))],
    ["before", () => deleteRecords(client, "t", new Map([[-1, 5]]))],
    ["configs", () => setTopicConfigs(client, "t", wrong({ "retention.ms": 5 }))],
    ["timeoutMs", () => deleteTopic(client, "t", { timeoutMs: 0 })],
  ] as const)("%s", async (option, call) => {
    expect(await failureOf(call())).toMatchObject({ code: "INVALID_OPTION", option });
  });
});

describe("an answer", () => {
  test.each(["CreateTopics", "DeleteTopics", "CreatePartitions"] as const)(
    "to %s that does not mention the topic confirms nothing",
    async (api) => {
      const broker = await startBroker();
      broker.intercept(api, async (_, context) => {
        const answer = await context.handle();
        if (answer === undefined) return "close";
        for (const [name, value] of Object.entries(editable(answer))) {
          if (Array.isArray(value)) Object.assign(answer, { [name]: [] });
        }
        return answer;
      });
      const client = clientFor(broker);
      const call = {
        CreateTopics: () => createTopic(client, "new"),
        DeleteTopics: () => deleteTopic(client, "t"),
        CreatePartitions: () => createPartitions(client, "t", 2),
      }[api];
      const error = await failureOf(call());
      expect(error).toMatchObject({ code: "UNKNOWN_SERVER_ERROR", api, retriable: false });
      expect(error.message).toContain("does not mention the topic");
    },
  );

  test("to DeleteRecords of one leader survives the failure of another, which alone is asked again", async () => {
    const broker = await startBroker({ nodes: 2, topics: [{ name: "t", partitions: 2, replicationFactor: 1 }] });
    let failures = 0;
    broker.intercept("DeleteRecords", (request, context) => {
      if (context.node !== 1 || failures++ > 0) return "pass";
      const topics = request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode: 7 })),
      }));
      return { throttleTimeMs: 0, topics };
    });
    const all = new Map([
      [0, "latest"],
      [1, "latest"],
    ] as const);
    expect(Object.fromEntries(await deleteRecords(clientFor(broker), "t", all))).toEqual({ 0: 0, 1: 0 });
    expect(requestsOf(broker, "DeleteRecords")).toBe(3);
  });

  test("that keeps a value to itself stops a change of all settings at once", async () => {
    const broker = await startBroker({
      asVersion: "1.1",
      topics: [{ name: "t", configs: { "segment.ms": "123456789" } }],
    });
    broker.intercept("DescribeConfigs", async (_, context) => {
      const answer = await context.handle();
      if (answer === undefined) return "close";
      for (const { configs } of editable(answer).results) {
        for (const entry of configs) if (entry.name === "segment.ms") entry.value = null;
      }
      return answer;
    });
    const error = await failureOf(setTopicConfigs(clientFor(broker), "t", { "retention.ms": "5" }));
    expect(error).toMatchObject({ code: "UNSUPPORTED_API", retriable: false });
    expect(error.message).toContain("segment.ms");
    expect(requestsOf(broker, "AlterConfigs")).toBe(0);
  });
});

test("throttling of changes to configs and of deletions is obeyed from the version on that leaves it to the client", () => {
  const response = { throttleTimeMs: 5 };
  for (const api of ["AlterConfigs", "DeleteRecords"]) {
    expect([0, 1, 2].map((version) => silenceAfter(api, version, response))).toEqual([0, 5, 5]);
  }
});
