// Generated from protocol-specs/list-offsets.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { fieldNotInVersion, requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface ListOffsetsRequest {
  /** -1 for a consumer. */
  readonly replicaId: number;
  /** 0 gives the high watermark as the latest offset; 1 the last stable offset. From version 2 on, otherwise 0. */
  readonly isolationLevel: number;
  readonly topics: readonly ListOffsetsRequestTopic[];
}

export interface ListOffsetsRequestTopic {
  readonly name: string;
  readonly partitions: readonly ListOffsetsRequestPartition[];
}

export interface ListOffsetsRequestPartition {
  readonly partitionIndex: number;
  /**
   * Lets the broker refuse a client with stale metadata; -1 switches the check off. From version 4 on, otherwise
   * -1.
   */
  readonly currentLeaderEpoch: number;
  /** -1 asks for the latest offset, -2 for the earliest, a time in milliseconds for the first record not older. */
  readonly timestamp: number;
}

export interface ListOffsetsResponse {
  /** How long the client should stay silent, in milliseconds. From version 2 on, otherwise 0. */
  readonly throttleTimeMs: number;
  readonly topics: readonly ListOffsetsResponseTopic[];
}

export interface ListOffsetsResponseTopic {
  readonly name: string;
  readonly partitions: readonly ListOffsetsResponsePartition[];
}

export interface ListOffsetsResponsePartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
  /** The timestamp of the record found; -1 for the special timestamps. */
  readonly timestamp: number;
  /** -1 if there is no such record. */
  readonly offset: number;
  /** -1 if unknown. From version 4 on, otherwise -1. */
  readonly leaderEpoch: number;
}

function writeListOffsetsRequestPartition(writer: ProtocolWriter, value: ListOffsetsRequestPartition, version: number): void {
  const flexible = version >= 6;
  writer.int32(value.partitionIndex);
  if (version >= 4) {
    writer.int32(value.currentLeaderEpoch);
  }
  writer.int64(value.timestamp);
  if (flexible) writer.unsignedVarint(0);
}

function writeListOffsetsRequestTopic(writer: ProtocolWriter, value: ListOffsetsRequestTopic, version: number): void {
  const flexible = version >= 6;
  writer.string(value.name, flexible);
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writeListOffsetsRequestPartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeListOffsetsRequest(writer: ProtocolWriter, value: ListOffsetsRequest, version: number): void {
  requireVersion("ListOffsetsRequest", version, 1, 6);
  const flexible = version >= 6;
  writer.int32(value.replicaId);
  if (version >= 2) {
    writer.int8(value.isolationLevel);
  } else if (value.isolationLevel !== 0) {
    throw fieldNotInVersion("ListOffsetsRequest.isolationLevel", version);
  }
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeListOffsetsRequestTopic(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function readListOffsetsResponsePartition(reader: ProtocolReader, version: number): ListOffsetsResponsePartition {
  const flexible = version >= 6;
  const partitionIndex = reader.int32();
  const errorCode = reader.int16();
  const timestamp = reader.int64();
  const offset = reader.int64();
  const leaderEpoch = version >= 4 ? reader.int32() : -1;
  if (flexible) reader.skipTaggedFields();
  return {
    partitionIndex,
    errorCode,
    timestamp,
    offset,
    leaderEpoch,
  };
}

function readListOffsetsResponseTopic(reader: ProtocolReader, version: number): ListOffsetsResponseTopic {
  const flexible = version >= 6;
  const name = reader.string(flexible);
  const partitionsLength = reader.arrayLength(flexible, 22);
  const partitions: ListOffsetsResponsePartition[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(readListOffsetsResponsePartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    partitions,
  };
}

function readListOffsetsResponse(reader: ProtocolReader, version: number): ListOffsetsResponse {
  requireVersion("ListOffsetsResponse", version, 1, 6);
  const flexible = version >= 6;
  const throttleTimeMs = version >= 2 ? reader.int32() : 0;
  const topicsLength = reader.arrayLength(flexible, 3);
  const topics: ListOffsetsResponseTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readListOffsetsResponseTopic(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    topics,
  };
}

export const listOffsetsApi: Api<ListOffsetsRequest, ListOffsetsResponse> = {
  key: 2,
  name: "ListOffsets",
  versions: [2, 4, 5, 6],
  flexibleFrom: 6,
  encodeRequest: writeListOffsetsRequest,
  decodeResponse: readListOffsetsResponse,
};
