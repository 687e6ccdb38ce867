/**
 * The reference: requests written by hand, a loop over the bytes of the answers, and a Map. It checks nothing, recovers from
 * nothing and reads one broker without compression. **Leave it as it is**: what it is compared with has been recorded, and a
 * faster reference would look like a slower ktables.
 */
import { connect, type Socket } from "node:net";
import { type OnSet, Positions, type Table, type Task } from "./client.ts";

const FETCH = 1;
const LIST_OFFSETS = 2;
const readCommitted = 1;

/** Answers come in the order of the requests. */
class Connection {
  readonly #socket: Socket;
  readonly #waiting: ((answer: Buffer) => void)[] = [];
  readonly #head = Buffer.alloc(4);
  #headLength = 0;
  #answer: Buffer | undefined;
  #length = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  static open(address: string): Promise<Connection> {
    const [host = "", port = ""] = address.split(":");
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), host, () => resolve(new Connection(socket)));
      socket.once("error", reject);
    });
  }

  /** The answer after its correlation id. */
  request(apiKey: number, apiVersion: number, body: Buffer): Promise<Buffer> {
    const head = Buffer.alloc(14);
    head.writeInt32BE(10 + body.length, 0);
    head.writeInt16BE(apiKey, 4);
    head.writeInt16BE(apiVersion, 6);
    // Correlation id 0, and no client id.
    head.writeInt16BE(-1, 12);
    this.#socket.write(Buffer.concat([head, body]));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#answer === undefined) {
        this.#head[this.#headLength++] = chunk[at++] ?? 0;
        if (this.#headLength < 4) continue;
        this.#answer = Buffer.allocUnsafeSlow(this.#head.readInt32BE(0));
        this.#length = 0;
      }
      const size = chunk.copy(this.#answer, this.#length, at);
      at += size;
      this.#length += size;
      if (this.#length < this.#answer.length) continue;
      this.#waiting.shift()?.(this.#answer.subarray(4));
      this.#answer = undefined;
      this.#headLength = 0;
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** The head, and then for one topic what each partition gets. */
function body(head: readonly (readonly [size: 1 | 4, value: number])[], topic: string, partitions: Buffer[]): Buffer {
  const parts = head.map(([size, value]) => {
    const part = Buffer.alloc(size);
    part.writeIntBE(value, 0, size);
    return part;
  });
  const name = Buffer.alloc(6 + topic.length + 4);
  name.writeInt32BE(1, 0);
  name.writeInt16BE(topic.length, 4);
  name.write(topic, 6);
  name.writeInt32BE(partitions.length, 6 + topic.length);
  return Buffer.concat([...parts, name, ...partitions]);
}

async function endOffsets(connection: Connection, topic: string, count: number): Promise<Map<number, bigint>> {
  const partitions = Array.from({ length: count }, (_, partition) => {
    const part = Buffer.alloc(12, 0xff);
    part.writeInt32BE(partition, 0);
    return part;
  });
  const answer = await connection.request(LIST_OFFSETS, 1, body([[4, -1]], topic, partitions));
  const start = 4 + 2 + topic.length + 4;
  return new Map(
    partitions.map((_, index) => {
      const at = start + index * 22;
      return [answer.readInt32BE(at), answer.readBigInt64BE(at + 14)];
    }),
  );
}

export async function openTable(task: Task, onSet: OnSet | undefined): Promise<Table> {
  const { topic } = task;
  const control = await Connection.open(task.bootstrapServers);
  const fetching = await Connection.open(task.bootstrapServers);
  const ends = (): Promise<Map<number, bigint>> => endOffsets(control, topic, task.partitions);
  const atStart = await ends();
  const contents = new Map<string, unknown>();
  const positions = new Positions();
  const next = new Map(Array.from({ length: task.partitions }, (_, partition) => [partition, 0n]));

  const set = (key: string, value: Buffer): void => {
    const kept: unknown = task.json ? JSON.parse(value.toString("latin1")) : value;
    contents.set(key, kept);
    onSet?.(kept);
  };

  // Without an end: the answer after close() does not come.
  const follow = async (): Promise<void> => {
    for (;;) {
      const partitions = [...next].map(([partition, offset]) => {
        const part = Buffer.alloc(16);
        part.writeInt32BE(partition, 0);
        part.writeBigInt64BE(offset, 4);
        part.writeInt32BE(16_777_216, 12);
        return part;
      });
      const head = [
        [4, -1],
        [4, 500],
        [4, 1],
        [4, 67_108_864],
        [1, readCommitted],
      ] as const;
      const answer = await fetching.request(FETCH, 4, body(head, topic, partitions));
      let at = 4 + 4 + 2 + topic.length + 4;
      while (at < answer.length) {
        const partition = answer.readInt32BE(at);
        const aborted = Math.max(0, answer.readInt32BE(at + 22));
        at += 26 + aborted * 16;
        const length = Math.max(0, answer.readInt32BE(at));
        at += 4;
        const position = applyBatches(answer, at, at + length, set);
        at += length;
        if (position === undefined) continue;
        next.set(partition, position);
        positions.moved(partition, position);
      }
    }
  };
  void follow();
  await positions.reached(atStart);
  return {
    keys: () => [...contents.keys()],
    get: (key) => contents.get(key),
    barrier: async () => positions.reached(await ends()),
    close: async () => {
      control.close();
      fetching.close();
    },
  };
}

/** Returns where the next batch starts, unless there was none. A batch that is cut off at the end comes again. */
function applyBatches(
  bytes: Buffer,
  start: number,
  end: number,
  set: (key: string, value: Buffer) => void,
): bigint | undefined {
  let position: bigint | undefined;
  let at = start;
  while (at + 61 <= end) {
    const batchEnd = at + 12 + bytes.readInt32BE(at + 8);
    if (batchEnd > end) break;
    position = bytes.readBigInt64BE(at) + BigInt(bytes.readInt32BE(at + 23)) + 1n;
    applyRecords(bytes, at + 61, bytes.readInt32BE(at + 57), set);
    at = batchEnd;
  }
  return position;
}

function applyRecords(bytes: Buffer, start: number, count: number, set: (key: string, value: Buffer) => void): void {
  let at = start;
  const varint = (): number => {
    let value = 0;
    let shift = 0;
    let byte: number;
    do {
      byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte >= 0x80);
    return (value >>> 1) ^ -(value & 1);
  };
  const skipVarint = (): void => {
    while ((bytes[at++] ?? 0) >= 0x80);
  };
  for (let record = 0; record < count; record++) {
    const length = varint();
    const recordEnd = at + length;
    at++;
    skipVarint();
    skipVarint();
    const keyLength = varint();
    const key = bytes.toString("latin1", at, at + keyLength);
    at += keyLength;
    const valueLength = varint();
    set(key, bytes.subarray(at, at + valueLength));
    at = recordEnd;
  }
}
