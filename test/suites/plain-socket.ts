import { connect, type Socket } from "node:net";
import type { Connector } from "@ktables/client";

type Arguments = Parameters<Connector>;

/** A connected TCP socket, for connectors that look at what passes, or stop it. Its end is told to `events`. */
export async function connectPlain(address: Arguments[0], events: Arguments[1], signal: Arguments[2]): Promise<Socket> {
  const { host, port } = address;
  const socket = connect({ host, port, noDelay: true });
  const giveUp = (): void => void socket.destroy();
  signal.addEventListener("abort", giveUp);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("close", () => reject(new Error("no connection")));
    // "close" follows and says enough.
    socket.on("error", () => undefined);
  });
  signal.removeEventListener("abort", giveUp);
  socket.once("close", () => events.onClose(undefined));
  return socket;
}
