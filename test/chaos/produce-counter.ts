import type { Connector } from "@ktables/client";
import { nextBatch } from "@ktables/record-batch";
import { readRequestHeader } from "../../packages/client/src/protocol/headers.ts";
import { ProtocolReader } from "../../packages/client/src/protocol/reader.ts";
import { produceServer } from "../../packages/client/src/testing/generated/produce.ts";
import { connectPlain } from "../suites/plain-socket.ts";

/** Connects over plain TCP and counts the batches that a producer sends, and those that it sends again. */
export class ProduceCounter {
  batches = 0;
  retriedBatches = 0;
  connections = 0;
  readonly #seen = new Set<string>();

  readonly connector: Connector = async (address, events, signal) => {
    const socket = await connectPlain(address, events, signal);
    this.connections++;
    socket.on("data", (chunk: Uint8Array) => events.onData(chunk));
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
