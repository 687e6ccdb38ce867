import { type FetchRequest, type FetchResponse, fetchApi } from "../../packages/client/src/protocol/generated/fetch.ts";
import { listOffsetsApi } from "../../packages/client/src/protocol/generated/list-offsets.ts";
import { type MetadataResponse, metadataApi } from "../../packages/client/src/protocol/generated/metadata.ts";
import {
  type ProduceRequest,
  type ProduceResponsePartition,
  produceApi,
} from "../../packages/client/src/protocol/generated/produce.ts";
import { type EncodeBatchOptions, encodeBatch, readBatches } from "../../packages/record-batch/src/index.ts";
import type { Wire } from "./embedded-broker-wire.ts";

export const zeroUuid = "AAAAAAAAAAAAAAAAAAAAAA";

const utf8 = new TextEncoder();
export const bytes = (text: string): Uint8Array => utf8.encode(text);

/** A record as a short literal. */
export function record(key: string | null, value: string | null, timestamp = Date.now()) {
  return { key: key === null ? null : bytes(key), value: value === null ? null : bytes(value), timestamp };
}

/** A batch of `count` records; without more it is not idempotent. */
export function batch(count = 1, options: Partial<EncodeBatchOptions> = {}): Uint8Array {
  return encodeBatch({ records: Array.from({ length: count }, (_, index) => record(`k${index}`, "v")), ...options });
}

export interface Place {
  readonly topic?: string;
  readonly topicId?: string;
  readonly partition?: number;
  readonly version?: number;
}

export interface ProducePlace extends Place {
  readonly acks?: number;
  readonly transactionalId?: string;
}

export function produceRequest(records: Uint8Array | null, place: ProducePlace = {}): ProduceRequest {
  const { topic = "t", topicId = zeroUuid, partition = 0, acks = -1, transactionalId = null } = place;
  return {
    transactionalId,
    acks,
    timeoutMs: 1000,
    topicData: [{ name: topic, topicId, partitionData: [{ index: partition, records }] }],
  };
}

/** Produces one batch to partition 0 of topic "t", version 12, unless told otherwise. */
export async function produce(
  wire: Wire,
  records: Uint8Array | null,
  place: ProducePlace = {},
): Promise<ProduceResponsePartition> {
  const response = await wire.call(produceApi, place.version ?? 12, produceRequest(records, place));
  const answer = response.responses[0]?.partitionResponses[0];
  if (answer === undefined) throw new Error("the answer names no partition");
  return answer;
}

export interface FetchPlace extends Place {
  readonly offset?: number;
  readonly epoch?: number;
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly partitionMaxBytes?: number;
  readonly partitions?: readonly number[];
  readonly isolation?: "read_committed" | "read_uncommitted";
}

export function fetchRequest(place: FetchPlace = {}): FetchRequest {
  const partitions = place.partitions ?? [place.partition ?? 0];
  return {
    replicaId: -1,
    maxWaitMs: place.maxWaitMs ?? 0,
    minBytes: place.minBytes ?? 1,
    maxBytes: place.maxBytes ?? 1_000_000,
    isolationLevel: place.isolation === "read_uncommitted" ? 0 : 1,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [
      {
        topic: place.topic ?? "t",
        topicId: place.topicId ?? zeroUuid,
        partitions: partitions.map((partition) => ({
          partition,
          currentLeaderEpoch: place.epoch ?? -1,
          fetchOffset: place.offset ?? 0,
          lastFetchedEpoch: -1,
          logStartOffset: -1,
          partitionMaxBytes: place.partitionMaxBytes ?? 1_000_000,
        })),
      },
    ],
    forgottenTopicsData: [],
    rackId: "",
  };
}

/** Fetches partition 0 of topic "t" from offset 0, version 12, read_committed, without waiting, unless told otherwise. */
export async function fetch(wire: Wire, place: FetchPlace = {}) {
  return onlyPartition(await wire.call(fetchApi, place.version ?? 12, fetchRequest(place)));
}

export function onlyPartition(response: FetchResponse) {
  const answer = response.responses[0]?.partitions[0];
  if (answer === undefined) throw new Error("the answer names no partition");
  return answer;
}

/** The records of whole batches, as "offset:key=value"; "-" for null. */
export function texts(records: Uint8Array | null): string[] {
  const list: string[] = [];
  const text = (part: Uint8Array | null): string => (part === null ? "-" : Buffer.from(part).toString());
  for (const one of readBatches(records ?? new Uint8Array(0))) {
    if (one.isControl) list.push(`${one.baseOffset}:${one.controlType() ?? "empty"}`);
    else one.visit((found) => list.push(`${found.offset}:${text(found.key())}=${text(found.value())}`));
  }
  return list;
}

/** "base-last" of every batch, and how many records it has. */
export function shapes(records: Uint8Array | null): string[] {
  return [...readBatches(records ?? new Uint8Array(0))].map(
    (one) => `${one.baseOffset}-${one.lastOffset}: ${one.recordCount}`,
  );
}

export async function listOffset(
  wire: Wire,
  timestamp: number,
  options: Place & { isolation?: number; epoch?: number } = {},
) {
  const response = await wire.call(listOffsetsApi, options.version ?? 6, {
    replicaId: -1,
    isolationLevel: options.isolation ?? 0,
    topics: [
      {
        name: options.topic ?? "t",
        partitions: [{ partitionIndex: options.partition ?? 0, currentLeaderEpoch: options.epoch ?? -1, timestamp }],
      },
    ],
  });
  const answer = response.topics[0]?.partitions[0];
  if (answer === undefined) throw new Error("the answer names no partition");
  return answer;
}

/** Null for all topics. */
export async function metadata(wire: Wire, names: readonly string[] | null, version = 13): Promise<MetadataResponse> {
  return wire.call(metadataApi, version, {
    topics: names === null ? null : names.map((name) => ({ name, topicId: zeroUuid })),
    allowAutoTopicCreation: true,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
}

/** Gives the event loop turns until the condition holds; the test's own timeout is the limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
