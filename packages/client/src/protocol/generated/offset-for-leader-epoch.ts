// Generated from protocol-specs/offset-for-leader-epoch.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface OffsetForLeaderEpochRequest {
  /** -1 for a consumer. From version 3 on, otherwise -2. */
  readonly replicaId: number;
  readonly topics: readonly OffsetForLeaderEpochRequestTopic[];
}

export interface OffsetForLeaderEpochRequestTopic {
  readonly topic: string;
  readonly partitions: readonly OffsetForLeaderEpochRequestPartition[];
}

export interface OffsetForLeaderEpochRequestPartition {
  readonly partition: number;
  /** Lets the broker refuse a client with stale metadata; -1 switches the check off. */
  readonly currentLeaderEpoch: number;
  /** The epoch to be looked up. */
  readonly leaderEpoch: number;
}

export interface OffsetForLeaderEpochResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  readonly topics: readonly OffsetForLeaderEpochResponseTopic[];
}

export interface OffsetForLeaderEpochResponseTopic {
  readonly topic: string;
  readonly partitions: readonly OffsetForLeaderEpochResponsePartition[];
}

export interface OffsetForLeaderEpochResponsePartition {
  readonly errorCode: number;
  readonly partition: number;
  /** The largest epoch that is not above the one asked for; -1 if there is none. */
  readonly leaderEpoch: number;
  /** Where it ends; -1 if that is not known. */
  readonly endOffset: number;
}

function writeOffsetForLeaderEpochRequestPartition(writer: ProtocolWriter, value: OffsetForLeaderEpochRequestPartition, version: number): void {
  const flexible = version >= 4;
  writer.int32(value.partition);
  writer.int32(value.currentLeaderEpoch);
  writer.int32(value.leaderEpoch);
  if (flexible) writer.unsignedVarint(0);
}

function writeOffsetForLeaderEpochRequestTopic(writer: ProtocolWriter, value: OffsetForLeaderEpochRequestTopic, version: number): void {
  const flexible = version >= 4;
  writer.string(value.topic, flexible);
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writeOffsetForLeaderEpochRequestPartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeOffsetForLeaderEpochRequest(writer: ProtocolWriter, value: OffsetForLeaderEpochRequest, version: number): void {
  requireVersion("OffsetForLeaderEpochRequest", version, 2, 4);
  const flexible = version >= 4;
  if (version >= 3) {
    writer.int32(value.replicaId);
  }
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeOffsetForLeaderEpochRequestTopic(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function readOffsetForLeaderEpochResponsePartition(reader: ProtocolReader, version: number): OffsetForLeaderEpochResponsePartition {
  const flexible = version >= 4;
  const errorCode = reader.int16();
  const partition = reader.int32();
  const leaderEpoch = reader.int32();
  const endOffset = reader.int64();
  if (flexible) reader.skipTaggedFields();
  return {
    errorCode,
    partition,
    leaderEpoch,
    endOffset,
  };
}

function readOffsetForLeaderEpochResponseTopic(reader: ProtocolReader, version: number): OffsetForLeaderEpochResponseTopic {
  const flexible = version >= 4;
  const topic = reader.string(flexible);
  const partitionsLength = reader.arrayLength(flexible, 18);
  const partitions: OffsetForLeaderEpochResponsePartition[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(readOffsetForLeaderEpochResponsePartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    topic,
    partitions,
  };
}

function readOffsetForLeaderEpochResponse(reader: ProtocolReader, version: number): OffsetForLeaderEpochResponse {
  requireVersion("OffsetForLeaderEpochResponse", version, 2, 4);
  const flexible = version >= 4;
  const throttleTimeMs = reader.int32();
  const topicsLength = reader.arrayLength(flexible, 3);
  const topics: OffsetForLeaderEpochResponseTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readOffsetForLeaderEpochResponseTopic(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    topics,
  };
}

export const offsetForLeaderEpochApi: Api<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse> = {
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: [2, 3, 4],
  flexibleFrom: 4,
  encodeRequest: writeOffsetForLeaderEpochRequest,
  decodeResponse: readOffsetForLeaderEpochResponse,
};
