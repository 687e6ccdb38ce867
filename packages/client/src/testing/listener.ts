import { createServer, type Socket } from "node:net";

/** One accepted connection, as a stream of bytes. */
export interface ServerStream {
  /** Resolves when the bytes have been handed to the system, or the stream has been closed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Stops reading, so that a peer which sends faster than it is served fills its own buffers, not ours. */
  pause(): void;
  resume(): void;
  destroy(): void;
}

export interface ServerStreamEvents {
  onData(chunk: Uint8Array): void;
  /** Called exactly once. */
  onClose(): void;
}

export interface Listener {
  readonly port: number;
  /** Ends all connections and frees the port. */
  close(): Promise<void>;
}

/** Listens on 127.0.0.1; port 0 takes a free one. */
export async function listen(port: number, onStream: (stream: ServerStream) => ServerStreamEvents): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const events = onStream(streamOf(socket));
    socket.on("data", (chunk: Uint8Array) => events.onData(chunk));
    // A reset connection is an ordinary event; "close" follows.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      sockets.delete(socket);
      events.onClose();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function streamOf(socket: Socket): ServerStream {
  return {
    write: (bytes) =>
      new Promise((resolve) => {
        const done = (): void => {
          socket.off("close", done);
          resolve();
        };
        if (socket.destroyed) {
          resolve();
          return;
        }
        socket.once("close", done);
        socket.write(bytes, done);
      }),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
  };
}
