import type { Connector } from "@ktables/client";
import { connectPlain } from "./plain-socket.ts";

const produce = 0;

/**
 * Connects over plain TCP, and as often as `cuts` says cuts a connection when an answer to Produce comes: a moment later,
 * so that the broker carries out everything that is under way.
 */
export class LostAnswers {
  cuts = 0;

  readonly connector: Connector = async (address, events, signal) => {
    const socket = await connectPlain(address, events, signal);
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
    return {
      write: (frame) => {
        hasProduced ||= new DataView(frame.buffer, frame.byteOffset).getInt16(4) === produce;
        socket.write(frame);
      },
      destroy: () => void socket.destroy(),
    };
  };
}
