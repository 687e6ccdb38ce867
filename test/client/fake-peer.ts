import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** One request as it came in; the header is read by hand, so that nothing of the client judges itself. */
export interface FakeRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly socket: Socket;
  /** The number of this request on its connection, from 0. */
  readonly index: number;
}

/** A peer on a free port that does with each request what the script says. */
export class FakePeer {
  readonly address: string;
  readonly requests: FakeRequest[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(
    onRequest: (request: FakeRequest) => void,
    onConnect?: (socket: Socket) => void,
  ): Promise<FakePeer> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const peer = new FakePeer(server, address.port);
    server.on("connection", (socket) => {
      peer.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => peer.#sockets.delete(socket));
      onConnect?.(socket);
      let received = Buffer.alloc(0);
      let index = 0;
      socket.on("data", (chunk) => {
        received = Buffer.concat([received, chunk]);
        while (received.length >= 12 && received.length >= 4 + received.readInt32BE(0)) {
          const request = {
            apiKey: received.readInt16BE(4),
            apiVersion: received.readInt16BE(6),
            correlationId: received.readInt32BE(8),
            socket,
            index: index++,
          };
          received = received.subarray(4 + received.readInt32BE(0));
          peer.requests.push(request);
          onRequest(request);
        }
      });
    });
    return peer;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A whole frame: length, correlation id, body. */
export function answer(correlationId: number, body: Uint8Array): Buffer {
  const frame = Buffer.alloc(8 + body.length);
  frame.writeInt32BE(4 + body.length, 0);
  frame.writeInt32BE(correlationId, 4);
  frame.set(body, 8);
  return frame;
}

/** ApiVersions in the layout of version 0. */
export function apiVersionsV0(errorCode: number, apis: readonly (readonly [number, number, number])[]): Buffer {
  const body = Buffer.alloc(6 + 6 * apis.length);
  body.writeInt16BE(errorCode, 0);
  body.writeInt32BE(apis.length, 2);
  apis.forEach((api, index) => {
    api.forEach((value, field) => body.writeInt16BE(value, 6 + 6 * index + 2 * field));
  });
  return body;
}

/** ApiVersions in the layout of version 3: compact array, tagged fields. */
export function apiVersionsV3(errorCode: number, apis: readonly (readonly [number, number, number])[]): Buffer {
  const body = Buffer.alloc(3 + 7 * apis.length + 5);
  body.writeInt16BE(errorCode, 0);
  body.writeUInt8(apis.length + 1, 2);
  apis.forEach((api, index) => {
    api.forEach((value, field) => body.writeInt16BE(value, 3 + 7 * index + 2 * field));
  });
  return body;
}

/** Version 2 of ListOffsets, Metadata and ApiVersions: enough for a client to be content. */
export const usualApis = [
  [2, 1, 2],
  [3, 1, 1],
  [18, 0, 3],
] as const;

/** ListOffsets version 2 for one partition. */
export function listOffsetsV2(topic: string, partition: number, offset: number): Buffer {
  const name = Buffer.from(topic);
  const body = Buffer.alloc(4 + 4 + 2 + name.length + 4 + 4 + 2 + 8 + 8);
  let at = body.writeInt32BE(0, 0);
  at = body.writeInt32BE(1, at);
  at = body.writeInt16BE(name.length, at);
  at += name.copy(body, at);
  at = body.writeInt32BE(1, at);
  at = body.writeInt32BE(partition, at);
  at = body.writeInt16BE(0, at);
  at = body.writeBigInt64BE(-1n, at);
  body.writeBigInt64BE(BigInt(offset), at);
  return body;
}
