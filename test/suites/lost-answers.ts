import { connect } from "node:net";
import type { Connector } from "@ktables/client";

const produce = 0;

/**
 * Connects over plain TCP, and as often as `cuts` says cuts a connection when an answer to Produce comes: a moment later,
 * so that the broker carries out everything that is under way.
 */
export class LostAnswers {
  cuts = 0;

  readonly connector: Connector = async ({ host, port }, events, signal) => {
    const socket = connect({ host, port, noDelay: true });
    const giveUp = (): void => void socket.destroy();
    signal.addEventListener("abort", giveUp);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("close", () => reject(new Error("no connection")));
      socket.on("error", () => undefined);
    });
    signal.removeEventListener("abort", giveUp);
    let hasProduced = false;
    let isCut = false;
    socket.on("data", (chunk: Uint8Array) => {
      if (hasProduced && !isCut && this.cuts > 0) {
        this.cuts--;
        isCut = true;
        setTimeout(() => socket.destroy(), 20);
      }
      if (!isCut) events.onData(chunk);
    });
    socket.once("close", () => events.onClose(undefined));
    return {
      write: (frame) => {
        hasProduced ||= new DataView(frame.buffer, frame.byteOffset).getInt16(4) === produce;
        socket.write(frame);
      },
      destroy: () => void socket.destroy(),
    };
  };
}
