import { once } from "node:events";
import type { Socket } from "node:net";
import {
  ConnectionError,
  type Connector,
  KafkaError,
  silentLogger,
  TimeoutError,
  UnsupportedApiError,
} from "@ktables/client";
import { afterEach, describe, expect, test } from "vitest";
import { resolveConfig } from "../../packages/client/src/config.ts";
import { Connection } from "../../packages/client/src/connection.ts";
import { ConnectionPool } from "../../packages/client/src/connection-pool.ts";
import { initProducerIdApi } from "../../packages/client/src/protocol/generated/init-producer-id.ts";
import { listOffsetsApi } from "../../packages/client/src/protocol/generated/list-offsets.ts";
import {
  answer,
  apiVersionsV0,
  apiVersionsV3,
  FakePeer,
  type FakeRequest,
  listOffsetsV2,
  usualApis,
} from "./fake-peer.ts";

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

async function peer(
  onRequest: (request: FakeRequest) => void,
  onConnect?: (socket: Socket) => void,
): Promise<FakePeer> {
  const started = await FakePeer.start(onRequest, onConnect);
  cleanup.push(() => started.close());
  return started;
}

function configFor({ address }: FakePeer, options: object = {}): ReturnType<typeof resolveConfig> {
  return resolveConfig({ bootstrapServers: address, logger: silentLogger, ...options });
}

async function open(fake: FakePeer, options: object = {}): Promise<Connection> {
  const config = configFor(fake, options);
  const [address] = config.bootstrapServers;
  if (address === undefined) throw new Error("no address");
  const connection = await Connection.open(address, config, new AbortController().signal);
  cleanup.push(() => connection.close());
  return connection;
}

async function failure(promise: Promise<unknown>): Promise<KafkaError> {
  const error: unknown = await promise.then(
    () => new Error("it succeeded"),
    (failed: unknown) => failed,
  );
  if (error instanceof KafkaError) return error;
  throw error;
}

const question = {
  replicaId: -1,
  isolationLevel: 0,
  topics: [{ name: "t", partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }] }],
};
const ask = (connection: Connection): Promise<number> =>
  connection.request(listOffsetsApi, question).then((response) => response.topics[0]?.partitions[0]?.offset ?? -2);

/** Agrees on versions, then leaves the requests to the script. */
const afterVersions =
  (script: (request: FakeRequest) => void) =>
  (request: FakeRequest): void => {
    if (request.apiKey !== 18) script(request);
    else request.socket.write(answer(request.correlationId, apiVersionsV3(0, usualApis)));
  };

describe("agreeing on versions (case 65)", () => {
  test("takes the highest version that both sides speak", async () => {
    const fake = await peer(afterVersions(() => undefined));
    const connection = await open(fake);
    expect(fake.requests[0]).toMatchObject({ apiKey: 18, apiVersion: 3 });
    expect(connection.versionFor(listOffsetsApi)).toBe(2);
    expect(connection.versionFor(listOffsetsApi, 1)).toBeUndefined();
    expect(connection.versionFor(initProducerIdApi)).toBeUndefined();
  });

  test.each([
    ["with the list of its APIs", apiVersionsV0(35, [[18, 0, 2]])],
    ["with an empty list", apiVersionsV0(35, [])],
    ["with a body that nothing can parse", Buffer.from([0, 35, 0xff, 0xff])],
    ["with nothing but the code", Buffer.from([0, 35])],
  ])("asks again in version 0 where version 3 is refused %s", async (_, refusal) => {
    const fake = await peer(({ apiVersion, correlationId, socket }) => {
      socket.write(answer(correlationId, apiVersion === 3 ? refusal : apiVersionsV0(0, usualApis)));
    });
    const connection = await open(fake);
    expect(fake.requests.map(({ apiVersion }) => apiVersion)).toEqual([3, 0]);
    // The one API of the refusal must not be taken for all that the broker can do.
    expect(connection.versionFor(listOffsetsApi)).toBe(2);
  });

  test("ends when version 0 is refused as well", async () => {
    const fake = await peer(({ correlationId, socket }) => socket.write(answer(correlationId, apiVersionsV0(35, []))));
    expect((await failure(open(fake))).code).toBe("UNSUPPORTED_VERSION");
    expect(fake.requests).toHaveLength(2);
  });

  test("takes an empty list for a broken broker", async () => {
    const fake = await peer(({ correlationId, socket }) => socket.write(answer(correlationId, apiVersionsV3(0, []))));
    expect((await failure(open(fake))).code).toBe("PROTOCOL_VIOLATION");
  });

  test("names API and versions where a needed one is missing, and sends nothing", async () => {
    const fake = await peer(({ correlationId, socket }) =>
      socket.write(
        answer(
          correlationId,
          apiVersionsV3(0, [
            [18, 0, 3],
            [2, 60, 70],
          ]),
        ),
      ),
    );
    const connection = await open(fake);
    const missing = await failure(
      connection.request(initProducerIdApi, {
        transactionalId: null,
        transactionTimeoutMs: 1,
        producerId: -1,
        producerEpoch: -1,
      }),
    );
    expect(missing).toBeInstanceOf(UnsupportedApiError);
    expect(missing.message).toMatch(/does not offer it.*InitProducerId/);
    const tooNew = await failure(ask(connection));
    expect(tooNew.message).toMatch(/speaks versions 60 to 70.*ListOffsets/);
    expect(fake.requests).toHaveLength(1);
    expect(connection.isOpen).toBe(true);
  });

  test.each(["before", "after"])("reports a peer that hangs up %s the question", async (when) => {
    const fake = await peer(
      ({ socket }) => socket.destroy(),
      (socket) => void (when === "before" && socket.destroy()),
    );
    const error = await failure(open(fake));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.retriable).toBe(true);
    expect(error.message).toContain(fake.address);
  });

  test("does not wait for ever for a peer that says nothing", async () => {
    const fake = await peer(() => undefined);
    const error = await failure(open(fake, { connectTimeoutMs: 60 }));
    expect(error.code).toBe("CONNECTION_FAILED");
    expect(error.message).toMatch(/within 60 ms: it accepted the connection but never answered/);
  });

  test("leaves no connection to a peer that speaks first", async () => {
    const closed = Promise.withResolvers<void>();
    const fake = await peer(
      () => undefined,
      (socket) => {
        socket.on("close", () => closed.resolve());
        socket.write("SSH-2.0-server\r\n");
      },
    );
    expect((await failure(open(fake))).code).toBe("FRAME_TOO_LARGE");
    await closed.promise;
  });
});

describe("answers (cases 66 and 67)", () => {
  test("may come in chunks of one byte", async () => {
    const fake = await peer(
      afterVersions(({ correlationId, socket }) => {
        for (const byte of answer(correlationId, listOffsetsV2("t", 0, 42))) socket.write(Uint8Array.of(byte));
      }),
    );
    const connection = await open(fake, {});
    expect(await connection.request(listOffsetsApi, question)).toMatchObject({
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, offset: 42 }] }],
    });
  });

  test("of pipelined requests may come in one chunk, and find their questions", async () => {
    const waiting: FakeRequest[] = [];
    const fake = await peer(
      afterVersions((request) => {
        waiting.push(request);
        if (waiting.length < 3) return;
        const body = Buffer.concat(
          waiting.map(({ correlationId }, index) => answer(correlationId, listOffsetsV2("t", 0, index))),
        );
        request.socket.write(body);
      }),
    );
    const connection = await open(fake);
    const offsets = await Promise.all([0, 1, 2].map(() => connection.request(listOffsetsApi, question)));
    expect(offsets.map((response) => response.topics[0]?.partitions[0]?.offset)).toEqual([0, 1, 2]);
  });

  test("that stall half-way end the connection when the time is up, with everything in flight", async () => {
    const fake = await peer(
      afterVersions(({ correlationId, socket, index }) => {
        if (index === 1) socket.write(answer(correlationId, listOffsetsV2("t", 0, 1)).subarray(0, 20));
      }),
    );
    const connection = await open(fake, { requestTimeoutMs: 80 });
    const failures = await Promise.all([failure(ask(connection)), failure(ask(connection))]);
    for (const error of failures) {
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({ code: "TIMEOUT", maybeSent: true, retriable: true });
      expect(error.message).toMatch(/did not answer ListOffsets within 80 ms/);
    }
    expect(connection.isOpen).toBe(false);
  });

  test("to a request with less time are missed at its own time, behind one that may take longer", async () => {
    const fake = await peer(afterVersions(() => undefined));
    const connection = await open(fake, { requestTimeoutMs: 80 });
    const patient = failure(connection.request(listOffsetsApi, question, { serverWaitMs: 60_000 }));
    const error = await failure(ask(connection));
    expect(error.message).toMatch(/did not answer ListOffsets within 80 ms/);
    expect((await patient).message).toBe(error.message);
  });

  test("have as long as their request has, however long earlier ones took", async () => {
    const fake = await peer(
      afterVersions(({ correlationId, socket }) => {
        setTimeout(() => socket.write(answer(correlationId, listOffsetsV2("t", 0, 1))), 250);
      }),
    );
    const connection = await open(fake, { requestTimeoutMs: 400 });
    for (let round = 0; round < 3; round++) await ask(connection);
    expect(connection.isOpen).toBe(true);
  });

  test.each([
    [
      "with a foreign correlation id",
      (request: FakeRequest) => answer(request.correlationId + 1, listOffsetsV2("t", 0, 1)),
    ],
    [
      "that cannot be decoded",
      (request: FakeRequest) => answer(request.correlationId, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    ],
    ["too short for a correlation id", () => Buffer.from([0, 0, 0, 1, 0])],
  ])("%s end the connection as maybe sent", async (_, broken) => {
    const fake = await peer(afterVersions((request) => request.socket.write(broken(request))));
    const connection = await open(fake);
    const error = await failure(ask(connection));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ maybeSent: true });
    expect(connection.isOpen).toBe(false);
  });

  test("to nothing end the connection", async () => {
    const sockets: Socket[] = [];
    const fake = await peer(
      afterVersions(() => undefined),
      (socket) => sockets.push(socket),
    );
    const connection = await open(fake);
    const [socket] = sockets;
    if (socket === undefined) throw new Error("no connection");
    const closed = once(socket, "close");
    socket.write(answer(77, listOffsetsV2("t", 0, 1)));
    await closed;
    expect(connection.isOpen).toBe(false);
  });

  test("that come after the caller gave up are read and dropped", async () => {
    const fake = await peer(
      afterVersions(({ correlationId, socket, index }) => {
        if (index === 2) socket.write(answer(correlationId - 1, listOffsetsV2("t", 0, 1)));
        if (index === 2) socket.write(answer(correlationId, listOffsetsV2("t", 0, 2)));
      }),
    );
    const connection = await open(fake);
    const caller = new AbortController();
    const given = connection.request(listOffsetsApi, question, { signal: caller.signal });
    caller.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    expect(await ask(connection)).toBe(2);
  });

  test("longer than the limit are refused at their length", async () => {
    const fake = await peer(
      afterVersions(({ socket }) => socket.write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1]))),
    );
    const connection = await open(fake);
    expect(await failure(ask(connection))).toMatchObject({
      code: "FRAME_TOO_LARGE",
      retriable: false,
      maybeSent: true,
    });
  });
});

describe("the end of a connection (case 68)", () => {
  test("while idle is noticed, and a request that comes later was certainly not sent", async () => {
    const sockets: Socket[] = [];
    const fake = await peer(
      afterVersions(({ socket }) => socket.destroy()),
      (socket) => sockets.push(socket),
    );
    const connection = await open(fake);
    const inFlight = await failure(ask(connection));
    expect(inFlight).toMatchObject({ code: "CONNECTION_CLOSED", maybeSent: true, retriable: true });
    expect(connection.isOpen).toBe(false);
    expect(await failure(ask(connection))).toMatchObject({
      code: "CONNECTION_CLOSED",
      maybeSent: false,
      retriable: true,
    });
    expect(fake.requests).toHaveLength(2);
  });

  test("by our own side leaves requests in flight undecided", async () => {
    const asked = Promise.withResolvers<void>();
    const fake = await peer(afterVersions(() => asked.resolve()));
    const connection = await open(fake);
    const waiting = failure(ask(connection));
    await asked.promise;
    connection.close();
    expect(await waiting).toMatchObject({ code: "CONNECTION_CLOSED", maybeSent: true });
  });

  test("is no request for a caller that had given up before", async () => {
    const fake = await peer(
      afterVersions(({ correlationId, socket }) => socket.write(answer(correlationId, listOffsetsV2("t", 0, 9)))),
    );
    const connection = await open(fake);
    await expect(
      connection.request(listOffsetsApi, question, { signal: AbortSignal.abort(new Error("enough")) }),
    ).rejects.toThrow("enough");
    expect(await ask(connection)).toBe(9);
    expect(fake.requests).toHaveLength(2);
  });
});

describe("the pool", () => {
  function poolFor(fake: FakePeer): {
    pool: ConnectionPool;
    get: (purpose: "control" | "fetch 1") => Promise<Connection>;
  } {
    const config = configFor(fake, { retryBackoffMs: 1 });
    const pool = new ConnectionPool(config);
    cleanup.push(() => pool.close());
    const [address] = config.bootstrapServers;
    if (address === undefined) throw new Error("no address");
    return { pool, get: (purpose) => pool.get(address, purpose, new AbortController().signal) };
  }

  test("opens one connection for all who ask at once, and another for each purpose", async () => {
    const fake = await peer(afterVersions(() => undefined));
    const { get } = poolFor(fake);
    const [a, b, c] = await Promise.all([get("control"), get("control"), get("fetch 1")]);
    expect(a).toBe(b);
    expect(a).not.toBe(c);
    expect(fake.openConnections).toBe(2);
  });

  test.each(["drop", "close"] as const)("closes what is still being opened at %s", async (how) => {
    const arrived = Promise.withResolvers<FakeRequest>();
    const closed = Promise.withResolvers<void>();
    const fake = await peer(arrived.resolve, (socket) => socket.on("close", () => closed.resolve()));
    const { pool, get } = poolFor(fake);
    const opening = failure(get("fetch 1"));
    const { socket, correlationId } = await arrived.promise;
    if (how === "drop") pool.drop("fetch 1");
    else pool.close();
    socket.write(answer(correlationId, apiVersionsV3(0, usualApis)));
    expect((await opening).code).toBe("CLOSED");
    await closed.promise;
  });

  test("opens a new connection after a drop, and leaves other purposes alone", async () => {
    const fake = await peer(afterVersions(() => undefined));
    const { pool, get } = poolFor(fake);
    const [fetching, control] = await Promise.all([get("fetch 1"), get("control")]);
    pool.drop("fetch 1");
    expect(fetching.isOpen).toBe(false);
    expect(control.isOpen).toBe(true);
    expect((await get("fetch 1")).isOpen).toBe(true);
  });
});

test("a connector may answer within the call of write, and end within it", async () => {
  let asked = 0;
  const connector: Connector = async (_, events) => ({
    write: (bytes) => {
      const correlationId = new DataView(bytes.buffer, bytes.byteOffset).getInt32(8);
      asked++;
      if (asked === 1) events.onData(answer(correlationId, apiVersionsV3(0, usualApis)));
      else if (asked === 2) events.onData(answer(correlationId, listOffsetsV2("t", 0, 7)));
      else events.onClose(undefined);
    },
    destroy: () => undefined,
  });
  const config = resolveConfig({ bootstrapServers: "127.0.0.1:9092", logger: silentLogger, connector });
  const connection = await Connection.open(config.bootstrapServers[0]!, config, new AbortController().signal);
  expect(await ask(connection)).toBe(7);
  expect(await failure(ask(connection))).toMatchObject({ code: "CONNECTION_CLOSED", maybeSent: true });
});

test("a connector that throws in write fails that request, and the next one is matched with its own answer", async () => {
  let asked = 0;
  const connector: Connector = async (_, events) => ({
    write: (bytes) => {
      if (++asked === 2) throw new Error("no room");
      const correlationId = new DataView(bytes.buffer, bytes.byteOffset).getInt32(8);
      const body = asked === 1 ? apiVersionsV3(0, usualApis) : listOffsetsV2("t", 0, 7);
      queueMicrotask(() => events.onData(answer(correlationId, body)));
    },
    destroy: () => events.onClose(undefined),
  });
  const config = resolveConfig({ bootstrapServers: "127.0.0.1:9092", logger: silentLogger, connector });
  const connection = await Connection.open(config.bootstrapServers[0]!, config, new AbortController().signal);
  cleanup.push(() => connection.close());
  await expect(ask(connection)).rejects.toThrow("no room");
  expect(await ask(connection)).toBe(7);
});

test("what was handed to a connector stays as it is, for as long as it takes to send it", async () => {
  const written: { readonly bytes: Uint8Array; readonly copy: Uint8Array }[] = [];
  const connector: Connector = async (_, events) => ({
    write: (bytes) => {
      written.push({ bytes, copy: bytes.slice() });
      if (written.length > 1) return;
      queueMicrotask(() => events.onData(answer(0, apiVersionsV3(0, usualApis))));
    },
    destroy: () => events.onClose(undefined),
  });
  const config = resolveConfig({ bootstrapServers: "127.0.0.1:9092", logger: silentLogger, connector });
  const connection = await Connection.open(config.bootstrapServers[0]!, config, new AbortController().signal);
  // From those that share memory to those that need some of their own.
  const names = Array.from({ length: 300 }, (_, index) => "x".repeat((index * 7919) % 12_000));
  const failures = names.map((name) => {
    const request = { ...question, topics: [{ name, partitions: [] }] };
    return failure(connection.request(listOffsetsApi, request));
  });
  expect(written).toHaveLength(301);
  for (const [index, { bytes, copy }] of written.entries()) {
    expect(Buffer.compare(bytes, copy)).toBe(0);
    const frame = Buffer.from(bytes);
    expect(frame.readInt32BE(0)).toBe(frame.length - 4);
    expect(frame.readInt32BE(8)).toBe(index);
    const name = names[index - 1];
    if (name !== undefined) expect(frame.includes(name)).toBe(true);
  }
  connection.close();
  expect(await Promise.all(failures)).toHaveLength(300);
});
