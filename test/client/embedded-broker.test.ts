import { afterEach, describe, expect, test, vi } from "vitest";
import { apiVersionsApi } from "../../packages/client/src/protocol/generated/api-versions.ts";
import { fetchApi } from "../../packages/client/src/protocol/generated/fetch.ts";
import { initProducerIdApi } from "../../packages/client/src/protocol/generated/init-producer-id.ts";
import { metadataApi } from "../../packages/client/src/protocol/generated/metadata.ts";
import { produceApi } from "../../packages/client/src/protocol/generated/produce.ts";
import { ProtocolReader } from "../../packages/client/src/protocol/reader.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../packages/client/src/testing/index.ts";
import {
  batch,
  fetch,
  fetchRequest,
  metadata,
  onlyPartition,
  produce,
  produceRequest,
  texts,
  until,
} from "./embedded-broker-requests.ts";
import { requestFrame, Wire } from "./embedded-broker-wire.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(options: EmbeddedBrokerOptions = {}): Promise<{ broker: EmbeddedBroker; wire: Wire }> {
  const broker = await EmbeddedBroker.start({ topics: [{ name: "t", partitions: 2 }], ...options });
  open.push(broker);
  return { broker, wire: await connect(broker) };
}

async function connect(broker: EmbeddedBroker, node = 0): Promise<Wire> {
  const wire = await Wire.open(broker.bootstrapServers, node);
  open.push(wire);
  return wire;
}

const allTopics = {
  topics: null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};
const software = { clientSoftwareName: "wire", clientSoftwareVersion: "1" };

describe("negotiation", () => {
  test("lists every API with its versions", async () => {
    const { wire } = await start();
    for (const version of [0, 3]) {
      const { errorCode, apiKeys } = await wire.call(apiVersionsApi, version, software);
      expect(errorCode).toBe(0);
      expect(apiKeys.map(({ apiKey, minVersion, maxVersion }) => `${apiKey}: ${minVersion}-${maxVersion}`)).toEqual([
        "0: 0-13",
        "1: 4-16",
        "2: 1-6",
        "3: 2-13",
        "17: 1-1",
        "18: 0-3",
        "19: 2-7",
        "20: 1-6",
        "21: 0-2",
        "22: 0-4",
        "23: 2-4",
        "32: 0-4",
        "33: 0-2",
        "36: 0-2",
        "37: 0-3",
        "44: 0-1",
      ]);
    }
  });

  test("answers an unknown version of ApiVersions with error 35 in the layout of version 0", async () => {
    const { wire } = await start();
    const frame = Buffer.from(requestFrame(apiVersionsApi, 3, software, 7));
    frame.writeInt16BE(9, 6);
    wire.socket.write(frame);
    const reader = new ProtocolReader((await wire.frame()) ?? new Uint8Array(0));
    expect(reader.int32()).toBe(7);
    expect(apiVersionsApi.decodeResponse(reader, 0)).toMatchObject({
      errorCode: 35,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 3 }],
    });
    expect(reader.remaining).toBe(0);
    expect((await wire.call(apiVersionsApi, 0, software)).errorCode).toBe(0);
  });

  test("refuses a malformed software name with error 42", async () => {
    const { wire } = await start();
    const { errorCode } = await wire.call(apiVersionsApi, 3, { ...software, clientSoftwareName: "-" });
    expect(errorCode).toBe(42);
  });

  test("plays an older broker with maxVersions", async () => {
    const { wire } = await start({ maxVersions: { Fetch: 4, IncrementalAlterConfigs: -1 } });
    const { apiKeys } = await wire.call(apiVersionsApi, 3, software);
    expect(apiKeys.find(({ apiKey }) => apiKey === 1)).toEqual({ apiKey: 1, minVersion: 4, maxVersion: 4 });
    expect(apiKeys.some(({ apiKey }) => apiKey === 44)).toBe(false);
    await expect(fetch(wire, { version: 10 })).rejects.toThrow("closed the connection");
  });
});

describe("what is no request", () => {
  const int32 = (value: number): Uint8Array => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    return bytes;
  };
  const frame = (...bytes: number[]): Uint8Array => Buffer.concat([int32(bytes.length), Uint8Array.from(bytes)]);

  test.each([
    ["a negative length", int32(-1)],
    ["the largest length", int32(0x7fff_ffff)],
    ["a length just above 100 MiB", int32(100 * 1024 * 1024 + 1)],
    ["a length of 0", int32(0)],
    ["an unknown API", frame(0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff)],
    ["an unknown version of Metadata", frame(0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff, 0)],
    ["a header that ends early", frame(0, 3, 0, 9, 0)],
    ["a body that ends early", frame(0, 3, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0)],
    ["a body with an impossible count", frame(0, 3, 0, 4, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0)],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
  ])("%s closes the connection and hurts nobody else", async (_, bytes) => {
    const { broker, wire } = await start();
    wire.socket.write(bytes);
    expect(await wire.frame()).toBeUndefined();
    expect((await metadata(await connect(broker), null)).topics).toHaveLength(1);
  });

  test("a frame that arrives byte by byte is a request all the same", async () => {
    const { broker, wire } = await start();
    const other = await connect(broker);
    for (const byte of requestFrame(metadataApi, 13, allTopics, 0)) {
      wire.socket.write(Uint8Array.of(byte));
      // Turns of the event loop, so that the bytes do not travel together.
      await metadata(other, []);
    }
    expect((await wire.receive(metadataApi, 13, 0)).topics).toHaveLength(1);
  });
});

describe("a client that sends ahead", () => {
  test("gets all answers in order, and is served on afterwards", async () => {
    const { wire } = await start();
    const ids = Array.from({ length: 500 }, () => wire.send(metadataApi, 13, allTopics));
    for (const id of ids) await wire.receive(metadataApi, 13, id);
    expect((await metadata(wire, null)).topics).toHaveLength(1);
  });

  test("is not read any more while a long poll is parked and much is waiting", async () => {
    const { broker, wire } = await start();
    wire.send(fetchApi, 12, fetchRequest({ maxWaitMs: 1_000_000 }));
    const frame = requestFrame(metadataApi, 13, allTopics, 1);
    const flood = Buffer.concat(Array.from({ length: Math.ceil(16_000_000 / frame.length) }, () => frame));
    wire.socket.write(flood);
    const other = await connect(broker);
    for (let round = 0; round < 100; round++) await metadata(other, []);
    expect(wire.socket.writableLength).toBeGreaterThan(0);
  });
});

describe("long poll", () => {
  test("waits for an append, and leaves what follows on the connection waiting", async () => {
    const { broker, wire } = await start();
    const first = wire.send(fetchApi, 12, fetchRequest({ maxWaitMs: 60_000, partitions: [0, 1] }));
    const second = wire.send(metadataApi, 13, allTopics);
    await until(() => broker.requests.length === 1);
    const other = await connect(broker);
    await metadata(other, null);
    await metadata(other, null);
    expect(broker.requests.map(({ api }) => api)).toEqual(["Fetch", "Metadata", "Metadata"]);
    expect(wire.hasFrame).toBe(false);

    await produce(other, batch(), { partition: 1 });
    const { responses } = await wire.receive(fetchApi, 12, first);
    expect(responses[0]?.partitions.map(({ records }) => texts(records))).toEqual([[], ["0:k0=v"]]);
    await wire.receive(metadataApi, 13, second);
  });

  test("goes on waiting until there are minBytes", async () => {
    const { broker, wire } = await start();
    const other = await connect(broker);
    const one = batch();
    const id = wire.send(fetchApi, 12, fetchRequest({ maxWaitMs: 60_000, minBytes: one.length + 1 }));
    await until(() => broker.requests.length === 1);
    await produce(other, one);
    await metadata(other, null);
    expect(wire.hasFrame).toBe(false);
    await produce(other, one);
    expect(texts(onlyPartition(await wire.receive(fetchApi, 12, id)).records)).toEqual(["0:k0=v", "1:k0=v"]);
  });

  test("ends empty after maxWaitMs", async () => {
    const { wire } = await start();
    const answer = await fetch(wire, { maxWaitMs: 20 });
    expect(answer).toMatchObject({ errorCode: 0, highWatermark: 0, records: new Uint8Array(0) });
  });

  test.each([
    ["the leader moves", async (broker: EmbeddedBroker) => broker.moveLeader("t", 0, 1), 74],
    ["the topic is deleted", (broker: EmbeddedBroker) => broker.deleteTopic("t"), 3],
  ])("is woken when %s", async (_, change, errorCode) => {
    const { broker, wire } = await start({ nodes: 2, topics: [{ name: "t" }] });
    expect(broker.leader("t", 0)).toEqual({ node: 0, epoch: 0 });
    const id = wire.send(fetchApi, 12, fetchRequest({ maxWaitMs: 60_000, epoch: 0 }));
    await until(() => broker.requests.length === 1);
    await change(broker);
    expect(onlyPartition(await wire.receive(fetchApi, 12, id)).errorCode).toBe(errorCode);
  });

  test("does not keep close() waiting, nor anything alive", async () => {
    const { broker, wire } = await start({ nodes: 2 });
    const servers = (): number => process.getActiveResourcesInfo().filter((name) => name === "TCPServerWrap").length;
    // Those that are set from here on are counted; those of the test runner come and go.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    open.push({ close: () => vi.useRealTimers() });
    broker.intercept("Metadata", () => new Promise<never>(() => undefined));
    broker.intercept("Produce", () => "ignore");
    broker.intercept("InitProducerId", () => ({ delayMs: 1_000_000 }));
    wire.send(fetchApi, 12, fetchRequest({ maxWaitMs: 1_000_000 }));
    (await connect(broker)).send(metadataApi, 13, allTopics);
    (await connect(broker)).send(produceApi, 12, produceRequest(batch()));
    const never = { transactionalId: null, transactionTimeoutMs: 0, producerId: -1, producerEpoch: -1 };
    (await connect(broker)).send(initProducerIdApi, 4, never);
    await until(() => broker.requests.length === 4);
    await until(() => servers() === 2);
    expect(vi.getTimerCount()).toBe(2);
    await broker.close();
    expect(vi.getTimerCount()).toBe(0);
    await broker.close();
    await until(() => servers() === 0);
    expect(await wire.frame()).toBeUndefined();
    expect(broker.errors).toEqual([]);
  });

  test("ends with its connection", async () => {
    const { broker, wire } = await start();
    let ended = false;
    broker.intercept("Fetch", async (_, context) => {
      await context.handle();
      ended = true;
      return "pass";
    });
    wire.send(fetchApi, 12, fetchRequest({ maxWaitMs: 1_000_000 }));
    await until(() => broker.requests.length === 1);
    wire.close();
    await until(() => ended);
  });
});

describe("interceptors", () => {
  test("answer, pass, change an answer, and are asked in order", async () => {
    const { broker, wire } = await start();
    const asked: string[] = [];
    const remove = broker.intercept("Metadata", (request, { node, api, version, clientId }) => {
      asked.push(`first ${node} ${api} ${version} ${clientId} ${request.topics?.length}`);
      return "pass";
    });
    broker.intercept(3, async (_, context) => {
      asked.push("second");
      return { ...((await context.handle()) as object), controllerId: 42 };
    });
    expect(await metadata(wire, ["t"])).toMatchObject({ controllerId: 42, topics: [{ name: "t" }] });
    expect(asked).toEqual(["first 0 Metadata 13 wire 1", "second"]);
    remove();
    await metadata(wire, ["t"]);
    expect(asked).toEqual(["first 0 Metadata 13 wire 1", "second", "second"]);
  });

  test("are removed after the given number of answers; passing is no answer", async () => {
    const { broker, wire } = await start();
    let seen = 0;
    const answer = { responses: [], throttleTimeMs: 0, errorCode: -1, sessionId: 0 };
    broker.intercept("Fetch", () => (++seen === 1 ? "pass" : answer), { times: 1 });
    const errors: number[] = [];
    for (let round = 0; round < 3; round++) errors.push((await wire.call(fetchApi, 12, fetchRequest())).errorCode);
    expect(errors).toEqual([0, -1, 0]);
    expect(seen).toBe(2);
  });

  test("cut the connection, before or after the request is carried out", async () => {
    const { broker, wire } = await start();
    broker.intercept("Produce", () => "close", { times: 1 });
    await expect(produce(wire, batch())).rejects.toThrow("closed the connection");
    broker.intercept(
      "Produce",
      async (_, context) => {
        await context.handle();
        return "close";
      },
      { times: 1 },
    );
    await expect(produce(await connect(broker), batch())).rejects.toThrow("closed the connection");
    expect(await produce(await connect(broker), batch())).toMatchObject({ errorCode: 0, baseOffset: 1 });
  });

  test("leave a connection hanging while others go on", async () => {
    const { broker, wire } = await start();
    broker.intercept("Metadata", () => "ignore", { times: 1 });
    wire.send(metadataApi, 13, allTopics);
    wire.send(metadataApi, 13, allTopics);
    await until(() => broker.requests.length === 1);
    const other = await connect(broker);
    await metadata(other, null);
    await metadata(other, null);
    expect(broker.requests).toHaveLength(3);
    expect(wire.hasFrame).toBe(false);
  });

  test("write raw bytes", async () => {
    const { broker, wire } = await start();
    broker.intercept("Metadata", () => Uint8Array.of(0, 0, 0, 4, 9, 9, 9, 9));
    wire.send(metadataApi, 13, allTopics);
    expect(await wire.frame()).toEqual(Buffer.from([9, 9, 9, 9]));
  });

  test("delay", async () => {
    const { broker, wire } = await start();
    broker.intercept("Metadata", () => ({ delayMs: 5, answer: "close" }), { times: 1 });
    broker.intercept("Metadata", () => ({ delayMs: 5 }), { times: 1 });
    await expect(metadata(wire, null)).rejects.toThrow("closed the connection");
    expect((await metadata(await connect(broker), null)).topics).toHaveLength(1);
  });

  test("that throw cut the connection and are reported", async () => {
    const { broker, wire } = await start();
    broker.intercept("Metadata", () => {
      throw new Error("mistake in the test");
    });
    await expect(metadata(wire, null)).rejects.toThrow("closed the connection");
    broker.intercept("Produce", async () => "clsoe");
    await expect(produce(await connect(broker), batch())).rejects.toThrow("closed the connection");
    expect(broker.errors.map(({ message }) => message)).toEqual([
      "mistake in the test",
      'an interceptor of Produce answered "clsoe"',
    ]);
    expect(() => broker.intercept(99, () => "pass")).toThrow("no API 99");
  });
});
