import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Api } from "../../packages/client/src/protocol/api.ts";
import { readResponseHeader, writeRequestHeader } from "../../packages/client/src/protocol/headers.ts";
import { ProtocolReader } from "../../packages/client/src/protocol/reader.ts";
import { ProtocolWriter } from "../../packages/client/src/protocol/writer.ts";

/** The bytes of one request, its length in front. */
export function requestFrame<Request>(
  api: Api<Request, unknown>,
  version: number,
  request: Request,
  correlationId: number,
): Uint8Array {
  const writer = new ProtocolWriter();
  writer.int32(0);
  writeRequestHeader(
    writer,
    { apiKey: api.key, apiVersion: version, correlationId, clientId: "wire" },
    version >= api.flexibleFrom,
  );
  api.encodeRequest(writer, request, version);
  writer.setInt32(0, writer.length - 4);
  return writer.finish();
}

/** A bare socket to one node, without any logic of a client: what the test writes is what the broker gets. */
export class Wire {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => undefined;
  #correlationId = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** To the first of the bootstrap servers, or the one at `index`. */
  static async open(bootstrapServers: string, index = 0): Promise<Wire> {
    const [host, port] = (bootstrapServers.split(",")[index] ?? "").split(":");
    const socket = connect({ host, port: Number(port), noDelay: true });
    await once(socket, "connect");
    return new Wire(socket);
  }

  /** Sends a request without waiting; returns its correlation id. */
  send<Request>(api: Api<Request, unknown>, version: number, request: Request): number {
    const correlationId = this.#correlationId++;
    this.socket.write(requestFrame(api, version, request, correlationId));
    return correlationId;
  }

  /** The next answer, which must be the one to `correlationId`. */
  async receive<Response>(api: Api<never, Response>, version: number, correlationId: number): Promise<Response> {
    const frame = await this.frame();
    if (frame === undefined) throw new Error("the broker closed the connection");
    const reader = new ProtocolReader(frame);
    const answered = readResponseHeader(reader, api.key, version >= api.flexibleFrom);
    if (answered !== correlationId) throw new Error(`answer to ${answered} where ${correlationId} was due`);
    const response = api.decodeResponse(reader, version);
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes left in the answer`);
    return response;
  }

  async call<Request, Response>(api: Api<Request, Response>, version: number, request: Request): Promise<Response> {
    return this.receive(api, version, this.send(api, version, request));
  }

  /** The next frame without its length; undefined when the broker has closed the connection. */
  async frame(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#received.length >= 4) {
        const end = 4 + this.#received.readInt32BE(0);
        if (this.#received.length >= end) {
          const frame = this.#received.subarray(4, end);
          this.#received = this.#received.subarray(end);
          return frame;
        }
      }
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Whether a whole answer has arrived. */
  get hasFrame(): boolean {
    return this.#received.length >= 4 && this.#received.length >= 4 + this.#received.readInt32BE(0);
  }

  close(): void {
    this.socket.destroy();
  }
}
