import { ConnectionError, type KafkaClient, silentLogger } from "@ktables/client";
import { nextBatch } from "@ktables/record-batch";
import { initProducerIdApi } from "../../packages/client/src/protocol/generated/init-producer-id.ts";
import { type ProduceRequest, produceApi } from "../../packages/client/src/protocol/generated/produce.ts";

/** What happens to the oldest request in flight; what is not about the connection, to its first partition only. */
export type Fate =
  /** Treated as the rules say, and answered. */
  | "answer"
  /** Treated as the rules say, but the connection is cut before the answer. */
  | "lose answer"
  /** The connection is cut before the request is read. */
  | "lose request"
  /** Written, but answered with REQUEST_TIMED_OUT. */
  | "time out after writing"
  | "time out without writing"
  | "refuse for now"
  | "refuse for good"
  | "refuse as too large"
  /** OUT_OF_ORDER_SEQUENCE_NUMBER although nothing is wrong, as from a broker that has lost its state. */
  | "refuse the sequence"
  | "leave out of the answer"
  /** The other node becomes leader of the first partition. */
  | "move leader";

interface ProducerState {
  epoch: number;
  lastSequence: number;
  readonly latest: { first: number; last: number; offset: number }[];
}

interface Flight {
  readonly request: ProduceRequest;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Connection {
  isOpen: boolean;
  readonly flights: Flight[];
}

const sequences = 2 ** 31;

/**
 * Two partitions on two nodes, and the part of a client that a producer needs, without sockets: each request waits until
 * the test decides its fate. Its rules of idempotence are written from KIP-98, not taken from the embedded broker.
 */
export class ModelBroker {
  /** The key of each record, by partition and offset. */
  readonly logs: readonly [string[], string[]] = [[], []];
  /** By partition and producer id. */
  readonly #producers = new Map<string, ProducerState>();
  readonly #connections = new Map<number, Connection>();
  readonly #closing = new AbortController();
  readonly #pendingNodes: number[] = [];
  readonly #leaders = [0, 0];
  readonly #remembered: number;
  #producerIds = 0;

  /** How many batches of a producer and partition it remembers: 5, or 1 as Kafka 0.11 does. */
  constructor(remembered: 1 | 5 = 5) {
    this.#remembered = remembered;
  }

  get inFlight(): number {
    return this.#pendingNodes.length;
  }

  /** Decides the oldest request in flight; does nothing when there is none. */
  step(fate: Fate): void {
    if (fate === "move leader") {
      this.#leaders[0] = 1 - (this.#leaders[0] ?? 0);
      return;
    }
    const node = this.#pendingNodes.shift();
    const connection = node === undefined ? undefined : this.#connections.get(node);
    const flight = connection?.flights.shift();
    if (node === undefined || connection === undefined || flight === undefined) return;
    if (fate === "lose request") {
      this.#cut(node, connection, flight);
      return;
    }
    const answer = this.#treat(node, flight.request, fate);
    if (fate === "lose answer") this.#cut(node, connection, flight);
    else flight.resolve(answer);
  }

  /** Stands in for the client. Only what a producer calls is there. */
  get client(): KafkaClient {
    const topic = (): unknown => ({
      name: "t",
      topicId: "topic-id",
      partitions: this.#leaders.map((leader, partition) => ({ partition, leader, leaderEpoch: 0 })),
    });
    const client = {
      config: {
        retryBackoffMs: 10,
        maxRetryBackoffMs: 40,
        requestTimeoutMs: 1e6,
        metadataMaxAgeMs: 1e6,
        logger: silentLogger,
      },
      closing: this.#closing.signal,
      isClosed: false,
      knownTopic: topic,
      refreshTopic: async () => topic(),
      topicMetadata: async () => topic(),
      brokerConnection: async (node: number) => this.#connectionTo(node),
      anyConnection: async () => this.#connectionTo(0),
      retrying: async (_: string, call: { signal: AbortSignal }, operation: (attempt: unknown) => unknown) =>
        operation({ signal: call.signal, remainingMs: 1e6 }),
    };
    return client as unknown as KafkaClient;
  }

  #connectionTo(node: number): unknown {
    let connection = this.#connections.get(node);
    if (connection?.isOpen !== true) {
      connection = { isOpen: true, flights: [] };
      this.#connections.set(node, connection);
    }
    const { flights } = connection;
    return {
      broker: `node ${node}`,
      context: () => ({ api: "Produce", version: 12, broker: `node ${node}` }),
      versionFor: () => (this.#remembered === 1 ? 3 : 13),
      request: (api: unknown, request: ProduceRequest) => {
        if (api === initProducerIdApi) {
          return Promise.resolve({ errorCode: 0, producerId: this.#producerIds++, producerEpoch: 0 });
        }
        if (api !== produceApi) throw new Error("the producer asks for something else");
        this.#pendingNodes.push(node);
        return new Promise((resolve, reject) => flights.push({ request, resolve, reject }));
      },
    };
  }

  #cut(node: number, connection: Connection, flight: Flight): void {
    connection.isOpen = false;
    const lost = [flight, ...connection.flights.splice(0)];
    for (let index = 1; index < lost.length; index++) this.#pendingNodes.splice(this.#pendingNodes.indexOf(node), 1);
    for (const { reject } of lost) {
      reject(new ConnectionError("CONNECTION_CLOSED", `node ${node}`, "cut", { maybeSent: true }));
    }
  }

  #treat(node: number, request: ProduceRequest, fate: Fate): unknown {
    const partitions = request.topicData.flatMap(({ partitionData }) => partitionData);
    const partitionResponses = partitions.map(({ index, records }, position) => {
      if (records === null) throw new Error("a partition without records");
      const [errorCode, baseOffset] = this.#treatPartition(node, index, records, position === 0 ? fate : "answer");
      return {
        index,
        errorCode,
        baseOffset,
        logAppendTimeMs: -1,
        logStartOffset: 0,
        recordErrors: [],
        errorMessage: null,
      };
    });
    if (fate === "leave out of the answer") partitionResponses.shift();
    return { responses: [{ name: "t", topicId: "topic-id", partitionResponses }] };
  }

  #treatPartition(
    node: number,
    partition: number,
    bytes: Uint8Array,
    fate: Fate,
  ): [errorCode: number, baseOffset: number] {
    if (node !== this.#leaders[partition]) return [6, -1];
    if (fate === "refuse for now") return [19, -1];
    if (fate === "refuse for good") return [87, -1];
    if (fate === "refuse as too large") return [10, -1];
    if (fate === "time out without writing") return [7, -1];
    const [errorCode, offset] = this.#append(partition, bytes, fate === "refuse the sequence");
    return fate === "time out after writing" && errorCode === 0 ? [7, -1] : [errorCode, offset];
  }

  #append(partition: number, bytes: Uint8Array, refuseSequence: boolean): [errorCode: number, baseOffset: number] {
    const batch = nextBatch(bytes, 0);
    if (batch?.sizeInBytes !== bytes.length) throw new Error("not one whole batch");
    const first = batch.baseSequence;
    const last = (first + batch.recordCount - 1) % sequences;
    const id = `${partition} ${batch.producerId}`;
    const state = this.#producers.get(id);
    const repeated = state?.latest.find((known) => known.first === first && known.last === last);
    if (repeated !== undefined) return [0, repeated.offset];
    if (refuseSequence) return [45, -1];
    if (state !== undefined && first !== (state.lastSequence + 1) % sequences) return [45, -1];
    const log = this.logs[partition];
    if (log === undefined) throw new Error(`there is no partition ${partition}`);
    const offset = log.length;
    const decoder = new TextDecoder();
    batch.visit((record) => log.push(decoder.decode(record.key() ?? undefined)));
    const updated = state ?? { epoch: batch.producerEpoch, lastSequence: last, latest: [] };
    updated.lastSequence = last;
    updated.latest.push({ first, last, offset });
    if (updated.latest.length > this.#remembered) updated.latest.shift();
    this.#producers.set(id, updated);
    return [0, offset];
  }
}
