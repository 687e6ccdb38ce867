// Generated from protocol-specs/delete-records.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  DeleteRecordsRequest,
  DeleteRecordsRequestPartition,
  DeleteRecordsRequestTopic,
  DeleteRecordsResponse,
  DeleteRecordsResponsePartition,
  DeleteRecordsResponseTopic,
} from "../../protocol/generated/delete-records.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readDeleteRecordsRequestPartition(reader: ProtocolReader, version: number): DeleteRecordsRequestPartition {
  const flexible = version >= 2;
  const partitionIndex = reader.int32();
  const offset = reader.int64();
  if (flexible) reader.skipTaggedFields();
  return {
    partitionIndex,
    offset,
  };
}

function readDeleteRecordsRequestTopic(reader: ProtocolReader, version: number): DeleteRecordsRequestTopic {
  const flexible = version >= 2;
  const name = reader.string(flexible);
  const partitionsLength = reader.arrayLength(flexible, 12);
  const partitions: DeleteRecordsRequestPartition[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(readDeleteRecordsRequestPartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    partitions,
  };
}

function readDeleteRecordsRequest(reader: ProtocolReader, version: number): DeleteRecordsRequest {
  requireVersion("DeleteRecordsRequest", version, 0, 2);
  const flexible = version >= 2;
  const topicsLength = reader.arrayLength(flexible, 3);
  const topics: DeleteRecordsRequestTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readDeleteRecordsRequestTopic(reader, version));
  }
  const timeoutMs = reader.int32();
  if (flexible) reader.skipTaggedFields();
  return {
    topics,
    timeoutMs,
  };
}

function writeDeleteRecordsResponsePartition(writer: ProtocolWriter, value: DeleteRecordsResponsePartition, version: number): void {
  const flexible = version >= 2;
  writer.int32(value.partitionIndex);
  writer.int64(value.lowWatermark);
  writer.int16(value.errorCode);
  if (flexible) writer.unsignedVarint(0);
}

function writeDeleteRecordsResponseTopic(writer: ProtocolWriter, value: DeleteRecordsResponseTopic, version: number): void {
  const flexible = version >= 2;
  writer.string(value.name, flexible);
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writeDeleteRecordsResponsePartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeDeleteRecordsResponse(writer: ProtocolWriter, value: DeleteRecordsResponse, version: number): void {
  requireVersion("DeleteRecordsResponse", version, 0, 2);
  const flexible = version >= 2;
  writer.int32(value.throttleTimeMs);
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeDeleteRecordsResponseTopic(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const deleteRecordsServer: ServerApi<DeleteRecordsRequest, DeleteRecordsResponse> = {
  key: 21,
  name: "DeleteRecords",
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  decodeRequest: readDeleteRecordsRequest,
  encodeResponse: writeDeleteRecordsResponse,
};
