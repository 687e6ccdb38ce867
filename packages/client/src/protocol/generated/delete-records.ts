// Generated from protocol-specs/delete-records.spec: change that file and run protocol-specs/generate.ts.
import type { Api } from "../api.ts";
import { requireVersion } from "../error.ts";
import type { ProtocolReader } from "../reader.ts";
import type { ProtocolWriter } from "../writer.ts";

export interface DeleteRecordsRequest {
  readonly topics: readonly DeleteRecordsRequestTopic[];
  /** How long the leader may wait for the other replicas, in milliseconds. */
  readonly timeoutMs: number;
}

export interface DeleteRecordsRequestTopic {
  readonly name: string;
  readonly partitions: readonly DeleteRecordsRequestPartition[];
}

export interface DeleteRecordsRequestPartition {
  readonly partitionIndex: number;
  /** The first offset to keep; -1 for the high watermark. */
  readonly offset: number;
}

export interface DeleteRecordsResponse {
  /** How long the client should stay silent, in milliseconds. */
  readonly throttleTimeMs: number;
  readonly topics: readonly DeleteRecordsResponseTopic[];
}

export interface DeleteRecordsResponseTopic {
  readonly name: string;
  readonly partitions: readonly DeleteRecordsResponsePartition[];
}

export interface DeleteRecordsResponsePartition {
  readonly partitionIndex: number;
  /** The first offset of all replicas; -1 on an error. */
  readonly lowWatermark: number;
  readonly errorCode: number;
}

function writeDeleteRecordsRequestPartition(writer: ProtocolWriter, value: DeleteRecordsRequestPartition, version: number): void {
  const flexible = version >= 2;
  writer.int32(value.partitionIndex);
  writer.int64(value.offset);
  if (flexible) writer.unsignedVarint(0);
}

function writeDeleteRecordsRequestTopic(writer: ProtocolWriter, value: DeleteRecordsRequestTopic, version: number): void {
  const flexible = version >= 2;
  writer.string(value.name, flexible);
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writeDeleteRecordsRequestPartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeDeleteRecordsRequest(writer: ProtocolWriter, value: DeleteRecordsRequest, version: number): void {
  requireVersion("DeleteRecordsRequest", version, 0, 2);
  const flexible = version >= 2;
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeDeleteRecordsRequestTopic(writer, element, version);
  }
  writer.int32(value.timeoutMs);
  if (flexible) writer.unsignedVarint(0);
}

function readDeleteRecordsResponsePartition(reader: ProtocolReader, version: number): DeleteRecordsResponsePartition {
  const flexible = version >= 2;
  const partitionIndex = reader.int32();
  const lowWatermark = reader.int64();
  const errorCode = reader.int16();
  if (flexible) reader.skipTaggedFields();
  return {
    partitionIndex,
    lowWatermark,
    errorCode,
  };
}

function readDeleteRecordsResponseTopic(reader: ProtocolReader, version: number): DeleteRecordsResponseTopic {
  const flexible = version >= 2;
  const name = reader.string(flexible);
  const partitionsLength = reader.arrayLength(flexible, 14);
  const partitions: DeleteRecordsResponsePartition[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(readDeleteRecordsResponsePartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    partitions,
  };
}

function readDeleteRecordsResponse(reader: ProtocolReader, version: number): DeleteRecordsResponse {
  requireVersion("DeleteRecordsResponse", version, 0, 2);
  const flexible = version >= 2;
  const throttleTimeMs = reader.int32();
  const topicsLength = reader.arrayLength(flexible, 3);
  const topics: DeleteRecordsResponseTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readDeleteRecordsResponseTopic(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    throttleTimeMs,
    topics,
  };
}

export const deleteRecordsApi: Api<DeleteRecordsRequest, DeleteRecordsResponse> = {
  key: 21,
  name: "DeleteRecords",
  versions: [0, 1, 2],
  flexibleFrom: 2,
  encodeRequest: writeDeleteRecordsRequest,
  decodeResponse: readDeleteRecordsResponse,
};
