import { connect, type Socket } from "node:net";
import type { Connector } from "@ktables/client";
import { FrameAssembler } from "../../packages/client/src/frames.ts";

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

  readonly connector: Connector = async ({ host, port }, events, signal) => {
    if (this.isBlocked) throw new Error("blocked");
    const socket = connect({ host, port, noDelay: true });
    const giveUp = (): void => void socket.destroy();
    signal.addEventListener("abort", giveUp);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("close", () => reject(new Error("no connection")));
      socket.on("error", () => undefined);
    });
    signal.removeEventListener("abort", giveUp);
    this.connections++;
    this.#sockets.add(socket);
    let unanswered = 0;
    const answers = new FrameAssembler(2 ** 30, () => unanswered--);
    socket.on("data", (chunk: Uint8Array) => {
      answers.push(Uint8Array.from(chunk));
      events.onData(chunk);
    });
    socket.once("close", () => {
      this.#sockets.delete(socket);
      events.onClose(undefined);
    });
    return {
      write: (frame) => {
        const apiKey = new DataView(frame.buffer, frame.byteOffset).getInt16(4);
        this.requests.push({ port, apiKey });
        if (apiKey === saslHandshake) {
          this.unansweredAtHandshake.push(unanswered);
        }
        unanswered++;
        socket.write(frame);
      },
      destroy: () => void socket.destroy(),
    };
  };
  /** Ends what is connected, and lets nothing connect until {@link isBlocked} is unset. */
  cut(): void {
    this.isBlocked = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}
