import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { Connector } from "@ktables/client";
import { encodeBatch } from "@ktables/record-batch";
import { FrameAssembler } from "../../../packages/client/src/frames.ts";
import { serverApis } from "../../../packages/client/src/testing/apis.ts";
import { Cluster, type ClusterNode } from "../../../packages/client/src/testing/cluster.ts";
import { type BrokerState, dispatch } from "../../../packages/client/src/testing/dispatch.ts";
import { Interceptors } from "../../../packages/client/src/testing/interceptors.ts";
import { RequestLog } from "../../../packages/client/src/testing/request-log.ts";
import { type EmbeddedSasl, SaslServerSession } from "../../../packages/client/src/testing/sasl-server.ts";
import type { Delivery } from "./damage.ts";

export const partitions = 2;
export const recordsPerPartition = 6;

interface Wire {
  write(bytes: Uint8Array): void;
  end(): void;
}

/** An answer as it should be. */
export interface Answer {
  readonly api: string;
  readonly version: number;
  readonly frame: Uint8Array;
}

/** What becomes of an answer; called once for each, in order. */
export type Deliver = (answer: Answer) => Delivery;

/** Up to which version the peer offers an API that it can offer from `lowest` to `highest`; -1 for not at all. */
export type Offer = (api: string, lowest: number, highest: number) => number;

export const offerAll: Offer = (_api, _lowest, highest) => highest;

/** A broker that answers as the embedded broker does, and lets `deliver` damage what it answers. */
export class DamagingPeer {
  readonly cluster: Cluster;
  readonly node: ClusterNode = { id: 0, host: "127.0.0.1", port: 9092, rack: null, isUp: true };
  readonly #state: BrokerState;
  readonly #sasl: EmbeddedSasl | undefined;
  readonly #deliver: Deliver;
  /** Connections that nobody has ended. */
  open = 0;

  constructor(deliver: Deliver, offer: Offer, sasl: EmbeddedSasl | undefined) {
    this.cluster = new Cluster({
      nodes: [this.node],
      autoCreateTopics: false,
      defaultPartitions: 1,
      usesZooKeeper: false,
      rememberedBatches: 5,
    });
    const topic = this.cluster.createTopic({ name: "t", partitions });
    for (const partition of topic.partitions) {
      for (let offset = 0; offset < recordsPerPartition; offset += 3) {
        const records = [0, 1, 2].map((index) => ({
          key: Uint8Array.of(partition.index, offset + index),
          value: null,
          timestamp: 1,
        }));
        partition.append(encodeBatch({ records }));
      }
    }
    this.#deliver = deliver;
    this.#sasl = sasl;
    const offeredVersions = new Map<number, { min: number; max: number }>();
    for (const { key, name, minVersion, maxVersion } of Object.values(serverApis)) {
      const max = offer(name, minVersion, maxVersion);
      if (max >= minVersion) offeredVersions.set(key, { min: minVersion, max });
    }
    this.#state = {
      cluster: this.cluster,
      interceptors: new Interceptors(),
      requests: new RequestLog(),
      offeredVersions,
    };
  }

  /** Serves one connection; returns what takes its bytes and what ends it. */
  accept(wire: Wire): { receive(bytes: Uint8Array): void; end(): void } {
    this.open++;
    const closing = new AbortController();
    const waiting: Uint8Array[] = [];
    const sasl = this.#sasl && new SaslServerSession(this.#sasl);
    let isServing = false;
    const end = (): void => {
      if (closing.signal.aborted) return;
      this.open--;
      closing.abort();
      wire.end();
    };
    const serve = async (): Promise<void> => {
      isServing = true;
      for (let frame = waiting.shift(); frame !== undefined; frame = waiting.shift()) {
        const outcome = await this.#answer(frame, sasl, closing.signal);
        if (closing.signal.aborted) return;
        for (const chunk of outcome.chunks) wire.write(chunk);
        if (outcome.ending === "silence") return;
        if (outcome.ending === "close") {
          end();
          return;
        }
      }
      isServing = false;
    };
    const frames = new FrameAssembler(2 ** 24, (frame) => waiting.push(Uint8Array.from(frame)));
    return {
      receive: (bytes) => {
        frames.push(bytes);
        if (!isServing) void serve();
      },
      end,
    };
  }

  async #answer(frame: Uint8Array, sasl: SaslServerSession | undefined, signal: AbortSignal): Promise<Delivery> {
    const outcome = await dispatch(frame, this.node, this.#state, sasl, signal).catch(() => "close" as const);
    if (outcome === "close") return { chunks: [], ending: "close" };
    if (outcome === "hang") return { chunks: [], ending: "silence" };
    if (outcome === "no answer") return { chunks: [], ending: "go on" };
    const header = new DataView(frame.buffer, frame.byteOffset);
    const api = Object.values(serverApis).find(({ key }) => key === header.getInt16(0))?.name ?? "unknown";
    return this.#deliver({ api, version: header.getInt16(2), frame: outcome });
  }
}

/** Connects to the peer without sockets. */
export function connectorTo(peer: DamagingPeer): Connector {
  return async (_address, events) => {
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      connection.end();
      setImmediate(() => events.onClose(undefined));
    };
    const connection = peer.accept({
      write: (bytes) => setImmediate(() => isOpen && events.onData(bytes)),
      // After what was written before.
      end: () => setImmediate(close),
    });
    return {
      write: (bytes) => setImmediate(() => isOpen && connection.receive(bytes)),
      destroy: close,
    };
  };
}

/** Listens on a free port for the peer. */
export async function listenFor(peer: DamagingPeer): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const connection = peer.accept({ write: (bytes) => socket.write(bytes), end: () => socket.end() });
    socket.on("data", (chunk) => connection.receive(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      connection.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  peer.node.port = address.port;
  return {
    port: address.port,
    close: async () => {
      server.close();
      await once(server, "close");
    },
  };
}
