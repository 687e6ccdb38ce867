import type { Connector } from "@ktables/client";
import type { ApiName, EmbeddedBroker, InterceptContext, RequestOf, ResponseOf } from "@ktables/client/testing";
import fc from "fast-check";
import { connectPlain } from "../suites/plain-socket.ts";

export const nodes = 3;
export const partitions = 3;

/** One step of a history: something is written, or something goes wrong. */
export type Step =
  | { readonly kind: "write"; readonly key: number; readonly isDelete: boolean; readonly copies: number }
  | { readonly kind: "settle" }
  | { readonly kind: "pause"; readonly ms: number }
  | { readonly kind: "restart table"; readonly table: number }
  | { readonly kind: "move leader"; readonly partition: number; readonly node: number }
  | { readonly kind: "stop node"; readonly node: number }
  | { readonly kind: "start node"; readonly node: number }
  | { readonly kind: "cut after bytes"; readonly bytes: number }
  | { readonly kind: "cut"; readonly api: ApiName; readonly isHandled: boolean; readonly times: number }
  | { readonly kind: "delay"; readonly api: ApiName; readonly ms: number; readonly times: number }
  | { readonly kind: "throttle"; readonly api: ThrottledApi; readonly ms: number }
  | { readonly kind: "error"; readonly api: FailingApi; readonly errorCode: number; readonly times: number };

type FailingApi = "Produce" | "Fetch" | "ListOffsets" | "Metadata" | "InitProducerId";
type ThrottledApi = "Produce" | "Fetch" | "Metadata";

/** Error codes that a broker gives for a while, though it is in order; other codes are final, and tested elsewhere. */
const passingErrors: Readonly<Record<FailingApi, readonly number[]>> = {
  Produce: [-1, 3, 6, 7, 13, 19, 20, 45, 47, 56, 59, 100],
  Fetch: [-1, 3, 6, 9, 13, 56, 74, 75, 78, 100],
  ListOffsets: [3, 5, 6, 7, 13, 74, 75, 78],
  Metadata: [5, 13],
  InitProducerId: [7, 13, 14, 15],
};
/** With these the broker has written all the same, or does not know. */
const writtenAllTheSame: ReadonlySet<number> = new Set([-1, 7, 20]);
/** These take a producer's identity away, so that it cannot find out any more what became of a record. */
export const identityErrors: ReadonlySet<number> = new Set([45, 47, 59]);

const apis: readonly ApiName[] = ["Produce", "Fetch", "ListOffsets", "Metadata", "InitProducerId", "ApiVersions"];
const times = fc.integer({ min: 1, max: 3 });
const node = fc.nat(nodes - 1);

const write = fc.record({
  kind: fc.constant("write" as const),
  key: fc.nat(9),
  isDelete: fc.boolean(),
  copies: fc.integer({ min: 1, max: 20 }),
});

const fault: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("settle" as const) }),
  fc.record({ kind: fc.constant("pause" as const), ms: fc.nat(20) }),
  fc.record({ kind: fc.constant("restart table" as const), table: fc.nat(1) }),
  fc.record({ kind: fc.constant("move leader" as const), partition: fc.nat(partitions - 1), node }),
  fc.record({ kind: fc.constant("stop node" as const), node }),
  fc.record({ kind: fc.constant("start node" as const), node }),
  fc.record({ kind: fc.constant("cut after bytes" as const), bytes: fc.nat(400) }),
  fc.record({ kind: fc.constant("cut" as const), api: fc.constantFrom(...apis), isHandled: fc.boolean(), times }),
  fc.record({ kind: fc.constant("delay" as const), api: fc.constantFrom(...apis), ms: fc.nat(20), times }),
  fc.record({
    kind: fc.constant("throttle" as const),
    api: fc.constantFrom("Produce" as const, "Fetch" as const, "Metadata" as const),
    ms: fc.nat(30),
  }),
  ...(Object.keys(passingErrors) as FailingApi[]).map((api) =>
    fc.record({
      kind: fc.constant("error" as const),
      api: fc.constant(api),
      errorCode: fc.constantFrom(...passingErrors[api]),
      times,
    }),
  ),
);

export const histories: fc.Arbitrary<Step[]> = fc.array(fc.oneof({ weight: 2, arbitrary: write }, fault), {
  minLength: 5,
  maxLength: 40,
});

/** Connects over plain TCP; a connection can be cut in the middle of what it receives. */
export class Cutter {
  #bytesLeft: number | undefined;

  /** Cuts the connection that receives the byte after so many, counted over all connections. */
  cutAfter(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  heal(): void {
    this.#bytesLeft = undefined;
  }

  readonly connector: Connector = async (address, events, signal) => {
    const socket = await connectPlain(address, events, signal);
    socket.on("data", (chunk: Uint8Array) => {
      const passed = chunk.subarray(0, this.#bytesLeft);
      if (passed.length > 0) events.onData(passed);
      if (this.#bytesLeft === undefined) return;
      this.#bytesLeft -= passed.length;
      if (passed.length === chunk.length) return;
      this.#bytesLeft = undefined;
      socket.destroy();
    });
    return { write: (bytes) => void socket.write(bytes), destroy: () => void socket.destroy() };
  };
}

/** What faults happen to. */
export interface Victim {
  readonly broker: EmbeddedBroker;
  readonly cutter: Cutter;
  /** The nodes that are up. */
  readonly running: Set<number>;
}

/** Does what the step says; the faults of requests wait for the next ones. Returns how to undo those. */
export async function applyFault({ broker, cutter, running }: Victim, step: Step): Promise<() => void> {
  switch (step.kind) {
    case "move leader":
      if (running.has(step.node)) broker.moveLeader("t", step.partition, step.node);
      break;
    case "stop node":
      // One node stays, so that writing and reading can go on.
      if (running.size > 1 && running.delete(step.node)) await broker.stopNode(step.node);
      break;
    case "start node":
      running.add(step.node);
      await broker.startNode(step.node);
      break;
    case "cut after bytes":
      cutter.cutAfter(step.bytes);
      break;
    case "cut":
      return broker.intercept(
        step.api,
        async (_: unknown, context: InterceptContext<unknown>) => {
          if (step.isHandled) await context.handle();
          return "close";
        },
        { times: step.times },
      );
    case "delay":
      return broker.intercept(step.api, () => ({ delayMs: step.ms }), { times: step.times });
    case "throttle":
      return throttle(broker, step.api, step.ms);
    case "error":
      return answerWithError(broker, step.api, step.errorCode, step.times);
    default:
      break;
  }
  return () => undefined;
}

function throttle(broker: EmbeddedBroker, api: ThrottledApi, throttleTimeMs: number): () => void {
  const answer = async <Response extends object>(_: unknown, context: InterceptContext<Response>) => {
    const response = await context.handle();
    return response === undefined ? "close" : { ...response, throttleTimeMs };
  };
  switch (api) {
    case "Produce":
      return broker.intercept("Produce", answer<ResponseOf<"Produce">>, { times: 1 });
    case "Fetch":
      return broker.intercept("Fetch", answer<ResponseOf<"Fetch">>, { times: 1 });
    default:
      return broker.intercept("Metadata", answer<ResponseOf<"Metadata">>, { times: 1 });
  }
}

function answerWithError(broker: EmbeddedBroker, api: FailingApi, errorCode: number, times: number): () => void {
  const options = { times };
  switch (api) {
    case "Produce":
      return broker.intercept(
        "Produce",
        async (request, context) => {
          if (writtenAllTheSame.has(errorCode)) await context.handle();
          return produceRefusal(request, errorCode);
        },
        options,
      );
    case "Fetch":
      return broker.intercept("Fetch", (request) => fetchRefusal(request, errorCode), options);
    case "ListOffsets":
      return broker.intercept("ListOffsets", (request) => listOffsetsRefusal(request, errorCode), options);
    case "Metadata":
      return broker.intercept(
        "Metadata",
        async (_, context) => {
          const response = await context.handle();
          if (response === undefined) return "close";
          return { ...response, topics: response.topics.map((topic) => ({ ...topic, errorCode, partitions: [] })) };
        },
        options,
      );
    default:
      return broker.intercept(
        "InitProducerId",
        () => ({ throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 }),
        options,
      );
  }
}

function produceRefusal({ topicData }: RequestOf<"Produce">, errorCode: number): ResponseOf<"Produce"> {
  return {
    throttleTimeMs: 0,
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        index,
        errorCode,
        baseOffset: -1,
        logAppendTimeMs: -1,
        logStartOffset: -1,
        recordErrors: [],
        errorMessage: null,
      })),
    })),
  };
}

function fetchRefusal({ topics }: RequestOf<"Fetch">, errorCode: number): ResponseOf<"Fetch"> {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    sessionId: 0,
    responses: topics.map(({ topic, topicId, partitions: asked }) => ({
      topic,
      topicId,
      partitions: asked.map(({ partition }) => ({
        partitionIndex: partition,
        errorCode,
        highWatermark: -1,
        lastStableOffset: -1,
        logStartOffset: -1,
        abortedTransactions: null,
        preferredReadReplica: -1,
        records: null,
      })),
    })),
  };
}

function listOffsetsRefusal({ topics }: RequestOf<"ListOffsets">, errorCode: number): ResponseOf<"ListOffsets"> {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions: asked }) => ({
      name,
      partitions: asked.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode,
        timestamp: -1,
        offset: -1,
        leaderEpoch: -1,
      })),
    })),
  };
}
