// Generated from protocol-specs/list-offsets.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { fieldNotInVersion, requireVersion } from "../../protocol/error.ts";
import type {
  ListOffsetsRequest,
  ListOffsetsRequestPartition,
  ListOffsetsRequestTopic,
  ListOffsetsResponse,
  ListOffsetsResponsePartition,
  ListOffsetsResponseTopic,
} from "../../protocol/generated/list-offsets.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readListOffsetsRequestPartition(reader: ProtocolReader, version: number): ListOffsetsRequestPartition {
  const flexible = version >= 6;
  const partitionIndex = reader.int32();
  const currentLeaderEpoch = version >= 4 ? reader.int32() : -1;
  const timestamp = reader.int64();
  if (flexible) reader.skipTaggedFields();
  return {
    partitionIndex,
    currentLeaderEpoch,
    timestamp,
  };
}

function readListOffsetsRequestTopic(reader: ProtocolReader, version: number): ListOffsetsRequestTopic {
  const flexible = version >= 6;
  const name = reader.string(flexible);
  const partitionsLength = reader.arrayLength(flexible, 12);
  const partitions: ListOffsetsRequestPartition[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(readListOffsetsRequestPartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    name,
    partitions,
  };
}

function readListOffsetsRequest(reader: ProtocolReader, version: number): ListOffsetsRequest {
  requireVersion("ListOffsetsRequest", version, 1, 6);
  const flexible = version >= 6;
  const replicaId = reader.int32();
  const isolationLevel = version >= 2 ? reader.int8() : 0;
  const topicsLength = reader.arrayLength(flexible, 3);
  const topics: ListOffsetsRequestTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readListOffsetsRequestTopic(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    replicaId,
    isolationLevel,
    topics,
  };
}

function writeListOffsetsResponsePartition(writer: ProtocolWriter, value: ListOffsetsResponsePartition, version: number): void {
  const flexible = version >= 6;
  writer.int32(value.partitionIndex);
  writer.int16(value.errorCode);
  writer.int64(value.timestamp);
  writer.int64(value.offset);
  if (version >= 4) {
    writer.int32(value.leaderEpoch);
  } else if (value.leaderEpoch !== -1) {
    throw fieldNotInVersion("ListOffsetsResponsePartition.leaderEpoch", version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeListOffsetsResponseTopic(writer: ProtocolWriter, value: ListOffsetsResponseTopic, version: number): void {
  const flexible = version >= 6;
  writer.string(value.name, flexible);
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writeListOffsetsResponsePartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeListOffsetsResponse(writer: ProtocolWriter, value: ListOffsetsResponse, version: number): void {
  requireVersion("ListOffsetsResponse", version, 1, 6);
  const flexible = version >= 6;
  if (version >= 2) {
    writer.int32(value.throttleTimeMs);
  }
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeListOffsetsResponseTopic(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const listOffsetsServer: ServerApi<ListOffsetsRequest, ListOffsetsResponse> = {
  key: 2,
  name: "ListOffsets",
  minVersion: 1,
  maxVersion: 6,
  flexibleFrom: 6,
  decodeRequest: readListOffsetsRequest,
  encodeResponse: writeListOffsetsResponse,
};
