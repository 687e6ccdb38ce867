// Generated from protocol-specs/offset-for-leader-epoch.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { requireVersion } from "../../protocol/error.ts";
import type {
  OffsetForLeaderEpochRequest,
  OffsetForLeaderEpochRequestPartition,
  OffsetForLeaderEpochRequestTopic,
  OffsetForLeaderEpochResponse,
  OffsetForLeaderEpochResponsePartition,
  OffsetForLeaderEpochResponseTopic,
} from "../../protocol/generated/offset-for-leader-epoch.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readOffsetForLeaderEpochRequestPartition(reader: ProtocolReader, version: number): OffsetForLeaderEpochRequestPartition {
  const flexible = version >= 4;
  const partition = reader.int32();
  const currentLeaderEpoch = reader.int32();
  const leaderEpoch = reader.int32();
  if (flexible) reader.skipTaggedFields();
  return {
    partition,
    currentLeaderEpoch,
    leaderEpoch,
  };
}

function readOffsetForLeaderEpochRequestTopic(reader: ProtocolReader, version: number): OffsetForLeaderEpochRequestTopic {
  const flexible = version >= 4;
  const topic = reader.string(flexible);
  const partitionsLength = reader.arrayLength(flexible, 12);
  const partitions: OffsetForLeaderEpochRequestPartition[] = [];
  for (let left = partitionsLength; left > 0; left--) {
    partitions.push(readOffsetForLeaderEpochRequestPartition(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    topic,
    partitions,
  };
}

function readOffsetForLeaderEpochRequest(reader: ProtocolReader, version: number): OffsetForLeaderEpochRequest {
  requireVersion("OffsetForLeaderEpochRequest", version, 2, 4);
  const flexible = version >= 4;
  const replicaId = version >= 3 ? reader.int32() : -2;
  const topicsLength = reader.arrayLength(flexible, 3);
  const topics: OffsetForLeaderEpochRequestTopic[] = [];
  for (let left = topicsLength; left > 0; left--) {
    topics.push(readOffsetForLeaderEpochRequestTopic(reader, version));
  }
  if (flexible) reader.skipTaggedFields();
  return {
    replicaId,
    topics,
  };
}

function writeOffsetForLeaderEpochResponsePartition(writer: ProtocolWriter, value: OffsetForLeaderEpochResponsePartition, version: number): void {
  const flexible = version >= 4;
  writer.int16(value.errorCode);
  writer.int32(value.partition);
  writer.int32(value.leaderEpoch);
  writer.int64(value.endOffset);
  if (flexible) writer.unsignedVarint(0);
}

function writeOffsetForLeaderEpochResponseTopic(writer: ProtocolWriter, value: OffsetForLeaderEpochResponseTopic, version: number): void {
  const flexible = version >= 4;
  writer.string(value.topic, flexible);
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writeOffsetForLeaderEpochResponsePartition(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeOffsetForLeaderEpochResponse(writer: ProtocolWriter, value: OffsetForLeaderEpochResponse, version: number): void {
  requireVersion("OffsetForLeaderEpochResponse", version, 2, 4);
  const flexible = version >= 4;
  writer.int32(value.throttleTimeMs);
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeOffsetForLeaderEpochResponseTopic(writer, element, version);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const offsetForLeaderEpochServer: ServerApi<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse> = {
  key: 23,
  name: "OffsetForLeaderEpoch",
  minVersion: 2,
  maxVersion: 4,
  flexibleFrom: 4,
  decodeRequest: readOffsetForLeaderEpochRequest,
  encodeResponse: writeOffsetForLeaderEpochResponse,
};
