import { createPartitions, createTopic, deleteTopic } from "@ktables/client";
import { EmbeddedBroker } from "@ktables/client/testing";
import { describe, expect, test } from "vitest";
import { controllerSuite } from "../suites/controller-suite.ts";
import { clientFor, editable, failureOf, requestsOf, startBroker } from "./embedded.ts";

controllerSuite("three embedded nodes as 2.8", async () => {
  const broker = await EmbeddedBroker.start({ nodes: 3, asVersion: "2.8" });
  return {
    bootstrapServers: broker.bootstrapServers,
    version: "2.8",
    nodes: broker.bootstrapServers.split(",").map((address, id) => ({ id, address })),
    controller: async () => broker.controller,
    stopNode: (id) => broker.stopNode(id),
    startNode: (id) => broker.startNode(id),
    stop: () => broker.close(),
  };
});

describe("a controller that moves", () => {
  test("between the answer that names it and the request is asked for again", async () => {
    const broker = await startBroker({ nodes: 3, asVersion: "1.1" });
    const client = clientFor(broker);
    const move = (): "pass" => {
      broker.moveController((broker.controller + 1) % 3);
      return "pass";
    };
    // At the first request of each kind.
    const apis = ["CreateTopics", "CreatePartitions", "DeleteTopics"] as const;
    for (const api of apis) broker.intercept(api, () => (requestsOf(broker, api) === 1 ? move() : "pass"));
    expect(await createTopic(client, "new")).toBe("created");
    expect(await createPartitions(client, "new", 2)).toBe("created");
    expect(await deleteTopic(client, "new")).toBe("deleted");
    for (const api of apis) expect(requestsOf(broker, api)).toBe(2);
  });

  test("and is nowhere for the time being is waited for, and named in the end", async () => {
    const broker = await startBroker({ nodes: 3, asVersion: "2.0" });
    broker.intercept("Metadata", async (_, context) => {
      const answer = await context.handle();
      if (answer !== undefined) editable(answer).controllerId = -1;
      return answer ?? "close";
    });
    broker.moveController(1);
    const client = clientFor({ bootstrapServers: broker.bootstrapServers.split(",")[0] ?? "" });
    const error = await failureOf(createTopic(client, "new", { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: "NOT_CONTROLLER", retriable: true, topic: "new" });
  });

  test("does not matter where every node passes requests on", async () => {
    const broker = await startBroker({ nodes: 3, asVersion: "3.9" });
    broker.moveController(2);
    const client = clientFor({ bootstrapServers: broker.bootstrapServers.split(",")[0] ?? "" });
    broker.intercept("Metadata", async (_, context) => {
      const answer = await context.handle();
      if (answer !== undefined) editable(answer).controllerId = 0;
      return answer ?? "close";
    });
    expect(await createTopic(client, "new")).toBe("created");
  });
});

test("an answer to a deletion that is lost leaves nothing to delete", async () => {
  const broker = await startBroker();
  broker.intercept("DeleteTopics", async (_, context) => (await context.handle(), "close"), { times: 1 });
  expect(await deleteTopic(clientFor(broker), "t")).toBe("absent");
});

test("an answer to an addition of partitions that is lost is no refusal", async () => {
  const broker = await startBroker();
  broker.intercept("CreatePartitions", async (_, context) => (await context.handle(), "close"), { times: 1 });
  expect(await createPartitions(clientFor(broker), "t", 3)).toBe("exists");
});
