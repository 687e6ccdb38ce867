import { createConnection } from "node:net";

/** A broker as another broker names it. */
export interface ProbedBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

const CORRELATION_ID = 0x6b74;

// Metadata (key 3) version 1 with header version 1: the oldest version with the answer we need, known to every broker
// since 0.10. An empty topic list asks for no topics.
const REQUEST = Buffer.from([
  ...int32(2 + 2 + 4 + 2 + 4),
  ...int16(3),
  ...int16(1),
  ...int32(CORRELATION_ID),
  ...int16(-1), // no client id
  ...int32(0),
]);

function int16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

function int32(value: number): number[] {
  return [...int16(value >> 16), ...int16(value)];
}

export interface ProbedCluster {
  readonly brokers: readonly ProbedBroker[];
  /** -1 while there is none; under KRaft it is some broker. */
  readonly controllerId: number;
}

/**
 * Asks one broker which brokers it knows, and which is the controller. Written from raw bytes on purpose: the harness must not depend on the client
 * that it helps to test. Rejects when the broker does not answer in time.
 */
export function probeCluster(host: string, port: number, timeoutMs = 2000): Promise<ProbedCluster> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    let received = Buffer.alloc(0);
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`no answer from ${host}:${port} within ${timeoutMs} ms`)));
    socket.once("error", fail);
    socket.once("close", () => fail(new Error(`${host}:${port} closed the connection without an answer`)));
    socket.once("connect", () => socket.write(REQUEST));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4) return;
      const size = received.readInt32BE(0);
      if (size < 8 || size > 1 << 20) return fail(new Error(`${host}:${port} does not speak Kafka's protocol`));
      if (received.length < 4 + size) return;
      try {
        resolve(readCluster(received.subarray(4, 4 + size)));
        socket.destroy();
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}

function readCluster(answer: Buffer): ProbedCluster {
  if (answer.readInt32BE(0) !== CORRELATION_ID) throw new Error("answer to another request");
  const brokers: ProbedBroker[] = [];
  let position = 8;
  for (let left = answer.readInt32BE(4); left > 0; left--) {
    const nodeId = answer.readInt32BE(position);
    const hostLength = answer.readInt16BE(position + 4);
    const host = answer.toString("utf8", position + 6, position + 6 + hostLength);
    position += 6 + hostLength;
    const port = answer.readInt32BE(position);
    const rackLength = answer.readInt16BE(position + 4);
    position += 6 + Math.max(rackLength, 0);
    brokers.push({ nodeId, host, port });
  }
  return { brokers, controllerId: answer.readInt32BE(position) };
}
