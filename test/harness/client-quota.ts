import { createConnection } from "node:net";

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/**
 * Limits what clients of this client id may write, in bytes per second (AlterClientQuotas, key 49, version 0). Written
 * from raw bytes, as the client has no such call.
 */
export async function limitProducers(bootstrapServer: string, clientId: string, bytesPerSecond: number): Promise<void> {
  const value = Buffer.alloc(8);
  value.writeDoubleBE(bytesPerSecond);
  const body = Buffer.concat([
    Buffer.from([0, 49, 0, 0, 0, 0, 0, 7, 0xff, 0xff]),
    int32(1),
    int32(1),
    string("client-id"),
    string(clientId),
    int32(1),
    string("producer_byte_rate"),
    value,
    Buffer.from([0, 0]),
  ]);
  const [host = "", port = ""] = bootstrapServer.split(":");
  const socket = createConnection({ host, port: Number(port) });
  socket.write(Buffer.concat([int32(body.length), body]));
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once("data", resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the broker closed the connection")));
  }).finally(() => socket.destroy());
  // Behind length, correlation id, throttle time and the number of entries.
  const errorCode = answer.readInt16BE(16);
  if (errorCode !== 0) throw new Error(`AlterClientQuotas failed with error ${errorCode}`);
}
