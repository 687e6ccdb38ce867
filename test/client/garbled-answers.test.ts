import { deleteRecords, listOffsets, Producer } from "@ktables/client";
import { describe, expect, test } from "vitest";
import { atEnd, bytes, clientFor, failureOf, requestsOf, startBroker } from "./embedded.ts";
import { answer, apiVersionsV3, FakePeer, usualApis } from "./fake-peer.ts";

/** Found by test/fuzz/responses. */
describe("a client goes on", () => {
  test("where a stream of a broker that has spoken Kafka's protocol is garbled", async () => {
    const broker = await startBroker();
    let garbled = 0;
    broker.intercept("ListOffsets", () => (++garbled <= 2 ? new TextEncoder().encode("HTTP/1.1 502\r\n\r\n") : "pass"));
    expect(await listOffsets(clientFor(broker), "t", "latest")).toEqual(new Map([[0, 0]]));
    expect(garbled).toBe(3);
  });

  test("but not where it is a web server from the start", async () => {
    const peer = await FakePeer.start(({ socket }) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
    atEnd(() => peer.close());
    const error = await failureOf(clientFor({ bootstrapServers: peer.address }).topicMetadata("t"));
    expect(error).toMatchObject({ code: "NOT_KAFKA", retriable: false });
    expect(peer.requests).toHaveLength(1);
  });

  test("nor where an answer is longer than the limit, whatever came before", async () => {
    const peer = await FakePeer.start(({ apiKey, correlationId, socket }) => {
      if (apiKey === 18) socket.write(answer(correlationId, apiVersionsV3(0, [...usualApis, [3, 5, 5]])));
      else socket.write(Buffer.from([0x70, 0, 0, 0]));
    });
    atEnd(() => peer.close());
    const error = await failureOf(clientFor({ bootstrapServers: peer.address }).topicMetadata("t"));
    expect(error).toMatchObject({ code: "FRAME_TOO_LARGE", retriable: false });
  });

  test.each([
    ["id", -2, 0],
    ["epoch", 3, -1],
  ])("where the %s of a producer is one that none can have", async (_, producerId, producerEpoch) => {
    const broker = await startBroker();
    const wrong = { throttleTimeMs: 0, errorCode: 0, producerId, producerEpoch };
    broker.intercept("InitProducerId", () => wrong, { times: 1 });
    const producer = new Producer(clientFor(broker));
    atEnd(() => producer.close());
    expect(await producer.send({ topic: "t", key: bytes("k"), value: null })).toMatchObject({ offset: 0 });
    expect(requestsOf(broker, "InitProducerId")).toBe(2);
  });

  test("where a partition begins at an offset that none can have, after records were deleted", async () => {
    const broker = await startBroker();
    const partitions = [{ partitionIndex: 0, lowWatermark: -5, errorCode: 0 }];
    broker.intercept("DeleteRecords", () => ({ throttleTimeMs: 0, topics: [{ name: "t", partitions }] }), { times: 1 });
    expect(await deleteRecords(clientFor(broker), "t", new Map([[0, 0]]))).toEqual(new Map([[0, 0]]));
    expect(requestsOf(broker, "DeleteRecords")).toBe(2);
  });
});
