// Generated from protocol-specs/metadata.spec: change that file and run protocol-specs/generate.ts.
import type { ServerApi } from "../../protocol/api.ts";
import { fieldNotInVersion, requireNonNull, requireVersion } from "../../protocol/error.ts";
import type {
  MetadataRequest,
  MetadataRequestTopic,
  MetadataResponse,
  MetadataResponseBroker,
  MetadataResponsePartition,
  MetadataResponseTopic,
} from "../../protocol/generated/metadata.ts";
import type { ProtocolReader } from "../../protocol/reader.ts";
import type { ProtocolWriter } from "../../protocol/writer.ts";

function readMetadataRequestTopic(reader: ProtocolReader, version: number): MetadataRequestTopic {
  const flexible = version >= 9;
  const topicId = version >= 10 ? reader.uuid() : "AAAAAAAAAAAAAAAAAAAAAA";
  const name = (version >= 10 ? reader.nullableString(flexible) : reader.string(flexible));
  if (flexible) reader.skipTaggedFields();
  return {
    topicId,
    name,
  };
}

function readMetadataRequest(reader: ProtocolReader, version: number): MetadataRequest {
  requireVersion("MetadataRequest", version, 2, 13);
  const flexible = version >= 9;
  const topicsLength = reader.nullableArrayLength(flexible, 2);
  const topics: MetadataRequestTopic[] | null = topicsLength < 0 ? null : [];
  for (let left = topicsLength; left > 0; left--) {
    topics?.push(readMetadataRequestTopic(reader, version));
  }
  const allowAutoTopicCreation = version >= 4 ? reader.boolean() : true;
  const includeClusterAuthorizedOperations = version >= 8 && version <= 10 ? reader.boolean() : false;
  const includeTopicAuthorizedOperations = version >= 8 ? reader.boolean() : false;
  if (flexible) reader.skipTaggedFields();
  return {
    topics,
    allowAutoTopicCreation,
    includeClusterAuthorizedOperations,
    includeTopicAuthorizedOperations,
  };
}

function writeMetadataResponseBroker(writer: ProtocolWriter, value: MetadataResponseBroker, version: number): void {
  const flexible = version >= 9;
  writer.int32(value.nodeId);
  writer.string(value.host, flexible);
  writer.int32(value.port);
  writer.nullableString(value.rack, flexible);
  if (flexible) writer.unsignedVarint(0);
}

function writeMetadataResponsePartition(writer: ProtocolWriter, value: MetadataResponsePartition, version: number): void {
  const flexible = version >= 9;
  writer.int16(value.errorCode);
  writer.int32(value.partitionIndex);
  writer.int32(value.leaderId);
  if (version >= 7) {
    writer.int32(value.leaderEpoch);
  }
  writer.arrayLength(value.replicaNodes.length, flexible);
  for (const element of value.replicaNodes) {
    writer.int32(element);
  }
  writer.arrayLength(value.isrNodes.length, flexible);
  for (const element of value.isrNodes) {
    writer.int32(element);
  }
  if (version >= 5) {
    writer.arrayLength(value.offlineReplicas.length, flexible);
    for (const element of value.offlineReplicas) {
      writer.int32(element);
    }
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeMetadataResponseTopic(writer: ProtocolWriter, value: MetadataResponseTopic, version: number): void {
  const flexible = version >= 9;
  writer.int16(value.errorCode);
  if (version >= 12) writer.nullableString(value.name, flexible);
  else writer.string(requireNonNull(value.name, "MetadataResponseTopic.name", version), flexible);
  if (version >= 10) {
    writer.uuid(value.topicId);
  }
  writer.boolean(value.isInternal);
  writer.arrayLength(value.partitions.length, flexible);
  for (const element of value.partitions) {
    writeMetadataResponsePartition(writer, element, version);
  }
  if (version >= 8) {
    writer.int32(value.topicAuthorizedOperations);
  } else if (value.topicAuthorizedOperations !== -2147483648) {
    throw fieldNotInVersion("MetadataResponseTopic.topicAuthorizedOperations", version);
  }
  if (flexible) writer.unsignedVarint(0);
}

function writeMetadataResponse(writer: ProtocolWriter, value: MetadataResponse, version: number): void {
  requireVersion("MetadataResponse", version, 2, 13);
  const flexible = version >= 9;
  if (version >= 3) {
    writer.int32(value.throttleTimeMs);
  }
  writer.arrayLength(value.brokers.length, flexible);
  for (const element of value.brokers) {
    writeMetadataResponseBroker(writer, element, version);
  }
  writer.nullableString(value.clusterId, flexible);
  writer.int32(value.controllerId);
  writer.arrayLength(value.topics.length, flexible);
  for (const element of value.topics) {
    writeMetadataResponseTopic(writer, element, version);
  }
  if (version >= 8 && version <= 10) {
    writer.int32(value.clusterAuthorizedOperations);
  } else if (value.clusterAuthorizedOperations !== -2147483648) {
    throw fieldNotInVersion("MetadataResponse.clusterAuthorizedOperations", version);
  }
  if (version >= 13) {
    writer.int16(value.errorCode);
  }
  if (flexible) writer.unsignedVarint(0);
}

export const metadataServer: ServerApi<MetadataRequest, MetadataResponse> = {
  key: 3,
  name: "Metadata",
  minVersion: 2,
  maxVersion: 13,
  flexibleFrom: 9,
  decodeRequest: readMetadataRequest,
  encodeResponse: writeMetadataResponse,
};
