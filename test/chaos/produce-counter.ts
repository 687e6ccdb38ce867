import { connect } from "node:net";
import type { Connector } from "@ktables/client";
import { nextBatch } from "@ktables/record-batch";
import { readRequestHeader } from "../../packages/client/src/protocol/headers.ts";
import { ProtocolReader } from "../../packages/client/src/protocol/reader.ts";
import { produceServer } from "../../packages/client/src/testing/generated/produce.ts";

/** Connects over plain TCP and counts the batches that a producer sends, and those that it sends again. */
export class ProduceCounter {
  batches = 0;
  retriedBatches = 0;
  connections = 0;
  readonly #seen = new Set<string>();

  readonly connector: Connector = async ({ host, port }, events, signal) => {
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
    this.connections++;
    socket.on("data", (chunk: Uint8Array) => events.onData(chunk));
    socket.once("close", () => events.onClose(undefined));
    return {
      write: (frame) => {
        this.#look(frame);
        socket.write(frame);
      },
      destroy: () => void socket.destroy(),
    };
  };

  /** A retry has the same producer and sequence (KIP-98). */
  #look(frame: Uint8Array): void {
    const { key, flexibleFrom } = produceServer;
    if (new DataView(frame.buffer, frame.byteOffset).getInt16(4) !== key) return;
    const reader = new ProtocolReader(frame.subarray(4));
    const { apiVersion } = readRequestHeader(reader, (_, version) => version >= flexibleFrom);
    for (const { name, topicId, partitionData } of produceServer.decodeRequest(reader, apiVersion).topicData) {
      for (const { index, records } of partitionData) {
        const batch = records === null ? undefined : nextBatch(records, 0, { checkCrc: false });
        if (batch === undefined) continue;
        const id = `${name}${topicId}/${index}/${batch.producerId}/${batch.baseSequence}`;
        this.batches++;
        if (this.#seen.has(id)) this.retriedBatches++;
        this.#seen.add(id);
      }
    }
  }
}
