import { createConnection } from "node:net";

export interface ApiRange {
  readonly apiKey: number;
  readonly min: number;
  readonly max: number;
}

// Length, ApiVersions (key 18) version 0 with header version 1, correlation id 0, no client id, no body.
const request = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);

/** Asks a broker which versions of which APIs it speaks. Written from raw bytes: it must not depend on our client. */
export async function probeVersions(host: string, port: number): Promise<ApiRange[]> {
  const socket = createConnection({ host, port });
  socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer from ${host}:${port}`)));
  socket.write(request);
  let received = Buffer.alloc(0);
  try {
    for await (const chunk of socket) {
      if (!Buffer.isBuffer(chunk)) continue;
      received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) return readRanges(received);
    }
  } finally {
    socket.destroy();
  }
  throw new Error(`${host}:${port} closed the connection without an answer`);
}

function readRanges(answer: Buffer): ApiRange[] {
  // Behind length and correlation id.
  const errorCode = answer.readInt16BE(8);
  if (errorCode !== 0) throw new Error(`ApiVersions failed with error ${errorCode}`);
  return Array.from({ length: answer.readInt32BE(10) }, (_, index) => {
    const at = 14 + 6 * index;
    return { apiKey: answer.readInt16BE(at), min: answer.readInt16BE(at + 2), max: answer.readInt16BE(at + 4) };
  });
}
