import { Producer } from "@ktables/client";
import { describe, expect, test } from "vitest";
import { atEnd, bytes, clientFor, editable, failureOf, requestsOf, startBroker } from "./embedded.ts";

const send = (producer: Producer, key: string) => producer.send({ topic: "t", key: bytes(key), value: null });

describe("a leader that has moved (case 37)", () => {
  test("is written to by the hint of the old one, without asking for metadata", async () => {
    const broker = await startBroker({ nodes: 3 });
    const producer = new Producer(clientFor(broker));
    atEnd(() => producer.close());
    await send(producer, "first");
    broker.intercept("Metadata", () => "close");
    const asked = requestsOf(broker, "Metadata");
    for (let move = 1; move <= 5; move++) {
      broker.moveLeader("t", 0, move % 3);
      const written = await Promise.all(Array.from({ length: 5 }, (_, index) => send(producer, `${move} ${index}`)));
      expect(written.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4].map((index) => index + 5 * move - 4));
    }
    expect(requestsOf(broker, "Metadata")).toBe(asked);
  });

  test.each([
    ["has an old epoch", { leaderId: 1, leaderEpoch: 0 }],
    ["names a broker that nobody knows", { leaderId: 7, leaderEpoch: 9 }],
  ])("is not looked for where a hint leads that %s", async (_, currentLeader) => {
    const broker = await startBroker({ nodes: 2 });
    expect(broker.leader("t", 0)).toEqual({ node: 0, epoch: 0 });
    const producer = new Producer(clientFor(broker));
    atEnd(() => producer.close());
    let refused = 0;
    broker.intercept(
      "Produce",
      ({ topicData }) => ({
        throttleTimeMs: 0,
        responses: topicData.map(({ name, topicId }) => ({
          name,
          topicId,
          partitionResponses: [
            {
              index: 0,
              errorCode: ++refused && 6,
              baseOffset: -1,
              logAppendTimeMs: -1,
              logStartOffset: -1,
              recordErrors: [],
              errorMessage: null,
              currentLeader,
            },
          ],
        })),
      }),
      { times: 3 },
    );
    expect((await send(producer, "a")).offset).toBe(0);
    expect(refused).toBe(3);
    expect(broker.requests.filter(({ api, node }) => api === "Produce" && node === 1)).toEqual([]);
  });

  test("is not chased without pauses where brokers send us back and forth", async () => {
    const broker = await startBroker({ nodes: 2 });
    const nodeEndpoints = broker.bootstrapServers.split(",").map((address, nodeId) => {
      return { nodeId, host: "127.0.0.1", port: Number(address.split(":")[1]), rack: null };
    });
    let leaderEpoch = 0;
    broker.intercept("Produce", async (_, context) => {
      const answer = editable(await context.handle());
      const partition = answer?.responses[0]?.partitionResponses[0];
      if (answer === undefined || partition === undefined) return "pass";
      Object.assign(partition, {
        errorCode: 6,
        currentLeader: { leaderId: 1 - context.node, leaderEpoch: ++leaderEpoch },
      });
      return { ...answer, nodeEndpoints };
    });
    const client = clientFor(broker, { retryBackoffMs: 40, maxRetryBackoffMs: 40 });
    const producer = new Producer(client);
    const start = performance.now();
    const written = failureOf(send(producer, "a"));
    await expect.poll(() => requestsOf(broker, "Produce"), { timeout: 15_000 }).toBeGreaterThan(8);
    // Seven pauses of at least 32 ms; without them it would be a matter of a few.
    expect(performance.now() - start).toBeGreaterThan(150);
    client.close();
    expect(await written).toMatchObject({ code: "CLOSED" });
  });
});
