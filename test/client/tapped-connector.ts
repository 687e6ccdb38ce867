import type { Socket } from "node:net";
import type { Connector } from "@ktables/client";
import { FrameAssembler } from "../../packages/client/src/frames.ts";
import { connectPlain } from "../suites/plain-socket.ts";

const saslHandshake = 17;

/** Connects over plain TCP and looks at what passes. */
export class Tap {
  connections = 0;
  /** What was asked of whom, by port and Kafka's number of the API. */
  readonly requests: { readonly port: number; readonly apiKey: number }[] = [];
  /** No connection can be made; those that exist go on. */
  isBlocked = false;
  readonly #sockets = new Set<Socket>();
  /** Requests that had no answer yet when a SaslHandshake was sent, for each of those. */
  readonly unansweredAtHandshake: number[] = [];

  readonly connector: Connector = async (address, events, signal) => {
    if (this.isBlocked) throw new Error("blocked");
    const socket = await connectPlain(address, events, signal);
    this.connections++;
    this.#sockets.add(socket);
    let unanswered = 0;
    const answers = new FrameAssembler(2 ** 30, () => unanswered--);
    socket.on("data", (chunk: Uint8Array) => {
      answers.push(Uint8Array.from(chunk));
      events.onData(chunk);
    });
    socket.once("close", () => this.#sockets.delete(socket));
    return {
      write: (frame) => {
        const apiKey = new DataView(frame.buffer, frame.byteOffset).getInt16(4);
        this.requests.push({ port: address.port, apiKey });
        if (apiKey === saslHandshake) {
          this.unansweredAtHandshake.push(unanswered);
        }
        unanswered++;
        socket.write(frame);
      },
      destroy: () => void socket.destroy(),
    };
  };

  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Ends what is connected, and lets nothing connect until {@link isBlocked} is unset. */
  cut(): void {
    this.isBlocked = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}
